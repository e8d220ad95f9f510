-- States of detectors taken up again: continuous views that saw their windows
-- in many steps say what each function says of all windows at once.
CREATE SCHEMA anomaly_states;
SET search_path = anomaly_states, kafka_stream, public;
SET timezone = 'UTC';
SET client_min_messages = warning;
CREATE FUNCTION noise(n bigint) RETURNS float8 IMMUTABLE LANGUAGE sql AS
    $$SELECT ((hashint8extended(n, 3) & 65535) / 65536.0)::float8$$;
SELECT create_stream('logs', 'event_time timestamptz, service text, x float8, user_id int', source => 'insert', watermark_delay => '0') IS NOT NULL AS made;
SELECT create_view('m', $$SELECT tumble(event_time, '1 minute') AS window_start, service, max(x) AS x, count(DISTINCT user_id) AS users FROM logs GROUP BY window_start, service$$) IS NOT NULL AS made;

-- A view over each method there is, with arguments that make it warm soon.
CREATE TABLE method AS
    SELECT proname AS name, 'v_' || proname AS view,
           format('SELECT series, ts, value, expected, lower, upper, score, is_anomaly FROM kafka_stream.%I(''anomaly_states.m'', %s)', proname,
               CASE proname WHEN 'detect_suspicious_ips' THEN '''service'', ''x'', ''users'', 6, 2'
                   WHEN 'detect_ddos' THEN '''service'', ''x'', ''users'', 4, 3'
                   ELSE '''x'', partition_by => ''{service}''' || CASE proname
                       WHEN 'detect_spike' THEN ', direction => ''both'', threshold => 5'
                       WHEN 'detect_mad' THEN ', preceding => 9' WHEN 'detect_iqr' THEN ', preceding => 10'
                       WHEN 'detect_ewma' THEN ', preceding => 15' WHEN 'detect_cusum' THEN ', preceding => 15, h => 3'
                       WHEN 'detect_seasonal' THEN ', period => ''13 minutes'', slots => 5'
                       WHEN 'detect_forest' THEN ', tree_size => 16, trees => 3, threshold => 2'
                       WHEN 'detect_stream' THEN ', threshold => 0.1' ELSE '' END END) AS query
    FROM pg_proc WHERE prosrc = 'ks_detect';
SELECT count(create_view('anomaly_states.' || view, query)) = count(*) AS made FROM method;

-- Two series with gaps, windows without a value, and one that starts late.
CREATE FUNCTION feed(from_minute int, to_minute int) RETURNS int LANGUAGE sql AS $$
    INSERT INTO anomaly_states.logs SELECT timestamptz '2026-01-05Z' + minute * interval '1 minute' + g * interval '1 second', service,
        CASE WHEN minute % 17 = 5 THEN NULL WHEN minute = 77 THEN 'Infinity' WHEN minute BETWEEN 40 AND 60 THEN 2.3
             ELSE 5 * noise(minute * 10 + g) + sin(2 * pi() * minute / 13) + CASE WHEN minute % 31 = 0 THEN 20 ELSE 0 END END,
        noise(minute) * 4 * g
    FROM generate_series(from_minute, to_minute - 1) AS minute, unnest('{a,b}'::text[]) WITH ORDINALITY AS s (service, n), generate_series(0, 2) AS g
    WHERE minute % 11 <> n AND (service = 'a' OR minute > 30)
    ORDER BY minute;
    SELECT advance('anomaly_states.logs', timestamptz '2026-01-05Z' + to_minute * interval '1 minute');
    SELECT to_minute
$$;
SELECT count(feed(minute, minute + 1)) FROM generate_series(0, 24) AS minute;
SELECT count(feed(minute, minute + 7)) FROM generate_series(25, 120, 7) AS minute;
SELECT count(feed(130, 200));

CREATE TABLE seen (method name, series jsonb, ts timestamptz, value float8, expected float8, lower float8, upper float8, score float8, is_anomaly bool);
CREATE TABLE at_once (LIKE seen);
DO $$
DECLARE m record;
BEGIN
    FOR m IN SELECT * FROM anomaly_states.method LOOP
        EXECUTE format('INSERT INTO anomaly_states.seen SELECT %L, series, ts, value, expected, lower, upper, score, is_anomaly FROM anomaly_states.%I', m.name, m.view);
        EXECUTE format('INSERT INTO anomaly_states.at_once SELECT %L, d.* FROM (%s) AS d', m.name, m.query);
    END LOOP;
END $$;
SELECT name, count(ts) AS rows, count(score) > 100 AS scores, bool_or(is_anomaly) AS anomalies,
       (SELECT count(*) FROM at_once WHERE method = name) - count(ts) AS missing,
       (SELECT count(*) FROM (SELECT * FROM seen WHERE method = name EXCEPT SELECT * FROM at_once) AS d) AS different
FROM method LEFT JOIN seen ON method = name GROUP BY name ORDER BY name;
SELECT drop_stream('logs', cascade => true);
DROP SCHEMA anomaly_states CASCADE;
