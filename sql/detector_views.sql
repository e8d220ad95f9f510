-- Continuous views over a detector: what the function gives over all final
-- windows, kept as they close.
SET TimeZone = 'UTC';
SET client_min_messages = warning;

SELECT kafka_stream.create_stream('readings',
    'event_time timestamptz, sensor text, room int, value float8', source => 'insert',
    watermark_delay => '0', idle_timeout => NULL);
SELECT kafka_stream.create_view('minutes', $$
    SELECT tumble(event_time, '1 minute') AS window_start, sensor, room,
           avg(value) AS mean, count(*) AS n
    FROM readings GROUP BY window_start, sensor, room $$);
SELECT kafka_stream.create_view('hops', $$
    SELECT hop(event_time, '3 minutes', '1 minute') AS window_start, sensor, max(value) AS highest
    FROM readings GROUP BY window_start, sensor $$);
SELECT kafka_stream.create_view('growing', $$
    SELECT cumulate(event_time, '5 minutes', '1 minute') AS window_end, sensor, sum(value) AS total
    FROM readings GROUP BY window_end, sensor $$);

-- One view per detector, made before the first row.
CREATE TABLE method (view text PRIMARY KEY, call text);
INSERT INTO method VALUES
    ('v_zscore', $$kafka_stream.detect_zscore('minutes', 'mean', partition_by => '{sensor,room}')$$),
    ('v_spike', $$kafka_stream.detect_spike('minutes', 'mean', partition_by => ARRAY['sensor', 'room'], threshold => 3, direction => 'both')$$),
    ('v_mad', $$kafka_stream.detect_mad('minutes', 'mean', 'window_end', '{sensor,room}')$$),
    ('v_iqr', $$kafka_stream.detect_iqr('minutes', 'mean', partition_by => '{sensor,room}')$$),
    ('v_ewma', $$kafka_stream.detect_ewma('minutes', 'mean', preceding => 20, partition_by => '{sensor,room}')$$),
    ('v_cusum', $$kafka_stream.detect_cusum('minutes', 'mean', preceding => 20, partition_by => '{sensor,room}')$$),
    ('v_seasonal', $$kafka_stream.detect_seasonal('minutes', 'mean', partition_by => '{sensor,room}', period => '10 minutes')$$),
    ('v_forest', $$kafka_stream.detect_forest('minutes', 'mean', tree_size => 16, trees => 10, partition_by => '{sensor,room}')$$),
    ('v_stream', $$kafka_stream.detect_stream('minutes', 'mean', partition_by => '{sensor,room}')$$),
    ('v_ddos', $$kafka_stream.detect_ddos('minutes', 'sensor', 'n', 'room', max_requests => 2)$$),
    ('v_hops', $$kafka_stream.detect_zscore('hops', 'highest', partition_by => '{sensor}', preceding => 5)$$),
    ('v_growing', $$kafka_stream.detect_zscore('growing', 'total', 'window_end', '{sensor}', preceding => 5)$$),
    ('v_mixed', $$kafka_stream.detect_zscore('minutes', 'mean')$$);  -- several rows of a series in one window
SELECT count(kafka_stream.create_view(view, format('SELECT * FROM %s', call))) FROM method;

-- 90 minutes, in steps of 7: sensors that come and go, gaps, constant stretches, a spike.
CREATE FUNCTION read_on(from_minute int, to_minute int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO readings (event_time, sensor, room, value)
    SELECT '2024-05-01 10:00Z'::timestamptz + m * interval '1 minute' + k * interval '13 seconds',
           's' || s, s % 2,
           CASE WHEN s = 3 THEN 5
                WHEN m = 60 AND s = 1 THEN 80
                ELSE 20 + 3 * sin(m * 0.6) + hashint4(m * 100 + s * 10 + k) % 1000 / 500.0 END
    FROM generate_series(from_minute, to_minute) AS m, generate_series(1, 4) AS s, generate_series(0, 3) AS k
    WHERE NOT (s = 2 AND m BETWEEN 30 AND 41) AND NOT (s = 4 AND m > 70)
    ORDER BY 1;
    PERFORM kafka_stream.advance('readings',
        '2024-05-01 10:00Z'::timestamptz + to_minute * interval '1 minute');
END $$;
SELECT count(read_on(m, m + 6)) FROM generate_series(0, 84, 7) AS m;

-- As the function over all final windows, to the bit.
CREATE FUNCTION check_views() RETURNS TABLE (view text, n bigint, scored bigint, differences bigint)
LANGUAGE plpgsql AS $$
DECLARE
    m record;
BEGIN
    FOR m IN SELECT * FROM method ORDER BY method.view LOOP
        RETURN QUERY EXECUTE format(
            'WITH a AS MATERIALIZED (SELECT series, ts, value, expected, lower, upper, score, is_anomaly FROM %I),
                  b AS MATERIALIZED (SELECT * FROM %s)
             SELECT %L, (SELECT count(*) FROM a), (SELECT count(score) FROM a),
                    (SELECT count(*) FROM ((TABLE a EXCEPT ALL TABLE b) UNION ALL (TABLE b EXCEPT ALL TABLE a)) AS d)',
            m.view, m.call, m.view);
    END LOOP;
END $$;
SELECT * FROM check_views();
SELECT DISTINCT window_end - window_start AS hop FROM v_hops;
SELECT max(window_start) = max(ts) - interval '5 minutes' AS cumulated FROM v_growing;
SELECT window_start, window_end, series, round(value) AS value, is_anomaly
FROM v_spike WHERE is_anomaly ORDER BY 1, 3::text;
SELECT view, stream, state, watermark FROM kafka_stream.views WHERE view::text IN ('minutes', 'v_zscore') ORDER BY view::text;

-- Made later: with what is final already, or from here on.
SELECT kafka_stream.create_view('late_all', $$
    SELECT series->>'sensor' AS sensor, ts AS window_start, value, score
    FROM kafka_stream.detect_mad('minutes', 'mean', partition_by => '{sensor,room}') AS d WHERE score > 1 $$);
SELECT kafka_stream.create_view('late_none', $$
    SELECT * FROM kafka_stream.detect_mad('minutes', 'mean', partition_by => '{sensor,room}') $$, backfill => 'none');
SELECT (SELECT count(*) FROM late_none) AS none, (SELECT complete_from FROM kafka_stream.views WHERE view = 'late_none'::regclass);
SELECT count(*) FROM (SELECT window_start, window_end, true, series->>'sensor', value, score FROM v_mad WHERE score > 1
                      EXCEPT ALL TABLE late_all) AS missing;
SELECT read_on(91, 100);
SELECT * FROM check_views();
SELECT count(*), min(window_start), count(score) FROM late_none;
SELECT count(*) FROM (SELECT window_start, window_end, true, series->>'sensor', value, score FROM v_mad WHERE score > 1
                      EXCEPT ALL TABLE late_all) AS missing;

-- Retention: of rows, and of series without rows.
SELECT kafka_stream.create_view('brief', $$
    SELECT * FROM kafka_stream.detect_zscore('minutes', 'mean', partition_by => '{sensor,room}', preceding => 3) $$,
    retention => '5 minutes');
SELECT read_on(101, 110);
SELECT min(window_end), count(*) FROM brief;
SELECT states FROM kafka_stream_internal.view WHERE view = 'brief'::regclass \gset
SELECT series FROM :states ORDER BY series;

-- What it shows of itself.
SELECT regexp_replace(substring(kafka_stream.explain_view('late_all') FROM '-- close.*(?=-- read)'), 'view_\d+_', 'view_N_', 'g');

-- Rolled back: nothing is left.
BEGIN;
SELECT kafka_stream.create_view('gone', $$ SELECT * FROM kafka_stream.detect_mad('minutes', 'mean') $$);
ROLLBACK;
SELECT to_regclass('gone');

-- Refused.
\set VERBOSITY terse
CREATE TABLE plain (window_start timestamptz, value float8);
SELECT kafka_stream.create_view('bad', $$ SELECT * FROM kafka_stream.detect_mad('plain', 'value') $$);
SELECT kafka_stream.create_view('bad', $$ SELECT * FROM kafka_stream.detect_mad('readings', 'value', 'event_time') $$);
SELECT kafka_stream.create_view('bad', $$ SELECT * FROM kafka_stream.detect_mad('v_zscore', 'score') $$);
SELECT kafka_stream.create_view('bad', $$ SELECT * FROM kafka_stream.detect_mad('minutes', 'nothing') $$);
SELECT kafka_stream.create_view('bad', $$ SELECT * FROM kafka_stream.detect_mad('minutes', 'mean', include_open => true) $$);
SELECT kafka_stream.create_view('bad', $$ SELECT * FROM kafka_stream.detect_zscore('growing', 'total') $$);
SELECT kafka_stream.create_view('bad', $$ SELECT * FROM kafka_stream.detect_mad('minutes', 'mean'), plain $$);
SELECT kafka_stream.create_view('bad', $$ SELECT count(*) FROM kafka_stream.detect_mad('minutes', 'mean') $$);
SELECT kafka_stream.create_view('bad', $$ SELECT (SELECT count(*) FROM plain) FROM kafka_stream.detect_mad('minutes', 'mean') $$);
SELECT kafka_stream.create_view('bad', $$ SELECT d FROM kafka_stream.detect_mad('minutes', 'mean') AS d $$);
SELECT kafka_stream.create_view('bad', $$ SELECT ts::text FROM kafka_stream.detect_mad('minutes', 'mean') $$);
SELECT kafka_stream.create_view('bad', $$ SELECT ts FROM kafka_stream.detect_mad('minutes', 'mean') WHERE ts > now() $$);
SELECT kafka_stream.create_view('bad', $$ SELECT * FROM kafka_stream.detect_mad('minutes', 'mean') ORDER BY ts $$);
SELECT kafka_stream.create_view('bad', $$ SELECT * FROM kafka_stream.detect_mad('minutes', lower('MEAN' || current_user)::name) $$);
SELECT kafka_stream.create_view('bad', $$ SELECT * FROM kafka_stream.detect_mad('minutes', 'mean') WITH ORDINALITY $$);
SELECT kafka_stream.create_view('bad', $$ SELECT * FROM kafka_stream.detect_mad('minutes', 'mean') $$, watermark_delay => '1 minute');
SELECT kafka_stream.create_view('bad', $$ SELECT * FROM kafka_stream.detect_mad('minutes', 'mean') $$, late => 'drop');

-- Rights: of the view that is read, nothing else; checked when windows close, too.
CREATE ROLE detector_owner;
GRANT EXECUTE ON FUNCTION kafka_stream.create_view TO detector_owner;
GRANT CREATE ON SCHEMA public TO detector_owner;
SET ROLE detector_owner;
SELECT kafka_stream.create_view('theirs', $$ SELECT * FROM kafka_stream.detect_mad('minutes', 'mean') $$);
RESET ROLE;
GRANT SELECT ON minutes TO detector_owner;
SET ROLE detector_owner;
SELECT kafka_stream.create_view('theirs', $$ SELECT * FROM kafka_stream.detect_mad('minutes', 'mean') $$);
RESET ROLE;
REVOKE SELECT ON minutes FROM detector_owner;
SELECT read_on(111, 112);
SELECT state, reason FROM kafka_stream.views WHERE view = 'theirs'::regclass;
SELECT state FROM kafka_stream.views WHERE view = 'minutes'::regclass;
SELECT * FROM check_views() WHERE differences <> 0;

-- Dropping what it reads takes it along, if told to.
SELECT kafka_stream.drop_view('hops');
SELECT kafka_stream.drop_view('hops', cascade => true);
SELECT to_regclass('v_hops'), to_regclass('v_mad') IS NOT NULL AS others;
SELECT kafka_stream.drop_view('v_mad');
SELECT read_on(113, 114);
SELECT count(*) FROM kafka_stream.views WHERE view::text IN ('v_hops', 'v_mad', 'hops');
SELECT kafka_stream.drop_stream('readings', cascade => true);
SELECT count(*) FROM kafka_stream_internal.view;
SELECT count(*) FROM pg_class WHERE relname ~ '^view_\d+_' AND relnamespace = 'kafka_stream_internal'::regnamespace;
REVOKE ALL ON FUNCTION kafka_stream.create_view FROM detector_owner;
REVOKE ALL ON SCHEMA public FROM detector_owner;
DROP ROLE detector_owner;
DROP TABLE plain, method;
DROP FUNCTION read_on, check_views;
