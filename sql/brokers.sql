-- Brokers: which librdkafka properties may be set, by whom and where; who may
-- connect.  Nothing here reaches a broker.
\set VERBOSITY terse
CREATE ROLE regress_ks_user;
CREATE ROLE regress_ks_files;
CREATE ROLE regress_ks_other;
GRANT pg_read_server_files TO regress_ks_files;
GRANT USAGE ON FOREIGN DATA WRAPPER kafka_stream TO regress_ks_user, regress_ks_files;
-- so that what is refused below is refused by the properties, not by EXECUTE
GRANT EXECUTE ON FUNCTION kafka_stream.topics(text, name), kafka_stream.peek(text, int, text, name, text),
    kafka_stream.infer_columns(text, int, text, name),
    kafka_stream.produce(text, text, text, jsonb, text, name, int, timestamptz)
    TO regress_ks_user, regress_ks_files;

-- what an error says in full
\set VERBOSITY default
CREATE SERVER s FOREIGN DATA WRAPPER kafka_stream OPTIONS ("bootstrap.servers" 'h:1', "group.id" 'g');
CREATE SERVER s FOREIGN DATA WRAPPER kafka_stream OPTIONS ("bootstrap.servers" 'h:1', nonsense 'x');
CREATE SERVER s FOREIGN DATA WRAPPER kafka_stream OPTIONS ("bootstrap.servers" 'h:1', "sasl.password" 'x');
CREATE SERVER s FOREIGN DATA WRAPPER kafka_stream;
SELECT * FROM kafka_stream.topics();
SELECT * FROM kafka_stream.topics(server => 'No where');
SELECT kafka_stream.produce('t', 'v', brokers => 'h:1', headers => '{"a": 1}');
\set VERBOSITY terse

-- the wrapper and what it is not
ALTER FOREIGN DATA WRAPPER kafka_stream OPTIONS (ADD "bootstrap.servers" 'localhost:9092');
CREATE SERVER s FOREIGN DATA WRAPPER kafka_stream OPTIONS ("bootstrap.servers" 'localhost:9092');
CREATE FOREIGN TABLE t (a int) SERVER s;
IMPORT FOREIGN SCHEMA x FROM SERVER s INTO public;
DROP SERVER s;

-- brokers
CREATE FUNCTION try_server(options text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE 'CREATE SERVER try FOREIGN DATA WRAPPER kafka_stream OPTIONS (' || options || ')';
    EXECUTE 'DROP SERVER try';
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
CREATE FUNCTION try_brokers(brokers text) RETURNS text LANGUAGE sql AS $$
    SELECT try_server(format('"bootstrap.servers" %L', brokers))
$$;
SELECT left(b, 40) AS brokers, left(try_brokers(b), 80) FROM unnest(ARRAY[
    'host', 'host:9092', 'a:1, b:2 ,c', '10.0.0.1:65535', '[::1]:9092', '[::1]', 'a_b.c-d:9',
    '', ',', 'a,,b', 'a:', 'a:0', 'a:65536', 'a:9x', 'a b', '::1:9092', '[::1', 'ssl://a:9092',
    'a:9092/x', 'user@a', repeat('h', 254), repeat('host:9092,', 1000) || 'host']) AS b;

-- properties
CREATE FUNCTION try_property(name text, value text DEFAULT 'x') RETURNS text LANGUAGE sql AS $$
    SELECT try_server(format('"bootstrap.servers" ''h:1'', %I %L', name, value))
$$;
SELECT try_server('"client.id" ''x''');

-- an unprivileged role: safe ones
SET ROLE regress_ks_user;
SELECT p.name, p.value, try_property(p.name, p.value) FROM (VALUES
    ('client.id', 'x'), ('security.protocol', 'ssl'), ('ssl.ca.pem', 'x'),
    ('socket.timeout.ms', '1000'), ('fetch.max.bytes', '1048576'), ('compression.type', 'lz4'),
    ('sasl.mechanisms', 'scram-sha-512'), ('sasl.mechanism', 'PLAIN')) AS p(name, value);

-- each that runs code or commands, reads files or fetches URLs
SELECT name, try_property(name) FROM unnest(ARRAY[
    'plugin.library.paths', 'sasl.kerberos.kinit.cmd', 'sasl.kerberos.principal',
    'sasl.kerberos.keytab', 'sasl.kerberos.service.name', 'sasl.kerberos.min.time.before.relogin',
    'ssl.engine.location', 'ssl.engine.id', 'ssl.providers', 'sasl.oauthbearer.method',
    'sasl.oauthbearer.token.endpoint.url', 'sasl.oauthbearer.scope', 'sasl.oauthbearer.extensions',
    'debug', 'ssl.ca.location', 'ssl.crl.location', 'ssl.certificate.location',
    'ssl.key.location', 'ssl.keystore.location', 'https.ca.location']) AS name;

-- Kerberos runs kinit, also when it is only the default
SELECT try_property('sasl.mechanisms', 'GSSAPI');
SELECT try_property('sasl.mechanism', 'gssapi');
SELECT try_property('sasl.mechanisms', 'PLAIN,GSSAPI');
SELECT try_property('security.protocol', 'SASL_SSL');
SELECT try_property('security.protocol', 'sasl_plaintext');
SELECT try_property('security.protocol', ' sasl_plaintext');
SELECT try_server('"bootstrap.servers" ''h:1'', "security.protocol" ''sasl_ssl'', "sasl.mechanisms" ''PLAIN''');
SELECT try_server('"bootstrap.servers" ''h:1'', "sasl.mechanism" ''PLAIN'', "sasl.mechanisms" ''GSSAPI''');

-- what exactly-once depends on
SELECT name, try_property(name) FROM unnest(ARRAY[
    'group.id', 'enable.auto.commit', 'enable.auto.offset.store', 'auto.offset.reset',
    'isolation.level', 'enable.partition.eof', 'check.crcs', 'allow.auto.create.topics',
    'enable.idempotence', 'acks', 'request.required.acks', 'transactional.id',
    'statistics.interval.ms', 'log.queue', 'enabled_events']) AS name;

-- what is not known, or under another name: callbacks, mock clusters, future ones
SELECT name, try_property(name) FROM unnest(ARRAY[
    'metadata.broker.list', 'Plugin.Library.Paths', 'plugin.library.paths ', 'error_cb', 'opaque',
    'interceptors', 'default_topic_conf', 'ssl_engine_callback_data', 'ssl_key', 'socket_cb',
    'test.mock.num.brokers', 'offset.store.path', 'sasl.jaas.config', 'ssl.truststore.location',
    'sasl.oauthbearer.assertion.private.key.file', 'builtin.features', 'nonsense']) AS name;

-- sizes have a limit
SELECT p.name, p.value, try_property(p.name, p.value) FROM (VALUES
    ('queued.max.messages.kbytes', '2097151'), ('queued.max.messages.kbytes', '2097152'),
    ('fetch.max.bytes', '2147483647'), ('receive.message.max.bytes', '1000000000'),
    ('fetch.message.max.bytes', '-2'), ('queue.buffering.max.kbytes', '99999999999999999999'),
    ('message.max.bytes', '1e3'), ('batch.size', ''), ('socket.timeout.ms', '10 s'),
    ('fetch.wait.max.ms', '1001')) AS p(name, value);
SELECT try_property('ssl.ca.pem', repeat('x', 65537));

-- secrets do not belong to a server
SELECT name, try_property(name, 'hush') FROM unnest(ARRAY[
    'sasl.username', 'sasl.password', 'ssl.key.password', 'ssl.key.pem', 'ssl.keystore.password',
    'sasl.oauthbearer.config', 'sasl.oauthbearer.client.id', 'sasl.oauthbearer.client.secret']) AS name;

-- a role that may read files, and a superuser
RESET ROLE;
SET ROLE regress_ks_files;
SELECT name, try_property(name) FROM unnest(ARRAY[
    'ssl.ca.location', 'ssl.key.location', 'ssl.engine.location', 'plugin.library.paths']) AS name;
RESET ROLE;
SELECT name, try_property(name) FROM unnest(ARRAY[
    'ssl.ca.location', 'ssl.engine.location', 'plugin.library.paths', 'sasl.kerberos.kinit.cmd',
    'group.id', 'nonsense', 'sasl.password']) AS name;
SELECT try_property('sasl.mechanisms', 'GSSAPI');
SELECT try_property('sasl.mechanisms', 'NONSENSE');

-- ALTER SERVER is checked as CREATE SERVER
SET ROLE regress_ks_user;
CREATE SERVER mine FOREIGN DATA WRAPPER kafka_stream OPTIONS ("bootstrap.servers" 'h:1');
ALTER SERVER mine OPTIONS (ADD "ssl.ca.location" '/etc/passwd');
ALTER SERVER mine OPTIONS (ADD "sasl.password" 'hush');
ALTER SERVER mine OPTIONS (SET "bootstrap.servers" 'h:x');
ALTER SERVER mine OPTIONS (DROP "bootstrap.servers");
ALTER SERVER mine OPTIONS (ADD "client.id" 'me');

-- user mappings
CREATE USER MAPPING FOR regress_ks_user SERVER mine OPTIONS ("sasl.username" 'u', "sasl.password" 'hush');
ALTER USER MAPPING FOR regress_ks_user SERVER mine OPTIONS (ADD "bootstrap.servers" 'h:1');
ALTER USER MAPPING FOR regress_ks_user SERVER mine OPTIONS (ADD "client.id" 'x');
ALTER USER MAPPING FOR regress_ks_user SERVER mine OPTIONS (ADD "ssl.key.location" '/etc/shadow');
ALTER USER MAPPING FOR regress_ks_user SERVER mine OPTIONS (ADD "sasl.kerberos.principal" 'x; id');
ALTER USER MAPPING FOR regress_ks_user SERVER mine OPTIONS (ADD "plugin.library.paths" 'x');
ALTER USER MAPPING FOR regress_ks_user SERVER mine OPTIONS (ADD "nonsense" 'x');
ALTER USER MAPPING FOR regress_ks_user SERVER mine OPTIONS (ADD "ssl.key.pem" 'hush');
RESET ROLE;
-- nobody else sees what they hold
GRANT USAGE ON FOREIGN SERVER mine TO regress_ks_other;
SET ROLE regress_ks_other;
SELECT umoptions FROM pg_user_mappings WHERE srvname = 'mine';
RESET ROLE;

-- who may connect, and how
SELECT * FROM kafka_stream.topics();
SELECT * FROM kafka_stream.topics('h:1', 'mine');
SELECT * FROM kafka_stream.topics('h:x');
SELECT * FROM kafka_stream.topics(server => 'nowhere');
CREATE FOREIGN DATA WRAPPER regress_ks_wrapper;
CREATE SERVER regress_ks_foreign FOREIGN DATA WRAPPER regress_ks_wrapper;
SELECT * FROM kafka_stream.topics(server => 'regress_ks_foreign');
DROP FOREIGN DATA WRAPPER regress_ks_wrapper CASCADE;

SET ROLE regress_ks_other;
SELECT * FROM kafka_stream.topics('h:1');
SELECT * FROM kafka_stream.peek('t', brokers => 'h:1');
SELECT kafka_stream.infer_columns('t', brokers => 'h:1');
SELECT kafka_stream.produce('t', 'v', brokers => 'h:1');
RESET ROLE;
GRANT EXECUTE ON FUNCTION kafka_stream.topics(text, name) TO regress_ks_other;
SET ROLE regress_ks_other;
SELECT * FROM kafka_stream.topics('h:1');
RESET ROLE;
REVOKE USAGE ON FOREIGN SERVER mine FROM regress_ks_other;
SET ROLE regress_ks_other;
SELECT * FROM kafka_stream.topics(server => 'mine');
RESET ROLE;

-- a superuser's server that was given away takes no rights along
CREATE SERVER gift FOREIGN DATA WRAPPER kafka_stream
    OPTIONS ("bootstrap.servers" 'h:1', "plugin.library.paths" 'regress_no_such_library');
CREATE SERVER kerberos FOREIGN DATA WRAPPER kafka_stream
    OPTIONS ("bootstrap.servers" 'h:1', "security.protocol" 'sasl_plaintext', "sasl.mechanisms" 'GSSAPI');
CREATE SERVER files FOREIGN DATA WRAPPER kafka_stream
    OPTIONS ("bootstrap.servers" 'h:1', "ssl.ca.location" '/etc/passwd');
ALTER SERVER gift OWNER TO regress_ks_user;
ALTER SERVER kerberos OWNER TO regress_ks_user;
ALTER SERVER files OWNER TO regress_ks_user;
SELECT * FROM kafka_stream.topics(server => 'gift');
SELECT * FROM kafka_stream.topics(server => 'kerberos');
SELECT * FROM kafka_stream.peek('t', server => 'files');
SET ROLE regress_ks_user;
SELECT kafka_stream.produce('t', 'v', server => 'gift');
SELECT kafka_stream.infer_columns('t', server => 'kerberos');
RESET ROLE;

-- arguments
SELECT * FROM kafka_stream.peek('t');
SELECT * FROM kafka_stream.peek(NULL, brokers => 'h:1');
SELECT * FROM kafka_stream.peek('', brokers => 'h:1');
SELECT * FROM kafka_stream.peek('a,b', brokers => 'h:1');
SELECT * FROM kafka_stream.peek('^a', brokers => 'h:1');
SELECT * FROM kafka_stream.peek('t', 0, brokers => 'h:1');
SELECT * FROM kafka_stream.peek('t', NULL, brokers => 'h:1');
SELECT * FROM kafka_stream.peek('t', 100001, brokers => 'h:1');
SELECT * FROM kafka_stream.peek('t', brokers => 'h:1', start => 'soon');
SELECT * FROM kafka_stream.peek('t', brokers => 'h:1', start => '{"0": -1}');
SELECT kafka_stream.infer_columns('t');
SELECT kafka_stream.infer_columns('t', 0, brokers => 'h:1');
SELECT kafka_stream.produce('t', 'v');
SELECT kafka_stream.produce(NULL, 'v', brokers => 'h:1');
SELECT kafka_stream.produce('t', 'v', brokers => 'h:1', kafka_partition => -1);
SELECT kafka_stream.produce('t', 'v', brokers => 'h:1', kafka_timestamp => 'infinity');
SELECT kafka_stream.produce('t', 'v', brokers => 'h:1', kafka_timestamp => '1969-12-31');
SELECT kafka_stream.produce('t', 'v', brokers => 'h:1', headers => '["a"]');
SELECT kafka_stream.produce('t', 'v', brokers => 'h:1', headers => '"a"');
SELECT kafka_stream.produce('t', 'v', brokers => 'h:1', headers => '{"a": 1}');
SELECT kafka_stream.produce('t', 'v', brokers => 'h:1', headers => '{"a": {"b": "c"}}');
SELECT kafka_stream.produce('t', 'v', brokers => 'h:1', headers => '{"a": [["b"]]}');

-- what librdkafka does not accept is said, without secrets
CREATE SERVER odd FOREIGN DATA WRAPPER kafka_stream
    OPTIONS ("bootstrap.servers" 'h:1', "compression.type" 'nonsense', "security.protocol" 'ssl');
SELECT kafka_stream.produce('t', 'v', server => 'odd');
CREATE USER MAPPING FOR CURRENT_USER SERVER odd OPTIONS ("ssl.key.pem" 'hush hush');
ALTER SERVER odd OPTIONS (DROP "compression.type");
SELECT kafka_stream.produce('t', 'v', server => 'odd');

DROP SERVER odd CASCADE;
DROP SERVER gift, kerberos, files;
DROP SERVER mine CASCADE;
DROP FUNCTION try_server(text), try_brokers(text), try_property(text, text);
REVOKE ALL ON FUNCTION kafka_stream.topics(text, name), kafka_stream.peek(text, int, text, name, text),
    kafka_stream.infer_columns(text, int, text, name),
    kafka_stream.produce(text, text, text, jsonb, text, name, int, timestamptz)
    FROM regress_ks_user, regress_ks_files, regress_ks_other;
REVOKE ALL ON FOREIGN DATA WRAPPER kafka_stream FROM regress_ks_user, regress_ks_files;
DROP ROLE regress_ks_user, regress_ks_files, regress_ks_other;
