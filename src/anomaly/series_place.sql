CREATE FUNCTION kafka_stream_internal.series_place(ts pg_catalog.timestamptz, VARIADIC series pg_catalog."any")
RETURNS pg_catalog.int8
AS 'MODULE_PATHNAME', 'ks_series_place'
LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE;
COMMENT ON FUNCTION kafka_stream_internal.series_place(pg_catalog.timestamptz, pg_catalog."any") IS
'what the detectors sort by first: a hash of the series, strings as bytes, in the high 32 bits, ts in seconds in the low ones. '
'Equal series have equal hashes, different ones may';
