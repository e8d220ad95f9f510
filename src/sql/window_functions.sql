/* -------------------------------------------------------------------------
 * Windows of event time
 * ------------------------------------------------------------------------- */
CREATE FUNCTION kafka_stream_internal.window_rows_support(pg_catalog.internal)
RETURNS pg_catalog.internal
AS 'MODULE_PATHNAME', 'ks_sql_window_rows_support'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kafka_stream_internal.window_rows_support(pg_catalog.internal) IS
'planner support: how many windows hop() and cumulate() return for one row';

CREATE FUNCTION kafka_stream.tumble(
    ts pg_catalog.timestamptz, size pg_catalog.interval,
    origin pg_catalog.timestamptz DEFAULT NULL, timezone pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.timestamptz
AS 'MODULE_PATHNAME', 'ks_sql_tumble'
LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE;
COMMENT ON FUNCTION kafka_stream.tumble(pg_catalog.timestamptz, pg_catalog.interval, pg_catalog.timestamptz, pg_catalog.text) IS
'start of the tumbling window [start, start + size) that contains ts; NULL for a NULL ts. '
'Windows are counted from origin, by default Monday 1970-01-05 00:00 UTC; a day is 24 hours. '
'Errors: size NULL, not above zero or with months; infinite ts or origin; timezone (calendar windows are not supported yet)';

CREATE FUNCTION kafka_stream.hop(
    ts pg_catalog.timestamptz, size pg_catalog.interval, slide pg_catalog.interval,
    origin pg_catalog.timestamptz DEFAULT NULL, timezone pg_catalog.text DEFAULT NULL)
RETURNS SETOF pg_catalog.timestamptz
AS 'MODULE_PATHNAME', 'ks_sql_hop'
LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
ROWS 5 SUPPORT kafka_stream_internal.window_rows_support;
COMMENT ON FUNCTION kafka_stream.hop(pg_catalog.timestamptz, pg_catalog.interval, pg_catalog.interval, pg_catalog.timestamptz, pg_catalog.text) IS
'starts, ascending, of the hopping windows [start, start + size), one every slide, that contain ts; no rows for a NULL ts. '
'Windows are counted from origin, by default Monday 1970-01-05 00:00 UTC; a day is 24 hours. '
'Errors: size or slide NULL, not above zero or with months; slide > size; infinite ts or origin; timezone (calendar windows are not supported yet)';

CREATE FUNCTION kafka_stream.cumulate(
    ts pg_catalog.timestamptz, max_size pg_catalog.interval, step pg_catalog.interval,
    origin pg_catalog.timestamptz DEFAULT NULL, timezone pg_catalog.text DEFAULT NULL)
RETURNS SETOF pg_catalog.timestamptz
AS 'MODULE_PATHNAME', 'ks_sql_cumulate'
LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
ROWS 5 SUPPORT kafka_stream_internal.window_rows_support;
COMMENT ON FUNCTION kafka_stream.cumulate(pg_catalog.timestamptz, pg_catalog.interval, pg_catalog.interval, pg_catalog.timestamptz, pg_catalog.text) IS
'ends, ascending, of the cumulating windows that contain ts; no rows for a NULL ts. They share a start, '
'every max_size from origin (by default Monday 1970-01-05 00:00 UTC), and end every step up to max_size; a day is 24 hours. '
'Errors: max_size or step NULL, not above zero or with months; max_size no multiple of step; infinite ts or origin; timezone (calendar windows are not supported yet)';

CREATE FUNCTION kafka_stream.session(ts pg_catalog.timestamptz, gap pg_catalog.interval)
RETURNS pg_catalog.timestamptz
AS 'MODULE_PATHNAME', 'ks_sql_session'
LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE;
COMMENT ON FUNCTION kafka_stream.session(pg_catalog.timestamptz, pg_catalog.interval) IS
'marks a session window in the query of a continuous view; always an error when it is called, '
'because the session of a row depends on other rows. Views refuse it so far';

