-- MAD, IQR, EWMA, CUSUM and the seasonal decomposition against computations
-- written in SQL, from the formulas and not from the C.
CREATE SCHEMA anomaly_references;
SET search_path = anomaly_references, kafka_stream, public;
SET timezone = 'UTC';
CREATE FUNCTION noise(n bigint) RETURNS float8 IMMUTABLE LANGUAGE sql AS
    $$SELECT ((hashint8extended(n, 11) & 65535) / 65536.0)::float8 - 0.5$$;
-- Three series, every 20 minutes with gaps, one of them from a slot to the same
-- slot of the next period: a daily season, noise, spikes, a
-- shift of level, equal stretches, NULLs and infinities.
CREATE TABLE metric AS
    SELECT CASE g % 3 WHEN 0 THEN 'a' WHEN 1 THEN 'b' END AS name, (g / 3)::bigint AS n,
           timestamptz '2026-01-05 00:07Z' + (g / 3 + CASE WHEN g > 2100 THEN 171 WHEN g > 1500 THEN 100 ELSE 0 END) * interval '20 minutes' AS at,
           CASE WHEN g % 83 = 13 THEN NULL WHEN g = 900 THEN 'Infinity' WHEN g = 1111 THEN '-Infinity'
                WHEN g BETWEEN 600 AND 900 AND g % 3 = 1 THEN 7.3 + CASE WHEN g % 19 = 0 AND g > 720 THEN 1 ELSE 0 END
                WHEN g % 211 = 7 THEN 60 * noise(g)
                ELSE 10 * sin(2 * pi() * (g / 3) / 72) + noise(g) + noise(g + 10000) + CASE WHEN g > 1900 THEN 12 ELSE 0 END
           END::float8 AS value
    FROM generate_series(3, 2702) AS g;
CREATE TABLE shuffled AS SELECT * FROM metric ORDER BY hashint8extended(n, 3), name;
CREATE FUNCTION near(a float8, b float8) RETURNS bool IMMUTABLE LANGUAGE sql AS $$
    SELECT CASE WHEN a IS NULL OR b IS NULL THEN a IS NULL AND b IS NULL
                WHEN abs(a) = 'Infinity' OR abs(b) = 'Infinity' THEN a = b
                ELSE abs(a - b) <= 1e-7 * greatest(1, abs(a), abs(b)) END
$$;
CREATE TYPE detection AS (name text, n bigint, expected float8, lower float8, upper float8, score float8);

-- A score and its band, with what is said of infinite values and of a spread of 0.
CREATE FUNCTION judge(name text, n bigint, value float8, expected float8, spread float8, threshold float8) RETURNS detection
IMMUTABLE LANGUAGE sql AS $$
    SELECT (name, n, expected, expected - threshold * spread, expected + threshold * spread,
        CASE WHEN abs(value) = 'Infinity' THEN value
             WHEN value = expected THEN 0
             WHEN spread = 0 THEN sign(value - expected) * 'Infinity'::float8
             ELSE (value - expected) / spread END)::detection
$$;
CREATE VIEW finite AS SELECT *, CASE WHEN abs(value) < 'Infinity' THEN value END AS learnt FROM metric;
CREATE VIEW frames AS SELECT m.name, m.n, m.value, f.x
    FROM finite AS m, LATERAL (SELECT array_agg(learnt) FILTER (WHERE learnt IS NOT NULL) AS x, count(*) AS places FROM finite AS p
        WHERE p.name IS NOT DISTINCT FROM m.name AND p.n BETWEEN m.n - 25 AND m.n - 1) AS f
    WHERE f.places = 25;

CREATE FUNCTION mad_reference() RETURNS SETOF detection LANGUAGE sql AS $$
    SELECT d.* FROM frames AS f,
        LATERAL (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY v) AS median FROM unnest(x) AS v) AS m,
        LATERAL (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(v - median)) AS mad, avg(abs(v - median)) AS mean FROM unnest(x) AS v) AS s,
        judge(name, n, value, median, CASE WHEN mad > 0 THEN mad / 0.6745 ELSE 1.253314 * mean END, 3) AS d
$$;
CREATE FUNCTION iqr_reference() RETURNS SETOF detection LANGUAGE sql AS $$
    SELECT name, n, q[2], q[1] - 1.5 * (q[3] - q[1]), q[3] + 1.5 * (q[3] - q[1]),
        CASE WHEN abs(value) = 'Infinity' THEN value
             WHEN value BETWEEN q[1] AND q[3] THEN 0
             WHEN q[1] = q[3] THEN sign(value - q[1]) * 'Infinity'::float8
             WHEN value > q[3] THEN (value - q[3]) / (q[3] - q[1])
             ELSE (value - q[1]) / (q[3] - q[1]) END
    FROM frames, LATERAL (SELECT percentile_cont('{0.25,0.5,0.75}'::float8[]) WITHIN GROUP (ORDER BY v) AS q FROM unnest(x) AS v) AS s
$$;
-- Means and deviations for the charts; those of equal values are exact.
CREATE VIEW charted AS SELECT name, n, value, CASE WHEN low = high THEN low ELSE mean END AS mean, CASE WHEN low = high THEN 0 ELSE deviation END AS deviation
    FROM frames, LATERAL (SELECT avg(v) AS mean, stddev_samp(v) AS deviation, min(v) AS low, max(v) AS high FROM unnest(x) AS v) AS s;
CREATE FUNCTION ewma_reference(lambda float8, l float8) RETURNS SETOF detection LANGUAGE plpgsql AS $$
DECLARE
    r record;
    of text := 'nobody';
    z float8;
    t int := 0;
    next float8;
    error float8;
BEGIN
    FOR r IN SELECT * FROM charted ORDER BY name, n LOOP
        IF of IS DISTINCT FROM r.name THEN t := 0; END IF;
        of := r.name;
        IF r.deviation = 0 THEN
            t := 0;
            RETURN NEXT judge(r.name, r.n, r.value, r.mean, 0, l);
            CONTINUE;
        END IF;
        IF t = 0 THEN z := r.mean; END IF;
        error := r.deviation * sqrt(lambda / (2 - lambda) * (1 - (1 - lambda) ^ (2 * (t + 1))));
        next := lambda * r.value + (1 - lambda) * z;
        RETURN NEXT (r.name, r.n, r.mean, (r.mean - l * error - (1 - lambda) * z) / lambda,
            (r.mean + l * error - (1 - lambda) * z) / lambda, (next - r.mean) / error);
        IF abs(r.value) < 'Infinity' THEN
            z := next;
            t := t + 1;
        END IF;
    END LOOP;
END $$;
CREATE FUNCTION cusum_reference(k float8, h float8) RETURNS SETOF detection LANGUAGE plpgsql AS $$
DECLARE
    r record;
    of text := 'nobody';
    high float8 := 0;
    low float8 := 0;
    z float8;
    lower float8;
    upper float8;
BEGIN
    FOR r IN SELECT * FROM charted ORDER BY name, n LOOP
        IF of IS DISTINCT FROM r.name OR r.deviation = 0 THEN high := 0; low := 0; END IF;
        of := r.name;
        IF r.deviation = 0 THEN
            RETURN NEXT judge(r.name, r.n, r.value, r.mean, 0, h);
            CONTINUE;
        END IF;
        -- high + (upper - mean) / deviation - k = h, and low likewise
        upper := r.mean + (h + k - high) * r.deviation;
        lower := r.mean - (h + k - low) * r.deviation;
        IF r.value IS NULL OR abs(r.value) = 'Infinity' THEN
            RETURN NEXT (r.name, r.n, r.mean, lower, upper, r.value);
            CONTINUE;
        END IF;
        z := (r.value - r.mean) / r.deviation;
        high := greatest(0, high + z - k);
        low := greatest(0, low - z - k);
        RETURN NEXT (r.name, r.n, r.mean, lower, upper, CASE WHEN high >= low THEN high ELSE -low END);
        IF greatest(high, low) > h THEN high := 0; low := 0; END IF;
    END LOOP;
END $$;

-- The decomposition of src/anomaly/seasonal.c, with everything that it keeps in arrays.
CREATE FUNCTION seasonal_reference(of text, period interval, slots int, periods int, threshold float8) RETURNS SETOF detection LANGUAGE plpgsql AS $$
DECLARE
    r record;
    length numeric := extract(epoch FROM period);
    place numeric;
    visit record;
    began timestamptz;
    decomposed bool := false;
    seen float8[] := array_fill(NULL::float8, ARRAY[slots]);
    season float8[] := array_fill(NULL::float8, ARRAY[slots]);
    times int[] := array_fill(0, ARRAY[slots]);
    visited numeric := NULL;
    visits float8[];
    trend float8;
    spread float8;
    residuals float8[] := '{}';
    s int;
    mean float8;
    change float8;
BEGIN
    FOR r IN SELECT * FROM finite WHERE name IS NOT DISTINCT FROM of ORDER BY n LOOP
        -- the number of the row's slot, counted from the first Monday
        place := floor(extract(epoch FROM r.at - '1970-01-05Z') * slots / length);
        IF visited IS NOT NULL AND (visited <> place OR NOT decomposed AND r.at >= began + period) THEN
            IF visits <> '{}' THEN
                s := visited % slots + 1;
                SELECT avg(v) INTO mean FROM unnest(visits) AS v;
                IF decomposed THEN
                    times[s] := times[s] + 1;
                    change := mean - trend - season[s];
                    IF spread > 0 THEN
                        change := greatest(-threshold * spread, least(threshold * spread, change));
                    END IF;
                    season[s] := coalesce(season[s] + change / least(times[s], periods), mean - trend);
                END IF;
                seen[s] := mean;
            END IF;
            visited := NULL;
            visits := '{}';
            IF NOT decomposed AND r.at >= began + period THEN
                decomposed := true;
                SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY v) INTO trend FROM unnest(seen) AS v;
                FOR i IN 1 .. slots LOOP
                    season[i] := seen[i] - trend;
                    times[i] := CASE WHEN seen[i] IS NULL THEN 0 ELSE 1 END;
                END LOOP;
            END IF;
            SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY v - w) INTO trend FROM unnest(seen, season) AS u (v, w);
        END IF;
        IF visited IS NULL THEN
            visited := place;
            visits := '{}';
        END IF;
        s := place % slots + 1;
        SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(v)) / 0.6745 INTO spread FROM unnest(residuals) AS v;
        IF spread = 0 THEN
            SELECT 1.253314 * avg(abs(v)) INTO spread FROM unnest(residuals) AS v;
        END IF;
        IF cardinality(residuals) < 2 THEN
            spread := NULL;
        END IF;
        IF decomposed AND r.at >= began + 2 * period THEN
            RETURN NEXT judge(r.name, r.n, r.value, trend + season[s], spread, threshold);
        END IF;
        IF r.learnt IS NOT NULL THEN
            began := coalesce(began, r.at);
            visits := visits || r.learnt;
            IF decomposed AND season[s] IS NOT NULL THEN
                residuals := residuals || (r.learnt - trend - season[s]);
                residuals := residuals[greatest(1, cardinality(residuals) - greatest(slots, 50) + 1):];
                SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(v)) / 0.6745 INTO spread FROM unnest(residuals) AS v;
                IF spread = 0 THEN
                    SELECT 1.253314 * avg(abs(v)) INTO spread FROM unnest(residuals) AS v;
                END IF;
                IF cardinality(residuals) < 2 THEN
                    spread := NULL;
                END IF;
            END IF;
        END IF;
    END LOOP;
END $$;

CREATE TABLE reference AS
    SELECT 'mad' AS method, 3 AS threshold, r.* FROM mad_reference() AS r
    UNION ALL SELECT 'iqr', 1.5, r.* FROM iqr_reference() AS r
    UNION ALL SELECT 'ewma', 2.5, r.* FROM ewma_reference(0.3, 2.5) AS r
    UNION ALL SELECT 'ewma 1', 3, r.* FROM ewma_reference(1, 3) AS r
    UNION ALL SELECT 'cusum', 4, r.* FROM cusum_reference(0.4, 4) AS r
    UNION ALL SELECT 'seasonal', 4, r.* FROM unnest('{a,b,NULL}'::text[]) AS n, seasonal_reference(n, '1 day', 24, 5, 4) AS r
    UNION ALL SELECT 'seasonal fine', 3, r.* FROM unnest('{a,b,NULL}'::text[]) AS n, seasonal_reference(n, '1 day', 100, 3, 3) AS r
    UNION ALL SELECT 'seasonal odd', 3.5, r.* FROM unnest('{a,b,NULL}'::text[]) AS n, seasonal_reference(n, '7 hours 11 minutes', 7, 2, 3.5) AS r;
CREATE TABLE found AS
    SELECT 'mad' AS method, d.* FROM detect_mad('shuffled', 'value', 'at', '{name}', 25, 3) AS d
    UNION ALL SELECT 'iqr', d.* FROM detect_iqr('shuffled', 'value', 'at', '{name}', 25) AS d
    UNION ALL SELECT 'ewma', d.* FROM detect_ewma('shuffled', 'value', 'at', '{name}', 0.3, 2.5, 25) AS d
    UNION ALL SELECT 'ewma 1', d.* FROM detect_ewma('shuffled', 'value', 'at', '{name}', 1, preceding => 25) AS d
    UNION ALL SELECT 'cusum', d.* FROM detect_cusum('shuffled', 'value', 'at', '{name}', 0.4, 4, 25) AS d
    UNION ALL SELECT 'seasonal', d.* FROM detect_seasonal('shuffled', 'value', 'at', '{name}', '1 day', 24, 5, 4) AS d
    UNION ALL SELECT 'seasonal fine', d.* FROM detect_seasonal('shuffled', 'value', 'at', '{name}', '1 day', 100, 3, 3) AS d
    UNION ALL SELECT 'seasonal odd', d.* FROM detect_seasonal('shuffled', 'value', 'at', '{name}', '7 hours 11 minutes', 7, 2) AS d;
SELECT f.method, count(f.ts) AS rows, count(f.score) AS scores, count(*) FILTER (WHERE f.is_anomaly) AS anomalies,
       count(*) FILTER (WHERE abs(f.score) = 'Infinity') AS infinite,
       count(*) FILTER (WHERE NOT near(f.score, r.score)) AS other_score,
       count(*) FILTER (WHERE f.is_anomaly IS DISTINCT FROM coalesce(abs(r.score) > r.threshold, false)) AS other_answer,
       count(*) FILTER (WHERE NOT near(f.expected, r.expected)) AS other_expected,
       count(*) FILTER (WHERE NOT near(f.lower, r.lower) OR NOT near(f.upper, r.upper)) AS other_band
FROM (SELECT f.*, m.n, m.name FROM found AS f JOIN metric AS m ON m.at = f.ts AND f.series = jsonb_build_object('name', m.name)) AS f
    LEFT JOIN (SELECT *, coalesce(name, '-') AS of FROM reference) AS r ON r.method = f.method AND r.of = coalesce(f.name, '-') AND r.n = f.n
GROUP BY f.method ORDER BY f.method;
SELECT (SELECT count(*) FROM found) = 8 * (SELECT count(*) FROM metric) AS complete;

-- What each is for: a lasting shift of one deviation is found by the charts,
-- not by single values; a value that is unusual at its time of day by the
-- decomposition alone.
CREATE TABLE shift AS SELECT timestamptz '2026-01-05Z' + g * interval '1 minute' AS at,
    noise(g) + noise(g + 5000) + noise(g + 9000) + CASE WHEN g > 300 THEN 0.5 ELSE 0 END AS value FROM generate_series(1, 340) AS g;
SELECT (SELECT bool_or(is_anomaly) FROM detect_ewma('shift', 'value', 'at') WHERE ts > '2026-01-05 05:00Z') AS ewma,
       (SELECT bool_or(is_anomaly) FROM detect_cusum('shift', 'value', 'at') WHERE ts > '2026-01-05 05:00Z') AS cusum,
       (SELECT count(*) FROM detect_ewma('shift', 'value', 'at') WHERE is_anomaly AND ts <= '2026-01-05 05:00Z') AS ewma_before,
       (SELECT count(*) FROM detect_cusum('shift', 'value', 'at') WHERE is_anomaly AND ts <= '2026-01-05 05:00Z') AS cusum_before,
       (SELECT bool_or(is_anomaly) FROM detect_zscore('shift', 'value', 'at', preceding => 100, threshold => 4)
        WHERE ts > '2026-01-05 05:00Z') AS zscore;
CREATE TABLE day AS SELECT timestamptz '2026-01-05Z' + g * interval '1 hour' AS at,
    CASE WHEN g = 243 THEN 5 ELSE 10 * sin(2 * pi() * g / 24) + noise(g) END AS value FROM generate_series(1, 300) AS g;
SELECT ts, is_anomaly FROM detect_seasonal('day', 'value', 'at') WHERE is_anomaly AND ts > '2026-01-12Z';
SELECT count(*) FROM detect_mad('day', 'value', 'at') WHERE is_anomaly;
SET client_min_messages = warning;
DROP SCHEMA anomaly_references CASCADE;
