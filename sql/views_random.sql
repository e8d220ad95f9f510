-- Random queries (window, groups, aggregates, WHERE, HAVING, join) over random
-- rows in random batches, closed at random: each equals the oracle.  Another
-- seed: psql -v seed=0.5 -f sql/views_random.sql
\getenv srcdir PG_ABS_SRCDIR
\set oracle :srcdir '/test/sql/oracle.sql'
\if :{?seed}
\else
\set seed 0.7
\endif
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE SCHEMA views_random;
SET search_path = views_random, public, kafka_stream;
\set ECHO none
\i :oracle
\set ECHO all

SELECT create_stream('st', 'event_time timestamptz, k text, g int, x float8, n numeric, i bigint, ok bool, tags text[], s text',
    source => 'insert', max_future => NULL, idle_timeout => NULL);
CREATE TABLE st_copy (LIKE st);
ALTER TABLE st_copy ADD id serial, ADD watermark timestamptz, ALTER kafka_received_at DROP NOT NULL;
CREATE TABLE dim (k text, owner text, w int);

CREATE FUNCTION pick(VARIADIC choices text[]) RETURNS text LANGUAGE sql VOLATILE
    AS 'SELECT choices[1 + floor(random() * cardinality(choices))]';
-- some of the choices, in order
CREATE FUNCTION choose(share float8, VARIADIC choices text[]) RETURNS SETOF text LANGUAGE sql VOLATILE
    AS 'SELECT c FROM unnest(choices) WITH ORDINALITY u(c, o) WHERE random() < share ORDER BY o';

CREATE FUNCTION random_query(windowed bool, cumulates bool) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    groups text[] := ARRAY(SELECT choose(0.25, 's.k', 'g', 'g % 2', 'ok', 'upper(s)', 'dim.owner', 'tag'));
    sources text := '{S} AS s';
    filters text := pick('', '', '', ' FILTER (WHERE ok)', ' FILTER (WHERE x > 30 OR g = 1)');
    aggregates text[];
    wheres text[] := ARRAY(SELECT choose(0.2, 'x > 20', 'ok IS NOT FALSE', 's.k <> ''a''', 'g IN (0, 1, 2)', 's IS NULL OR length(s) > 1', 'EXISTS (SELECT FROM dim d WHERE d.k = s.k)'));
    condition text := pick('', '', '', '', ' HAVING count(*) > 2', ' HAVING sum(x) > 50', ' HAVING bool_or(ok) OR min(g) < 2', ' HAVING count(DISTINCT s.k) > 1');
    keys text[];
BEGIN
    IF 'dim.owner' = ANY (groups) OR random() < 0.15 THEN
        sources := sources || pick(' JOIN dim ON dim.k = s.k', ' LEFT JOIN dim ON dim.k = s.k', ' LEFT JOIN dim ON dim.w = s.g AND ok', ' JOIN dim ON dim.w < g');
        IF 'dim.owner' <> ALL (groups) THEN
            aggregates := ARRAY['sum(dim.w)', 'max(dim.owner)'];
        END IF;
    END IF;
    IF 'tag' = ANY (groups) THEN
        sources := sources || pick(' CROSS JOIN LATERAL unnest(tags) AS t(tag)', ' LEFT JOIN LATERAL unnest(tags) AS t(tag) ON g <> 1');
    END IF;
    aggregates := aggregates || ARRAY(SELECT choose(0.3, 'count(*)', 'count(x)' || filters, 'sum(x)' || filters, 'avg(x)', 'min(x)', 'max(x)' || filters, 'stddev(x)',
        'sum(n)' || filters, 'avg(n)', 'var_pop(n)', 'min(n)', 'sum(i)', 'avg(i)' || filters, 'max(event_time)', 'min(s)', 'max(s)' || filters, 'bool_and(ok)',
        'count(DISTINCT g)', 'count(DISTINCT s.k)' || filters, 'sum(DISTINCT g)', 'array_agg(g{O})', 'string_agg(s, ''-''{O})' || filters, 'collect_list(s{O})',
        'collect_set(g)', 'bit_xor(g)', 'corr(x, i)', 'regr_count(x, g)', 'sum(x) / nullif(count(*), 0)', 'CASE WHEN max(x) > 50 THEN ''high'' END',
        'coalesce(sum(g)' || filters || ', -1) * 2', 'count(*) FILTER (WHERE s LIKE ''x%'') + count(DISTINCT ok)', 'count(s)', 'min(tags)'));
    -- products of joins and lateral functions have one place in the stream
    IF sources <> '{S} AS s' THEN
        aggregates := ARRAY(SELECT a FROM unnest(aggregates) a WHERE a NOT LIKE '%{O}%');
    END IF;
    IF aggregates = '{}' OR aggregates IS NULL THEN
        aggregates := ARRAY['count(*)'];
    END IF;
    keys := CASE WHEN windowed THEN ARRAY['{W}'] ELSE '{}' END || groups;
    RETURN 'SELECT ' || CASE WHEN windowed THEN '{W} AS window_' || CASE WHEN cumulates THEN 'end, ' ELSE 'start, ' END ELSE '' END
        || coalesce((SELECT string_agg(e || ' AS c' || o, ', ' ORDER BY o) FROM unnest(groups || aggregates) WITH ORDINALITY u(e, o)), '')
        || ' FROM ' || sources
        || CASE WHEN wheres = '{}' THEN '' ELSE ' WHERE ' || '(' || array_to_string(wheres, ') AND (') || ')' END
        || CASE WHEN keys = '{}' THEN '' ELSE ' GROUP BY ' || array_to_string(keys, ', ') END || condition;
END $$;

CREATE PROCEDURE random_view(number int) LANGUAGE plpgsql AS $$
DECLARE
    kind text := pick('tumble', 'tumble', 'hop', 'hop', 'hop', 'cumulate', NULL);
    slide int := 5 + floor(random() * 40);
    size int := CASE kind WHEN 'cumulate' THEN slide * (1 + floor(random() * 5)) WHEN 'hop' THEN slide + floor(random() * 120) ELSE slide END;
    query text := random_query(kind IS NOT NULL, kind = 'cumulate');
BEGIN
    CALL make_view('v' || number, 'st', query, kind, make_interval(secs => size), make_interval(secs => slide),
        CASE WHEN random() < 0.3 THEN '2026-01-01 00:00:03.25Z'::timestamptz ELSE '1970-01-05 00:00Z' END, make_interval(secs => pick('0', '1', '10', '60')::int));
END $$;

CREATE PROCEDURE random_batch(size int) LANGUAGE plpgsql AS $$
DECLARE
    last int := coalesce((SELECT max(id) FROM st_copy), 0);
BEGIN
    INSERT INTO st_copy (event_time, k, g, x, n, i, ok, tags, s, kafka_offset, id, watermark)
        SELECT timestamptz '2026-03-01 10:00Z' + ((last + i) * 1.5 + random() * 30 - CASE WHEN random() < 0.1 THEN random() * 300 ELSE 0 END) * interval '1 s',
               pick('a', 'b', 'c', NULL), floor(random() * 5), CASE WHEN random() < 0.9 THEN random() * 100 END, round((random() * 100)::numeric, 2),
               floor(random() * 1e12), CASE WHEN random() < 0.8 THEN random() < 0.5 END, string_to_array(pick('x,y', 'y', '', NULL, 'z,NULL,z'), ',', 'NULL'),
               pick('x', 'xy', 'Xyz', 'ä', '', NULL), last + i - 1, last + i, (SELECT max(closed_to) FROM closed)
            FROM generate_series(1, size) i;
    INSERT INTO st (event_time, k, g, x, n, i, ok, tags, s) SELECT event_time, k, g, x, n, i, ok, tags, s FROM st_copy WHERE id > last ORDER BY id;
END $$;
CREATE TABLE closed (closed_to timestamptz);

CREATE PROCEDURE random_steps(nviews int, nsteps int) LANGUAGE plpgsql AS $$
DECLARE
    at timestamptz;
BEGIN
    INSERT INTO dim SELECT pick('a', 'b', 'c', NULL), pick('p', 'q', NULL), floor(random() * 4) FROM generate_series(1, 5);
    CALL random_batch(20);
    FOR v IN 1..nviews LOOP
        CALL random_view(v);
    END LOOP;
    FOR step IN 1..nsteps LOOP
        CALL random_batch(pick('0', '1', '2', '7', '40', '150')::int);
        IF random() < 0.4 THEN
            SELECT max(c.event_time) + make_interval(secs => floor(random() * 200) - 150) INTO at FROM st_copy c;
            PERFORM kafka_stream.advance('st', at);
            INSERT INTO closed VALUES (at);
        END IF;
        COMMIT;
    END LOOP;
END $$;

SELECT setseed(:seed);
CALL random_steps(60, 15);
SELECT view, query, mismatches FROM compare_views() JOIN oracle USING (view) WHERE mismatches > 0;
SELECT count(*) AS views, count(*) FILTER (WHERE has_rows) > 50 AS with_rows, sum(mismatches) AS mismatches FROM compare_views();
SELECT advance('st', '2026-03-02 10:00Z');
SELECT view, query, mismatches FROM compare_views() JOIN oracle USING (view) WHERE mismatches > 0;
SELECT DISTINCT folded + filtered + late = (SELECT count(*) FROM st_copy) AS adds_up FROM stats WHERE stream = 'st'::regclass AND view IS NOT NULL;
SELECT drop_stream('st', cascade => true);
