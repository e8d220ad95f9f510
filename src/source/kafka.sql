/* -------------------------------------------------------------------------
 * Looking into Kafka, and writing to it; in the module that links librdkafka.
 * ------------------------------------------------------------------------- */
CREATE FUNCTION kafka_stream.topics(
    brokers text DEFAULT NULL, server name DEFAULT NULL,
    OUT topic text, OUT kafka_partition int, OUT low_offset bigint, OUT high_offset bigint)
    RETURNS SETOF record
    AS '$libdir/kafka_stream_kafka', 'ks_kafka_topics'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION kafka_stream.topics(text, name) IS
    'partitions of all topics but Kafka''s own, each with its first offset and the one after its last committed message; error after 10 s without the broker';

CREATE FUNCTION kafka_stream.peek(
    topic text, n int DEFAULT 10, brokers text DEFAULT NULL, server name DEFAULT NULL,
    start text DEFAULT 'earliest',
    OUT kafka_partition int, OUT kafka_offset bigint, OUT kafka_timestamp timestamptz,
    OUT key bytea, OUT value bytea, OUT headers jsonb)
    RETURNS SETOF record
    AS '$libdir/kafka_stream_kafka', 'ks_kafka_peek_sql'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION kafka_stream.peek(text, int, text, name, text) IS
    'up to n (at most 100000) committed messages of a topic by timestamp: the first ones from start (earliest, a timestamp, or offsets like {"0": 42}, which name the partitions), or for latest the last ones; a repeated header is an array, one that is not text \x and hex digits';

CREATE FUNCTION kafka_stream.infer_columns(
    topic text, n int DEFAULT 100, brokers text DEFAULT NULL, server name DEFAULT NULL)
    RETURNS text
    AS '$libdir/kafka_stream_kafka', 'ks_kafka_infer_columns'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION kafka_stream.infer_columns(text, int, text, name) IS
    'columns for create_stream(), proposed from the last n JSON messages of a topic: the likely event time first; error if the topic is empty or none is a JSON object';

CREATE FUNCTION kafka_stream.produce(
    topic text, value text, key text DEFAULT NULL, headers jsonb DEFAULT NULL,
    brokers text DEFAULT NULL, server name DEFAULT NULL,
    kafka_partition int DEFAULT NULL, kafka_timestamp timestamptz DEFAULT NULL)
    RETURNS void
    AS '$libdir/kafka_stream_kafka', 'ks_kafka_produce'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION kafka_stream.produce(text, text, text, jsonb, text, name, int, timestamptz) IS
    'sends a message (value NULL: a tombstone) that is delivered when the statement ends; an error if it is not (after message.timeout.ms, 30 s, at most); ROLLBACK does not undo it; headers are an object of strings, nulls, and arrays of them for repeated headers';

REVOKE EXECUTE ON FUNCTION
    kafka_stream.topics(text, name),
    kafka_stream.peek(text, int, text, name, text),
    kafka_stream.infer_columns(text, int, text, name),
    kafka_stream.produce(text, text, text, jsonb, text, name, int, timestamptz)
    FROM PUBLIC;
