CREATE FUNCTION kafka_stream_internal.mark_row_step(bigint, tid) RETURNS bigint
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'ks_mark_row_step';
COMMENT ON FUNCTION kafka_stream_internal.mark_row_step(bigint, tid) IS
    'notes, while a batch is folded, that a row passed joins and filters; an error elsewhere';

CREATE AGGREGATE kafka_stream_internal.mark_row(tid) (
    SFUNC = kafka_stream_internal.mark_row_step, STYPE = bigint, INITCOND = '0',
    COMBINEFUNC = pg_catalog.int8pl);
COMMENT ON AGGREGATE kafka_stream_internal.mark_row(tid) IS
    'part of every fold: which rows of the batch reached the view';
