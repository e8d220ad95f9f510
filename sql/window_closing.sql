-- Closing on odd grids: sizes that are no multiple of the slide, weeks, other
-- origins.  Windows close exactly when the watermark reaches their end, and no
-- open one loses a pane.
SET timezone TO 'UTC';
SET datestyle TO 'ISO';
SET client_min_messages TO warning;

CREATE TABLE shapes (name text, window_call text);
INSERT INTO shapes VALUES
    ('tumble_minutes', $$tumble(event_time, '7 minutes')$$),
    ('tumble_origin', $$tumble(event_time, '1 hour', origin => '2031-05-05 00:13Z')$$),
    ('hop_even', $$hop(event_time, '21 minutes', '7 minutes')$$),
    ('hop_uneven', $$hop(event_time, '10 minutes', '7 minutes')$$),
    ('hop_origin', $$hop(event_time, '50 minutes', '20 minutes', origin => '1999-12-31 23:59:59Z')$$),
    ('cumulate_hours', $$cumulate(event_time, '6 hours', '90 minutes')$$),
    ('cumulate_weeks', $$cumulate(event_time, '7 days', '1 day')$$);

-- The delay is so long that windows close only when they are told to.
SELECT kafka_stream.create_stream('ticks', 'event_time timestamptz, v int',
    source => 'insert', watermark_delay => '3650 days', idle_timeout => NULL);
CREATE FUNCTION query_of(window_call text) RETURNS text LANGUAGE sql AS $$
    SELECT format('SELECT kafka_stream.%s AS %s, v %% 3 AS g, count(*) AS n, sum(v) AS total FROM ticks GROUP BY 1, 2',
                  window_call, CASE WHEN window_call LIKE 'cumulate%' THEN 'window_end' ELSE 'window_start' END)
$$;
SELECT count(kafka_stream.create_view(name, query_of(window_call))) FROM shapes;

-- every 97 s over ten days, on both sides of 2000-01-01
INSERT INTO ticks SELECT '1999-12-27Z'::timestamptz + i * interval '97 s', i FROM generate_series(0, 8900) AS i;

-- Windows of each view whose content or is_final is not what the query says.
-- What was final before the last rows came is in "before".
CREATE TABLE before (name text, window_end timestamptz, g int, n bigint, total bigint);
CREATE FUNCTION differences(up_to timestamptz) RETURNS TABLE (name text, windows bigint, final bigint, wrong bigint)
LANGUAGE plpgsql AS $$
DECLARE
    shape shapes;
    own name;
BEGIN
    FOR shape IN SELECT * FROM shapes ORDER BY shapes.name LOOP
        own := CASE WHEN shape.window_call LIKE 'cumulate%' THEN 'window_end' ELSE 'window_start' END;
        name := shape.name;
        EXECUTE format('SELECT count(*), count(*) FILTER (WHERE is_final) FROM %I', name) INTO windows, final;
        EXECUTE format($q$
            WITH view AS (SELECT * FROM %1$I),
                 query AS (SELECT * FROM (%2$s) AS q)
            SELECT (SELECT count(*) FROM view WHERE is_final <> (window_end <= $1))
                 + (SELECT count(*) FROM (SELECT %3$I, g, n, total FROM view WHERE NOT is_final
                                          EXCEPT ALL SELECT * FROM query) AS d)
                 + (SELECT count(*) FROM (SELECT * FROM query EXCEPT ALL SELECT %3$I, g, n, total FROM view) AS d
                    WHERE NOT EXISTS (SELECT FROM before AS b JOIN view AS v USING (window_end, g)
                                      WHERE b.name = $2 AND v.%3$I = d.%3$I AND v.g = d.g))
                 + (SELECT count(*) FROM before AS b WHERE b.name = $2 AND NOT EXISTS
                       (SELECT FROM view AS v WHERE is_final AND (v.window_end, v.g, v.n, v.total) = (b.window_end, b.g, b.n, b.total)))
            $q$, name, query_of(shape.window_call), own) INTO wrong USING up_to, name;
        RETURN NEXT;
    END LOOP;
END $$;
CREATE PROCEDURE remember_final() LANGUAGE plpgsql AS $$
DECLARE
    shape shapes;
BEGIN
    TRUNCATE before;
    FOR shape IN SELECT * FROM shapes LOOP
        EXECUTE format('INSERT INTO before SELECT %L, window_end, g, n, total FROM %I WHERE is_final', shape.name, shape.name);
    END LOOP;
END $$;

-- nothing is final yet
SELECT * FROM differences('-infinity');

-- in the middle of windows, then on a boundary of many, then one microsecond before
SELECT kafka_stream.advance('ticks', '1999-12-29 10:11:12.131415Z');
SELECT * FROM differences('1999-12-29 10:11:12.131415Z');
SELECT kafka_stream.advance('ticks', '2000-01-02 12:00Z');
SELECT name, wrong FROM differences('2000-01-02 12:00Z') WHERE wrong <> 0;
SELECT kafka_stream.advance('ticks', '2000-01-03 00:00Z');
SELECT * FROM differences('2000-01-03 00:00Z');
SELECT kafka_stream.advance('ticks', '2000-01-03 05:59:59.999999Z');
SELECT name, wrong FROM differences('2000-01-03 05:59:59.999999Z') WHERE wrong <> 0;

-- backwards it does nothing
SELECT kafka_stream.advance('ticks', '1999-12-28Z');
SELECT name, wrong FROM differences('2000-01-03 05:59:59.999999Z') WHERE wrong <> 0;

-- Rows on both sides of the watermark: final windows do not change, open ones
-- take them all, and a row is late only if all of its windows are final.
CALL remember_final();
INSERT INTO ticks SELECT '2000-01-03 04:30Z'::timestamptz + i * interval '61 s', i FROM generate_series(0, 200) AS i;
SELECT name, final, wrong FROM differences('2000-01-03 05:59:59.999999Z');
SELECT view, folded - 8901 AS folded, late, partly_late,
       (SELECT count(*) FROM ticks_late AS l WHERE l.view = s.view) AS kept
FROM kafka_stream.stats AS s WHERE stream = 'ticks'::regclass AND view IS NOT NULL ORDER BY view::text;

-- all the way, past the last row
SELECT kafka_stream.advance('ticks', '2000-01-20Z');
SELECT count(*) FILTER (WHERE final <> windows) AS still_open, sum(wrong) AS wrong FROM differences('2000-01-20Z');
SELECT kafka_stream.drop_stream('ticks', cascade => true);
