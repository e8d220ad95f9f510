-- A view's life: transactions, COPY, big statements, columns that change,
-- settings, retention, names, plans, and the end.
\getenv srcdir PG_ABS_SRCDIR
\set oracle :srcdir '/test/sql/oracle.sql'
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = ISO;
CREATE SCHEMA view_life;
SET search_path = view_life, public, kafka_stream;
\set ECHO none
\i :oracle
\set ECHO all

-- a big statement: several batches, late rows in each
SELECT create_stream('big', 'event_time timestamptz, k int, x float8', source => 'insert', max_future => NULL, idle_timeout => NULL);
CREATE TABLE big_copy (LIKE big);
ALTER TABLE big_copy ADD id serial PRIMARY KEY, ADD watermark timestamptz, ALTER kafka_received_at DROP NOT NULL;
CALL make_view('big_minutes', 'big', 'SELECT {W} AS window_start, k, count(*), sum(x), stddev(x), count(DISTINCT x) AS values FROM {S} AS s GROUP BY 1, 2', 'tumble', '1 minute');
CALL make_view('big_hops', 'big', 'SELECT {W} AS window_start, count(*), avg(x), max(x) FROM {S} AS s WHERE k <> 3 GROUP BY 1', 'hop', '5 minutes', '1 minute');
CALL make_view('big_total', 'big', 'SELECT count(*), sum(x), min(event_time) FROM {S} AS s');
CALL make_view('big_rows', 'big', 'SELECT event_time, k + 1 AS k FROM {S} AS s WHERE x > 990');
INSERT INTO big_copy (event_time, k, x, kafka_offset, id)
    SELECT timestamptz '2026-01-01Z' + i * interval '20 ms' - CASE WHEN i % 50 = 0 THEN i % 7 * interval '1 minute' ELSE '0' END, i % 10, i % 1000, i - 1, i
    FROM generate_series(1, 51000) i;
INSERT INTO big (event_time, k, x) SELECT event_time, k, x FROM big_copy ORDER BY id;
SELECT * FROM compare_views();
-- states that many small statements left are merged by the worker
CALL make_view('big_groups', 'big', 'SELECT k, count(*), avg(x), count(DISTINCT x) AS values FROM {S} AS s GROUP BY 1');
DO $$ BEGIN FOR i IN 1..45 LOOP
    INSERT INTO big_copy (event_time, k, x, kafka_offset, id) SELECT timestamptz '2026-01-01 00:20Z' + (i * 260 + j) * interval '20 ms', j, i, 51000 + i * 260 + j, 51000 + i * 260 + j FROM generate_series(1, 260) j;
    INSERT INTO big (event_time, k, x) SELECT event_time, k, x FROM big_copy WHERE id > 51000 + i * 260 ORDER BY id;
    COMMIT;
END LOOP; END $$;
CREATE FUNCTION states(v regclass) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
    EXECUTE format('SELECT count(*) FROM %s', (SELECT states FROM kafka_stream_internal.view WHERE view = v)) INTO n;
    RETURN n;
END $$;
DO $$ BEGIN FOR i IN 1..300 LOOP
    EXIT WHEN states('big_groups') < 1000;
    PERFORM pg_sleep(0.1);
    COMMIT;
END LOOP; END $$;
SELECT states('big_groups') < 1000 AS merged;
SELECT * FROM compare_views();
SELECT drop_stream('big', cascade => true);

-- nothing of a transaction that is rolled back stays
SELECT create_stream('st', 'event_time timestamptz, k text, x int, y int', source => 'insert', max_future => NULL, idle_timeout => NULL);
SELECT stop_stream('st');
SELECT create_view('minutes', $$SELECT tumble(event_time, '1 minute') AS window_start, k, count(*), sum(x) FROM st GROUP BY 1, 2$$);
INSERT INTO st VALUES ('2026-01-01 00:00:01Z', 'a', 1);
BEGIN;
INSERT INTO st VALUES ('2026-01-01 00:00:02Z', 'a', 10);
INSERT INTO st VALUES ('2026-01-01 00:09Z', 'b', 10), ('2026-01-01 00:00Z', 'late', 10);
SELECT create_view('gone', 'SELECT k, count(*) FROM st GROUP BY 1');
SELECT * FROM gone ORDER BY 1;
SELECT advance('st', '2026-01-01 00:03Z');
SELECT window_start, is_final, k, count, sum FROM minutes ORDER BY 1, 3;
ROLLBACK;
SELECT window_start, is_final, k, count, sum FROM minutes ORDER BY 1, 3;
SELECT count(*) FROM st_late;
SELECT to_regclass('gone'), clock, next_offset FROM kafka_stream.partitions WHERE stream = 'st'::regclass;
BEGIN;
INSERT INTO st VALUES ('2026-01-01 00:00:03Z', 'a', 100);
SAVEPOINT one;
INSERT INTO st VALUES ('2026-01-01 00:07Z', 'a', 100);
INSERT INTO st VALUES ('2026-01-01 00:00:03Z', 'late', 100);
ROLLBACK TO one;
INSERT INTO st VALUES ('2026-01-01 00:00:04Z', 'a', 1000);
SAVEPOINT two;
INSERT INTO st VALUES (NULL, 'a', 5);
ROLLBACK TO two;
INSERT INTO st VALUES ('2026-01-01 00:00:05Z', 'a', 10000);
RELEASE two;
SELECT window_start, k, count, sum FROM minutes;
COMMIT;
DO $$ BEGIN
    INSERT INTO st VALUES ('2026-01-01 00:00:06Z', 'a', 100000);
    BEGIN
        INSERT INTO st VALUES ('2026-01-01 00:50Z', 'a', 7);
        INSERT INTO st SELECT '2026-01-01 00:00:06Z', 'a', 1 / (i - 3) FROM generate_series(1, 5) i;
    EXCEPTION WHEN division_by_zero THEN NULL;
    END;
    INSERT INTO st VALUES ('2026-01-01 00:00:07Z', 'a', 1000000);
END $$;
SELECT window_start, k, count, sum FROM minutes;
SELECT array_agg(kafka_offset ORDER BY kafka_offset), count(*) FROM st;

-- COPY, statements without rows, rows from elsewhere
COPY st (event_time, k, x) FROM STDIN;
2026-01-01 00:00:08Z	c	1
2026-01-01 00:00:09Z	c	\N
\.
COPY st (event_time, k, x) FROM STDIN;
\.
INSERT INTO st SELECT * FROM st WHERE false;
INSERT INTO st (k, event_time) VALUES ('c', '2026-01-01 00:00:10Z') RETURNING k, kafka_offset, kafka_partition;
WITH w AS (INSERT INTO st (event_time, k, x) SELECT event_time, 'd', x FROM st WHERE k = 'c' RETURNING k) INSERT INTO st (event_time, k) SELECT '2026-01-01 00:00:11Z', k FROM w;
INSERT INTO st (event_time, k) VALUES ('2026-01-01 00:00:12Z', 'c') ON CONFLICT DO NOTHING;
MERGE INTO st USING (VALUES ('2026-01-01 00:00:12Z'::timestamptz, 'e')) v(t, k) ON false WHEN NOT MATCHED THEN INSERT (event_time, k) VALUES (t, v.k);
SELECT window_start, k, count, sum FROM minutes ORDER BY 2;
-- refused
INSERT INTO st (event_time, kafka_offset) VALUES ('2026-01-01Z', 1);
INSERT INTO st (event_time, kafka_partition) VALUES ('2026-01-01Z', 1);
INSERT INTO st (event_time, kafka_received_at) VALUES ('2026-01-01Z', '2026-01-01Z');
UPDATE st SET x = 1;
DELETE FROM st;
TRUNCATE st;
SELECT count(*) FROM st;

-- columns that come and go
ALTER TABLE st DROP COLUMN y;
ALTER TABLE st ADD COLUMN z text DEFAULT 'zed';
\set VERBOSITY terse
ALTER TABLE st DROP COLUMN x;
SELECT create_view('by_z', $$SELECT z, count(*) FROM st GROUP BY 1$$);
INSERT INTO st (event_time, k, x) VALUES ('2026-01-01 00:00:13Z', 'a', 1);
ALTER TABLE st RENAME COLUMN z TO zz;
ALTER TABLE st RENAME COLUMN k TO key;
ALTER TABLE st ALTER COLUMN zz SET DEFAULT 'other';
INSERT INTO st (event_time, key, x) VALUES ('2026-01-01 00:00:14Z', 'a', 1);
ALTER TABLE st RENAME COLUMN event_time TO at;
INSERT INTO st (at, key, x) VALUES ('2026-01-01 00:00:15Z', 'a', 1), ('2026-01-01 00:20Z', 'f', 1), ('2026-01-01 00:00:15Z', 'a', 1);
SELECT window_start, k, count, sum FROM minutes WHERE k IN ('a', 'f') ORDER BY 2;
SELECT * FROM by_z ORDER BY 1;
SELECT event_time, at, key, zz FROM st_late;
SELECT explain_view('by_z') LIKE '%zz AS z%' AS renamed;
ALTER TABLE st ALTER COLUMN x TYPE bigint;
\set VERBOSITY default
ALTER TABLE st RENAME TO streamed;
ALTER VIEW minutes RENAME TO per_minute;
ALTER VIEW per_minute RENAME COLUMN sum TO total;
INSERT INTO streamed (at, key, x) VALUES ('2026-01-01 00:20:01Z', 'f', 10);
SELECT k, count, total FROM per_minute WHERE k = 'f';
ALTER TABLE streamed RENAME TO st;
SELECT drop_view('per_minute');
SELECT drop_view('by_z');
ALTER TABLE st DROP COLUMN x;
INSERT INTO st (at, key) VALUES ('2026-01-01 00:20:01Z', 'f');
SELECT drop_stream('st');

-- the creator's settings hold, whoever inserts, closes and reads
SELECT create_stream('st', 'event_time timestamptz, k text, b bytea', source => 'insert', max_future => NULL, idle_timeout => NULL);
SELECT stop_stream('st');
SET timezone = 'America/New_York';
SET datestyle = 'SQL, DMY';
SET intervalstyle = 'iso_8601';
SET bytea_output = 'escape';
CREATE FUNCTION label(text) RETURNS text LANGUAGE sql STABLE AS 'SELECT ''mine '' || $1';
SELECT create_view('zoned', $$SELECT event_time::date AS day, extract(hour FROM event_time) AS hour, event_time::text AS text, k::date AS parsed, (event_time - '2026-01-01Z')::text AS since, b::text AS b, label(k), count(*) FROM st GROUP BY 1, 2, 3, 4, 5, 6, 7$$);
SELECT create_view('zoned_days', $$SELECT tumble(event_time, '1 day') AS window_start, date_trunc('day', event_time) AS day, max(to_char(event_time, 'HH24:MI TZ')) FROM st GROUP BY 1, 2$$);
SET timezone = 'Asia/Tokyo';
SET datestyle = 'ISO, MDY';
RESET intervalstyle;
RESET bytea_output;
CREATE SCHEMA elsewhere;
SET search_path = elsewhere, public;
CREATE FUNCTION label(text) RETURNS text LANGUAGE sql STABLE AS 'SELECT ''yours '' || $1';
CREATE FUNCTION public.tumble(timestamptz, interval) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS 'SELECT $1';
INSERT INTO view_life.st VALUES ('2026-01-02 03:00Z', '02/03/2026', '\x00ff');
SELECT label('x'), current_setting('timezone');
SELECT * FROM view_life.zoned;
SELECT kafka_stream.advance('view_life.st', '2026-01-04Z');
SET timezone = 'UTC';
SELECT * FROM view_life.zoned_days;
DROP SCHEMA elsewhere CASCADE;
DROP FUNCTION public.tumble;
SET search_path = view_life, public, kafka_stream;
SELECT drop_stream('st', true);

-- names that need quotes, schemas of their own
CREATE SCHEMA "Odd, schema";
SELECT create_stream('"Odd, schema"."The ""Stream"""', '"event time" timestamptz, "Group" text, "select" int', source => 'insert', event_time => 'event time', max_future => NULL, idle_timeout => NULL);
SELECT create_view('"Odd, schema"."A view; --"', $$SELECT tumble("event time", '1 minute') AS window_start, "Group", sum("select") AS "Sum of ""select""" FROM "Odd, schema"."The ""Stream""" GROUP BY 1, 2$$);
INSERT INTO "Odd, schema"."The ""Stream""" VALUES ('2026-01-01 00:00:15Z', 'a', 1), ('2026-01-01 00:20Z', 'b', 2), ('2026-01-01 00:00:15Z', 'a', 3);
SELECT advance('"Odd, schema"."The ""Stream"""', '2026-01-01 00:10Z');
SELECT * FROM "Odd, schema"."A view; --" ORDER BY 1;
SELECT "event time", "Group", "select", view FROM "Odd, schema"."The ""Stream""_late";
SELECT drop_view('"Odd, schema"."A view; --"');
SELECT drop_stream('"Odd, schema"."The ""Stream"""');
SELECT create_stream(repeat('s', 63), 'event_time timestamptz', source => 'insert');
SELECT create_stream(repeat('s', 50), 'event_time timestamptz', source => 'insert', max_future => NULL);
SELECT create_view(repeat('v', 63), format('SELECT count(*) AS %I FROM %I GROUP BY tumble(event_time, ''1 minute'')', repeat('c', 63), repeat('s', 50)));
INSERT INTO ssssssssssssssssssssssssssssssssssssssssssssssssss VALUES ('2026-01-01Z');
SELECT * FROM vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv;
SELECT drop_stream(repeat('s', 50), cascade => true);
DROP SCHEMA "Odd, schema";

-- retention of final windows; filters reach indexes, is_final prunes
SELECT create_stream('st', 'event_time timestamptz, k text', source => 'insert', max_future => NULL, idle_timeout => NULL);
SELECT stop_stream('st');
SELECT create_view('kept', $$SELECT tumble(event_time, '1 minute') AS window_start, count(*) FROM st GROUP BY 1$$);
SELECT create_view('brief', $$SELECT tumble(event_time, '1 minute') AS window_start, count(*) FROM st GROUP BY 1$$, retention => '5 minutes');
INSERT INTO st SELECT '2026-01-01Z'::timestamptz + i * interval '10 s' FROM generate_series(0, 119) i;
SELECT advance('st', '2026-01-01 00:18Z');
SELECT is_final, count(*), min(window_start), max(window_end) FROM kept GROUP BY 1 ORDER BY 1;
SELECT is_final, count(*), min(window_start), max(window_end) FROM brief GROUP BY 1 ORDER BY 1;
INSERT INTO st VALUES ('2026-01-01 00:16:30Z');
SELECT view, event_time, window_end FROM st_late;
SET enable_seqscan = off;
CREATE FUNCTION plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS off) ' || query LOOP
        RETURN NEXT regexp_replace(line, 'view_\d+', 'view_N', 'g');
    END LOOP;
END $$;
SELECT plan('SELECT count FROM kept WHERE is_final AND window_start = ''2026-01-01 00:03Z''');
SELECT plan('SELECT count FROM kept WHERE is_final AND window_end > ''2026-01-01 00:03Z''');
RESET enable_seqscan;
SELECT drop_stream('st', true);

-- a view that stops: its error names window and group, others go on
SELECT create_stream('st', 'event_time timestamptz, k text, x int', source => 'insert', max_future => NULL, idle_timeout => NULL);
SELECT stop_stream('st');
SELECT create_view('fine', $$SELECT tumble(event_time, '1 minute') AS window_start, k, sum(x) FROM st GROUP BY 1, 2$$);
SELECT create_view('divides', $$SELECT tumble(event_time, '1 minute') AS window_start, k, 100 / sum(x) AS share FROM st GROUP BY 1, 2$$);
SELECT create_view('row_fails', $$SELECT k, sum(10 / x) FROM st GROUP BY 1$$);
INSERT INTO st VALUES ('2026-01-01 00:00Z', 'a', 1), ('2026-01-01 00:00Z', 'b', 0);
SELECT drop_view('row_fails');
INSERT INTO st VALUES ('2026-01-01 00:00Z', 'a', 1), ('2026-01-01 00:00Z', 'b', 1), ('2026-01-01 00:00Z', 'b', -1);
SELECT * FROM divides WHERE k = 'a';
SELECT * FROM divides;
SET client_min_messages = error;
SELECT advance('st', '2026-01-01 00:10Z');
SELECT view, state, reason FROM views WHERE stream = 'st'::regclass ORDER BY view::text;
SELECT * FROM fine ORDER BY 2;
INSERT INTO st VALUES ('2026-01-01 00:20Z', 'a', 1);
SELECT * FROM fine WHERE NOT is_final;
DROP VIEW divides;
DROP VIEW fine CASCADE;
SELECT drop_stream('st');

-- all gone
SELECT relname FROM pg_class WHERE relnamespace = 'kafka_stream_internal'::regnamespace AND relname ~ '^view_[0-9]' AND NOT EXISTS (SELECT FROM kafka_stream_internal.view WHERE relname LIKE 'view\_' || id || '\_%');
SELECT stream FROM kafka_stream.streams WHERE stream::text ~ '^(st|big|view_life)';
DROP SCHEMA view_life CASCADE;
