CREATE FUNCTION kafka_stream_internal.number_row() RETURNS trigger
    LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ks_number_row';
COMMENT ON FUNCTION kafka_stream_internal.number_row() IS
    'numbers rows that are inserted into a stream, in the partition of INSERTs';
REVOKE EXECUTE ON FUNCTION kafka_stream_internal.number_row() FROM PUBLIC;

CREATE FUNCTION kafka_stream_internal.fold_insert() RETURNS trigger
    LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ks_fold_insert';
COMMENT ON FUNCTION kafka_stream_internal.fold_insert() IS
    'folds rows that were inserted into a stream into its views';
REVOKE EXECUTE ON FUNCTION kafka_stream_internal.fold_insert() FROM PUBLIC;

CREATE FUNCTION kafka_stream_internal.refuse_change() RETURNS trigger
    LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ks_refuse_change';
COMMENT ON FUNCTION kafka_stream_internal.refuse_change() IS
    'refuses UPDATE, DELETE and TRUNCATE of a stream and writes to its segments';
REVOKE EXECUTE ON FUNCTION kafka_stream_internal.refuse_change() FROM PUBLIC;
