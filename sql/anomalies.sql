-- Detectors of anomalies: over which rows, in which order, with whose rights;
-- z-score and spike against window functions; and what holds for every method.
CREATE SCHEMA anomalies;
SET search_path = anomalies, kafka_stream, public;
SET timezone = 'UTC';

-- Series with gaps, NULLs, NaN, infinities, equal stretches, two values at one
-- time, rows without a time and one row alone.
CREATE FUNCTION noise(n bigint) RETURNS float8 IMMUTABLE LANGUAGE sql AS
    $$SELECT ((hashint8extended(n, 7) & 65535) / 65536.0)::float8$$;
CREATE TABLE metric AS
    SELECT CASE WHEN g % 40 = 20 THEN NULL
                ELSE timestamptz '2026-01-05 00:00Z' + (g / 4 + CASE WHEN g > 500 THEN 300 ELSE 0 END) * interval '1 minute'
           END AS at,
           CASE g % 4 WHEN 0 THEN 'cart' WHEN 1 THEN 'Cart' WHEN 2 THEN NULL ELSE 'pay "x"' END AS service,
           CASE WHEN g % 8 < 4 THEN 1.0 ELSE 1.00 END AS zone,
           CASE WHEN g % 26 = 13 THEN NULL
                WHEN g = 402 THEN 'NaN'
                WHEN g IN (411, 800) THEN 'Infinity'
                WHEN g = 600 THEN '-Infinity'
                WHEN g BETWEEN 200 AND 330 AND g % 40 <> 20 THEN 0.1
                WHEN g % 97 = 0 THEN 40 + noise(g)
                ELSE 10 * noise(g) END AS value
    FROM generate_series(1, 1200) AS g;
INSERT INTO metric SELECT at, service, zone, value + 0.25 FROM metric
WHERE at = '2026-01-05 00:30Z' AND service IS NOT NULL;
INSERT INTO metric VALUES ('2026-01-05 01:00Z', 'alone', 1, 5);
SELECT count(*), count(DISTINCT service), count(value), count(at) FROM metric;

CREATE FUNCTION near(a float8, b float8) RETURNS bool IMMUTABLE LANGUAGE sql AS $$
    SELECT CASE WHEN a IS NULL OR b IS NULL THEN a IS NULL AND b IS NULL
                WHEN abs(a) = 'Infinity' OR abs(b) = 'Infinity' THEN a = b
                ELSE abs(a - b) <= 1e-9 * greatest(1, abs(a), abs(b)) END
$$;

-- The window functions' answers.  Infinite values and NaN are no values to
-- later rows; what is the same in all rows has no deviation.
CREATE VIEW frames AS
    SELECT *, row_number() OVER (PARTITION BY series ORDER BY at, value) AS n,
           CASE WHEN value NOT IN ('NaN') THEN value END AS judged
    FROM (SELECT *, jsonb_build_object('service', service, 'zone', zone) AS series,
                 CASE WHEN value NOT IN ('NaN', 'Infinity', '-Infinity') THEN value END AS learnt
          FROM metric) AS m;
CREATE VIEW zscore_expected AS
    SELECT series, n, value, mean,
           CASE WHEN NOT warm OR judged IS NULL THEN NULL
                WHEN abs(judged) = 'Infinity' THEN judged
                WHEN judged = mean AND deviation = 0 THEN 0
                WHEN deviation = 0 THEN sign(judged - mean) * 'Infinity'::float8
                ELSE (judged - mean) / deviation END AS score,
           CASE WHEN warm THEN deviation END AS deviation
    FROM (SELECT series, n, value, judged, count(*) OVER w = 10 AND count(learnt) OVER w >= 2 AS warm,
                 CASE WHEN min(learnt) OVER w = max(learnt) OVER w THEN min(learnt) OVER w ELSE avg(learnt) OVER w END AS mean,
                 CASE WHEN min(learnt) OVER w = max(learnt) OVER w THEN 0 ELSE stddev_samp(learnt) OVER w END AS deviation
          FROM frames
          WINDOW w AS (PARTITION BY series ORDER BY at, value ROWS BETWEEN 10 PRECEDING AND 1 PRECEDING)) AS f;
CREATE VIEW zscore_found AS
    SELECT *, row_number() OVER (PARTITION BY series ORDER BY ts, value) AS n
    FROM detect_zscore('metric', 'value', 'at', '{service,zone}');
SELECT count(*) AS rows, count(f.score) AS scores, count(*) FILTER (WHERE is_anomaly) AS anomalies,
       count(*) FILTER (WHERE abs(f.score) = 'Infinity') AS infinite,
       count(*) FILTER (WHERE e.deviation = 0 AND f.score = 0) AS constant,
       count(*) FILTER (WHERE NOT near(e.score, f.score)) AS other_score,
       count(*) FILTER (WHERE f.value IS DISTINCT FROM e.value) AS other_value,
       count(*) FILTER (WHERE is_anomaly IS DISTINCT FROM coalesce(abs(e.score) > 2, false)) AS other_answer,
       count(*) FILTER (WHERE NOT near(f.expected, CASE WHEN e.deviation IS NOT NULL THEN e.mean END)) AS other_mean,
       count(*) FILTER (WHERE NOT near(f.lower, e.mean - 2 * e.deviation) OR NOT near(f.upper, e.mean + 2 * e.deviation)) AS other_band
FROM zscore_expected AS e FULL JOIN zscore_found AS f USING (series, n);
-- one row alone, and rows that come last without a time
SELECT count(*), count(score), min(value) FROM zscore_found WHERE series->>'service' = 'alone';
SELECT count(*) > 0 AS some, bool_and(n > (SELECT max(n) FROM zscore_found AS z WHERE ts IS NOT NULL AND z.series = f.series)) AS last
FROM zscore_found AS f WHERE ts IS NULL;

CREATE VIEW spike_expected AS
    SELECT series, n, judged - lag(learnt) OVER (PARTITION BY series ORDER BY at, value) AS score,
           lag(learnt) OVER (PARTITION BY series ORDER BY at, value) AS before
    FROM frames;
CREATE FUNCTION spike_found(direction text) RETURNS TABLE (series jsonb, n bigint, score float8, is_anomaly bool,
    expected float8, lower float8, upper float8) LANGUAGE sql AS $$
    SELECT series, row_number() OVER (PARTITION BY series ORDER BY ts, value), score, is_anomaly, expected, lower, upper
    FROM detect_spike('metric', 'value', 'at', '{service,zone}', 5, direction)
$$;
SELECT direction, s.* FROM unnest('{up,down,both}'::text[]) AS direction, LATERAL (
    SELECT count(f.score) AS scores, count(*) FILTER (WHERE is_anomaly) AS anomalies,
           count(*) FILTER (WHERE NOT near(e.score, f.score) OR NOT near(e.before, f.expected)) AS other_score,
           count(*) FILTER (WHERE is_anomaly IS DISTINCT FROM coalesce(
               CASE direction WHEN 'up' THEN e.score > 5 WHEN 'down' THEN e.score < -5 ELSE abs(e.score) > 5 END, false)) AS other_answer,
           count(*) FILTER (WHERE NOT near(f.lower, CASE WHEN direction <> 'up' THEN e.before - 5 END)
                               OR NOT near(f.upper, CASE WHEN direction <> 'down' THEN e.before + 5 END)) AS other_band
    FROM spike_expected AS e FULL JOIN spike_found(direction) AS f USING (series, n)) AS s;

-- Exactly 0, however often and whatever is the same; and no drift behind
-- numbers that were very large.
CREATE TABLE constant AS SELECT timestamptz '2026-01-05Z' + g * interval '1 minute' AS at, 0.1::float8 AS value
FROM generate_series(1, 300) AS g;
SELECT min(score), max(score), min(lower), max(upper), count(score) FROM detect_zscore('constant', 'value', 'at', preceding => 7);
UPDATE constant SET value = 1e15 WHERE at = '2026-01-05 01:00Z';
SELECT min(score), max(score), min(expected), max(expected) FROM detect_zscore('constant', 'value', 'at')
WHERE ts > '2026-01-05 01:10Z';
-- too large for a standard deviation
UPDATE constant SET value = CASE WHEN extract(epoch FROM at)::bigint % 120 = 0 THEN 1e308 ELSE -1e308 END;
SELECT count(score), count(expected), bool_or(is_anomaly) FROM detect_zscore('constant', 'value', 'at');

-- What holds for every method: series that are cut off anywhere have the same
-- detections up to there; the order of rows on disk is no matter; rows without
-- a value have no score; an infinite one is an anomaly where a score is due.
CREATE TABLE method AS
    SELECT proname AS name,
           CASE proname WHEN 'detect_spike' THEN ', threshold => 8' WHEN 'detect_mad' THEN ', preceding => 9'
               WHEN 'detect_iqr' THEN ', preceding => 9' WHEN 'detect_ewma' THEN ', preceding => 20'
               WHEN 'detect_cusum' THEN ', preceding => 20'
               WHEN 'detect_seasonal' THEN ', period => ''20 minutes'', slots => 5'
               WHEN 'detect_forest' THEN ', tree_size => 16, trees => 7, threshold => 3'
               WHEN 'detect_suspicious_ips' THEN ', 8, 3' WHEN 'detect_ddos' THEN ', 4, 3' ELSE '' END AS own,
           pronargnames[2] = 'ip_column' AS of_addresses
    FROM (SELECT *, proargnames AS pronargnames FROM pg_proc WHERE prosrc = 'ks_detect') AS p;
CREATE FUNCTION detect(method name, relation text)
RETURNS TABLE (series jsonb, ts timestamptz, value float8, expected float8, lower float8, upper float8, score float8, is_anomaly bool)
LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE (SELECT format('SELECT * FROM kafka_stream.%I(%L, ', name, relation) ||
        CASE WHEN of_addresses THEN '''service'', ''value'', ''other''' || own || ', ''at'')'
             ELSE '''value'', ''at'', ''{service,zone}''' || own || ')' END
        FROM method AS m WHERE m.name = method);
END $$;
ALTER TABLE metric ADD other int;
UPDATE metric SET other = 5 * noise(extract(epoch FROM at)::bigint);
CREATE TABLE shuffled AS SELECT * FROM metric ORDER BY hashint8extended(extract(epoch FROM at)::bigint, 3), value DESC;
CREATE VIEW cut AS SELECT at, service, zone, value, other FROM (SELECT *,
        row_number() OVER (PARTITION BY service, zone ORDER BY at, value, other) AS n FROM metric) AS m
    WHERE n <= current_setting('anomalies.cut')::int;
CREATE TABLE whole AS SELECT name AS method, row_number() OVER (PARTITION BY name, series ORDER BY ts, value, score) AS n, d.*
FROM method, detect(name, 'metric') AS d;
SELECT method, count(*), bool_or(score IS NOT NULL) AS scores, bool_or(is_anomaly) AS anomalies,
       bool_or(is_anomaly AND (score IS NULL OR value IS NULL OR value = 'NaN')) AS without,
       count(*) FILTER (WHERE value = 'Infinity' AND NOT is_anomaly) AS infinite,
       bool_and(is_anomaly = (value > upper OR value < lower)) FILTER (WHERE expected IS NOT NULL AND lower IS NOT NULL AND upper IS NOT NULL AND value <> 'NaN') AS is_outside
FROM whole GROUP BY method ORDER BY method;
SELECT name, count(*) FROM method, LATERAL (
    (TABLE whole EXCEPT ALL SELECT name, row_number() OVER (PARTITION BY series ORDER BY ts, value, score), s.* FROM detect(name, 'shuffled') AS s)) AS d
WHERE d.method = name GROUP BY name;
CREATE FUNCTION cut_differently(name name, at int) RETURNS SETOF whole LANGUAGE sql AS $$
    SELECT set_config('anomalies.cut', at::text, true);
    (SELECT name, row_number() OVER (PARTITION BY series ORDER BY ts, value, score), d.* FROM detect(name, 'cut') AS d)
    EXCEPT ALL TABLE whole;
$$;
SELECT name, at, d.* FROM method, unnest('{1,2,9,20,21,57,101,150,222,290}'::int[]) AS at, cut_differently(name, at) AS d LIMIT 5;
-- the check can fail
SET anomalies.cut = 50;
SELECT count(*) > 0 AS differs FROM (SELECT * FROM detect_zscore('cut', 'value', 'at', preceding => 11)
    EXCEPT SELECT * FROM detect_zscore('cut', 'value', 'at')) AS d;

-- One series is what is equal as jsonb, in one piece, whatever the types think.
CREATE TABLE kind (at timestamptz, value int, n numeric, f float8, j jsonb, c char(4), e interval, i inet, b bytea, d date);
INSERT INTO kind SELECT timestamptz '2026-01-05Z' + g * interval '1 minute', g, CASE WHEN g % 2 = 0 THEN 1.0 ELSE 1.000 END,
    CASE g % 3 WHEN 0 THEN 0.0 WHEN 1 THEN '-0' ELSE 'NaN' END::float8, CASE g % 2 WHEN 0 THEN 'null'::jsonb END,
    CASE g % 3 WHEN 0 THEN 'a' ELSE 'b' END, CASE g % 2 WHEN 0 THEN interval '1 day' ELSE interval '24 hours' END,
    CASE g % 2 WHEN 0 THEN inet '10.0.0.1' ELSE inet '10.0.0.1/8' END, '\x00', '2026-01-05'
FROM generate_series(1, 12) AS g;
SELECT c AS column, count(DISTINCT series) AS series, count(score) AS with_previous, min(series::text)
FROM unnest('{n,f,j,c,e,i,b,d}'::name[]) AS c, detect_spike('kind', 'value', 'at', ARRAY[c]) GROUP BY c ORDER BY c;
SELECT count(DISTINCT series) AS series, count(score) AS with_previous FROM detect_spike('kind', 'value', 'at', '{i,n,j,c,f,e}');

-- Series that are different but have the same hash, by which they are sorted.
CREATE TABLE collision AS SELECT place >> 32 AS hash, array_agg(name) AS names
FROM (SELECT 'n' || g AS name, kafka_stream_internal.series_place('2026-01-05Z', 'n' || g) AS place FROM generate_series(1, 200000) AS g) AS s
GROUP BY hash HAVING count(*) > 1;
SELECT count(*) > 0 AS some FROM collision;
CREATE TABLE mixed AS SELECT timestamptz '2026-01-05Z' + g * interval '1 minute' AS at, name, noise(g) + length(name) * g AS value
FROM generate_series(1, 30) AS g, collision, unnest(names) AS name;
SELECT count(DISTINCT series) = (SELECT sum(cardinality(names)) FROM collision) AS all_series, count(score) = 29 * count(DISTINCT series) AS each_alone,
       count(*) FILTER (WHERE NOT near(score, m.value - before)) AS differences
FROM detect_spike('mixed', 'value', 'at', '{name}') AS d
    JOIN (SELECT *, lag(value) OVER (PARTITION BY name ORDER BY at) AS before FROM mixed) AS m ON ts = at AND series->>'name' = name;

-- Kinds of values and times.
CREATE DOMAIN amount AS numeric CHECK (value >= 0);
CREATE TABLE "Types" (at timestamptz, stamp timestamp, day date, i2 int2, i8 int8, f4 float4, num numeric, am amount, took interval, "va""lue" int,
    flag bool, words text, list int[]);
INSERT INTO "Types" VALUES ('2026-01-05 12:00Z', '2026-01-05 12:00', '2026-01-05', 1, 1, 1, 1, 1, '1 minute', 1, true, 'a', '{1}'),
    ('2026-01-06 12:00Z', '2026-01-06 12:00', '2026-01-06', 5, 5, 5, 5, 5, '1 minute 4 seconds', 5, true, 'a', '{1}');
SET timezone = 'America/New_York';
SELECT c AS column, ts AT TIME ZONE 'UTC' AS utc, value, score FROM unnest('{i2,i8,f4,num,am,took,"va\"lue"}'::name[]) AS c, detect_spike('"Types"', c, 'at')
WHERE score IS NOT NULL ORDER BY c;
SELECT c AS column, ts AT TIME ZONE 'UTC' AS utc FROM unnest('{at,stamp,day}'::name[]) AS c, detect_spike('"Types"', 'i2', c) ORDER BY c, ts;
RESET timezone;
SET timezone = 'UTC';

-- Arguments.
SELECT * FROM detect_zscore(NULL, 'value');
SELECT * FROM detect_zscore('metric', NULL);
SELECT * FROM detect_zscore(1::regclass, 'value');
SELECT * FROM detect_zscore('metric', 'value');
SELECT * FROM detect_zscore('metric', 'values', 'at');
SELECT * FROM detect_zscore('metric', 'ctid', 'at');
SELECT * FROM detect_zscore('metric', 'value', 'service');
SELECT * FROM detect_zscore('metric', 'service', 'at');
SELECT * FROM detect_zscore('"Types"', 'flag', 'at');
SELECT * FROM detect_zscore('"Types"', 'list', 'at');
SELECT * FROM detect_zscore('metric', 'value', 'at', '{services}');
SELECT * FROM detect_zscore('metric', 'value', 'at', '{service,NULL}');
SELECT * FROM detect_zscore('metric', 'value', 'at', '{service,service}');
SELECT * FROM detect_zscore('metric', 'value', 'at', '{at}');
SELECT * FROM detect_zscore('metric', 'value', 'at', array_fill('service'::name, '{51}'));
SELECT * FROM detect_zscore('metric', 'value', 'at', preceding => 1);
SELECT * FROM detect_zscore('metric', 'value', 'at', preceding => 10001);
SELECT * FROM detect_zscore('metric', 'value', 'at', preceding => NULL);
SELECT * FROM detect_zscore('metric', 'value', 'at', threshold => -1);
SELECT * FROM detect_zscore('metric', 'value', 'at', threshold => 'NaN');
SELECT * FROM detect_zscore('metric', 'value', 'at', threshold => 'Infinity');
SELECT * FROM detect_spike('metric', 'value', 'at', direction => 'sideways');
SELECT * FROM detect_spike('metric', 'value', 'at', threshold => NULL);
SELECT * FROM detect_ewma('metric', 'value', 'at', lambda => 0);
SELECT * FROM detect_cusum('metric', 'value', 'at', h => -1);
SELECT * FROM detect_seasonal('metric', 'value', 'at', period => '1 month');
SELECT * FROM detect_seasonal('metric', 'value', 'at', period => '1 millisecond');
SELECT * FROM detect_seasonal('metric', 'value', 'at', period => NULL);
SELECT * FROM detect_seasonal('metric', 'value', 'at', slots => 1);
SELECT * FROM detect_forest('metric', 'value', 'at', trees => 1000, tree_size => 4096);
SELECT * FROM detect_forest('metric', 'value', 'at', seed => NULL);
SELECT * FROM detect_ddos('metric', 'service', 'value', 'value', time_column => 'at');
SELECT * FROM detect_ddos('metric', 'value', 'value', 'other', time_column => 'at');
SELECT * FROM detect_ddos('metric', 'service', 'value', 'other', max_requests => -1, time_column => 'at');
SELECT * FROM detect_ddos('metric', NULL, 'value', 'other', time_column => 'at');
CREATE INDEX metric_at ON metric (at);
SELECT * FROM detect_zscore('metric_at', 'value', 'at');
-- a common argument that is NULL is its default
SELECT count(*), count(DISTINCT series) FROM detect_zscore('metric', 'value', 'at', NULL, include_open => NULL);
SELECT count(*) FROM detect_zscore('metric', 'value', 'at') WHERE false;
SELECT count(*) FROM (SELECT (detect_zscore('constant', 'value', 'at')).score) AS s;
TRUNCATE constant;
SELECT count(*) FROM detect_zscore('constant', 'value', 'at');

-- Rights: those of the caller.
CREATE ROLE anomalies_reader;
GRANT USAGE ON SCHEMA anomalies TO anomalies_reader;
CREATE VIEW metric_view AS TABLE metric;
SET ROLE anomalies_reader;
\set VERBOSITY terse
SELECT count(*) FROM kafka_stream.detect_zscore('metric', 'value', 'at');
RESET ROLE;
GRANT SELECT (at, value) ON metric TO anomalies_reader;
GRANT SELECT ON metric_view TO anomalies_reader;
SET ROLE anomalies_reader;
SELECT count(*) FROM kafka_stream.detect_zscore('metric', 'value', 'at');
SELECT count(*) FROM kafka_stream.detect_zscore('metric', 'value', 'at', '{service}');
SELECT count(*) FROM kafka_stream.detect_zscore('metric_view', 'value', 'at', '{service}');
RESET ROLE;
ALTER TABLE metric ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON metric TO anomalies_reader USING (service = 'cart');
SET ROLE anomalies_reader;
SELECT count(*) = 300 + 1 AS own FROM kafka_stream.detect_zscore('metric', 'value', 'at');
RESET ROLE;
-- nothing of a caller's search_path
CREATE FUNCTION anomalies.to_jsonb(numeric) RETURNS jsonb LANGUAGE plpgsql AS $$BEGIN RAISE 'mine'; END$$;
CREATE FUNCTION anomalies.date_part(text, interval) RETURNS float8 LANGUAGE plpgsql AS $$BEGIN RAISE 'mine'; END$$;
SET search_path = anomalies, pg_catalog, kafka_stream;
SELECT count(*) FROM detect_spike('"Types"', 'took', 'at', '{num,f4,list}');
DROP FUNCTION anomalies.to_jsonb(numeric), anomalies.date_part(text, interval);
SET search_path = anomalies, kafka_stream, public;

-- Open windows: left out of a continuous view, or of what looks like one.
CREATE TABLE windows (window_start timestamptz, window_end timestamptz, is_final bool, requests int);
INSERT INTO windows SELECT timestamptz '2026-01-05Z' + g * interval '1 minute', timestamptz '2026-01-05Z' + (g + 1) * interval '1 minute', g <= 3, g * g
FROM generate_series(1, 5) AS g;
SELECT ts, value, score FROM detect_spike('windows', 'requests');
SELECT ts, value, score FROM detect_spike('windows', 'requests', include_open => true);
ALTER TABLE windows ALTER is_final TYPE text;
SELECT count(*) FROM detect_spike('windows', 'requests');
SELECT create_stream('logs', 'event_time timestamptz, ip inet, service text, user_id text', source => 'insert', watermark_delay => '0');
SELECT create_view('ips', $$SELECT tumble(event_time, '5 minutes') AS window_start, ip, count(*) AS requests,
    count(DISTINCT user_id) AS users, collect_set(service) AS services FROM logs GROUP BY window_start, ip$$);
INSERT INTO logs SELECT timestamptz '2026-01-05Z' + g / 4 * interval '1 second', inet '10.0.0.0' + g % 4,
    's' || CASE g % 4 WHEN 1 THEN g / 4 % 9 ELSE 0 END, 'u' || CASE g % 4 WHEN 2 THEN g % 3 ELSE g % 50 END
FROM generate_series(0, 2399) AS g;
SELECT advance('logs', '2026-01-05 00:05Z');
SELECT series, ts, value, expected, lower, upper, round(score::numeric, 3) AS score, is_anomaly FROM detect_suspicious_ips('ips', 'ip', 'requests', 'services', 200) ORDER BY series, ts;
SELECT series, ts, value, expected, lower, upper, round(score::numeric, 3) AS score, is_anomaly FROM detect_ddos('ips', 'ip', 'requests', 'users', min_users => 7) ORDER BY series, ts;
SELECT count(*), count(DISTINCT ts) FROM detect_ddos('ips', 'ip', 'requests', 'users', include_open => true);
SELECT count(*), count(DISTINCT ts) FROM detect_zscore('ips', 'requests', partition_by => '{ip}', include_open => true);

-- Limits of addresses.
CREATE TABLE address (window_start timestamptz DEFAULT '2026-01-05Z', ip text, requests float8, users int, services text[]);
INSERT INTO address (ip, requests, users, services) VALUES
    ('at both limits', 10, 2, '{a,b}'), ('over one', 11, 2, '{a,b}'), ('over both', 20, 1, '{a,b,c}'),
    ('nobody', 20, 0, '{}'), ('infinite', 'Infinity', 1, '{a,b,c}'), ('unknown', NULL, 1, '{a,b,c}'), ('none', 20, NULL, NULL), ('nothing', 0, 0, '{}');
SELECT series->>'ip' AS ip, s.score AS suspicious, s.is_anomaly, d.score AS ddos, d.is_anomaly
FROM detect_suspicious_ips('address', 'ip', 'requests', 'services', 10, 2) AS s
    JOIN detect_ddos('address', 'ip', 'requests', 'users', 10, 2) AS d USING (series) ORDER BY ip;
SELECT series->>'ip' AS ip, s.score AS suspicious, s.is_anomaly, d.score AS ddos, d.is_anomaly
FROM detect_suspicious_ips('address', 'ip', 'requests', 'users', 0, 0) AS s
    JOIN detect_ddos('address', 'ip', 'requests', 'users', 0, 0) AS d USING (series) ORDER BY ip;

SET client_min_messages = warning;
SELECT drop_stream('logs', cascade => true);
DROP SCHEMA anomalies CASCADE;
DROP ROLE anomalies_reader;
