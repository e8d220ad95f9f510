-- finish() and merge() over states made by hand, the type of stored states,
-- and the extension's own mergeable aggregates next to core's.

-- States of transition types that are not internal.
SELECT kafka_stream.finish('count()', '{}', '-', s, NULL::bigint) FROM (VALUES (2::bigint), (NULL), (40)) v(s);
SELECT kafka_stream.finish('sum(int4)', '{int4}', '-', s, NULL::bigint) FROM (VALUES (1::bigint), (NULL), (41)) v(s);
SELECT kafka_stream.finish('sum(int4)', '{int4}', '-', s, NULL::bigint) FROM (VALUES (NULL::bigint), (NULL)) v(s);
SELECT kafka_stream.finish('avg(int4)', '{int4}', '-', s, NULL::numeric) FROM (VALUES ('{2,3}'::bigint[]), (NULL), ('{2,5}')) v(s);
SELECT kafka_stream.finish('avg(int4)', '{int4}', '-', s, NULL::numeric) FROM (VALUES ('{0,0}'::bigint[])) v(s);
SELECT kafka_stream.finish('stddev(float8)', '{float8}', '-', s, NULL::float8) = stddev_samp
    FROM (VALUES ('{3,6,2}'::float8[]), ('{2,9,0.5}')) v(s),
         (SELECT stddev_samp(x) FROM (VALUES (1::float8), (2), (3), (4), (5)) x(x)) w GROUP BY stddev_samp;
SELECT kafka_stream.finish('max(text)', '{text}', 'pg_catalog."C"', s, NULL::text) FROM (VALUES ('a'), (NULL), ('b')) v(s);
SELECT kafka_stream.finish('bool_and(bool)', '{bool}', '-', s, NULL::bool) FROM (VALUES (true), (false)) v(s);
-- polymorphic ones, with types resolved
SELECT kafka_stream.finish('min(anyarray)', '{int8[]}', '-', s, NULL::int8[]) FROM (VALUES ('{1}'::int8[]), ('{-1}')) v(s);
-- as the same aggregate in many groups, sorted and hashed, with FILTER
SELECT g, kafka_stream.finish('sum(int4)', '{int4}', '-', s, NULL::bigint) FILTER (WHERE s <> 5),
       kafka_stream.merge('avg(int4)', '{int4}', '-', ARRAY[s, 1])
    FROM (SELECT i % 3 AS g, i::bigint AS s FROM generate_series(1, 30) i) v GROUP BY ROLLUP (g) ORDER BY g;
SELECT kafka_stream.merge('avg(int4)', '{int4}', '-', s) FROM (VALUES ('{2,3}'::bigint[]), (NULL), ('{2,5}')) v(s);
SELECT kafka_stream.merge('max(text)', '{text}', 'pg_catalog."C"', s) FROM (VALUES (repeat('long', 5000)), ('short')) v(s) \gset long_
SELECT length(:'long_merge');
-- no row, so no aggregate known
SELECT kafka_stream.finish('sum(int4)', '{int4}', '-', s, NULL::bigint) IS NULL,
       kafka_stream.merge('sum(int4)', '{int4}', '-', s) IS NULL FROM (VALUES (1::bigint)) v(s) WHERE false;

-- User-made aggregates: an initial value, a strict combine function, an extra
-- argument of the final function, a transition function that gives null.
CREATE FUNCTION pick_larger(int, int) RETURNS int LANGUAGE sql AS 'SELECT CASE WHEN $1 > $2 THEN $1 WHEN $2 = 13 THEN NULL ELSE $2 END';
CREATE FUNCTION with_type(int, int) RETURNS text LANGUAGE sql AS 'SELECT $1 || coalesce($2::text, '' and nothing'')';
CREATE AGGREGATE larger(int) (SFUNC = pick_larger, STYPE = int, COMBINEFUNC = pick_larger, INITCOND = '7', FINALFUNC = with_type, FINALFUNC_EXTRA);
CREATE FUNCTION strict_larger(int, int) RETURNS int LANGUAGE sql STRICT AS 'SELECT CASE WHEN $1 > $2 THEN $1 WHEN $2 = 13 THEN NULL ELSE $2 END';
CREATE AGGREGATE larger_strict(int) (SFUNC = strict_larger, STYPE = int, COMBINEFUNC = strict_larger);
SELECT kafka_stream.finish('larger(int)', '{int}', '-', s, NULL::text) FROM (VALUES (1), (9)) v(s);
SELECT kafka_stream.finish('larger(int)', '{int}', '-', s, NULL::text) FROM (VALUES (1), (2)) v(s);
-- once null, a strict function is not called again; without strictness it is
SELECT kafka_stream.merge('larger_strict(int)', '{int}', '-', s) FROM (VALUES (NULL), (1), (13), (2)) v(s);
SELECT kafka_stream.merge('larger(int)', '{int}', '-', s) FROM (VALUES (NULL), (1), (13), (2)) v(s);

-- Refused.
SELECT kafka_stream.finish('avg(int4)', '{int8}', '-', s, NULL::numeric) FROM (VALUES ('{2,3}'::bigint[])) v(s);
SELECT kafka_stream.finish('avg(int4)', '{int4,int4}', '-', s, NULL::numeric) FROM (VALUES ('{2,3}'::bigint[])) v(s);
SELECT kafka_stream.finish('avg(int4)', '{int4}', '-', s, NULL::int) FROM (VALUES ('{2,3}'::bigint[])) v(s);
SELECT kafka_stream.finish('avg(int4)', '{int4}', '-', s, NULL::numeric) FROM (VALUES ('{2,3}'::int[])) v(s);
SELECT kafka_stream.finish('avg(int4)', '{int4}', '-', s, NULL::numeric) FROM (VALUES ('{2,3}'::bigint[]), ('{1}')) v(s);
SELECT kafka_stream.finish('avg(int8)', '{int8}', '-', s, NULL::numeric) FROM (VALUES ('\x00'::bytea)) v(s);
SELECT kafka_stream.finish('min(anyenum)', '{int8}', '-', s, NULL::int8) FROM (VALUES (1::int8)) v(s);
SELECT kafka_stream.finish('min(anyarray)', '{anyarray}', '-', s, NULL::int8[]) FROM (VALUES ('{1}'::int8[])) v(s);
SELECT kafka_stream.finish('count("any")', '{internal}', '-', s, NULL::int8) FROM (VALUES (1::int8)) v(s);
SELECT kafka_stream.finish('json_agg(anyelement)', '{int4}', '-', s, NULL::json) FROM (VALUES (1)) v(s);
SELECT kafka_stream.finish('percentile_cont(float8,float8)', '{float8,float8}', '-', s, NULL::float8) FROM (VALUES (1::float8)) v(s);
SELECT kafka_stream.finish('int4(int8)', '{int8}', '-', s, NULL::int) FROM (VALUES (1)) v(s);
SELECT kafka_stream.finish(NULL, '{int8}', '-', s, NULL::int) FROM (VALUES (1)) v(s);
SELECT kafka_stream.finish('sum(int4)', '{NULL}', '-', s, NULL::bigint) FROM (VALUES (1::bigint)) v(s);
SELECT kafka_stream.finish('sum(int4)', '{int4}', 4294967295::regcollation, s, NULL::bigint) FROM (VALUES (1::bigint)) v(s);
SELECT kafka_stream.finish(a::regprocedure, '{int4}', '-', s, NULL::bigint) FROM (VALUES ('sum(int4)', 1::bigint), ('count()', 2)) v(a, s);
SELECT kafka_stream.finish('sum(int4)', '{int4}', '-', s, NULL::bigint) OVER () FROM (VALUES (1::bigint)) v(s);

-- A view over finish() is dumped with names that any search_path finds.
CREATE VIEW finished AS SELECT kafka_stream.finish('max(text)', '{text,"timestamptz[]"}', 'pg_catalog."C"', s, NULL::text) AS a,
    kafka_stream.finish('count()', '{}', '-', 1::bigint, NULL::bigint) AS b FROM (VALUES ('a')) v(s);
SET search_path = '';
SELECT pg_get_viewdef('public.finished') LIKE '%kafka_stream.finish(''max(text)''::regprocedure, ''{text,"timestamp with time zone[]"}''::regtype[], ''"C"''::regcollation,%',
       pg_get_viewdef('public.finished') LIKE '%kafka_stream.finish(''count()''::regprocedure, ''{}''::regtype[], ''-''::regcollation,%';
RESET search_path;
DROP VIEW finished;

-- Bytes of type kafka_stream.state, as a superuser who restores a dump gives
-- them: header, whose state it is, and what the serialize function wrote.
CREATE FUNCTION made_state(agg regprocedure, types text, payload bytea, format int DEFAULT 1,
                           major int DEFAULT current_setting('server_version_num')::int / 10000)
    RETURNS kafka_stream.state LANGUAGE sql AS $$
    SELECT (set_byte(set_byte(set_byte('\x00000008'::bytea, 0, format), 1, major), 2, pg_char_to_encoding(getdatabaseencoding()))
            || substr(sha256(convert_to((SELECT string_agg('kafka_stream:' || prosrc, ',' ORDER BY o)
                  FROM unnest(ARRAY[aggtransfn, aggcombinefn, aggfinalfn, aggdeserialfn]) WITH ORDINALITY f(f, o)
                  JOIN pg_proc p ON p.oid = f) || ',' || types, 'UTF8')), 1, 8)
            || payload)::text::kafka_stream.state
    FROM pg_aggregate WHERE aggfnoid = agg $$;
CREATE TABLE states (s kafka_stream.state);
-- sets of int4: type (23), how many, values
INSERT INTO states SELECT made_state('kafka_stream.collect_set(anyelement)', ',23', b)
    FROM (VALUES ('\x17000000020000000100000002000000'::bytea), ('\x17000000020000000200000003000000')) v(b);
INSERT INTO states VALUES (NULL);
SELECT kafka_stream.finish('kafka_stream.collect_set(anyelement)', '{int4}', '-', s, NULL::int[]) FROM states;
-- merged states are states again
SELECT kafka_stream.finish('kafka_stream.collect_set(anyelement)', '{int4}', '-', m, NULL::int[])
    FROM (SELECT kafka_stream.merge('kafka_stream.collect_set(anyelement)', '{int4}', '-', s) FROM states) v(m);
SELECT kafka_stream.merge('kafka_stream.collect_set(anyelement)', '{int4}', '-', s) IS NULL FROM states WHERE s IS NULL;
SELECT kafka_stream.finish('kafka_stream.collect_set(anyelement)', '{int4}', '-', s, NULL::int[]) FROM states WHERE s IS NULL;
-- not of this aggregate, of other argument types, of another format or version, cut off
SELECT kafka_stream.finish('avg(int8)', '{int8}', '-', s, NULL::numeric) FROM states;
SELECT kafka_stream.finish('kafka_stream.count_distinct(anyelement)', '{int4}', '-', s, NULL::bigint) FROM states;
SELECT kafka_stream.finish('kafka_stream.collect_set(anyelement)', '{text}', 'pg_catalog."C"', s, NULL::text[]) FROM states;
SELECT kafka_stream.finish('kafka_stream.count_distinct(anyelement)', '{int4}', '-',
                           made_state('kafka_stream.count_distinct(anyelement)', ',23', '', format => 2), NULL::bigint);
\set VERBOSITY terse
SELECT kafka_stream.finish('kafka_stream.count_distinct(anyelement)', '{int4}', '-',
                           made_state('kafka_stream.count_distinct(anyelement)', ',23', '', major => 14), NULL::bigint);
\set VERBOSITY default
SELECT kafka_stream.finish('kafka_stream.count_distinct(anyelement)', '{int4}', '-',
                           made_state('kafka_stream.count_distinct(anyelement)', ',23', '\x170000000200000001'), NULL::bigint);
SELECT kafka_stream.finish('kafka_stream.count_distinct(anyelement)', '{int4}', '-', s, NULL::bigint)
    FROM (VALUES (kafka_stream.state '\x01')) v(s);
SELECT '\x'::kafka_stream.state;
SELECT 'text'::kafka_stream.state;
-- text in, text out, whatever bytea_output says; no way around by casts
SET bytea_output = escape;
SELECT s::text ~ '^\\x01[0-9a-f]+$', (s::text)::kafka_stream.state::text = s::text FROM states WHERE s IS NOT NULL LIMIT 1;
RESET bytea_output;
SELECT '\x'::bytea::kafka_stream.state;
SELECT s::bytea FROM states;
SELECT attstorage FROM pg_attribute WHERE attrelid = 'states'::regclass AND attname = 's';

-- Anybody may finish and merge, with the rights they have on the aggregate;
-- nobody but a superuser brings in states.
CREATE ROLE regress_ks_reader;
GRANT SELECT ON states TO regress_ks_reader;
CREATE TABLE imported (s kafka_stream.state);
GRANT INSERT ON imported TO regress_ks_reader;
REVOKE EXECUTE ON FUNCTION larger(int) FROM PUBLIC;
SET ROLE regress_ks_reader;
SELECT kafka_stream.finish('kafka_stream.collect_set(anyelement)', '{int4}', '-', s, NULL::int[]) FROM states;
SELECT kafka_stream.finish('larger(int)', '{int}', '-', s, NULL::text) FROM (VALUES (1), (9)) v(s);
INSERT INTO imported SELECT s FROM states;
INSERT INTO imported SELECT s::text::kafka_stream.state FROM states;
SELECT '\x0102030405060708090a0b0c0d'::kafka_stream.state;
SELECT jsonb_populate_record(NULL::states, '{"s": "\\x0102030405060708090a0b0c0d"}');
COPY imported FROM STDIN;
\\x0102030405060708090a0b0c0d
\.
CREATE AGGREGATE pg_temp.forged(bytea) (SFUNC = kafka_stream.distinct_combine, STYPE = internal);
RESET ROLE;
-- its owner needs EXECUTE on the functions of an aggregate
GRANT EXECUTE ON FUNCTION larger(int) TO PUBLIC;
CREATE ROLE regress_ks_owner;
ALTER AGGREGATE larger(int) OWNER TO regress_ks_owner;
REVOKE EXECUTE ON FUNCTION pick_larger(int, int) FROM PUBLIC;
SELECT kafka_stream.finish('larger(int)', '{int}', '-', s, NULL::text) FROM (VALUES (1), (9)) v(s);
DROP AGGREGATE larger(int);
DROP AGGREGATE larger_strict(int);
DROP FUNCTION pick_larger(int, int);
DROP FUNCTION strict_larger(int, int);
DROP FUNCTION with_type(int, int);
DROP TABLE states, imported;
DROP FUNCTION made_state;
DROP ROLE regress_ks_reader;
DROP ROLE regress_ks_owner;

-- Own aggregates next to core's, through combine and serialize functions:
-- plans must be parallel.
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN even AS int CHECK (VALUE % 2 = 0);
CREATE TABLE facts AS
SELECT i % 5 AS g, i, (i % 97)::int2 AS i2, CASE WHEN i % 3 = 0 THEN NULL ELSE i % 29 END AS i4, (i % 1013)::int8 AS i8,
       (i % 101) / 8.0::numeric AS n, ((i % 13) / 4.0)::float4 AS f4, CASE i % 17 WHEN 0 THEN 'NaN' WHEN 1 THEN '-0' ELSE (i % 13) / 4.0 END::float8 AS f8,
       CASE WHEN i % 7 = 0 THEN NULL ELSE 't' || i % 50 END AS t, (i % 31) * interval '1 hour' AS iv,
       (ARRAY['sad', 'ok', 'happy']::mood[])[1 + i % 3] AS e, ARRAY[i % 4, NULL, i % 3] AS a, ((i % 10) * 2)::even AS d,
       jsonb_build_object('k', i % 11) AS j, decode(lpad(to_hex(i % 300), 4, '0'), 'hex') AS b, md5((i % 20)::text)::uuid AS u,
       int4range(i % 6, 10) AS r, repeat(md5((i % 9)::text), 200) AS wide,
       timestamptz '2024-01-01 UTC' + (i * 7919 % 10007) * interval '1 s' AS ts, i % 4 AS part, i::bigint AS off
    FROM generate_series(1, 10000) i;
ALTER TABLE facts SET (parallel_workers = 4);
ANALYZE facts;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 4;
SET enable_sort = off;
EXPLAIN (COSTS OFF) SELECT g, kafka_stream.count_distinct(i4) FROM facts GROUP BY g;

-- counts, one column after the other; prints columns that differ
CREATE FUNCTION differing(own text, core text, columns text[]) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    c text;
    same bool;
    parallel bool;
    line text;
BEGIN
    FOREACH c IN ARRAY columns LOOP
        parallel := false;
        FOR line IN EXECUTE format('EXPLAIN SELECT g, %s AS v FROM facts GROUP BY g', format(own, c)) LOOP
            parallel := parallel OR line LIKE '%Partial%Aggregate%';
        END LOOP;
        EXECUTE format('SELECT bool_and(o.v IS NOT DISTINCT FROM c.v) AND count(*) = 5 FROM (SELECT g, %s AS v FROM facts GROUP BY g) o
                        JOIN (SELECT g, %s AS v FROM facts GROUP BY g) c USING (g)', format(own, c), format(core, c)) INTO same;
        IF NOT same OR NOT parallel THEN
            RETURN NEXT format('%s: same %s, parallel %s', c, same, parallel);
        END IF;
    END LOOP;
END $$;
SELECT differing('kafka_stream.count_distinct(%s)', 'count(DISTINCT %s)',
                 string_to_array('i2,i4,i8,n,f4,f8,t,iv,e,a,d,j,b,u,r,wide,ts,i,t COLLATE "C",t::varchar,t::name,f8 = 1,NULL::int', ','));
SELECT differing('kafka_stream.sum_distinct(%s)', 'sum(DISTINCT %s)', '{i2,i4,i8,n,f4,f8,iv,NULL::int8}');
SELECT differing('kafka_stream.avg_distinct(%s)', 'avg(DISTINCT %s)', '{i2,i4,i8,n,f4,f8,iv,NULL::float8}');
-- arrays of arrays do not exist, so not for a
SELECT differing('kafka_stream.collect_set(%s)', 'array_remove(array_agg(DISTINCT %1$s), NULL)',
                 string_to_array('i2,i4,i8,n,f4,f8,t,iv,e,d,j,b,u,r,wide,ts,i,t COLLATE "C"', ','));
SELECT differing('kafka_stream.ordered_array_agg(%s, ts, NULL, part, off)', 'array_agg(%s ORDER BY ts, part, off)',
                 '{i2,i4,i8,n,f4,f8,t,iv,e,d,j,b,u,r,wide,ts,i}');
SELECT differing('kafka_stream.ordered_collect_list(%s, ts, NULL, part, off)', 'array_agg(%s ORDER BY ts, part, off) FILTER (WHERE %1$s IS NOT NULL)',
                 '{i2,i4,i8,n,f4,f8,t,iv,e,d,j,b,u,r,wide,ts,i}');
CREATE FUNCTION sorted(anyarray) RETURNS anyarray LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT array_agg(x ORDER BY x) FROM unnest($1) x';
SELECT differing('sorted(kafka_stream.collect_list(%s))', 'array_agg(%s ORDER BY %1$s) FILTER (WHERE %1$s IS NOT NULL)',
                 '{i4,t,e,n,wide}');
SELECT differing('kafka_stream.ordered_string_agg(%s, ts, NULL, part, off)', 'string_agg(%s ORDER BY ts, part, off)',
                 ARRAY['t, '',''', 't, t', 't, NULL', 't, i2::text', 'b, ''\x00''', 'b, b', 'wide, ''''']);
-- nothing to collect
SELECT kafka_stream.collect_list(i), kafka_stream.collect_set(i), kafka_stream.count_distinct(i), kafka_stream.sum_distinct(i),
       kafka_stream.avg_distinct(i), kafka_stream.ordered_array_agg(i, ts, NULL, part, off),
       kafka_stream.ordered_collect_list(i, ts, NULL, part, off), kafka_stream.ordered_string_agg(t, ',', ts, NULL, part, off)
    FROM facts WHERE i < 0;

-- Places: nulls last, topics by bytes, values of one row by their bytes.
SELECT kafka_stream.ordered_array_agg(v, ts, topic, part, off)
    FROM (VALUES ('j', NULL::timestamptz, 'a', 0, 0), ('i', '2024-01-02', NULL, NULL, NULL), ('h', '2024-01-02', NULL, 1, NULL),
                 ('g', '2024-01-02', 'b', NULL, 1), ('f', '2024-01-02', 'b', 0, 9), ('e', '2024-01-02', 'a', 1, 1),
                 (NULL, '2024-01-02', 'B', 1, 2), ('d', '2024-01-02', 'B', 1, 2), ('c2', '2024-01-02', 'B', 1, 2),
                 ('c', '2024-01-02', 'B', 1, 2), ('b', '2024-01-02', 'B', 1, 1), ('a', '2024-01-01', 'z', 1, 1)) x(v, ts, topic, part, off);

-- Equality is the collation's; of equal values the one with the smaller bytes stays.
CREATE COLLATION ignore_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
SELECT kafka_stream.count_distinct(t COLLATE ignore_case), kafka_stream.collect_set(t COLLATE ignore_case), kafka_stream.count_distinct(t)
    FROM (VALUES ('b'), ('a'), ('B'), ('A')) v(t);
SELECT kafka_stream.collect_set(n) FROM (VALUES (1.00), (1.0), (2), (1.000)) v(n);
SELECT kafka_stream.collect_set(n) FROM (VALUES (1.0), (1.000), (2), (1.00)) v(n);

-- As window aggregates.
SELECT i, kafka_stream.count_distinct(i4) OVER w, kafka_stream.collect_set(i4) OVER w, kafka_stream.collect_list(i4) OVER w, kafka_stream.sum_distinct(i4) OVER w
    FROM facts WHERE i <= 6 WINDOW w AS (ORDER BY i ROWS 2 PRECEDING) ORDER BY i;

-- Types whose values say nothing elsewhere, or that cannot be compared.
SET max_parallel_workers_per_gather = 0;
CREATE TYPE pair AS (a int, b mood);
SELECT kafka_stream.collect_list(ROW(1, 'ok')::pair);
SELECT kafka_stream.count_distinct(ARRAY[e]) FROM facts;
SELECT kafka_stream.collect_set('facts'::regclass);
SELECT kafka_stream.count_distinct(ROW(1, 2));
SELECT kafka_stream.count_distinct(B'1');
SELECT kafka_stream.collect_set(x) FROM (VALUES (xid '1'), (xid '2')) v(x);
SELECT kafka_stream.count_distinct(x) FROM (VALUES (xid '1'), (xid '2')) v(x);

DROP FUNCTION differing;
DROP FUNCTION sorted;
DROP TABLE facts;
DROP TYPE pair;
DROP TYPE mood;
DROP DOMAIN even;
DROP COLLATION ignore_case;
