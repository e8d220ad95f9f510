CREATE FUNCTION kafka_stream.start_stream(name text) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'ks_start_stream';
COMMENT ON FUNCTION kafka_stream.start_stream(text) IS
    'let a stream run, from where it stood: after stop_stream, when it failed, or when it was restored into another server or database; its worker starts when the transaction commits';

CREATE FUNCTION kafka_stream.stop_stream(name text) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'ks_stop_stream';
COMMENT ON FUNCTION kafka_stream.stop_stream(text) IS
    'stop a stream''s worker when the transaction commits; INSERT and COPY into the stream still work, but no window closes';

CREATE FUNCTION kafka_stream.drop_stream(name text, cascade boolean DEFAULT false) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'ks_drop_stream';
COMMENT ON FUNCTION kafka_stream.drop_stream(text, boolean) IS
    'drop a stream with its staged and late rows, as DROP TABLE does; an error if views are kept over it, unless cascade';

CREATE FUNCTION kafka_stream.alter_stream(name text, changes jsonb) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'ks_alter_stream';
COMMENT ON FUNCTION kafka_stream.alter_stream(text, jsonb) IS
    'change parameters of a stream, an object of those of create_stream that change; durations as strings; what is absent stays; columns change by ALTER TABLE';

CREATE FUNCTION kafka_stream.seek_stream(name text, start text, reset_views boolean DEFAULT false) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'ks_seek_stream';
COMMENT ON FUNCTION kafka_stream.seek_stream(text, text, boolean) IS
    'read a stream anew from a start position (see create_stream); staged rows go; an error while views hold results, unless reset_views, which deletes these, late rows, dead letters and counts';

CREATE FUNCTION kafka_stream.advance(stream regclass, up_to timestamptz) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'ks_advance';
COMMENT ON FUNCTION kafka_stream.advance(regclass, timestamptz) IS
    'move the watermark of every view over a stream to a time and close the windows that end there or earlier; backwards it does nothing';

CREATE FUNCTION kafka_stream.flush(stream regclass, timeout interval DEFAULT '1 minute') RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'ks_flush';
COMMENT ON FUNCTION kafka_stream.flush(regclass, interval) IS
    'wait until everything in the topic at the time of the call is folded into every view and the windows that the watermark passed are final; an error after the timeout, if the stream does not run, and in a transaction that created, changed or wrote to it';

REVOKE EXECUTE ON FUNCTION kafka_stream.start_stream(text), kafka_stream.stop_stream(text),
    kafka_stream.drop_stream(text, boolean), kafka_stream.alter_stream(text, jsonb),
    kafka_stream.seek_stream(text, text, boolean), kafka_stream.advance(regclass, timestamptz),
    kafka_stream.flush(regclass, interval) FROM PUBLIC;

-- -------------------------------------------------------------------------
-- DROP and ALTER TABLE of what belongs to streams and views
-- -------------------------------------------------------------------------
CREATE FUNCTION kafka_stream_internal.touch_stream(stream oid) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'ks_touch_stream';
COMMENT ON FUNCTION kafka_stream_internal.touch_stream(oid) IS
    'let a stream''s worker look at the catalog again when the transaction commits';
REVOKE EXECUTE ON FUNCTION kafka_stream_internal.touch_stream(oid) FROM PUBLIC;

-- Drop one relation of a view that is going, if it is still there.
CREATE FUNCTION kafka_stream_internal.drop_relation(relation regclass, behavior text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    kind "char";
BEGIN
    SELECT relkind INTO kind FROM pg_class WHERE oid = relation;
    IF FOUND THEN
        EXECUTE format('DROP %s %s %s', CASE kind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END,
                       relation, behavior);
    END IF;
END
$$;
COMMENT ON FUNCTION kafka_stream_internal.drop_relation(regclass, text) IS
    'drop a table or view if it exists, behavior being RESTRICT or CASCADE';
REVOKE EXECUTE ON FUNCTION kafka_stream_internal.drop_relation(regclass, text) FROM PUBLIC;

CREATE FUNCTION kafka_stream_internal.lock_stream(stream oid) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'ks_lock_stream';
COMMENT ON FUNCTION kafka_stream_internal.lock_stream(oid) IS
    'hold off folds into a stream''s views until the transaction ends';
REVOKE EXECUTE ON FUNCTION kafka_stream_internal.lock_stream(oid) FROM PUBLIC;

-- Rows go first: dropping what is left of a view comes by here again.
CREATE FUNCTION kafka_stream_internal.on_drop() RETURNS event_trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    gone oid[] := ARRAY(SELECT objid FROM pg_event_trigger_dropped_objects()
                        WHERE classid = 'pg_class'::regclass AND objsubid = 0);
    -- Only a cascade takes the hidden definition and leaves the view.
    behavior text;
    v record;
    s record;
    needed regclass;
BEGIN
    IF gone = '{}' THEN
        RETURN;
    END IF;
    -- A fold under way has locked what is dropped and written here.  Where a
    -- cascade took the definition, it waits for what the cascade has locked.
    PERFORM kafka_stream_internal.lock_stream(o.stream)
    FROM (SELECT DISTINCT w.stream::oid FROM kafka_stream_internal.view w
          WHERE w.view::oid = ANY (gone) AND w.definition::oid <> ALL (gone) ORDER BY 1) o;
    FOR v IN
        DELETE FROM kafka_stream_internal.view
        WHERE view::oid = ANY (gone) OR definition::oid = ANY (gone) RETURNING *
    LOOP
        DELETE FROM kafka_stream_internal.view_progress WHERE id = v.id;
        DELETE FROM kafka_stream_internal.counter WHERE stream = v.stream AND view_id = v.id;
        behavior := CASE WHEN v.view::oid = ANY (gone) THEN 'RESTRICT' ELSE 'CASCADE' END;
        PERFORM kafka_stream_internal.drop_relation(v.view, behavior);
        PERFORM kafka_stream_internal.drop_relation(v.open, behavior);
        PERFORM kafka_stream_internal.drop_relation(v.definition, behavior);
        PERFORM kafka_stream_internal.drop_relation(v.states, behavior);
        PERFORM kafka_stream_internal.drop_relation(v.finals, behavior);
    END LOOP;
    FOR s IN
        DELETE FROM kafka_stream_internal.stream WHERE stream::oid = ANY (gone) RETURNING *
    LOOP
        DELETE FROM kafka_stream_internal.partition WHERE stream = s.stream;
        DELETE FROM kafka_stream_internal.counter WHERE stream = s.stream;
        DELETE FROM kafka_stream_internal.dead_letter WHERE stream = s.stream;
        DELETE FROM kafka_stream_internal.staged WHERE stream = s.stream;
        PERFORM kafka_stream_internal.drop_relation(s.late, 'RESTRICT');
        PERFORM kafka_stream_internal.touch_stream(s.stream);
    END LOOP;
    SELECT stream INTO needed FROM kafka_stream_internal.stream WHERE late::oid = ANY (gone);
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'dependent_objects_still_exist',
            MESSAGE = format('cannot drop the table of late rows of stream %s', needed),
            HINT = 'Delete rows from it, or drop the stream.';
    END IF;
    SELECT view INTO needed FROM kafka_stream_internal.view
    WHERE states::oid = ANY (gone) OR open::oid = ANY (gone) OR finals::oid = ANY (gone);
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'dependent_objects_still_exist',
            MESSAGE = format('cannot drop a part of view %s', needed),
            HINT = format('Drop the view: SELECT kafka_stream.drop_view(%L).', needed::text);
    END IF;
END
$$;
COMMENT ON FUNCTION kafka_stream_internal.on_drop() IS
    'event trigger: a stream or view whose table or view was dropped leaves the catalog, with what belongs to it';

-- A type without the constraints of domains, which could run code of their owner.
CREATE FUNCTION kafka_stream_internal.base_type(type oid, typmod int) RETURNS text
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH RECURSIVE t(oid, typmod) AS (
        SELECT type, typmod
        UNION ALL
        SELECT d.typbasetype, d.typtypmod FROM t JOIN pg_type d ON d.oid = t.oid
        WHERE d.typtype = 'd')
    SELECT format_type(t.oid, t.typmod) FROM t JOIN pg_type p ON p.oid = t.oid
    WHERE p.typtype <> 'd'
$$;
COMMENT ON FUNCTION kafka_stream_internal.base_type(oid, int) IS
    'name of a type, domains resolved';

-- What ALTER TABLE does to a stream: the event time may be renamed, not dropped
-- or retyped; the kafka_ columns stay; the late table follows.
CREATE FUNCTION kafka_stream_internal.on_alter() RETURNS event_trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c record;
    new_name name;
    missing record;
    child regclass;
    owner regrole;
BEGIN
    FOR c IN
        SELECT s.stream, s.event_time, s.late, d.objsubid
        FROM pg_event_trigger_ddl_commands() d
        JOIN kafka_stream_internal.stream s ON s.stream = d.objid
        WHERE d.classid = 'pg_class'::regclass AND d.command_tag = 'ALTER TABLE'
    LOOP
        IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.stream
                       AND attname = c.event_time AND NOT attisdropped) THEN
            SELECT attname INTO new_name FROM pg_attribute
            WHERE attrelid = c.stream AND attnum = c.objsubid AND attnum > 0;
            IF NOT FOUND THEN
                RAISE EXCEPTION USING ERRCODE = 'dependent_objects_still_exist',
                    MESSAGE = format('cannot drop column %I of stream %s: it is the event time', c.event_time, c.stream);
            END IF;
            UPDATE kafka_stream_internal.stream SET event_time = new_name WHERE stream = c.stream;
        END IF;
        IF EXISTS (SELECT FROM pg_attribute a JOIN kafka_stream_internal.stream s ON s.stream = a.attrelid
                   WHERE a.attrelid = c.stream AND a.attname = s.event_time
                   AND a.atttypid <> 'timestamptz'::regtype) THEN
            RAISE EXCEPTION USING ERRCODE = 'datatype_mismatch',
                MESSAGE = format('the event time of stream %s must stay a timestamp with time zone', c.stream);
        END IF;
        IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.stream AND attgenerated NOT IN ('', 's')) THEN
            RAISE EXCEPTION USING ERRCODE = 'feature_not_supported',
                MESSAGE = format('generated columns of stream %s must be stored', c.stream),
                HINT = 'Write GENERATED ALWAYS AS (...) STORED.';
        END IF;
        IF (SELECT count(*) FROM pg_attribute WHERE attrelid = c.stream
            AND attname IN ('kafka_partition', 'kafka_offset', 'kafka_timestamp', 'kafka_received_at')
            AND NOT attisdropped) <> 4 THEN
            RAISE EXCEPTION USING ERRCODE = 'feature_not_supported',
                MESSAGE = format('cannot drop or rename the kafka_ columns of stream %s', c.stream);
        END IF;
        FOR missing IN
            SELECT a.attname, kafka_stream_internal.base_type(a.atttypid, a.atttypmod) AS type
            FROM pg_attribute a WHERE a.attrelid = c.stream AND a.attnum > 0 AND NOT a.attisdropped
            AND NOT EXISTS (SELECT FROM pg_attribute l WHERE l.attrelid = c.late
                            AND l.attname = a.attname AND NOT l.attisdropped)
        LOOP
            EXECUTE format('ALTER TABLE %s ADD COLUMN %I %s', c.late, missing.attname, missing.type);
        END LOOP;
        SELECT relowner INTO owner FROM pg_class WHERE oid = c.stream;
        FOR child IN
            SELECT oid FROM pg_class WHERE relowner <> owner
            AND (oid = c.late OR oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = c.stream))
        LOOP
            EXECUTE format('ALTER TABLE %s OWNER TO %s', child, owner);
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON FUNCTION kafka_stream_internal.on_alter() IS
    'event trigger: what ALTER TABLE may do to a stream, and what follows from it';

REVOKE EXECUTE ON FUNCTION kafka_stream_internal.on_drop(),
    kafka_stream_internal.base_type(oid, int), kafka_stream_internal.on_alter() FROM PUBLIC;

CREATE EVENT TRIGGER kafka_stream_on_drop ON sql_drop
    EXECUTE FUNCTION kafka_stream_internal.on_drop();
ALTER EVENT TRIGGER kafka_stream_on_drop ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER kafka_stream_on_drop IS 'lets streams and views whose relation was dropped leave the catalog';
CREATE EVENT TRIGGER kafka_stream_on_alter ON ddl_command_end WHEN TAG IN ('ALTER TABLE')
    EXECUTE FUNCTION kafka_stream_internal.on_alter();
ALTER EVENT TRIGGER kafka_stream_on_alter ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER kafka_stream_on_alter IS 'checks and completes ALTER TABLE of streams';
