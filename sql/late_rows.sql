-- Late rows: a row is late for a window whose end, plus the delay, the clock of
-- its partition had reached before the row; which rows are kept where, and counted.
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = ISO;
CREATE SCHEMA late_rows;
SET search_path = late_rows, public, kafka_stream;
SELECT create_stream('st', 'event_time timestamptz, k text, x int', source => 'insert', watermark_delay => '10 seconds', max_future => NULL, idle_timeout => NULL);
CREATE TABLE keys (k text);
INSERT INTO keys VALUES ('a'), ('b'), ('b');
SELECT create_view('minutes', $$SELECT tumble(event_time, '1 minute') AS window_start, count(*), sum(x) FROM st GROUP BY 1$$);
SELECT create_view('patient', $$SELECT tumble(event_time, '1 minute') AS window_start, count(*) FROM st GROUP BY 1$$, watermark_delay => '5 minutes');
SELECT create_view('strict', $$SELECT tumble(event_time, '1 minute') AS window_start, count(*) FROM st GROUP BY 1$$, watermark_delay => '0');
SELECT create_view('hops', $$SELECT hop(event_time, '3 minutes', '1 minute') AS window_start, count(*), array_agg(x) FROM st GROUP BY 1$$);
SELECT create_view('steps', $$SELECT cumulate(event_time, '3 minutes', '1 minute') AS window_end, count(*), array_agg(x) FROM st GROUP BY 1$$);
SELECT create_view('joined', $$SELECT tumble(event_time, '1 minute') AS window_start, count(*) FROM st JOIN keys USING (k) WHERE x <> 3 GROUP BY 1$$);
SELECT create_view('dropped', $$SELECT tumble(event_time, '1 minute') AS window_start, count(*) FROM st GROUP BY 1$$, late => 'drop');
SELECT create_view('total', $$SELECT count(*), max(x) FROM st$$);
SELECT create_view('passed', $$SELECT event_time, x FROM st WHERE x > 1$$);

-- 00:00:30, then the clock moves to the microsecond before 00:01:10, and to it
INSERT INTO st VALUES ('2026-01-01 00:00:30Z', 'a', 1);
INSERT INTO st VALUES ('2026-01-01 00:01:09.999999Z', 'a', 2), ('2026-01-01 00:00:59Z', 'a', 3);
INSERT INTO st VALUES ('2026-01-01 00:01:10Z', 'b', 4);
-- late for the first minute; the hop's windows that end at 00:02 and 00:03 still take it
INSERT INTO st VALUES ('2026-01-01 00:00:59Z', 'b', 5);
-- the row that moves the clock is not late by itself; two of one statement, in order
INSERT INTO st VALUES ('2026-01-01 00:02:11Z', 'a', 6), ('2026-01-01 00:01:59.999999Z', 'b', 7), ('2026-01-01 00:00:10Z', 'b', 8), ('2026-01-01 00:00:20Z', 'c', 9);
-- everything is late
INSERT INTO st VALUES ('2026-01-01 00:10Z', 'a', 10), ('2026-01-01 00:00:20Z', 'a', 3), ('2026-01-01 00:00:20Z', 'b', 11);

SELECT window_start, window_end, count, sum FROM minutes ORDER BY 1;
SELECT window_start, count FROM patient ORDER BY 1;
SELECT window_start, count FROM strict ORDER BY 1;
SELECT window_start, window_end, count, array_agg FROM hops ORDER BY 1;
SELECT window_start, window_end, count, array_agg FROM steps ORDER BY 2;
SELECT window_start, count FROM joined ORDER BY 1;
SELECT window_start, count FROM dropped ORDER BY 1;
TABLE total;
SELECT * FROM passed ORDER BY 2, 1;

-- one row for each late row and view: not where WHERE or a join discards it
SELECT view, event_time, k, x, kafka_offset, window_end, clock, lateness FROM st_late ORDER BY view::text COLLATE "C", kafka_offset;
SELECT kafka_partition IS NULL AS inserted, kafka_timestamp = kafka_received_at AS same, count(*) FROM st_late GROUP BY 1, 2;
SELECT view, folded, filtered, late, partly_late, dead_letters, folded + filtered + late AS all FROM stats WHERE stream = 'st'::regclass ORDER BY view::text COLLATE "C" NULLS FIRST;

-- closed by hand: late by the view's watermark, if that is further
SELECT advance('st', '2026-01-01 00:15:30Z');
SELECT advance('st', '2026-01-01 00:12Z');
SELECT view, watermark FROM views WHERE stream = 'st'::regclass ORDER BY view::text COLLATE "C";
INSERT INTO st VALUES ('2026-01-01 00:14:59Z', 'a', 20), ('2026-01-01 00:15Z', 'a', 21), ('2026-01-01 00:15:59Z', 'a', 22);
SELECT view, x, window_end, clock, lateness FROM st_late WHERE x >= 20 ORDER BY view::text COLLATE "C", x;
SELECT window_start, is_final, count, array_agg FROM hops WHERE window_end > '2026-01-01 00:14Z' ORDER BY 1;
SELECT window_end, is_final, count, array_agg FROM steps WHERE window_end > '2026-01-01 00:14Z' ORDER BY 1;
SELECT bool_and(is_final) FROM minutes WHERE window_end <= '2026-01-01 00:15Z';

-- a view made later is backfilled in order of arrival, with the clocks as they were
SELECT create_view('minutes2', $$SELECT tumble(event_time, '1 minute') AS window_start, count(*), sum(x) FROM st GROUP BY 1$$);
SELECT window_start, count, sum FROM minutes2 ORDER BY 1;
SELECT x, window_end, clock, lateness FROM st_late WHERE view = 'minutes2'::regclass ORDER BY kafka_offset;
SELECT create_view('unfilled', $$SELECT tumble(event_time, '1 minute') AS window_start, count(*), sum(x) FROM st GROUP BY 1$$, backfill => 'none');
INSERT INTO st VALUES ('2026-01-01 00:15:01Z', 'a', 30), ('2026-01-01 00:01Z', 'a', 31);
TABLE unfilled;
SELECT view, complete_from FROM views WHERE view IN ('minutes'::regclass, 'minutes2'::regclass, 'unfilled'::regclass) ORDER BY view::text COLLATE "C";
SELECT x, view FROM st_late WHERE x >= 30 ORDER BY x, view::text COLLATE "C";

-- near the ends of time
INSERT INTO st VALUES ('294276-12-31 23:59:59Z', 'a', 40);
INSERT INTO st VALUES ('4713-01-01 00:00:00Z BC', 'a', 40);
INSERT INTO st VALUES ('infinity', 'a', 40);
INSERT INTO st VALUES (NULL, 'a', 40);
INSERT INTO st VALUES ('0001-01-01 00:00:00Z', 'a', 41);
SELECT x, view, lateness FROM st_late WHERE x >= 40 ORDER BY view::text COLLATE "C", x;
INSERT INTO st VALUES ('200000-01-01 00:00:00Z', 'z', 50);
SELECT count(*) FROM minutes WHERE window_start > '2026-01-02';

-- columns of the stream that come, change their type and go
ALTER TABLE st ADD COLUMN extra int;
INSERT INTO st (event_time, k, x, extra) VALUES ('2026-01-01 00:00Z', 'a', 60, 1);
ALTER TABLE st DROP COLUMN extra, ADD COLUMN extra text;
INSERT INTO st (event_time, k, x, extra) VALUES ('2026-01-01 00:00Z', 'a', 61, 'one');
ALTER TABLE st RENAME COLUMN extra TO clock;
INSERT INTO st (event_time, k, x, clock) VALUES ('2026-01-01 00:00Z', 'a', 62, 'two');
SELECT x, extra, extra_12, clock < 'infinity' AS clock FROM st_late WHERE x >= 60 AND view = 'minutes'::regclass ORDER BY x;
ALTER TABLE st_late ALTER COLUMN lateness TYPE text;
INSERT INTO st (event_time, k, x) VALUES ('2026-01-01 00:00Z', 'a', 63);
ALTER TABLE st_late DROP COLUMN lateness;
INSERT INTO st (event_time, k, x) VALUES ('2026-01-01 00:00Z', 'a', 64);
SELECT view, x FROM st_late WHERE x > 62 AND view = 'minutes'::regclass;
SELECT drop_stream('st', cascade => true);
SELECT to_regclass('st_late'), to_regclass('minutes');
