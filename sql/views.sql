-- Continuous views over rows that come by INSERT and COPY: each equals its own
-- query over the rows in time, open or final, whatever the batches.
\getenv srcdir PG_ABS_SRCDIR
\set oracle :srcdir '/test/sql/oracle.sql'
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE SCHEMA views;
SET search_path = views, public;
\set ECHO none
\i :oracle
\set ECHO all

CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN posint AS int CHECK (value > 0);
SELECT kafka_stream.create_stream('st', $$
    event_time timestamptz, service text, user_id int, rt float8, amount numeric(12,3), ok bool, tags text[],
    payload jsonb, took interval, small smallint, big bigint, m mood, p posint, c text COLLATE "C", d date,
    f4 float4, ip inet, b bytea, bits bit(8), doubled int GENERATED ALWAYS AS (user_id * 2) STORED$$,
    source => 'insert', max_future => NULL, idle_timeout => NULL);
CREATE TABLE st_copy (LIKE st INCLUDING GENERATED);
ALTER TABLE st_copy ADD id serial, ADD watermark timestamptz, ALTER kafka_received_at DROP NOT NULL;
CREATE TABLE watermark (at timestamptz);
INSERT INTO watermark VALUES (NULL);

-- Rows at about 2 seconds each, out of order, 1 in 20 of them late, with nulls.
CREATE FUNCTION random_rows(n int, first int) RETURNS SETOF st_copy LANGUAGE sql AS $$
    SELECT timestamptz '2026-03-01 10:00Z' + (first + i) * interval '2 s' + (random() * 40 - 30) * interval '1 s'
               - CASE WHEN random() < 0.05 THEN random() * interval '10 minutes' ELSE '0' END,
           (ARRAY['a', 'b', 'c', 'd', NULL])[1 + floor(random() * 5)], floor(random() * 20)::int,
           CASE WHEN random() < 0.1 THEN NULL ELSE random() * 100 END, (random() * 1000)::numeric(12,3),
           CASE WHEN random() < 0.1 THEN NULL ELSE random() < 0.5 END,
           string_to_array((ARRAY['x,y', 'y', '', 'z,NULL,x', NULL])[1 + floor(random() * 5)], ',', 'NULL'),
           CASE WHEN random() < 0.2 THEN NULL ELSE jsonb_build_object('k', floor(random() * 3), 'v', random() < 0.5) END,
           random() * interval '1 hour', floor(random() * 100)::int2, floor(random() * 1e15)::int8,
           (ARRAY['sad', 'ok', 'happy', NULL])[1 + floor(random() * 4)]::mood, 1 + floor(random() * 5)::int,
           (ARRAY['Zeta', 'alpha', 'Beta', 'beta'])[1 + floor(random() * 4)], date '2026-01-01' + floor(random() * 10)::int,
           random()::float4, ('10.0.0.' || floor(random() * 5))::inet, decode(to_hex(16 + floor(random() * 16)::int), 'hex'),
           floor(random() * 256)::int::bit(8),
           NULL::int, NULL::int, NULL::bigint, NULL::timestamptz, NULL::timestamptz, NULL::int, NULL::timestamptz
        FROM generate_series(1, n) i
$$;
CREATE PROCEDURE feed(n int) LANGUAGE plpgsql AS $$
DECLARE
    last int;
    columns text = 'event_time, service, user_id, rt, amount, ok, tags, payload, took, small, big, m, p, c, d, f4, ip, b, bits';
BEGIN
    SELECT coalesce(max(id), 0) INTO last FROM st_copy;
    EXECUTE format('INSERT INTO st_copy (%1$s, kafka_offset, id, watermark)
                    SELECT %1$s, $2 + row_number() OVER () - 1, $2 + row_number() OVER (), (SELECT at FROM watermark) FROM random_rows($1, $2)', columns)
        USING n, last;
    EXECUTE format('INSERT INTO st (%1$s) SELECT %1$s FROM st_copy WHERE id > $1 ORDER BY id', columns) USING last;
END $$;
CREATE PROCEDURE advance(up_to timestamptz) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM kafka_stream.advance('views.st', up_to);
    UPDATE watermark SET at = greatest(at, up_to);
END $$;

-- joined tables: with duplicates, without a match, with nulls
CREATE TABLE dim (service text, owner text, weight int);
INSERT INTO dim VALUES ('a', 'x', 1), ('a', 'y', 2), ('b', 'x', 3), ('z', 'q', 9), (NULL, 'n', 0);
CREATE VIEW owners AS SELECT service, max(owner) AS owner, sum(weight) AS weight FROM dim GROUP BY service;

-- rows before the first view: some of the views are backfilled with them
SELECT setseed(0.25);
CALL feed(50);

-- windows
CALL make_view('tumble', 'st', $$SELECT {W} AS window_start, service, count(*), count(rt) AS n, sum(rt), avg(rt), min(rt), max(rt), stddev(rt), variance(rt) FROM {S} AS s GROUP BY {W}, service$$, 'tumble', '1 minute');
CALL make_view('hop', 'st', $$SELECT {W} AS window_start, service, count(*), sum(amount), avg(amount), stddev_pop(amount), var_samp(amount), min(amount), max(amount) FROM {S} AS s GROUP BY 1, 2$$, 'hop', '5 minutes', '1 minute');
CALL make_view('hop_uneven', 'st', $$SELECT {W} AS window_start, ok, count(*), sum(small) AS s1, avg(small) AS a1, sum(big) AS s2, avg(big) AS a2, stddev(big) FROM {S} AS s GROUP BY 1, ok$$, 'hop', '50 seconds', '35 seconds');
CALL make_view('hop_origin', 'st', $$SELECT {W} AS window_start, count(*) FROM {S} AS s GROUP BY 1$$, 'hop', '7 minutes', '2 minutes', '2026-01-01 00:00:13.5Z');
CALL make_view('hop_7', 'st', $$SELECT {W} AS window_start, count(*) FROM {S} AS s GROUP BY 1$$, 'hop', '10 minutes', '7 minutes');
CALL make_view('cumulate', 'st', $$SELECT {W} AS window_end, service, count(*), count(DISTINCT user_id) AS users FROM {S} AS s GROUP BY 1, 2$$, 'cumulate', '5 minutes', '1 minute');
CALL make_view('cumulate_7', 'st', $$SELECT {W} AS window_end, count(*), min(event_time), max(kafka_offset) FROM {S} AS s GROUP BY 1$$, 'cumulate', '21 minutes', '7 minutes');
CALL make_view('running', 'st', $$SELECT service, count(*), sum(rt), array_agg(user_id{O}) FROM {S} AS s GROUP BY 1$$);
CALL make_view('running_all', 'st', $$SELECT count(*), sum(rt), string_agg(c, ','{O}) FROM {S} AS s$$);
CALL make_view('running_none', 'st', $$SELECT count(*), max(rt), collect_set(c) FROM {S} AS s WHERE rt < -1$$);
CALL make_view('plain_rows', 'st', $$SELECT event_time, upper(service) AS service, rt * 2 AS twice, doubled, dim.owner FROM {S} AS s LEFT JOIN dim USING (service) WHERE rt > 50$$);
CALL make_view('delay_long', 'st', $$SELECT {W} AS window_start, count(*) FROM {S} AS s GROUP BY 1$$, 'tumble', '1 minute', delay => '5 minutes');
CALL make_view('delay_none', 'st', $$SELECT {W} AS window_start, service, count(*) FROM {S} AS s WHERE rt < 90 GROUP BY 1, 2$$, 'hop', '2 minutes', '20 seconds', delay => '0');
CALL make_view('late_dropped', 'st', $$SELECT {W} AS window_start, count(*) FROM {S} AS s GROUP BY 1$$, 'tumble', '1 minute', more => $$, late => 'drop'$$);

-- names
CALL make_view('alias_other', 'st', $$SELECT {X} {W} AS bucket, count(*) FROM {S} AS s GROUP BY bucket$$, 'tumble', '1 minute');
CALL make_view('alias_none', 'st', $$SELECT {X} count(*), max(event_time) FROM {S} AS s GROUP BY {W}$$, 'tumble', '1 minute');
CALL make_view('alias_cumulate', 'st', $$SELECT {X} {W} AS until, count(*) FROM {S} AS s GROUP BY {W}$$, 'cumulate', '4 minutes', '2 minutes');
CALL make_view('views."Quoted, too"', 'st', $$SELECT {W} AS window_start, service AS "select", count(*) AS "Count ""it""" FROM {S} AS s GROUP BY 1, 2$$, 'tumble', '1 minute');

-- clauses and expressions
CALL make_view('having_both', 'st', $$SELECT {W} AS window_start, service, count(*) FROM {S} AS s GROUP BY 1, 2 HAVING sum(rt) > 200 AND count(*) FILTER (WHERE ok) > 2$$, 'tumble', '1 minute');
CALL make_view('having_alone', 'st', $$SELECT {W} AS window_start, service FROM {S} AS s GROUP BY 1, 2 HAVING avg(rt) > 50$$, 'tumble', '1 minute');
CALL make_view('having_group', 'st', $$SELECT {W} AS window_start, service, count(*) FROM {S} AS s GROUP BY 1, 2 HAVING service <> 'a'$$, 'tumble', '1 minute');
CALL make_view('filters', 'st', $$SELECT {W} AS window_start, count(*) FILTER (WHERE ok) AS good, sum(CASE WHEN rt > 50 THEN 1 ELSE 0 END) AS slow,
    100.0 * count(*) FILTER (WHERE ok) / nullif(count(*), 0) AS percent, CASE WHEN count(*) > 20 THEN 'many' ELSE 'few' END AS much,
    coalesce(max(rt) FILTER (WHERE NOT ok), -1) AS worst FROM {S} AS s WHERE service IS NOT NULL GROUP BY 1$$, 'tumble', '1 minute');
CALL make_view('group_expressions', 'st', $$SELECT {W} AS window_start, user_id % 3 AS third, lower(c) AS lower, count(*), (user_id % 3) * 10 + count(*) AS mix FROM {S} AS s GROUP BY 1, user_id % 3, lower(c)$$, 'tumble', '1 minute');
CALL make_view('group_hidden', 'st', $$SELECT {W} AS window_start, count(*) FROM {S} AS s GROUP BY 1, service, user_id % 2$$, 'tumble', '1 minute');
CALL make_view('group_alone', 'st', $$SELECT {W} AS window_start, service FROM {S} AS s GROUP BY 1, 2$$, 'hop', '2 minutes', '1 minute');
CALL make_view('group_subquery', 'st', $$SELECT {W} AS window_start, (SELECT max(owner) FROM dim WHERE dim.service = s.service) AS owner, count(*) FROM {S} AS s GROUP BY 1, 2$$, 'tumble', '1 minute');
CALL make_view('group_constant', 'st', $$SELECT {W} AS window_start, 'all'::text AS what, count(*) FROM {S} AS s GROUP BY 1, 'all'::text$$, 'tumble', '1 minute');
CALL make_view('group_types', 'st', $$SELECT {W} AS window_start, m, p, tags, payload, bits, took > '30 min' AS long, ip, count(*), sum(p), sum(f4) AS sum4, avg(f4) FROM {S} AS s GROUP BY 1, m, p, tags, payload, bits, 7, ip$$, 'tumble', '1 minute');
CALL make_view('collations', 'st', $$SELECT {W} AS window_start, c COLLATE "POSIX" AS c, min(service COLLATE "C"), max(c), max(lower(c) COLLATE "POSIX") AS lower, count(DISTINCT c COLLATE "C") FROM {S} AS s GROUP BY 1, 2$$, 'tumble', '1 minute');

-- joins, lateral functions, subqueries
CALL make_view('join_inner', 'st', $$SELECT {W} AS window_start, dim.owner, count(*), sum(weight) FROM {S} AS s JOIN dim USING (service) GROUP BY 1, 2$$, 'hop', '2 minutes', '1 minute');
CALL make_view('join_left', 'st', $$SELECT {W} AS window_start, dim.owner, count(*), sum(weight) FROM {S} AS s LEFT JOIN dim ON dim.service = s.service AND s.rt > 10 GROUP BY 1, 2$$, 'tumble', '2 minutes');
CALL make_view('join_many', 'st', $$SELECT {W} AS window_start, d1.owner, d2.service, count(*) FROM dim AS d1 CROSS JOIN ({S} AS s JOIN dim AS d2 ON d2.weight < s.small) WHERE d1.owner > s.service GROUP BY 1, 2, 3$$, 'tumble', '5 minutes');
CALL make_view('join_view', 'st', $$SELECT {W} AS window_start, o.owner, count(*), sum(o.weight) FROM {S} AS s JOIN owners AS o ON o.service = s.service GROUP BY 1, 2$$, 'tumble', '1 minute');
CALL make_view('join_subquery', 'st', $$SELECT {W} AS window_start, w, count(*) FROM {S} AS s JOIN (SELECT service, sum(weight) AS w FROM dim GROUP BY 1) AS d ON d.service = s.service GROUP BY 1, 2$$, 'tumble', '1 minute');
CALL make_view('join_lateral', 'st', $$SELECT {W} AS window_start, l.owner, count(*) FROM {S} AS s LEFT JOIN LATERAL (SELECT owner FROM dim WHERE dim.weight > s.user_id - 10 ORDER BY weight LIMIT 1) AS l ON true GROUP BY 1, 2$$, 'tumble', '1 minute');
CALL make_view('lateral_unnest', 'st', $$SELECT {W} AS window_start, tag, count(*), count(tag) AS known FROM {S} AS s, unnest(tags) AS tag GROUP BY 1, 2$$, 'tumble', '2 minutes');
CALL make_view('lateral_function', 'st', $$SELECT {W} AS window_start, t.k, count(*), count(DISTINCT user_id) AS users FROM {S} AS s LEFT JOIN LATERAL jsonb_each_text(payload) AS t(k, v) ON t.v <> '1' GROUP BY 1, 2$$, 'hop', '2 minutes', '1 minute');
CALL make_view('subquery_where', 'st', $$SELECT {W} AS window_start, count(*) FROM {S} AS s WHERE EXISTS (SELECT FROM dim WHERE dim.service = s.service) AND s.rt < (SELECT 20 * max(weight) FROM dim WHERE service = s.service) AND user_id NOT IN (SELECT weight FROM dim) GROUP BY 1$$, 'tumble', '1 minute');
CALL make_view('subquery_argument', 'st', $$SELECT {W} AS window_start, sum((SELECT max(weight) FROM dim WHERE dim.service = s.service)) FROM {S} AS s GROUP BY 1$$, 'tumble', '1 minute');
CALL make_view('row_whole', 'st', $$SELECT {W} AS window_start, count(s), count(DISTINCT s.service || coalesce(s.m::text, '')) AS n FROM {S} AS s GROUP BY 1$$, 'tumble', '1 minute');

-- aggregates
CALL make_view('bools_bits', 'st', $$SELECT {W} AS window_start, bool_and(ok), bool_or(ok), every(ok), bit_and(small), bit_or(big), bit_xor(user_id), min(m), max(m) FROM {S} AS s GROUP BY 1$$, 'tumble', '1 minute');
CALL make_view('types', 'st', $$SELECT {W} AS window_start, sum(took), avg(took), min(d), max(d), min(tags) AS tags, max(ip) AS ip, min(p) AS p FROM {S} AS s GROUP BY 1$$, 'hop', '2 minutes', '1 minute');
CALL make_view('regression', 'st', $$SELECT {W} AS window_start, corr(rt, user_id), covar_pop(rt, small), covar_samp(rt, small), regr_avgx(rt, small), regr_count(rt, small), regr_intercept(rt, small), regr_r2(rt, small), regr_slope(rt, small), regr_sxy(rt, small), var_pop(rt) FROM {S} AS s GROUP BY 1$$, 'tumble', '1 minute');
CALL make_view('distinct_values', 'st', $$SELECT {W} AS window_start, service, count(DISTINCT user_id) AS users, count(DISTINCT service) AS one, sum(DISTINCT user_id), avg(DISTINCT user_id), count(DISTINCT payload) AS payloads, count(DISTINCT rt) FILTER (WHERE ok) AS good FROM {S} AS s GROUP BY 1, 2$$, 'hop', '3 minutes', '1 minute');
SET search_path = views, public, kafka_stream;
CALL make_view('lists', 'st', $$SELECT {W} AS window_start, service, array_agg(user_id{O}), array_agg(c{O}) FILTER (WHERE ok) AS good, string_agg(c, ','{O}), string_agg(b, '\x00'::bytea{O}) AS bytes, collect_list(rt > 50{O}), collect_set(user_id) FROM {S} AS s GROUP BY 1, 2$$, 'hop', '3 minutes', '1 minute');
CREATE AGGREGATE product(float8) (SFUNC = float8mul, STYPE = float8, INITCOND = '1', COMBINEFUNC = float8mul);
CALL make_view('own_aggregate', 'st', $$SELECT {W} AS window_start, ln(product(1 + rt / 100000)) AS product FROM {S} AS s GROUP BY 1$$, 'hop', '2 minutes', '1 minute');
CALL make_view('same_twice', 'st', $$SELECT {W} AS window_start, count(*), count(*) AS again, sum(rt) / count(*) AS mean, sum(rt) AS total FROM {S} AS s GROUP BY 1 HAVING count(*) > 1$$, 'tumble', '1 minute');

-- all still open, in batches of any size; then closed step by step, between
-- windows and in them, backwards too
CALL feed(1); CALL feed(7); CALL feed(0); CALL feed(300);
SELECT * FROM compare_views();
CALL advance('2026-03-01 10:03Z');
SELECT view, mismatches FROM compare_views() WHERE mismatches > 0;
CALL feed(100);
SELECT view, mismatches FROM compare_views() WHERE mismatches > 0;
CALL advance('2026-03-01 10:09:33Z');
CALL advance('2026-03-01 10:05Z');
CALL advance('2026-03-01 10:09:33Z');
CALL feed(300);
SELECT view, mismatches FROM compare_views() WHERE mismatches > 0;
SELECT is_final, count(*) > 0 AS some, min(window_end) > '2026-03-01 10:09:33Z' AS after FROM hop_uneven WHERE NOT is_final GROUP BY 1;
SELECT count(*) > 0 AS some FROM hop_uneven WHERE is_final AND window_end <= '2026-03-01 10:09:33Z';

CALL advance('2026-03-01 11:00Z');
CALL feed(100);
SELECT view, mismatches FROM compare_views() WHERE mismatches > 0;
SELECT DISTINCT is_final FROM hop UNION ALL SELECT DISTINCT is_final FROM cumulate;

-- every row is folded, filtered or late, for each view
SELECT folded + filtered + late = (SELECT count(*) FROM st_copy) AS adds_up, count(*) > 40 AS views
    FROM kafka_stream.stats WHERE stream = 'st'::regclass AND view IS NOT NULL GROUP BY 1;
SELECT stats.view, late > 0 AS late, (SELECT count(*) FROM st_late WHERE st_late.view = stats.view) = late AS stored, partly_late > 0 AS partly
    FROM kafka_stream.stats WHERE view::text IN ('delay_none', 'late_dropped', 'running', 'plain_rows', 'hop', 'tumble') ORDER BY stats.view::text COLLATE "C";
