-- Every aggregate in pg_aggregate that has a combine function, in a view of
-- several windows, groups and batches, next to the plain query: open windows
-- first, then final ones.  Prints what differs.
SET datestyle = ISO;
SET timezone = 'UTC';
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
SELECT kafka_stream.create_stream('events', 'event_time timestamptz, g int, i int, t text',
    source => 'insert', watermark_delay => '1 hour', idle_timeout => NULL);

-- An argument of each type, with nulls among them, made from column i.
CREATE TABLE argument (type text PRIMARY KEY, expression text NOT NULL);
INSERT INTO argument VALUES
    ('smallint', '(i * 7 % 101 - 50)::int2'), ('integer', 'i * 31 % 1009 - 500'), ('bigint', '(i * 31 % 1009 - 500)::int8'),
    ('real', '(i * 13 % 17 / 4.0)::float4'), ('double precision', '(i * 13 % 19 / 7.0)::float8'), ('numeric', 'i % 101 / 7.0'),
    ('interval', 'i % 31 * interval ''1 hour'''), ('money', '(i * 13 % 37)::money'), ('oid', '(i * 31 % 1009)::oid'),
    ('date', 'date ''2024-01-01'' + i * 7 % 31'), ('time without time zone', 'time ''00:00'' + i * 7 % 31 * interval ''1 minute'''),
    ('time with time zone', 'timetz ''00:00+00'' + i * 7 % 31 * interval ''1 minute'''),
    ('timestamp without time zone', 'timestamp ''2024-01-01'' + i * 7 % 31 * interval ''1 day'''),
    ('timestamp with time zone', 'timestamptz ''2024-01-01 UTC'' + i * 7 % 31 * interval ''1 hour'''),
    ('text', '''t'' || i % 13'), ('character', '(''c'' || i % 13)::bpchar'), ('anyarray', 'ARRAY[i % 7, NULL, i % 5]'),
    ('anyenum', '(ARRAY[''sad'', ''ok'', ''happy'']::mood[])[1 + i % 3]'), ('tid', '(''('' || i % 7 || '','' || i % 5 || '')'')::tid'),
    ('inet', '''10.0.0.0''::inet + i % 97'), ('pg_lsn', '(''0/'' || upper(to_hex(i * 31)))::pg_lsn'), ('xid8', '(i * 31 % 1009)::text::xid8'),
    ('boolean', 'i % 17 <> 3'), ('bit', '(i % 16)::bit(4)'), ('anyrange', 'int4range(i % 5, 20 + i % 7)'),
    ('anymultirange', 'int4multirange(int4range(i % 5, 20 + i % 7), int4range(40 + i % 3, 50))'),
    ('"any"', '''t'' || i % 13'), ('anyelement', 'i % 29'), ('bytea', 'decode(lpad(to_hex(i % 300), 4, ''0''), ''hex'')');

-- The calls to test, generated: aggregates of core without those whose result
-- depends on order (below) or on chance, and the extension's own.
CREATE TABLE call AS
SELECT row_number() OVER (ORDER BY a.aggfnoid::regprocedure::text)::int AS n, a.aggfnoid::regprocedure AS aggregate,
       format('%s(%s)', a.aggfnoid::regproc, CASE WHEN p.pronargs = 0 THEN '*' ELSE
           (SELECT string_agg(format('CASE WHEN i %% %s <> 1 THEN %s END', 3 + o, expression), ', ' ORDER BY o)
            FROM unnest(p.proargtypes) WITH ORDINALITY x(t, o) LEFT JOIN argument ON type = format_type(t, NULL)) END) AS expression,
       p.pronargs = 0 OR NOT EXISTS (SELECT FROM unnest(p.proargtypes) t
            WHERE format_type(t, NULL) NOT IN (SELECT type FROM argument)) AS known
FROM pg_aggregate a JOIN pg_proc p ON p.oid = a.aggfnoid
WHERE a.aggkind = 'n' AND a.aggcombinefn <> 0 AND p.pronargs <= 2
  AND (p.pronamespace = 'pg_catalog'::regnamespace AND p.proname NOT IN ('array_agg', 'string_agg', 'any_value')
       OR p.pronamespace = 'kafka_stream'::regnamespace AND p.proname NOT IN ('collect_list', 'finish', 'merge'));
SELECT aggregate FROM call WHERE NOT known AND aggregate::text NOT LIKE '%(record)';
SELECT count(*) FILTER (WHERE known) > 130 AS many FROM call;
DELETE FROM call WHERE NOT known;
-- What a view means by these is the query beside it.
CREATE TABLE calls AS SELECT n, expression, expression AS oracle FROM call;
INSERT INTO calls SELECT 1000 + row_number() OVER (), v.* FROM (VALUES
    ('count(DISTINCT i % 11)', 'count(DISTINCT i % 11)'),
    ('count(DISTINCT t)', 'count(DISTINCT t)'),
    ('count(DISTINCT t COLLATE "C") FILTER (WHERE i % 2 = 0)', 'count(DISTINCT t COLLATE "C") FILTER (WHERE i % 2 = 0)'),
    ('count(DISTINCT ARRAY[i % 3, i % 4])', 'count(DISTINCT ARRAY[i % 3, i % 4])'),
    ('count(DISTINCT (ARRAY[''sad'', ''ok'']::mood[])[1 + i % 2])', 'count(DISTINCT (ARRAY[''sad'', ''ok'']::mood[])[1 + i % 2])'),
    ('sum(DISTINCT i % 11)', 'sum(DISTINCT i % 11)'),
    ('sum(DISTINCT i % 11 / 8.0) + avg(DISTINCT i % 5)', 'sum(DISTINCT i % 11 / 8.0) + avg(DISTINCT i % 5)'),
    ('avg(DISTINCT (i % 11)::float8)', 'avg(DISTINCT (i % 11)::float8)'),
    ('max(DISTINCT t)', 'max(DISTINCT t)'),
    ('bool_or(DISTINCT i % 50 = 0)', 'bool_or(DISTINCT i % 50 = 0)'),
    ('array_agg(i)', 'array_agg(i ORDER BY event_time, kafka_offset)'),
    ('array_agg(CASE WHEN i % 3 > 0 THEN t END)', 'array_agg(CASE WHEN i % 3 > 0 THEN t END ORDER BY event_time, kafka_offset)'),
    ('array_agg((ARRAY[''sad'', ''ok'']::mood[])[1 + i % 2])', 'array_agg((ARRAY[''sad'', ''ok'']::mood[])[1 + i % 2] ORDER BY event_time, kafka_offset)'),
    ('array_agg(t::varchar(2)) FILTER (WHERE g > 0)', 'array_agg(t::varchar(2) ORDER BY event_time, kafka_offset) FILTER (WHERE g > 0)'),
    ('string_agg(t, '','')', 'string_agg(t, '','' ORDER BY event_time, kafka_offset)'),
    ('string_agg(t, i::text)', 'string_agg(t, i::text ORDER BY event_time, kafka_offset)'),
    ('string_agg(t::bytea, ''\x00'')', 'string_agg(t::bytea, ''\x00'' ORDER BY event_time, kafka_offset)'),
    ('collect_list(CASE WHEN i % 3 > 0 THEN t END)',
     'coalesce(array_agg(t ORDER BY event_time, kafka_offset) FILTER (WHERE i % 3 > 0), ''{}'')'),
    ('collect_list(i) FILTER (WHERE g > 5)', 'array_remove(array_agg(NULL::int), NULL)'),
    ('collect_set(t)', 'array_agg(DISTINCT t)'),
    ('collect_set(t COLLATE "C")', 'array_agg(DISTINCT t COLLATE "C")'),
    ('count(events)', 'count(events)'),
    ('count(''x'')', 'count(''x'')'),
    ('round(100.0 * sum(CASE WHEN i % 7 = 0 THEN 1 ELSE 0 END) / count(*), 2)',
     'round(100.0 * sum(CASE WHEN i % 7 = 0 THEN 1 ELSE 0 END) / count(*), 2)')) v;

-- One view for each, so that one refusal is told by name.
SET search_path = public, kafka_stream;
DO $$
DECLARE
    c record;
BEGIN
    FOR c IN SELECT * FROM calls ORDER BY n LOOP
        BEGIN
            PERFORM kafka_stream.create_view('v' || c.n,
                format('SELECT tumble(event_time, ''1 minute''), g, %s AS v FROM events GROUP BY 1, 2', c.expression));
        EXCEPTION WHEN OTHERS THEN
            RAISE NOTICE '%: %', c.expression, SQLERRM;
            DELETE FROM calls WHERE n = c.n;
        END;
    END LOOP;
END $$;

-- Several batches for each window; times go up, so nothing is late.
CREATE FUNCTION insert_batch(int) RETURNS void LANGUAGE sql AS $$
    INSERT INTO events SELECT timestamptz '2024-01-01 00:00 UTC' + i * interval '300 milliseconds', i % 3, i, 't' || i * 7919 % 41
    FROM generate_series($1 * 100, $1 * 100 + 99) i $$;
SELECT insert_batch(b) FROM generate_series(0, 5) b;

-- The same up to rounding: floating-point sums depend on order.
CREATE FUNCTION same(anyelement, anyelement) RETURNS boolean LANGUAGE sql AS $$
    SELECT $1 IS NOT DISTINCT FROM $2 $$;
CREATE FUNCTION same(float8, float8) RETURNS boolean LANGUAGE sql AS $$
    SELECT $1 IS NOT DISTINCT FROM $2 OR abs($1 - $2) <= 1e-9 * greatest(abs($1), abs($2), 1) $$;
CREATE FUNCTION same(float4, float4) RETURNS boolean LANGUAGE sql AS $$
    SELECT $1 IS NOT DISTINCT FROM $2 OR abs($1 - $2) <= 1e-4 * greatest(abs($1), abs($2), 1) $$;
CREATE FUNCTION compare_views(windows int) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    c record;
    wrong bigint;
    found bigint;
BEGIN
    FOR c IN SELECT * FROM calls ORDER BY n LOOP
        EXECUTE format('SELECT count(*), count(*) FILTER (WHERE (v.w IS NULL OR o.w IS NULL OR NOT same(v.v, o.v)))
            FROM (SELECT window_start AS w, g, v FROM v%s) v FULL JOIN
                 (SELECT date_trunc(''minute'', event_time) AS w, g, %s AS v FROM events GROUP BY 1, 2) o USING (w, g)',
            c.n, c.oracle) INTO found, wrong;
        IF wrong > 0 OR found <> windows * 3 THEN
            RETURN NEXT format('%s: %s of %s rows differ', c.expression, wrong, found);
        END IF;
    END LOOP;
END $$;
SELECT compare_views(3);

-- States merged by the statement that explain_view() shows, one per pane and
-- group left; then more of them, merged again.
CREATE FUNCTION merge_views() RETURNS TABLE (fewer boolean, one_each boolean) LANGUAGE plpgsql AS $$
DECLARE
    v record;
    before bigint;
BEGIN
    fewer := true;
    one_each := true;
    FOR v IN SELECT states, (regexp_match(kafka_stream.explain_view(view::text), '-- merge[^\n]*\n(SELECT [^\n]*)'))[1] AS merge
             FROM calls JOIN kafka_stream_internal.view ON view = ('v' || n)::regclass LOOP
        EXECUTE format('SELECT count(*) FROM %s', v.states) INTO before;
        EXECUTE format('CREATE TEMP TABLE merged (LIKE %s)', v.states);
        EXECUTE 'INSERT INTO merged ' || v.merge;
        EXECUTE format('DELETE FROM %s', v.states);
        EXECUTE format('INSERT INTO %s SELECT * FROM merged', v.states);
        fewer := fewer AND (SELECT count(*) < before FROM merged);
        one_each := one_each AND (SELECT count(*) = count(DISTINCT (pane, g1)) FROM merged);
        DROP TABLE merged;
    END LOOP;
    RETURN NEXT;
END $$;
SELECT * FROM merge_views();
SELECT compare_views(3);
SELECT insert_batch(b) FROM generate_series(6, 9) b;
SELECT * FROM merge_views();
SELECT compare_views(5);

-- Closed by hand, some windows first.
SELECT kafka_stream.advance('events', '2024-01-01 00:04 UTC');
SELECT compare_views(5);
SELECT count(*), count(*) FILTER (WHERE is_final) FROM v1;
SELECT kafka_stream.advance('events', '2024-01-01 01:00 UTC');
SELECT compare_views(5);
SELECT count(*), count(*) FILTER (WHERE is_final) FROM v1;

-- Refused, by name, with what to type instead.
CREATE FUNCTION refused(expression text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    hint text;
BEGIN
    PERFORM kafka_stream.create_view('refused', format('SELECT tumble(event_time, ''1 minute''), %s AS v FROM events GROUP BY 1', expression));
    RAISE NOTICE 'not refused: %', expression;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RAISE NOTICE E'%\nHINT:  %', SQLERRM, hint;
END $$;
SELECT refused(x) FROM unnest(ARRAY['json_agg(i)', 'percentile_cont(0.5) WITHIN GROUP (ORDER BY i)', 'rank(3) WITHIN GROUP (ORDER BY i)',
    'array_agg(DISTINCT i)', 'array_agg(i ORDER BY g)', 'array_agg(ARRAY[i])', 'string_agg(DISTINCT t, '','')', 'count(DISTINCT (i, g))',
    'sum(DISTINCT i::money)', 'corr(DISTINCT i, g)', 'array_agg(events)', 'count(DISTINCT i::regclass)']) x;

SET client_min_messages = warning;
SELECT kafka_stream.drop_stream('events', cascade => true);
DROP FUNCTION refused, compare_views, merge_views, same(anyelement, anyelement), same(float8, float8), same(float4, float4), insert_batch;
DROP TABLE argument, call, calls;
DROP TYPE mood;
