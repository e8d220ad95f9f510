-- -------------------------------------------------------------------------
-- Staging tables
-- -------------------------------------------------------------------------
CREATE FUNCTION kafka_stream.staging_segment(arrival timestamptz, width interval) RETURNS int
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'ks_staging_segment_sql';
COMMENT ON FUNCTION kafka_stream.staging_segment(timestamptz, interval) IS
    'partition key of staging tables: the segment, 0 to 7, of rows that arrive at a time, for segments of a width; a NULL arrival is the statement''s time';
