/* -------------------------------------------------------------------------
 * Brokers: servers and user mappings hold what librdkafka needs.
 * ------------------------------------------------------------------------- */
CREATE FUNCTION kafka_stream.fdw_validator(text[], oid) RETURNS void
    AS 'MODULE_PATHNAME', 'ks_fdw_validator'
    LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kafka_stream.fdw_validator(text[], oid) IS
    'checks options of Kafka servers and user mappings: which librdkafka properties are allowed, and to whom';

-- No handler: there are no foreign tables, only connections.
CREATE FOREIGN DATA WRAPPER kafka_stream
    VALIDATOR kafka_stream.fdw_validator;
COMMENT ON FOREIGN DATA WRAPPER kafka_stream IS
    'connections to Kafka; USAGE also allows brokers => ''host:9092'' without a server';
