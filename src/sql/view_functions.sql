CREATE FUNCTION kafka_stream.create_view(name text, query text,
    watermark_delay interval DEFAULT NULL,
    late text DEFAULT 'store',
    retention interval DEFAULT NULL,
    expire interval DEFAULT NULL,
    fill text DEFAULT 'none',
    backfill text DEFAULT 'staged',
    replace boolean DEFAULT false) RETURNS regclass
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'ks_create_view';
COMMENT ON FUNCTION kafka_stream.create_view(text, text, interval, text, interval, interval, text, text, boolean) IS
    'keeps the result of a query over a stream up to date, as a view. query: a SELECT with one stream in FROM, windows (tumble, hop, cumulate) in GROUP BY; watermark_delay: how far event time may lag (NULL: the stream''s); late: store or drop late rows; retention: of final windows, by event time (NULL: kept); backfill: staged (rows still in staging are folded first) or none. Errors: feature_not_supported names what a continuous view cannot have';
REVOKE EXECUTE ON FUNCTION kafka_stream.create_view(text, text, interval, text, interval, interval, text, text, boolean) FROM PUBLIC;

CREATE FUNCTION kafka_stream.drop_view(name text, cascade boolean DEFAULT false) RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'ks_drop_view';
COMMENT ON FUNCTION kafka_stream.drop_view(text, boolean) IS
    'drops a continuous view with its states and final windows, as DROP VIEW does; cascade: with all that depends on it';
REVOKE EXECUTE ON FUNCTION kafka_stream.drop_view(text, boolean) FROM PUBLIC;

CREATE FUNCTION kafka_stream.explain_view(name text) RETURNS text
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'ks_explain_view';
COMMENT ON FUNCTION kafka_stream.explain_view(text) IS
    'the SQL of a continuous view: its query, what a fold appends to its states, how windows are read, closed and merged. Needs SELECT on the view';

-- A view's SQL runs as its owner, so what belongs to it follows ALTER ... OWNER.
-- REASSIGN OWNED has no event triggers: after it, the next ALTER VIEW or ALTER
-- TABLE lets the new owner read.
CREATE FUNCTION kafka_stream_internal.on_owner() RETURNS event_trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record;
    part regclass;
    other regrole;
BEGIN
    FOR v IN
        SELECT w.definition, ARRAY[w.states, w.open, w.finals] AS parts, c.relowner::regrole AS owner,
               c.relowner <> d.relowner AS changed
        FROM kafka_stream_internal.view w
        JOIN pg_class c ON c.oid = w.view JOIN pg_class d ON d.oid = w.definition
        WHERE c.relowner <> d.relowner
           OR NOT has_table_privilege(c.relowner, coalesce(w.states, w.finals), 'SELECT')
    LOOP
        FOREACH part IN ARRAY array_remove(v.parts, NULL) LOOP
            FOR other IN
                SELECT a.grantee::regrole FROM pg_class c, aclexplode(c.relacl) a
                WHERE c.oid = part AND a.grantee NOT IN (c.relowner, v.owner)
            LOOP
                EXECUTE format('REVOKE ALL ON %s FROM %s', part, other);
            END LOOP;
            EXECUTE format('GRANT SELECT ON %s TO %s', part, v.owner);
        END LOOP;
        -- Last, since it comes by here again, and must find nothing to do.
        IF v.changed THEN
            EXECUTE format('ALTER VIEW %s OWNER TO %s', v.definition, v.owner);
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION kafka_stream_internal.on_owner() IS
    'event trigger: what belongs to a continuous view follows its owner';
REVOKE EXECUTE ON FUNCTION kafka_stream_internal.on_owner() FROM PUBLIC;
CREATE EVENT TRIGGER kafka_stream_on_owner ON ddl_command_end
    WHEN TAG IN ('ALTER TABLE', 'ALTER VIEW')
    EXECUTE FUNCTION kafka_stream_internal.on_owner();
ALTER EVENT TRIGGER kafka_stream_on_owner ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER kafka_stream_on_owner IS 'lets what belongs to a continuous view follow its owner';
