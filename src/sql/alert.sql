-- -------------------------------------------------------------------------
-- Alerts
-- -------------------------------------------------------------------------
CREATE FUNCTION kafka_stream.create_alert(name text, query text,
    view regclass DEFAULT NULL,
    every interval DEFAULT NULL,
    key text[] DEFAULT '{}',
    notify text DEFAULT NULL,
    hold_for interval DEFAULT '0') RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'ks_create_alert';
COMMENT ON FUNCTION kafka_stream.create_alert(text, text, regclass, interval, text[], text, interval) IS
    'runs a query again and again, and shows in kafka_stream.alerts what it finds. query: a SELECT whose rows are what is wrong; view: run it for each window of this continuous view once it is final, in order, $1 and $2 being the window''s start and end; every: or run it so often, at least 1 second; key: columns that tell one thing that is wrong from another (of rows with equal keys the first counts); notify: channel of a NOTIFY when a key begins to fire and when it is resolved; hold_for: how long a key must be there before it fires, in event time with view. The query runs as the caller and cannot write. Errors: invalid_parameter_value and the query''s own';

CREATE FUNCTION kafka_stream.alter_alert(name text, changes jsonb) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'ks_alter_alert';
COMMENT ON FUNCTION kafka_stream.alter_alert(text, jsonb) IS
    'change an alert, for its owner: an object of query, every, key, notify (null: none), hold_for, retention (how long resolved rows are kept, compared with the time that the alert has come to; null: for ever) and enabled (false: it is not run, true: it goes on where it stood, also after it was restored into another server or database); durations as strings; what is absent stays';

CREATE FUNCTION kafka_stream.drop_alert(name text) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'ks_drop_alert';
COMMENT ON FUNCTION kafka_stream.drop_alert(text) IS
    'drop an alert, for its owner, with the rows that it has found';

REVOKE EXECUTE ON FUNCTION kafka_stream.create_alert(text, text, regclass, interval, text[], text, interval),
    kafka_stream.alter_alert(text, jsonb), kafka_stream.drop_alert(text) FROM PUBLIC;

-- Whatever drops a definition, or the view, drops the alert: drop_alert(), a
-- cascade from what the query reads, DROP OWNED.
CREATE FUNCTION kafka_stream_internal.on_alert_drop() RETURNS event_trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    gone oid[] := ARRAY(SELECT objid FROM pg_event_trigger_dropped_objects()
                        WHERE classid = 'pg_class'::regclass AND objsubid = 0);
    a record;
BEGIN
    FOR a IN
        DELETE FROM kafka_stream_internal.alert
        WHERE definition::oid = ANY (gone) OR view::oid = ANY (gone) RETURNING *
    LOOP
        DELETE FROM kafka_stream_internal.alert_progress WHERE id = a.id;
        DELETE FROM kafka_stream_internal.alert_row WHERE alert = a.id;
        PERFORM kafka_stream_internal.drop_relation(a.definition, 'RESTRICT');
        PERFORM kafka_stream_internal.touch_stream(0);
    END LOOP;
END
$$;
COMMENT ON FUNCTION kafka_stream_internal.on_alert_drop() IS
    'event trigger: an alert whose definition or view was dropped leaves the catalog';
REVOKE EXECUTE ON FUNCTION kafka_stream_internal.on_alert_drop() FROM PUBLIC;
CREATE EVENT TRIGGER kafka_stream_on_alert_drop ON sql_drop
    EXECUTE FUNCTION kafka_stream_internal.on_alert_drop();
ALTER EVENT TRIGGER kafka_stream_on_alert_drop ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER kafka_stream_on_alert_drop IS 'lets alerts whose definition or view was dropped leave the catalog';
