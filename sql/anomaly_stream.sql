-- detect_stream: finds what cannot be missed, is quiet where nothing happens,
-- does not look ahead, and does not depend on units.
CREATE SCHEMA anomaly_stream;
SET search_path = anomaly_stream, kafka_stream, public;
SET timezone = 'UTC';
CREATE FUNCTION noise(n bigint, seed bigint DEFAULT 7) RETURNS float8 IMMUTABLE LANGUAGE sql AS
    $$SELECT ((hashint8extended(n, seed) & 65535) / 65536.0)::float8 - 0.5$$;
CREATE FUNCTION at(n bigint) RETURNS timestamptz IMMUTABLE LANGUAGE sql AS
    $$SELECT timestamptz '2026-01-05Z' + n * interval '5 minutes'$$;

-- 3000 rows, from row 2000 on something else for a while.
CREATE TABLE metric AS
    SELECT kind, n, at(n) AS at, CASE kind
        WHEN 'spike' THEN 20 + noise(n) + CASE WHEN strange AND n < 2002 THEN 15 ELSE 0 END
        WHEN 'shift' THEN 20 + noise(n) + CASE WHEN n >= 2000 THEN 2 ELSE 0 END
        WHEN 'drop' THEN 80 + 5 * sin(n / 20.0) + noise(n) - CASE WHEN strange THEN 60 ELSE 0 END
        WHEN 'stuck' THEN CASE WHEN strange THEN 20.25 ELSE 20 + noise(n) END
        WHEN 'wild' THEN 20 + noise(n) * CASE WHEN strange THEN 6 ELSE 1 END
        WHEN 'missing season' THEN CASE WHEN n % 100 < 50 AND NOT strange THEN 50 ELSE 10 END + noise(n)
        WHEN 'faster season' THEN 10 * sin(n / CASE WHEN strange THEN 3.0 ELSE 15.0 END) + noise(n)
        WHEN 'busy' THEN CASE WHEN noise(n, 2) > CASE WHEN strange THEN 0 ELSE 0.45 END THEN 100 ELSE 1 END * (1 + noise(n))
        END AS value
    FROM unnest('{spike,shift,drop,stuck,wild,missing season,faster season,busy}'::text[]) AS kind,
         generate_series(1, 3000) AS n, LATERAL (SELECT n BETWEEN 2000 AND 2150) AS s (strange);
CREATE TABLE found AS SELECT series ->> 'kind' AS kind, (extract(epoch FROM ts - at(0)) / 300)::int AS n, d.*
    FROM detect_stream('metric', 'value', 'at', '{kind}') AS d;
SELECT count(*), count(score), min(n) FILTER (WHERE score IS NOT NULL) AS first, min(score) >= 0 AND max(score) <= 1 AS in_range,
       bool_and(coalesce(score >= 0.5, false) = is_anomaly) AS by_threshold,
       count(*) FILTER (WHERE score IS NOT NULL AND NOT (lower <= expected AND expected <= upper)) AS bad_bands
FROM found;
-- found within so many rows; not often elsewhere once 450 rows are seen
SELECT kind, min(n) FILTER (WHERE is_anomaly AND n BETWEEN 2000 AND 2150) - 2000 < 40 AS found,
       count(*) FILTER (WHERE is_anomaly AND n BETWEEN 450 AND 1999) <= 4 AS quiet_before,
       count(*) FILTER (WHERE is_anomaly AND n BETWEEN 2000 AND 2150) <= 3 AS once,
       count(*) FILTER (WHERE is_anomaly AND n > 2250) <= 2 AS quiet_after
FROM found GROUP BY kind ORDER BY kind;

-- Where nothing happens.
CREATE TABLE calm AS
    SELECT kind, n, at(n) AS at, CASE kind
        WHEN 'constant' THEN 0.1
        WHEN 'sine' THEN sin(n / 10.0)
        WHEN 'square' THEN CASE WHEN n % 60 < 20 THEN 5 ELSE 1 END
        WHEN 'noise' THEN noise(n)
        WHEN 'jobs' THEN CASE WHEN n % 144 = 7 THEN 90 ELSE 10 END + noise(n) END::float8 AS value
    FROM unnest('{constant,sine,square,noise,jobs}'::text[]) AS kind, generate_series(1, 4000) AS n;
CREATE TABLE calm_found AS SELECT series ->> 'kind' AS kind, (extract(epoch FROM ts - at(0)) / 300)::int AS n, d.*
    FROM detect_stream('calm', 'value', 'at', '{kind}') AS d;
SELECT kind, count(*) FILTER (WHERE is_anomaly AND n > 600) <= CASE WHEN kind = 'noise' THEN 5 ELSE 0 END AS calm
FROM calm_found GROUP BY kind ORDER BY kind;
-- what was always the same and is not
CREATE TABLE step AS SELECT at(n) AS at, CASE WHEN n = 1000 THEN 0.1000001 ELSE 0.1 END AS value FROM generate_series(1, 2000) AS n;
SELECT ts = at(1000) AS at_once, count(*) OVER () AS anomalies FROM detect_stream('step', 'value', 'at') WHERE is_anomaly;

-- Nothing looks ahead: a series that ends anywhere has the same scores up to there.
CREATE VIEW cut AS SELECT * FROM metric WHERE n <= current_setting('anomaly_stream.cut')::int;
CREATE FUNCTION cut_differs(cut int) RETURNS bigint LANGUAGE sql AS $$
    SELECT set_config('anomaly_stream.cut', cut::text, true);
    SELECT count(*) FROM (SELECT d.* FROM detect_stream('cut', 'value', 'at', '{kind}') AS d
        EXCEPT SELECT series, ts, value, expected, lower, upper, score, is_anomaly FROM found) AS d;
$$;
SELECT cut, cut_differs(cut) FROM unnest('{1,2,31,32,33,63,64,65,100,101,127,128,129,255,257,300,512,999,1024,1500,1999,2000,2001,2030,2500,2999}'::int[]) AS cut
WHERE cut_differs(cut) <> 0;

-- The order on disk is no matter; rows without a value leave no trace.
CREATE TABLE shuffled AS SELECT * FROM metric ORDER BY hashint8extended(n, 5), kind;
SELECT count(*) FROM (SELECT d.* FROM detect_stream('shuffled', 'value', 'at', '{kind}') AS d
    EXCEPT SELECT series, ts, value, expected, lower, upper, score, is_anomaly FROM found) AS d;
INSERT INTO shuffled SELECT kind, NULL, at + interval '1 minute', CASE WHEN n % 2 = 0 THEN 'NaN'::float8 END FROM metric WHERE n % 3 = 0;
CREATE TABLE with_gaps AS SELECT * FROM detect_stream('shuffled', 'value', 'at', '{kind}');
SELECT count(*) AS without, count(score) AS scores, bool_or(is_anomaly) AS anomalies FROM with_gaps WHERE value IS NULL OR value = 'NaN';
SELECT count(*) FROM (SELECT * FROM with_gaps WHERE value <> 'NaN'
    EXCEPT SELECT series, ts, value, expected, lower, upper, score, is_anomaly FROM found) AS d;

-- Other units: exactly the same where numbers are, nearly so elsewhere.
CREATE VIEW units AS SELECT kind, at, value * 1024 AS doubled, value * 3.7 + 1000 AS moved, value * -1 AS negative FROM metric;
SELECT count(*) AS rows, count(*) FILTER (WHERE d.score IS DISTINCT FROM f.score) AS differ
FROM detect_stream('units', 'doubled', 'at', '{kind}') AS d JOIN found AS f USING (series, ts);
SELECT count(*) AS rows, count(*) FILTER (WHERE abs(d.score - f.score) > 0.001) < 0.01 * count(*) AS same_scores,
       count(*) FILTER (WHERE d.is_anomaly <> f.is_anomaly) <= 2 AS same_anomalies
FROM detect_stream('units', 'moved', 'at', '{kind}') AS d JOIN found AS f USING (series, ts);

-- Infinite and very large values: anomalies once there are scores, and otherwise as if not there.
CREATE TABLE infinite AS SELECT at, value FROM metric WHERE kind = 'wild';
INSERT INTO infinite VALUES (at(50) + interval '1 minute', 'Infinity'), (at(700) + interval '1 minute', '-Infinity'),
    (at(800) + interval '1 minute', 1e300), (at(900) + interval '1 minute', 1e151);
CREATE TABLE infinite_found AS SELECT * FROM detect_stream('infinite', 'value', 'at');
SELECT ts, value, score, is_anomaly FROM infinite_found WHERE abs(value) > 1e150 ORDER BY ts;
SELECT count(*) FROM infinite_found AS i JOIN found AS f USING (ts) WHERE f.kind = 'wild' AND i.score IS DISTINCT FROM f.score;
-- from end to end of what is learnt from
CREATE TABLE huge AS SELECT at(n) AS at, CASE n % 4 WHEN 0 THEN 1e150 WHEN 1 THEN -1e150 WHEN 2 THEN 1e-300 ELSE 0 END AS value FROM generate_series(1, 500) AS n;
SELECT count(score), min(score) >= 0 AND max(score) <= 1 AS in_range FROM detect_stream('huge', 'value', 'at');

-- The threshold: episodes are those that reach it.
SELECT t, count(*) FILTER (WHERE is_anomaly) > 0 AS some, bool_and(is_anomaly = (score >= t)) AS by_threshold
FROM unnest('{0.3,0.8}'::float8[]) AS t, detect_stream('metric', 'value', 'at', '{kind}', threshold => t) WHERE score IS NOT NULL GROUP BY t ORDER BY t;
SELECT * FROM detect_stream('metric', 'value', 'at', threshold => 1.5);
SELECT * FROM detect_stream('metric', 'value', 'at', threshold => NULL);

DROP SCHEMA anomaly_stream CASCADE;
