/* -------------------------------------------------------------------------
 * Detectors of anomalies.  Open to all: each runs a query with the caller's
 * rights.  Unsafe in parallel queries, since the relation may be a view over
 * anything; the query inside may be a parallel one.
 * ------------------------------------------------------------------------- */
CREATE FUNCTION kafka_stream.detect_zscore(
    relation pg_catalog.regclass, value_column pg_catalog.name,
    time_column pg_catalog.name DEFAULT 'window_start', partition_by pg_catalog.name[] DEFAULT '{}',
    preceding pg_catalog.int4 DEFAULT 10, threshold pg_catalog.float8 DEFAULT 2,
    include_open pg_catalog.bool DEFAULT false)
RETURNS TABLE (series pg_catalog.jsonb, ts pg_catalog.timestamptz, value pg_catalog.float8,
    expected pg_catalog.float8, lower pg_catalog.float8, upper pg_catalog.float8,
    score pg_catalog.float8, is_anomaly pg_catalog.bool)
AS 'MODULE_PATHNAME', 'ks_detect'
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION kafka_stream.detect_zscore(pg_catalog.regclass, pg_catalog.name, pg_catalog.name, pg_catalog.name[], pg_catalog.int4, pg_catalog.float8, pg_catalog.bool) IS
'values far from the mean of the rows before them. relation: a table or view, read with the caller''s rights; '
'value_column: a number, or an interval, which counts in seconds; time_column: timestamptz, or timestamp or date at UTC; '
'partition_by: columns that tell series apart; include_open: also windows of a continuous view that are not final. '
'preceding: rows to look back at, 2 to 10000; threshold: in standard deviations. '
'Every row comes back, in order of series and time: score = (value - mean) / stddev over the rows before, this one excluded; '
'expected is the mean, lower and upper are threshold standard deviations away, is_anomaly says abs(score) > threshold. '
'Without enough rows before, or without a value, score is NULL; infinite values do not count for later rows; '
'where stddev is 0, score is 0 or infinite. '
'Errors: null_value_not_allowed, undefined_table, undefined_column, datatype_mismatch, duplicate_column, invalid_parameter_value';

CREATE FUNCTION kafka_stream.detect_spike(
    relation pg_catalog.regclass, value_column pg_catalog.name,
    time_column pg_catalog.name DEFAULT 'window_start', partition_by pg_catalog.name[] DEFAULT '{}',
    threshold pg_catalog.float8 DEFAULT 10, direction pg_catalog.text DEFAULT 'up',
    include_open pg_catalog.bool DEFAULT false)
RETURNS TABLE (series pg_catalog.jsonb, ts pg_catalog.timestamptz, value pg_catalog.float8,
    expected pg_catalog.float8, lower pg_catalog.float8, upper pg_catalog.float8,
    score pg_catalog.float8, is_anomaly pg_catalog.bool)
AS 'MODULE_PATHNAME', 'ks_detect'
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION kafka_stream.detect_spike(pg_catalog.regclass, pg_catalog.name, pg_catalog.name, pg_catalog.name[], pg_catalog.float8, pg_catalog.text, pg_catalog.bool) IS
'values that jump from one row to the next. Common arguments, result and errors as kafka_stream.detect_zscore(). '
'threshold: in the value''s own units, not negative; direction: up, down or both. '
'score = value - value of the row before; expected is the row before''s value, lower and upper are threshold away, '
'NULL on the side that is not looked at; is_anomaly says score > threshold (up), score < -threshold (down). '
'The first row, and one after a row without a finite value, has no score';
