-- Streams: what create_stream takes and refuses, changing, dropping, rights.
-- Needs no broker: streams of Kafka are made stopped, or rolled back.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE ROLE regress_stream_owner;
CREATE ROLE regress_stream_other;
CREATE SCHEMA streams;
SET search_path = streams, public;

-- what is refused, and how
SELECT kafka_stream.create_stream('x', 'event_time timestamptz', source => 'rate');
SELECT kafka_stream.create_stream('x', 'event_time timestamptz', source => 'pigeon');
SELECT kafka_stream.create_stream('x', 'event_time timestamptz');
SELECT kafka_stream.create_stream('x', 'event_time timestamptz', brokers => 'h:1', server => 's');
SELECT kafka_stream.create_stream('x', 'event_time timestamptz', brokers => 'h:1', format => 'avro');
SELECT kafka_stream.create_stream('x', 'event_time timestamptz', brokers => 'h:1', format => 'yaml');
SELECT kafka_stream.create_stream('x', 'event_time timestamptz', brokers => 'h:1', start => 'now');
SELECT kafka_stream.create_stream('x', 'event_time timestamptz', brokers => 'h:1', start => '{"a": 1}');
SELECT kafka_stream.create_stream('x', 'event_time timestamptz', brokers => 'h:1', start => '{"0": 1}', topic => 'a,b');
SELECT kafka_stream.create_stream('x', 'event_time timestamptz', brokers => 'h:1', workers => 2);
SELECT kafka_stream.create_stream('x', 'event_time timestamptz', brokers => 'h:1', batch_rows => 0);
SELECT kafka_stream.create_stream('x', 'event_time timestamptz', brokers => 'h:1', on_error => 'ignore');
SELECT kafka_stream.create_stream('x', 'event_time timestamptz', brokers => 'h:1', on_data_loss => 'ignore');
SELECT kafka_stream.create_stream('x', 'event_time timestamptz', brokers => 'h:1', options => '{"colour": "red"}');
SELECT kafka_stream.create_stream('x', 'event_time timestamptz', brokers => 'h:1', options => '{"include": ["colour"]}');
SELECT kafka_stream.create_stream('x', 'event_time timestamptz', brokers => 'h:1', options => '[]');
SELECT kafka_stream.create_stream('x', 'event_time timestamptz', source => 'insert', topic => 't');
SELECT kafka_stream.create_stream('x', 'event_time timestamptz', source => 'insert', start => 'latest');
SELECT kafka_stream.create_stream('x', 'event_time timestamptz', source => 'insert', options => '{"rest": "r"}');
SELECT kafka_stream.create_stream('x', 'event_time timestamptz', source => 'insert', watermark_delay => '-1 s');
SELECT kafka_stream.create_stream('x', 'event_time timestamptz', source => 'insert', watermark_delay => '1 month');
SELECT kafka_stream.create_stream('x', 'event_time timestamptz', source => 'insert', idle_timeout => '0');
SELECT kafka_stream.create_stream('x', 'event_time timestamptz', source => 'insert', retention => NULL);
SELECT kafka_stream.create_stream('x', 'event_time timestamptz', source => 'insert', staging_limit => 1);
SELECT kafka_stream.create_stream('x', 'event_time timestamptz', source => 'insert', batch_interval => '2 hours');
SELECT kafka_stream.create_stream('x', NULL, source => 'insert');
SELECT kafka_stream.create_stream('', 'event_time timestamptz', source => 'insert');
SELECT kafka_stream.create_stream('a.b.c', 'event_time timestamptz', source => 'insert');
SELECT kafka_stream.create_stream(repeat('x', 60), 'event_time timestamptz', source => 'insert');
SELECT kafka_stream.create_stream('nowhere.x', 'event_time timestamptz', source => 'insert');

-- columns
SELECT kafka_stream.create_stream('x', 'event_time timestamptz, a nosuchtype', source => 'insert');
SELECT kafka_stream.create_stream('x', 'event_time timestamptz, a', source => 'insert');
SELECT kafka_stream.create_stream('x', 'event_time timestamptz); DROP SCHEMA streams; --', source => 'insert');
SELECT kafka_stream.create_stream('x', 'event_time timestamptz) INHERITS (pg_class', source => 'insert');
SELECT kafka_stream.create_stream('x', 'event_time timestamptz) WITH (fillfactor = 10', source => 'insert');
SELECT kafka_stream.create_stream('x', 'event_time timestamptz); CREATE TABLE y (a int', source => 'insert');
SELECT kafka_stream.create_stream('x', 'event_time timestamptz, LIKE pg_class', source => 'insert');
SELECT kafka_stream.create_stream('x', 'event_time timestamptz, id int PRIMARY KEY', source => 'insert');
SELECT kafka_stream.create_stream('x', 'event_time timestamptz, id int UNIQUE', source => 'insert');
SELECT kafka_stream.create_stream('x', 'event_time timestamptz, id serial', source => 'insert');
SELECT kafka_stream.create_stream('x', 'event_time timestamptz, id int GENERATED ALWAYS AS IDENTITY', source => 'insert');
SELECT kafka_stream.create_stream('x', 'event_time timestamptz, id int REFERENCES y', source => 'insert');
SELECT kafka_stream.create_stream('x', 'event_time timestamptz, id int, EXCLUDE USING btree (id WITH =)', source => 'insert');
SELECT kafka_stream.create_stream('x', 'event_time timestamptz, kafka_offset int', source => 'insert');
SELECT kafka_stream.create_stream('x', 'event_time timestamptz, window_end timestamptz', source => 'insert');
SELECT kafka_stream.create_stream('x', 'a int', source => 'insert');
SELECT kafka_stream.create_stream('x', 'event_time timestamp', source => 'insert');
SELECT kafka_stream.create_stream('x', 'ts timestamptz', source => 'insert', event_time => 'kafka_received_at');
SELECT relname FROM pg_class WHERE relnamespace = 'streams'::regnamespace;

-- what is accepted
SELECT kafka_stream.create_stream('s', $$
    ts timestamptz NOT NULL, -- a comment
    service text DEFAULT 'none' CHECK (service <> ''),
    "Amount" numeric(10,2), doubled numeric GENERATED ALWAYS AS ("Amount" * 2) STORED
    -- and one at the end$$, source => 'insert', event_time => 'ts', watermark_delay => '5 seconds',
    idle_timeout => NULL, retention => '1 day');
SELECT attname, format_type(atttypid, atttypmod), attnotnull, attgenerated FROM pg_attribute
WHERE attrelid = 's'::regclass AND attnum > 0 ORDER BY attnum;
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
WHERE attrelid = 's_late'::regclass AND attnum > 0 ORDER BY attnum;
SELECT pg_get_partkeydef('s'::regclass);
SELECT count(*), min(relpersistence), max(relpersistence) FROM pg_inherits JOIN pg_class ON oid = inhrelid
WHERE inhparent = 's'::regclass;
SELECT source, watermark_delay, idle_timeout, max_future, retention, late_retention, start, options
FROM kafka_stream_internal.stream WHERE stream = 's'::regclass;
SELECT kafka_stream.create_stream('s', 'event_time timestamptz', source => 'insert');
SELECT kafka_stream.create_stream('only_kafka', '', source => 'insert', event_time => 'kafka_timestamp');
SELECT kafka_stream.drop_stream('only_kafka');

-- segments: a ring by arrival
SELECT w, kafka_stream.staging_segment('2000-01-01 00:00Z'::timestamptz + w * interval '10 minutes', '10 minutes')
FROM generate_series(-9, 9, 3) AS w;
SELECT kafka_stream.staging_segment(NULL, '10 minutes') = kafka_stream.staging_segment(statement_timestamp(), '10 minutes') AS now;

-- rows, and what is refused of them
INSERT INTO s (ts, service, "Amount") VALUES ('2026-03-01 12:00Z', 'a', 1.5), ('2026-03-01 12:01Z', DEFAULT, NULL);
SELECT ts AT TIME ZONE 'UTC' AS ts, service, "Amount", doubled, kafka_partition, kafka_offset, kafka_timestamp = kafka_received_at AS same FROM s ORDER BY kafka_offset;
\set VERBOSITY sqlstate
INSERT INTO s (ts, service) VALUES ('2026-03-01 12:00Z', '');
\set VERBOSITY default
UPDATE s SET service = 'b';
DELETE FROM s;
TRUNCATE s;
SELECT (SELECT tableoid::regclass FROM s LIMIT 1) AS leaf \gset
\set VERBOSITY sqlstate
INSERT INTO :leaf (ts) VALUES (now());
DELETE FROM :leaf;
\set VERBOSITY default

-- a stream of Kafka: segments are unlogged; what options add
BEGIN;
SELECT kafka_stream.create_stream('k', 'event_time timestamptz, rest jsonb', brokers => 'localhost:1', start => '2026-03-01 12:00:00+01',
    options => '{"include": ["topic", "key", "headers"], "rest": "rest"}');
SELECT topic, start::timestamptz = '2026-03-01 12:00:00+01' AS start, brokers FROM kafka_stream_internal.stream WHERE stream = 'k'::regclass;
SELECT count(*), min(relpersistence), max(relpersistence) FROM pg_inherits JOIN pg_class ON oid = inhrelid
WHERE inhparent = 'k'::regclass;
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
WHERE attrelid = 'k'::regclass AND attnum > 6 ORDER BY attnum;
SELECT kafka_stream.flush('k');
ROLLBACK;
SELECT to_regclass('k'), to_regclass('k_late'), count(*) FROM kafka_stream_internal.stream;
BEGIN;
SELECT kafka_stream.create_stream('p', 'event_time timestamptz', source => 'insert');
PREPARE TRANSACTION 'p';
ROLLBACK;

-- altering
SELECT kafka_stream.alter_stream('s', '{"watermark_delay": "20 seconds", "idle_timeout": "1 minute", "batch_rows": 7, "on_error": "stop"}');
SELECT watermark_delay, idle_timeout, batch_rows, on_error, on_data_loss FROM kafka_stream_internal.stream WHERE stream = 's'::regclass;
SELECT kafka_stream.alter_stream('s', '{"idle_timeout": null}');
SELECT watermark_delay, idle_timeout, batch_rows, on_error FROM kafka_stream_internal.stream WHERE stream = 's'::regclass;
SELECT kafka_stream.alter_stream('s', '{"watermark_delay": null}');
SELECT kafka_stream.alter_stream('s', '{"batch_rows": "many"}');
SELECT kafka_stream.alter_stream('s', '{"retention": "2 days"}');
SELECT kafka_stream.alter_stream('s', '{"start": "latest"}');
SELECT kafka_stream.alter_stream('s', '{"colour": "red"}');
SELECT kafka_stream.alter_stream('s', '{"brokers": "h:1"}');
SELECT kafka_stream.alter_stream('s', '[]');
SELECT kafka_stream.alter_stream('s_late', '{}');
SELECT kafka_stream.alter_stream('nosuch', '{}');
SELECT kafka_stream.seek_stream('s', 'earliest');

-- ALTER TABLE
ALTER TABLE s RENAME COLUMN ts TO at;
SELECT event_time FROM kafka_stream_internal.stream WHERE stream = 's'::regclass;
ALTER TABLE s ADD COLUMN more int DEFAULT 5;
SELECT attname FROM pg_attribute WHERE attrelid = 's_late'::regclass AND attname IN ('more', 'at') ORDER BY 1;
INSERT INTO s (at) VALUES ('2026-03-01 12:02Z');
SELECT at AT TIME ZONE 'UTC' AS at, more, kafka_offset FROM s ORDER BY kafka_offset;
ALTER TABLE s DROP COLUMN at;
ALTER TABLE s ALTER COLUMN at TYPE timestamp;
ALTER TABLE s RENAME COLUMN kafka_offset TO o;
ALTER TABLE s DROP COLUMN kafka_timestamp;

-- stopping and starting; flushing a stream of INSERTs needs its worker
SELECT kafka_stream.stop_stream('s');
SELECT state, reason FROM kafka_stream.streams WHERE stream = 's'::regclass;
SELECT kafka_stream.flush('s');
SELECT kafka_stream.start_stream('s');
SELECT kafka_stream.flush('s');
SELECT state, reason FROM kafka_stream.streams WHERE stream = 's'::regclass;
BEGIN;
INSERT INTO s (at) VALUES ('2026-03-01 12:03Z');
SELECT kafka_stream.flush('s');
ROLLBACK;
SELECT kafka_stream.flush('s_late');
SELECT kafka_stream.advance('s', 'infinity');
SELECT rows, folded, late, dead_letters FROM kafka_stream.stats WHERE stream = 's'::regclass;
SELECT topic, kafka_partition, next_offset, lag, clock AT TIME ZONE 'UTC' AS clock FROM kafka_stream.partitions WHERE stream = 's'::regclass;

-- rights
SET ROLE regress_stream_other;
SELECT kafka_stream.create_stream('x', 'event_time timestamptz', source => 'insert');
SELECT kafka_stream.stop_stream('s');
SELECT stream, state FROM kafka_stream.streams;
SELECT count(*) FROM kafka_stream_internal.stream;
SELECT kafka_stream_internal.touch_stream(1);
RESET ROLE;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA kafka_stream TO regress_stream_owner, regress_stream_other;
GRANT USAGE ON SCHEMA streams TO regress_stream_owner, regress_stream_other;
SET ROLE regress_stream_other;
SELECT kafka_stream.create_stream('streams.x', 'event_time timestamptz', source => 'insert');
SELECT kafka_stream.stop_stream('s');
SELECT kafka_stream.alter_stream('s', '{}');
SELECT kafka_stream.advance('s', now());
SELECT kafka_stream.flush('s');
SELECT kafka_stream.drop_stream('s');
RESET ROLE;
GRANT CREATE ON SCHEMA streams TO regress_stream_owner;
SET ROLE regress_stream_owner;
SELECT kafka_stream.create_stream('streams.mine', 'event_time timestamptz, n int', source => 'insert');
INSERT INTO streams.mine (event_time, n) VALUES ('2026-03-01 12:00Z', 1);
SELECT stream, rows FROM kafka_stream.stats;
SELECT kafka_stream.create_stream('streams.theirs', 'event_time timestamptz', brokers => 'localhost:1');
RESET ROLE;
SELECT tableowner, count(*) FROM pg_tables WHERE tablename LIKE 'mine%' OR tablename LIKE 'stream\_%' GROUP BY 1 ORDER BY 1;
GRANT SELECT ON mine TO regress_stream_other;
SET ROLE regress_stream_other;
SELECT stream FROM kafka_stream.stats;
RESET ROLE;
ALTER TABLE mine OWNER TO regress_stream_other;
SELECT DISTINCT tableowner FROM pg_tables WHERE tablename LIKE 'mine%';

-- dropping: what belongs to it goes, the rest of the catalog stays
DROP TABLE s_late;
DROP TABLE mine;
SELECT to_regclass('mine'), to_regclass('mine_late');
SELECT stream FROM kafka_stream_internal.stream;
BEGIN;
SELECT kafka_stream.drop_stream('s');
SELECT count(*) FROM kafka_stream_internal.partition;
ROLLBACK;
SELECT count(*) FROM kafka_stream_internal.partition;
SELECT kafka_stream.create_view('v', 'SELECT count(*) FROM s GROUP BY tumble(at, ''1 minute'')');
SELECT kafka_stream.drop_stream('s');
\set VERBOSITY terse
DROP TABLE s;
\set VERBOSITY default
SELECT kafka_stream.drop_stream('s', cascade => true);
SELECT (SELECT count(*) FROM kafka_stream_internal.stream) AS streams,
       (SELECT count(*) FROM kafka_stream_internal.partition) AS partitions,
       (SELECT count(*) FROM kafka_stream_internal.counter) AS counters,
       (SELECT count(*) FROM kafka_stream_internal.view) AS views,
       (SELECT count(*) FROM kafka_stream_internal.view_progress) AS progress;
SELECT relname FROM pg_class WHERE relnamespace = 'streams'::regnamespace
UNION ALL
SELECT relname FROM pg_class WHERE relnamespace = 'kafka_stream_internal'::regnamespace AND relname ~ '_(segment|states|finals|open|definition)';

RESET search_path;
DROP SCHEMA streams;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA kafka_stream FROM regress_stream_owner, regress_stream_other;
DROP ROLE regress_stream_owner;
DROP ROLE regress_stream_other;
