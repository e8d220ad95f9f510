/* -------------------------------------------------------------------------
 * Schemas: one for people, one for what the extension keeps for itself.  Made
 * here and not by the control file, so that DROP EXTENSION takes them along.
 * ------------------------------------------------------------------------- */
CREATE SCHEMA kafka_stream;
COMMENT ON SCHEMA kafka_stream IS 'streaming SQL: functions and views for people';
CREATE SCHEMA kafka_stream_internal;
COMMENT ON SCHEMA kafka_stream_internal IS 'what kafka_stream keeps: catalog, segments of staging, states and final windows';
GRANT USAGE ON SCHEMA kafka_stream, kafka_stream_internal TO PUBLIC;
