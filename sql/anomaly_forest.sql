-- The random cut forest: what its scores must be where that can be worked out
-- by hand, the same again for the same seed, and what stands out.
CREATE SCHEMA anomaly_forest;
SET search_path = anomaly_forest, kafka_stream, public;
SET timezone = 'UTC';
CREATE FUNCTION noise(n bigint) RETURNS float8 IMMUTABLE LANGUAGE sql AS
    $$SELECT ((hashint8extended(n, 5) & 65535) / 65536.0)::float8 - 0.5$$;
CREATE TABLE points (at timestamptz, value float8);
CREATE FUNCTION scores(x float8[], shingle int DEFAULT 1, trees int DEFAULT 10, tree_size int DEFAULT 8, seed bigint DEFAULT 1)
RETURNS TABLE (n bigint, value float8, score numeric) LANGUAGE sql AS $$
    TRUNCATE points;
    INSERT INTO points SELECT timestamptz '2026-01-05Z' + n * interval '1 minute', v FROM unnest(x) WITH ORDINALITY AS u (v, n);
    SELECT row_number() OVER (ORDER BY ts), value, round(score::numeric, 6)
    FROM detect_forest('points', 'value', 'at', shingle => shingle, trees => trees, tree_size => tree_size, seed => seed)
$$;
SET client_min_messages = warning;

-- Equal points are one leaf.  Against seven equal ones a single point has
-- displacement 7, each of them 1/7; two of them against six have 3.
SELECT * FROM scores(array_fill(4::float8, '{20}') || '{9,4,4,9,4,4,9,9,9,4,4,4,4,4,4,4,4}') WHERE n > 15;

-- 4 points at 0, 3 at 1, one at 10: the first cut sets 10 apart in 9 of 10
-- trees (7 / 1), in the others it sets 0 apart (then 3 / 1).  So whatever was
-- in the trees before.
SELECT abs(score - (0.9 * 7 + 0.1 * 3)) < 0.15 AS as_expected FROM scores('{0,1,0,1,0,1,0,10}' ||
    (SELECT array_agg(20 * noise(g)) FROM generate_series(1, 40) AS g) || '{0,1,0,1,0,1,0,10}'::float8[], trees => 1000) WHERE n = 56;
SELECT abs(score - (0.9 * 7 + 0.1 * 3)) < 0.15 AS as_expected FROM scores((SELECT array_agg(noise(g) / g) FROM generate_series(1, 400) AS g)
    || '{1,0,0,1,0,0,1,10}'::float8[], trees => 1000, seed => 99) WHERE n = 408;
-- Values far from each other, 0 and -0; what is beyond 1e150 counts as infinite.
SELECT min(score) >= 0 AS some, max(score) <= 7 AS bounded, count(score), bool_or(abs(value) > 1e150) AS beyond FROM scores((SELECT array_agg(CASE g % 4 WHEN 0 THEN 1e150 WHEN 1 THEN -1e150 WHEN 2 THEN 1e-300 ELSE 0 END)
    FROM generate_series(1, 60) AS g) || '{-0,0,1e151,0,-1e300,0}'::float8[], 3) GROUP BY abs(score) = 'Infinity' ORDER BY count(score);

-- Seeds.
CREATE TABLE metric AS SELECT timestamptz '2026-01-05Z' + g * interval '1 minute' AS at, g,
    sin(g / 5.0) + noise(g) / 4 + CASE WHEN g IN (700, 1100) THEN 2.5 ELSE 0 END
    -- a shape that was not there before, with values that were
    + CASE WHEN g BETWEEN 900 AND 915 THEN -sin(g / 5.0) + sin(g) ELSE 0 END AS value
FROM generate_series(1, 1500) AS g;
CREATE TABLE found AS SELECT * FROM detect_forest('metric', 'value', 'at');
SELECT count(*), count(score), count(expected), count(lower), count(upper) FROM found;
SELECT count(*) AS differences FROM (TABLE found EXCEPT SELECT * FROM detect_forest('metric', 'value', 'at', seed => 42)) AS d;
SELECT count(*) > 1000 AS differences FROM (TABLE found EXCEPT SELECT * FROM detect_forest('metric', 'value', 'at', seed => 43)) AS d;
-- The outliers have the highest scores, while they are in the shingle; the
-- strange shape is found too, which no threshold on values finds.
SELECT count(*) AS of_outliers FROM (SELECT * FROM found JOIN metric ON at = ts WHERE score IS NOT NULL ORDER BY score DESC LIMIT 6) AS f
WHERE g BETWEEN 700 AND 703 OR g BETWEEN 1100 AND 1103;
SELECT count(*) FROM detect_mad('metric', 'value', 'at', preceding => 200) WHERE is_anomaly;
SELECT bool_or(is_anomaly) FILTER (WHERE g BETWEEN 900 AND 918) AS shape,
       bool_or(is_anomaly) FILTER (WHERE g BETWEEN 700 AND 703 OR g BETWEEN 1100 AND 1103) AS outliers,
       count(*) FILTER (WHERE is_anomaly AND NOT (g BETWEEN 900 AND 918 OR g BETWEEN 700 AND 703 OR g BETWEEN 1100 AND 1103)) AS false_alarms
FROM found JOIN metric ON at = ts;
-- Cut off anywhere, the same.
CREATE VIEW cut AS SELECT * FROM metric WHERE g <= current_setting('anomaly_forest.cut')::int;
CREATE FUNCTION cut_differently(at int) RETURNS bigint LANGUAGE sql AS $$
    SELECT set_config('anomaly_forest.cut', at::text, true);
    SELECT count(*) FROM (SELECT * FROM detect_forest('cut', 'value', 'at') EXCEPT TABLE found) AS d
$$;
SELECT g, cut_differently(g) AS differences FROM unnest('{3,100,259,260,700,701,1499}'::int[]) AS g;
DROP SCHEMA anomaly_forest CASCADE;
