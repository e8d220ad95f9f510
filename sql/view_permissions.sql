-- Who may create, read and change what; as whom a view's expressions run.
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE SCHEMA view_permissions;
CREATE ROLE regress_ks_stream;
CREATE ROLE regress_ks_owner;
CREATE ROLE regress_ks_reader;
CREATE ROLE regress_ks_writer;
GRANT USAGE ON SCHEMA view_permissions TO regress_ks_stream, regress_ks_owner, regress_ks_reader, regress_ks_writer;
GRANT CREATE ON SCHEMA view_permissions TO regress_ks_stream, regress_ks_owner;
SET search_path = view_permissions, public, kafka_stream;

-- what PUBLIC may call: nothing that creates, changes or reaches the network
SELECT p.oid::regprocedure FROM pg_proc p
    WHERE pronamespace = 'kafka_stream'::regnamespace AND prokind = 'f' AND provolatile = 'v' AND has_function_privilege('public', p.oid, 'EXECUTE') ORDER BY proname COLLATE "C";
SELECT count(*) > 8 AS revoked FROM pg_proc WHERE pronamespace = 'kafka_stream'::regnamespace AND NOT has_function_privilege('public', oid, 'EXECUTE');
SELECT relname, relkind FROM pg_class c WHERE relnamespace IN ('kafka_stream'::regnamespace, 'kafka_stream_internal'::regnamespace) AND relkind <> 'i'
    AND has_table_privilege('regress_ks_reader', c.oid, CASE WHEN relkind = 'S' THEN 'SELECT' ELSE 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE' END) ORDER BY relname COLLATE "C";
SELECT relname FROM pg_class c WHERE relnamespace IN ('kafka_stream'::regnamespace, 'kafka_stream_internal'::regnamespace) AND relkind IN ('r', 'v', 'p')
    AND has_table_privilege('regress_ks_reader', c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER, REFERENCES');

SET ROLE regress_ks_stream;
SELECT create_stream('st', 'event_time timestamptz, k text, x int', source => 'insert');
RESET ROLE;
GRANT EXECUTE ON FUNCTION create_stream TO regress_ks_stream;
GRANT EXECUTE ON FUNCTION create_view, drop_view, advance, drop_stream, stop_stream TO regress_ks_stream, regress_ks_owner;
SET ROLE regress_ks_stream;
SELECT create_stream('st', 'event_time timestamptz, k text, x int', source => 'insert', max_future => NULL, idle_timeout => NULL);
CREATE TABLE dim (k text, owner text);
INSERT INTO dim VALUES ('a', 'x'), ('b', 'y');
INSERT INTO st VALUES ('2026-01-01 00:00:01Z', 'a', 1);

-- another role needs SELECT on the stream and on what it joins
SET ROLE regress_ks_owner;
SELECT create_view('v', $$SELECT tumble(event_time, '1 minute') AS window_start, owner, sum(x) FROM st JOIN dim USING (k) GROUP BY 1, 2$$);
SET ROLE regress_ks_stream;
GRANT SELECT ON st TO regress_ks_owner;
SET ROLE regress_ks_owner;
SELECT create_view('v', $$SELECT tumble(event_time, '1 minute') AS window_start, owner, sum(x) FROM st JOIN dim USING (k) GROUP BY 1, 2$$);
SET ROLE regress_ks_stream;
GRANT SELECT ON dim TO regress_ks_owner;
SET ROLE regress_ks_owner;
SELECT create_view('v', $$SELECT tumble(event_time, '1 minute') AS window_start, owner, sum(x) FROM st JOIN dim USING (k) GROUP BY 1, 2$$);
SELECT owner, sum FROM v;
-- and can neither write to the stream nor stop, advance or drop it
INSERT INTO st VALUES ('2026-01-01 00:00:01Z', 'a', 1);
SELECT advance('st', '2026-01-01 01:00Z');
SELECT stop_stream('st');
SELECT drop_stream('st', true);
SELECT count(*) FROM st_late;

-- a third role reads it, and nothing below
SET ROLE regress_ks_reader;
SELECT * FROM v;
SET ROLE regress_ks_owner;
GRANT SELECT ON v TO regress_ks_reader;
SET ROLE regress_ks_reader;
SELECT owner, sum FROM v;
SELECT count(*) FROM st;
SELECT drop_view('v');
DROP VIEW v;
RESET ROLE;
CREATE FUNCTION internal(v regclass, what text) RETURNS regclass LANGUAGE sql AS $$
    SELECT CASE what WHEN 'states' THEN states WHEN 'open' THEN open WHEN 'finals' THEN finals WHEN 'definition' THEN definition END FROM kafka_stream_internal.view WHERE view.view = $1 $$;
SELECT what, has_table_privilege('regress_ks_owner', internal('v', what), 'SELECT') AS owner_reads,
       has_table_privilege('regress_ks_owner', internal('v', what), 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER') AS owner_writes,
       has_table_privilege('regress_ks_reader', internal('v', what), 'SELECT, INSERT, UPDATE, DELETE') AS reader
    FROM (VALUES ('states'), ('open'), ('finals')) v(what);
-- the other internal tables
SET ROLE regress_ks_owner;
SELECT count(*) FROM kafka_stream_internal.view;
UPDATE kafka_stream_internal.view_progress SET closed_to = 'infinity';
DELETE FROM kafka_stream_internal.partition;
SELECT explain_view('v') LIKE '%dim%' AS explained;
SET ROLE regress_ks_writer;
SELECT explain_view('v');
SELECT view FROM kafka_stream.views;
SELECT stream FROM kafka_stream.streams;
SELECT stream, view FROM kafka_stream.stats;

-- states cannot be forged
RESET ROLE;
SELECT 'x'::kafka_stream.state;
SELECT '\x00'::bytea::kafka_stream.state;
SET ROLE regress_ks_reader;
SELECT kafka_stream.finish('avg(int8)', '{int8}', '-', '\x00112233445566778899'::bytea, NULL::numeric);
CREATE TEMP TABLE forged (s kafka_stream.state);
INSERT INTO forged VALUES ('\x00112233445566778899');
COPY forged FROM STDIN;
\\x00112233445566778899
\.
DO $$
BEGIN
    PERFORM int8_avg_deserialize(NULL, NULL);
    RAISE EXCEPTION 'was called';
EXCEPTION WHEN feature_not_supported OR undefined_function THEN
    NULL;
END
$$;
SELECT kafka_stream_internal.mark_row('(0,1)'::tid);
SELECT kafka_stream_internal.open_windows(0, 'pg_class', 'tumble', '1 minute', '1 minute', '2026-01-01');
SELECT kafka_stream_internal.fold_insert();
CREATE TEMP TABLE trap (x int);
CREATE TRIGGER t AFTER INSERT ON trap REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION kafka_stream_internal.fold_insert();
INSERT INTO trap VALUES (1);
CREATE TRIGGER t2 BEFORE INSERT ON trap FOR EACH ROW EXECUTE FUNCTION kafka_stream_internal.number_row();
INSERT INTO trap VALUES (1);
DROP TABLE trap, forged;
RESET ROLE;
SELECT kafka_stream_internal.fold_insert();
SELECT kafka_stream_internal.number_row();
SELECT kafka_stream_internal.refuse_change();
CREATE TABLE trap (x int);
CREATE TRIGGER t BEFORE INSERT ON trap FOR EACH STATEMENT EXECUTE FUNCTION kafka_stream_internal.fold_insert();
INSERT INTO trap VALUES (1);
CREATE OR REPLACE TRIGGER t AFTER INSERT ON trap FOR EACH STATEMENT EXECUTE FUNCTION kafka_stream_internal.fold_insert();
INSERT INTO trap VALUES (1);
DROP TRIGGER t ON trap;
CREATE TRIGGER t BEFORE INSERT ON trap FOR EACH ROW EXECUTE FUNCTION kafka_stream_internal.number_row();
INSERT INTO trap VALUES (1);
DROP TABLE trap;

-- whoever inserts, expressions run as the view's owner, restricted
RESET ROLE;
CREATE FUNCTION who(text) RETURNS text LANGUAGE plpgsql STABLE AS 'BEGIN RETURN current_user || '' '' || $1; END';
CREATE FUNCTION grab(text) RETURNS text LANGUAGE plpgsql STABLE AS 'BEGIN SET ROLE NONE; RETURN current_user; END';
CREATE FUNCTION escape(text) RETURNS text LANGUAGE plpgsql STABLE AS 'BEGIN PERFORM set_config(''role'', ''none'', false); RETURN session_user; END';
SET ROLE regress_ks_owner;
SELECT create_view('whose', 'SELECT who(k) AS who, count(*) FROM st GROUP BY 1');
SELECT create_view('grabs', 'SELECT grab(k) AS who, count(*) FROM st GROUP BY 1');
SELECT create_view('escapes', 'SELECT escape(k) AS who, count(*) FROM st GROUP BY 1');
SET ROLE regress_ks_stream;
GRANT INSERT ON st TO regress_ks_writer;
SET ROLE regress_ks_writer;
INSERT INTO st VALUES ('2026-01-01 00:00:02Z', 'a', 1);
INSERT INTO st VALUES ('2026-01-01 00:10Z', 'b', 1), ('2026-01-01 00:00Z', 'a', 1);
SELECT * FROM whose;
SELECT current_user;
RESET ROLE;
INSERT INTO st VALUES ('2026-01-01 00:10:01Z', 'a', 1);
SELECT * FROM whose ORDER BY 1;
SELECT drop_view('whose');

-- policies of a joined table are those for the owner; so are lost rights
SET ROLE regress_ks_stream;
ALTER TABLE dim ENABLE ROW LEVEL SECURITY;
CREATE POLICY only_y ON dim TO regress_ks_owner USING (owner = 'y');
INSERT INTO st VALUES ('2026-01-01 00:11Z', 'a', 100), ('2026-01-01 00:11Z', 'b', 10);
SET row_security = off;
INSERT INTO st VALUES ('2026-01-01 00:11Z', 'a', 100), ('2026-01-01 00:11Z', 'b', 10);
RESET row_security;
RESET ROLE;
SELECT window_start, owner, sum FROM v ORDER BY 1, 2;
REVOKE SELECT ON dim FROM regress_ks_owner;
INSERT INTO st VALUES ('2026-01-01 00:12Z', 'b', 1);
GRANT SELECT ON dim TO regress_ks_owner;
INSERT INTO st VALUES ('2026-01-01 00:12Z', 'b', 1);

-- closing runs as the owner too, by whoever advances; a new owner takes over
SET ROLE regress_ks_stream;
SELECT advance('st', '2026-01-01 00:11Z');
RESET ROLE;
SELECT window_start, is_final, owner, sum FROM v ORDER BY 1, 3;
GRANT SELECT ON st, dim TO regress_ks_reader;
ALTER VIEW v OWNER TO regress_ks_reader;
SELECT what, pg_get_userbyid(relowner) = 'regress_ks_reader' AS moved, has_table_privilege('regress_ks_owner', internal('v', what), 'SELECT') AS old_owner, has_table_privilege('regress_ks_reader', internal('v', what), 'SELECT') AS new_owner
    FROM (VALUES ('definition'), ('states'), ('open'), ('finals')) v(what), pg_class WHERE pg_class.oid = internal('v', what) ORDER BY 1;
INSERT INTO st VALUES ('2026-01-01 00:13Z', 'b', 7);
SET ROLE regress_ks_reader;
SELECT window_start, is_final, owner, sum FROM v ORDER BY 1, 3;

RESET ROLE;
-- (no event trigger fires for REASSIGN OWNED)
REASSIGN OWNED BY regress_ks_reader TO regress_ks_owner;
ALTER VIEW v OWNER TO regress_ks_owner;
SELECT what, pg_get_userbyid(relowner), has_table_privilege('regress_ks_owner', internal('v', what), 'SELECT') AS owner, has_table_privilege('regress_ks_reader', internal('v', what), 'SELECT') AS old_owner
    FROM (VALUES ('definition')) v(what), pg_class WHERE pg_class.oid = internal('v', what) ORDER BY 1;
INSERT INTO st VALUES ('2026-01-01 00:13:01Z', 'b', 8);
SET ROLE regress_ks_owner;
SELECT window_start, is_final, owner, sum FROM v WHERE window_start > '2026-01-01 00:12Z' ORDER BY 1, 3;

-- the owner can replace the rule of the definition, to no use
RESET ROLE;
\set VERBOSITY terse
SELECT format('CREATE OR REPLACE RULE "_RETURN" AS ON SELECT TO %s DO INSTEAD SELECT tumble(event_time, ''1 minute'') AS window_start, owner, sum(DISTINCT x) FROM st JOIN dim USING (k) GROUP BY 1, 2', internal('v', 'definition')) AS rule \gset
SET ROLE regress_ks_owner;
:rule;
RESET ROLE;
INSERT INTO st VALUES ('2026-01-01 00:14Z', 'b', 7);
\set VERBOSITY default
SELECT drop_view('v');
INSERT INTO st VALUES ('2026-01-01 00:14Z', 'b', 7);

SET ROLE regress_ks_owner;
SELECT drop_stream('st');
SET ROLE regress_ks_stream;
SELECT drop_stream('st');
RESET ROLE;
DROP SCHEMA view_permissions CASCADE;
DROP OWNED BY regress_ks_stream, regress_ks_owner, regress_ks_reader, regress_ks_writer;
DROP ROLE regress_ks_stream, regress_ks_owner, regress_ks_reader, regress_ks_writer;
