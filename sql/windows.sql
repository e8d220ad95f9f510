-- Window arithmetic: tumble, hop, cumulate and session as SQL functions.
SET timezone TO 'UTC';
SET datestyle TO 'ISO';
SET search_path TO public, kafka_stream;

-- The SQLSTATE and message of a query that must fail.
CREATE FUNCTION failure(query text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE query;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    RETURN sqlstate || ' ' || sqlerrm;
END $$;

-- tumble: the start belongs to a window, the end does not
SELECT ts, tumble(ts, '5 min')
FROM (VALUES ('2024-01-01 12:30:00Z'::timestamptz), ('2024-01-01 12:30:00.000001Z'),
             ('2024-01-01 12:34:59.999999Z'), ('2024-01-01 12:35:00Z')) AS v(ts);

-- before the origin and before PostgreSQL's own epoch, starts are still below
SELECT ts, tumble(ts, '7 min'), ts - tumble(ts, '7 min') AS since_start
FROM (VALUES ('1970-01-05 00:00:00Z'::timestamptz), ('1970-01-04 23:59:59.999999Z'),
             ('1970-01-04 23:53:00Z'), ('1970-01-04 23:52:59.999999Z'),
             ('1999-12-31 23:59:59Z'), ('0044-03-15 12:00:00Z BC')) AS v(ts);

-- weeks start on Mondays
SELECT tumble('2024-02-29 10:00Z', '7 days'), to_char(tumble('2024-02-29 10:00Z', '1 week'), 'FMDay');

-- another origin, before and after
SELECT tumble('2024-01-01 12:34:56Z', '1 hour', '2024-01-01 00:15Z'),
       tumble('2024-01-01 12:04:56Z', '1 hour', '2024-01-01 00:15Z'),
       tumble('2024-01-01 12:34:56Z', '1 hour', '2033-01-01 00:15Z'),
       tumble('2024-01-01 12:34:56Z', '1 day', '2024-01-01 00:00+02');

-- one microsecond, and more than the time since the origin
SELECT tumble('2024-01-01 12:34:56.789012Z', '1 microsecond'), tumble('2024-01-01 12:34:56Z', '100000 days');

-- mixed units; negative parts are fine as long as the sum is not
SELECT tumble('2024-01-01 12:34:56Z', '1 day -12 hours'), tumble('2024-01-01 12:34:56Z', '1 year -12 months 1 day 12 hours');

-- hop: as many windows as slides fit, ascending, and the edges
SELECT hop('2024-01-01 12:34:56Z', '5 min', '1 min');
SELECT hop('2024-01-01 12:35:00Z', '5 min', '1 min');
SELECT hop('2024-01-01 12:34:59.999999Z', '5 min', '5 min');

-- a size that is no multiple of the slide: two windows or three
SELECT ts, array_agg(w ORDER BY w)
FROM (VALUES ('2024-01-01 12:34:00Z'::timestamptz), ('2024-01-01 12:34:59.999999Z'),
             ('2024-01-01 12:35:00Z'), ('2024-01-01 12:35:59.999999Z')) AS v(ts),
     hop(ts, '5 min', '2 min') AS w
GROUP BY ts ORDER BY ts;

-- hop before the origin, and with one
SELECT hop('1970-01-04 23:59Z', '2 hours', '1 hour'),
       hop('1970-01-04 23:59Z', '2 hours', '1 hour', '2000-01-01 00:30Z') AS with_origin;

-- cumulate: ends
SELECT cumulate('2024-01-01 12:34:56Z', '1 hour', '15 min');
SELECT cumulate('2024-01-01 12:45:00Z', '1 hour', '15 min');
SELECT cumulate('2024-01-01 12:59:59.999999Z', '1 hour', '15 min');
SELECT cumulate('1970-01-04 22:00Z', '1 day', '12 hours', '2024-01-01 06:00Z');
SELECT cumulate('2024-01-01 12:34:56Z', '1 hour', '1 hour');

-- a day is 24 hours, whatever the clocks of TimeZone do
SET timezone TO 'Europe/Berlin';
SELECT tumble('2024-03-31 01:59+01', '1 day') AS before_change,
       tumble('2024-03-31 03:00+02', '1 day') AS after_change,
       tumble('2024-04-01 01:59+02', '1 day') AS next_day_02,
       tumble('2024-03-31 03:00+02', '1 hour') AS hour;
SELECT hop('2024-10-27 02:30+01', '2 hours', '1 hour');
SET timezone TO 'UTC';

-- a null time has no window; other nulls are errors
SELECT tumble(NULL, '1 min'), (SELECT count(*) FROM hop(NULL, '2 min', '1 min')) AS hops,
       (SELECT count(*) FROM cumulate(NULL, '2 min', '1 min')) AS cumulations;
SELECT failure(q) FROM unnest(ARRAY[
    $$SELECT tumble(now(), NULL)$$,
    $$SELECT tumble(NULL, NULL)$$,
    $$SELECT hop(now(), NULL, '1 min')$$,
    $$SELECT hop(now(), '1 min', NULL)$$,
    $$SELECT cumulate(now(), NULL, '1 min')$$,
    $$SELECT cumulate(now(), '1 min', NULL)$$]) AS q;

-- sizes that make no sense
SELECT failure(q) FROM unnest(ARRAY[
    $$SELECT tumble(now(), '0')$$,
    $$SELECT tumble(now(), '-1 min')$$,
    $$SELECT tumble(now(), '1 day -24 hours')$$,
    $$SELECT tumble(now(), '1 month')$$,
    $$SELECT tumble(NULL, '1 month')$$,
    $$SELECT hop(now(), '1 month', '1 day')$$,
    $$SELECT hop(now(), '1 day', '1 month')$$,
    $$SELECT hop(now(), '5 min', '0')$$,
    $$SELECT hop(now(), '5 min', '6 min')$$,
    $$SELECT hop(NULL, '5 min', '6 min')$$,
    $$SELECT cumulate(now(), '5 min', '6 min')$$,
    $$SELECT cumulate(now(), '5 min', '2 min')$$,
    $$SELECT cumulate(now(), '5 min', '-1 min')$$,
    $$SELECT tumble(now(), '2147483647 days 2562047788 hours')$$]) AS q;
SELECT tumble(now(), '1 month');
SELECT hop(now(), '5 min', '6 min');

-- calendar windows are not there yet
SELECT tumble(now(), '1 day', timezone => 'Europe/Berlin');
SELECT failure(q) FROM unnest(ARRAY[
    $$SELECT hop(now(), '2 days', '1 day', timezone => 'UTC')$$,
    $$SELECT cumulate(now(), '2 days', '1 day', NULL, 'UTC')$$]) AS q;
SELECT tumble('2024-01-01 12:34Z', '1 day', NULL, NULL);

-- infinite times
SELECT failure(q) FROM unnest(ARRAY[
    $$SELECT tumble('infinity', '1 min')$$,
    $$SELECT tumble('-infinity', '1 min')$$,
    $$SELECT hop('infinity', '2 min', '1 min')$$,
    $$SELECT cumulate('-infinity', '2 min', '1 min')$$,
    $$SELECT tumble(now(), '1 min', 'infinity')$$,
    $$SELECT hop(now(), '2 min', '1 min', '-infinity')$$]) AS q;

-- the ends of time: a window must fit as a whole
SELECT tumble('4714-11-24 00:00:00Z BC', '1 microsecond'),
       tumble('294276-12-31 23:59:59.999998Z', '1 microsecond'),
       tumble('4714-11-24 23:59Z BC', '1 day'),
       tumble('294276-12-31 22:59:59.999999Z', '1 hour');
SELECT failure(q) FROM unnest(ARRAY[
    $$SELECT tumble('4714-11-24 00:00:00Z BC', '7 days', '2000-01-02Z')$$,
    $$SELECT tumble('294276-12-31 23:59:59.999999Z', '1 microsecond')$$,
    $$SELECT tumble('294276-12-31 23:00:00Z', '1 hour')$$,
    $$SELECT hop('4714-11-24 00:00:00Z BC', '2 hours', '1 hour')$$,
    $$SELECT hop('294276-12-31 22:59:00Z', '2 hours', '1 hour')$$,
    $$SELECT cumulate('294276-12-31 22:59:00Z', '1 day', '1 hour')$$,
    $$SELECT tumble('2024-01-01Z', '2562047788 hours', '2020-01-01Z')$$,
    $$SELECT tumble('4714-11-24 00:00:00Z BC', '2562047788 hours', '294276-12-31 23:59Z')$$]) AS q;
SELECT hop('4714-11-24 01:00:00Z BC', '2 hours', '1 hour');
SELECT hop('294276-12-31 21:59:59.999999Z', '2 hours', '1 hour');

-- nearly the whole range in one window, origin and time at opposite ends
SELECT tumble('287564-01-01Z', '2562047788 hours', '4714-11-24 00:00:00Z BC'),
       tumble('4714-11-24 00:00:00Z BC', '1 hour', '294276-12-31 23:00Z'),
       tumble('294276-12-31 22:00Z', '1 hour', '4714-11-24 00:00:00Z BC');

-- sessions exist only in views
SELECT session(now(), '5 min');
SELECT failure($$SELECT session(NULL, NULL)$$);

-- the arguments may change from row to row
SELECT size, tumble('2024-01-01 12:34:56Z', size, origin)
FROM (VALUES ('1 min'::interval, NULL::timestamptz), ('1 hour', NULL), ('1 hour', '2000-01-01 00:10Z'),
             ('60 min', '2000-01-01 00:10Z'), ('1 min', NULL)) AS v(size, origin);

-- declared as they behave, and estimated as they return
SELECT proname, provolatile, proparallel, proisstrict, proretset
FROM pg_proc WHERE pronamespace = 'kafka_stream'::regnamespace
    AND proname IN ('tumble', 'hop', 'cumulate', 'session') ORDER BY proname;
CREATE FUNCTION estimated_rows(query text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
    RETURN plan -> 0 -> 'Plan' -> 'Plan Rows';
END $$;
SELECT estimated_rows($$SELECT * FROM hop(now(), '1 hour', '1 min')$$) AS sixty,
       estimated_rows($$SELECT * FROM cumulate(now(), '1 hour', '15 min')$$) AS four,
       estimated_rows($$SELECT hop(now(), '5 min', '2 min', NULL)$$) AS two_and_a_half;

-- a query of a view runs by hand
CREATE TABLE hits (event_time timestamptz, service text);
INSERT INTO hits VALUES ('2024-01-01 12:00:30Z', 'a'), ('2024-01-01 12:01:30Z', 'a'),
                        ('2024-01-01 12:01:59Z', 'b'), ('2024-01-01 12:02:00Z', 'a'), (NULL, 'a');
SELECT tumble(event_time, '1 min'), service, count(*) FROM hits GROUP BY 1, 2 ORDER BY 1, 2;
SELECT hop(event_time, '2 min', '1 min'), count(*) FROM hits GROUP BY 1 ORDER BY 1;
CREATE VIEW hits_hop AS SELECT hop(event_time, '2 min', '1 min') AS w, count(*) FROM hits GROUP BY 1;
SELECT * FROM hits_hop ORDER BY w;

-- Properties, over random times, sizes, slides and origins of all magnitudes.
SELECT setseed(0.42);
CREATE TABLE cases AS
SELECT i,
       '2000-01-01Z'::timestamptz + (random() - 0.5) * interval '12000 years' * power(random(), 4)
           + CASE WHEN i % 7 = 0 THEN random() * interval '280000 years' ELSE '0' END AS ts,
       slide * interval '1 microsecond' AS slide,
       (slide * n + CASE WHEN i % 2 = 0 THEN 0 ELSE floor(random() * slide) END) * interval '1 microsecond' AS size,
       (slide * n) * interval '1 microsecond' AS max_size,
       CASE WHEN i % 3 = 0 THEN '1970-01-05Z'::timestamptz
            ELSE '2000-01-01Z'::timestamptz + (random() - 0.5) * interval '9000 years' END AS origin
FROM (SELECT i, floor(power(10, 1 + 11 * random())) AS slide, 1 + floor(random() * 20) AS n
      FROM generate_series(1, 3000) AS i) AS g;
UPDATE cases SET ts = tumble(ts, slide, origin) + (i % 10 - 1) * interval '1 microsecond' WHERE i % 10 < 3;

-- exact microseconds since 1970, without the functions under test
CREATE FUNCTION us(timestamptz) RETURNS numeric LANGUAGE sql IMMUTABLE RETURN extract(epoch FROM $1) * 1000000;
CREATE FUNCTION us(interval) RETURNS numeric LANGUAGE sql IMMUTABLE RETURN extract(epoch FROM $1) * 1000000;

-- the windows by their definition: all grid points whose window holds ts
CREATE VIEW defined AS
SELECT i, us(origin) + k * us(slide) AS start
FROM cases, generate_series(floor((us(ts) - us(origin) - us(size)) / us(slide)) - 1,
                            floor((us(ts) - us(origin)) / us(slide)) + 1) AS k
WHERE us(origin) + k * us(slide) <= us(ts) AND us(ts) < us(origin) + k * us(slide) + us(size);

SELECT count(*) AS cases, count(DISTINCT ts) > 2000 AS many_times, count(*) FILTER (WHERE ts < origin) > 100 AS before_origin,
       count(*) FILTER (WHERE mod(us(size), us(slide)) <> 0) > 1000 AS uneven FROM cases;
SELECT count(*) AS too_many FROM (SELECT i, us(hop(ts, size, slide, origin)) FROM cases EXCEPT ALL SELECT * FROM defined) AS d;
SELECT count(*) AS missing FROM (SELECT * FROM defined EXCEPT ALL SELECT i, us(hop(ts, size, slide, origin)) FROM cases) AS d;
SELECT count(*) AS without_ts FROM cases, hop(ts, size, slide, origin) AS w WHERE NOT (w <= ts AND us(ts) < us(w) + us(size));
SELECT count(*) AS not_ascending
FROM (SELECT w <= lag(w) OVER (PARTITION BY i ORDER BY ordinality) AS bad
      FROM cases, hop(ts, size, slide, origin) WITH ORDINALITY AS h(w, ordinality)) AS s WHERE bad;
SELECT count(*) AS wrong_tumble FROM cases
WHERE us(ts) - us(tumble(ts, size, origin)) <> mod(mod(us(ts) - us(origin), us(size)) + us(size), us(size));
SELECT count(*) AS wrong_hop_by_size FROM cases
WHERE ARRAY(SELECT hop(ts, size, size, origin)) <> ARRAY[tumble(ts, size, origin)];

-- cumulate: every end after ts up to the end of the tumbling window
SELECT count(*) AS wrong_cumulate FROM cases
WHERE ARRAY(SELECT us(cumulate(ts, max_size, slide, origin)))
    <> ARRAY(SELECT us(tumble(ts, max_size, origin)) + k * us(slide)
             FROM generate_series(1, (us(max_size) / us(slide))::int) AS k
             WHERE us(tumble(ts, max_size, origin)) + k * us(slide) > us(ts) ORDER BY k);

-- the grid is the same for any origin on it
SELECT count(*) AS moved FROM cases
WHERE tumble(ts, size, origin) <> tumble(ts, size, tumble(ts, size, origin));
