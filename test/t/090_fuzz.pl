# Parsers against anything: generated inputs come back as they were made, and
# mutated ones are taken or refused, never an error, never a crash, and always
# the same by every way in.  The scanners alone run under AddressSanitizer;
# then a server gets inputs of the same making, and core's JSON has its say.
#
# KS_FUZZ_SECONDS=300 make check TESTS=090_fuzz    goes on for longer
# KS_SEED=7 make check TESTS=090_fuzz              as the log said
use strict;
use warnings;

use IPC::Run qw(run);
use KafkaStream;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{KS_SEED} // time() % 1000000;
my $seconds = $ENV{KS_FUZZ_SECONDS} // 10;
my $bin = "$ENV{KS_RUN}/bin";

note("KS_SEED=$seed gives the same inputs again");
$ENV{ASAN_OPTIONS} = 'detect_leaks=0:abort_on_error=0';

# ---- the scanners alone ----

for my $name ('fuzz_access_log', 'fuzz_json')
{
	my $count = 12_000 * $seconds;
	my ($out, $err) = ('', '');
	my $ok = run([ "$bin/$name", '--seed', $seed, '--count', $count, '--seconds', 3 * $seconds ], '<', \'', '>', \$out, '2>', \$err);

	ok($ok, "$name with seed $seed") or diag(substr($err, 0, 4000));
	note($out);
}

# ---- in a server ----

my $node = new_node('fuzz');

sub sql { my ($sql) = @_; return $node->safe_psql('postgres', $sql); }

# Inputs and their meaning into a table.
sub load
{
	my ($name, $count) = @_;
	my ($out, $err) = ('', '');

	run([ "$bin/$name", '--seed', $seed, '--emit', $count ], '<', \'', '>', \$out, '2>', \$err) or die $err;
	my $copy = "COPY $name (input, meaning) FROM STDIN;\n$out\\.\n";
	$node->safe_psql('postgres', "CREATE TABLE $name (i int GENERATED ALWAYS AS IDENTITY, input text, meaning text);\n$copy");
	is(sql("SELECT count(*) FROM $name"), $count, "$count inputs of $name");
	return;
}

sql(<<'END');
-- text, or NULL where it is none
CREATE FUNCTION utf8(bytea) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
    $$BEGIN RETURN convert_from($1, 'UTF8'); EXCEPTION WHEN OTHERS THEN RETURN NULL; END$$;
-- what core makes of a JSON object; the object is NULL if it is none
CREATE FUNCTION core(anyelement, text, OUT object jsonb, OUT result jsonb, OUT state text) LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    BEGIN
        object := CASE jsonb_typeof($2::jsonb) WHEN 'object' THEN $2::jsonb END;
    EXCEPTION WHEN OTHERS THEN RETURN;
    END;
    result := jsonb_strip_nulls(to_jsonb(jsonb_populate_record($1, object)));
EXCEPTION WHEN OTHERS THEN state := SQLSTATE;
END$$;
CREATE TABLE every (
    client text, identity text, "user" text, event_time timestamptz, method text, url text, protocol text,
    status int, size bigint, referer text, user_agent text, vhost text, port int);
CREATE TYPE verb AS ENUM ('GET', 'POST', 'HEAD');
CREATE TABLE typed (
    client inet, identity "char", "user" varchar(6), event_time text, method verb, url jsonb, protocol char(9),
    status smallint, size int, referer json, user_agent bytea, vhost name, port numeric(4));
CREATE TABLE small (n int, s text, f float8, ok bool, j jsonb, a int[], ts timestamptz, ip inet);
END

# ---- access logs ----

load('fuzz_access_log', 800 * $seconds);
sql(<<'END');
CREATE TABLE lines AS
    SELECT i, line, utf8(line) AS text, nginx, meaning, x.*
    FROM (SELECT i, substring(decode(input, 'hex') FROM 2) AS line, input LIKE '6e%' AS nginx,
                 nullif(convert_from(decode(meaning, 'hex'), 'UTF8'), '')::jsonb AS meaning FROM fuzz_access_log) AS f,
        LATERAL kafka_stream.decode('every', line, '{}', CASE WHEN nginx THEN 'nginx' ELSE 'apache' END) AS x;
END
is(sql('SELECT count(*) > 0.45 * max(i), count(*) FILTER (WHERE decoded IS NULL) > 0.1 * max(i), count(*) FILTER (WHERE meaning IS NULL AND decoded IS NOT NULL) > 0.05 * max(i) FROM lines'),
	't|t|t', 'enough lines are taken, and refused');
is(sql(<<'END'), '', 'a generated line has the fields it was made of');
SELECT i, error, decoded, meaning FROM lines
WHERE meaning IS NOT NULL AND (decoded IS NULL OR decoded - 'event_time' <> meaning - 'event_time'
    OR (decoded->>'event_time')::timestamptz IS DISTINCT FROM '2000-01-01Z'::timestamptz + (meaning->>'event_time')::bigint * interval '1 microsecond')
ORDER BY i LIMIT 5
END
is(sql(<<'END'), '', 'a line that is none says where and what was expected');
SELECT i, decoded, sqlstate, error, column_name FROM lines
WHERE decoded IS NULL AND (sqlstate NOT IN ('22P02', '22021') OR error !~ ' byte \d+' OR column_name IS NOT NULL)
ORDER BY i LIMIT 5
END
is(sql(<<'END'), '', 'the functions agree with the streams');
SELECT i, decoded, p FROM lines,
    LATERAL (SELECT CASE WHEN nginx THEN jsonb_strip_nulls(to_jsonb(kafka_stream.parse_nginx_log(text))) ELSE jsonb_strip_nulls(to_jsonb(kafka_stream.parse_apache_log(text))) END) AS f (p)
WHERE (text IS NULL AND decoded IS NOT NULL) OR (text IS NOT NULL AND decoded - 'port' IS DISTINCT FROM p)
ORDER BY i LIMIT 5
END
is(sql(<<'END'), '', 'fields are converted to types as JSON would be');
SELECT i, l.decoded, x.*, c.* FROM lines AS l,
    LATERAL kafka_stream.decode('typed', line, '{}', CASE WHEN nginx THEN 'nginx' ELSE 'apache' END) AS x,
    LATERAL core(NULL::typed, (l.decoded - 'event_time')::text) AS c
WHERE l.decoded IS NOT NULL AND (jsonb_strip_nulls(x.decoded) - 'event_time' IS DISTINCT FROM c.result OR (x.sqlstate IS NULL) <> (c.state IS NULL) OR (x.sqlstate IS NULL) <> (x.column_name IS NULL))
ORDER BY i LIMIT 5
END

# ---- JSON ----

load('fuzz_json', 800 * $seconds);
sql(<<'END');
CREATE TABLE documents AS
    SELECT i, doc, utf8(doc) AS text, x.* FROM (SELECT i, decode(input, 'hex') AS doc FROM fuzz_json) AS f,
        LATERAL kafka_stream.decode('small', doc) AS x;
CREATE FUNCTION is_object(text) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS
    $$BEGIN RETURN json_typeof($1::json) = 'object'; EXCEPTION WHEN OTHERS THEN RETURN false; END$$;
END
is(sql('SELECT count(*) FILTER (WHERE decoded IS NOT NULL) > 0.2 * max(i), count(*) FILTER (WHERE column_name IS NOT NULL) > 0.05 * max(i), count(*) FILTER (WHERE decoded IS NULL AND column_name IS NULL) > 0.2 * max(i) FROM documents'),
	't|t|t', 'enough documents are taken, and refused');
is(sql(<<'END'), '', 'what is JSON for core is JSON');
SELECT i, text, decoded, sqlstate, error, column_name FROM documents
WHERE sqlstate IS DISTINCT FROM '54000' AND coalesce(is_object(text), false) <> (decoded IS NOT NULL OR column_name IS NOT NULL)
ORDER BY i LIMIT 5
END
is(sql(<<'END'), '', 'and has the values that core finds');
SELECT i, text, decoded, sqlstate, error, result, state FROM documents, LATERAL core(NULL::small, text) AS c
WHERE object IS NOT NULL AND jsonb_strip_nulls(decoded) IS DISTINCT FROM result
    AND sqlstate IS DISTINCT FROM '54000' AND jsonb_typeof(object->'ts') IS DISTINCT FROM 'number'
ORDER BY i LIMIT 5
END
is(sql(<<'END'), '', 'a log line of JSON is a row if it is one in a stream');
SELECT i, text, sqlstate, p FROM documents,
    LATERAL (SELECT replace(replace(text, '"ts"', '"timestamp"'), '"ip"', '"ip_address"')) AS t (line),
    LATERAL (SELECT kafka_stream.parse_json_log(line), kafka_stream.parse_json_log(line)) AS f (p, again)
WHERE text IS NOT NULL AND (p IS DISTINCT FROM again OR (decoded IS NULL AND column_name IS NULL AND p IS NOT NULL))
ORDER BY i LIMIT 5
END
is(sql('SELECT pg_backend_pid() IS NOT NULL'), 't', 'the server is there');
unlike(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/PANIC|TRAP|terminated by signal/, 'and has been all the time');

done_testing();
