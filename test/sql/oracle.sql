-- The oracle of tests of views: a view equals its own query run over a plain
-- copy of the rows, paired with the windows that they were in time for.
--
-- A query is written with placeholders: {W} the window, {S} the stream, {O}
-- what orders the values of an aggregate that depends on order, {X} the window
-- as a column where the query does not select it.  The view has a window
-- function, the stream and nothing in their places; the oracle a column, a
-- subquery over the copy, ORDER BY, and the column.  Nothing of the extension's
-- arithmetic of windows and lateness is used by the oracle.

-- The copy of a stream's rows is <stream>_copy: its columns, id (order of
-- arrival), and watermark (to where windows had been closed by hand by then).
CREATE TABLE oracle (
    view text PRIMARY KEY, stream text NOT NULL, query text NOT NULL,
    kind text, size interval, slide interval, origin timestamptz, delay interval NOT NULL);

-- Windows of a time, worked out in whole microseconds.
CREATE FUNCTION oracle_windows(kind text, at timestamptz, size interval, slide interval, origin timestamptz,
                               OUT w_start timestamptz, OUT w_end timestamptz) RETURNS SETOF record
LANGUAGE sql IMMUTABLE AS $$
    WITH n AS MATERIALIZED (
        SELECT (extract(epoch FROM at - origin) * 1000000)::bigint AS us,
               (extract(epoch FROM size) * 1000000)::bigint AS size,
               (extract(epoch FROM slide) * 1000000)::bigint AS slide),
    starts AS (
        SELECT k * slide AS s, k * slide + size AS e
            FROM n, generate_series(floor((us - size)::numeric / slide)::bigint + 1, floor(us::numeric / slide)::bigint) k
            WHERE kind <> 'cumulate'
        UNION ALL
        SELECT floor(us::numeric / size)::bigint * size, floor(us::numeric / size)::bigint * size + k * slide
            FROM n, generate_series(1, size / slide) k
            WHERE kind = 'cumulate' AND floor(us::numeric / size)::bigint * size + k * slide > us)
    SELECT origin + s * interval '1 microsecond', origin + e * interval '1 microsecond' FROM starts
$$;

-- "tumble(event_time, '1 minute')", as for a view.
CREATE FUNCTION window_call(o oracle) RETURNS text LANGUAGE sql AS $$
    SELECT format('kafka_stream.%s(event_time, %L%s%s)', o.kind, o.size,
                  CASE WHEN o.kind = 'tumble' THEN '' ELSE format(', %L', o.slide) END,
                  CASE WHEN o.origin = '1970-01-05 00:00Z' THEN '' ELSE format(', origin => %L', o.origin) END)
$$;

CREATE FUNCTION view_query(o oracle) RETURNS text LANGUAGE sql AS $$
    SELECT replace(replace(replace(replace(o.query, '{W}', CASE WHEN o.kind IS NULL THEN '' ELSE window_call(o) END), '{S}', o.stream), '{O}', ''), '{X}', '')
$$;

-- Rows in time: late for a window if the clock before them, less the delay, or
-- the watermark, had come to its end.
CREATE FUNCTION oracle_source(o oracle) RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN o.kind IS NULL THEN format('(SELECT * FROM %s_copy)', o.stream)
        ELSE format('(SELECT c.*, %5$s AS oracle_w FROM (SELECT *, max(event_time) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS clock FROM %1$s_copy) c,'
                    ' LATERAL oracle_windows(%2$L, event_time, %3$L, %4$L, %6$L)'
                    ' WHERE NOT coalesce(clock - %7$L::interval >= w_end, false) AND NOT coalesce(watermark >= w_end, false))',
                    o.stream, o.kind, o.size, o.slide,
                    CASE WHEN o.kind = 'cumulate' THEN 'w_end' ELSE 'w_start' END, o.origin, o.delay) END
$$;

CREATE FUNCTION oracle_query(o oracle) RETURNS text LANGUAGE sql AS $$
    SELECT replace(replace(replace(replace(o.query, '{W}', 'oracle_w'), '{S}', oracle_source(o)), '{O}', ' ORDER BY event_time, kafka_offset'),
           '{X}', CASE WHEN o.kind = 'cumulate' THEN 'oracle_w AS window_end, ' ELSE 'oracle_w AS window_start, ' END)
$$;

-- Make a view and remember its query.
CREATE PROCEDURE make_view(view text, stream text, query text, kind text DEFAULT NULL,
                           size interval DEFAULT NULL, slide interval DEFAULT NULL,
                           origin timestamptz DEFAULT '1970-01-05 00:00Z',
                           delay interval DEFAULT '10 seconds', more text DEFAULT '')
LANGUAGE plpgsql AS $$
DECLARE
    o oracle;
BEGIN
    INSERT INTO oracle VALUES (view, stream, query, kind, size, coalesce(slide, size), origin, delay) RETURNING * INTO o;
    EXECUTE format('SELECT kafka_stream.create_view(%L, %L, watermark_delay => %L%s)', view, view_query(o), delay, more);
END $$;

-- Columns of a view that its query has, too; floats rounded, json as text.
CREATE FUNCTION oracle_columns(o oracle) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(CASE WHEN atttypid IN ('float8'::regtype, 'float4'::regtype)
                           THEN format('CASE WHEN %1$I::text IN (''NaN'', ''Infinity'', ''-Infinity'') THEN %1$I::text ELSE round(%1$I::numeric, 6)::text END AS %1$I', attname)
                           WHEN atttypid IN ('json'::regtype, 'xml'::regtype, 'point'::regtype) THEN format('%1$I::text AS %1$I', attname)
                           ELSE quote_ident(attname) END, ', ' ORDER BY attnum)
        FROM pg_attribute
        WHERE attrelid = o.view::regclass AND attnum > 0
          AND NOT (o.kind IS NOT NULL AND attname IN ('is_final', CASE WHEN o.kind = 'cumulate' THEN 'window_start' ELSE 'window_end' END))
$$;

-- Compare each view whose name is like 'names' with its oracle: rows, and rows that
-- differ.  'condition' narrows both ("is_final" does for views alone).
CREATE FUNCTION compare_views(names text DEFAULT '%', OUT view text, OUT has_rows bool, OUT mismatches bigint)
RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
    o oracle;
    n bigint;
    actual text;
    expected text;
BEGIN
    FOR o IN SELECT * FROM oracle c WHERE c.view LIKE names ORDER BY c.view COLLATE "C" LOOP
        actual := format('SELECT %s FROM %s', oracle_columns(o), o.view);
        expected := format('SELECT %s FROM (%s) q', oracle_columns(o), oracle_query(o));
        EXECUTE format('SELECT (SELECT count(*) FROM (%1$s) a), (SELECT count(*) FROM (%1$s EXCEPT ALL %2$s) b) + (SELECT count(*) FROM (%2$s EXCEPT ALL %1$s) c)', actual, expected)
            INTO n, mismatches;
        view := o.view;
        has_rows := n > 0;
        RETURN NEXT;
    END LOOP;
END $$;
