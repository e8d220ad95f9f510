-- -------------------------------------------------------------------------
-- Streams: create, change, drop
-- -------------------------------------------------------------------------
CREATE FUNCTION kafka_stream.create_stream(
    name text,
    columns text,
    source text DEFAULT 'kafka',
    topic text DEFAULT NULL,
    brokers text DEFAULT NULL,
    server name DEFAULT NULL,
    start text DEFAULT 'earliest',
    format text DEFAULT 'json',
    event_time text DEFAULT 'event_time',
    watermark_delay interval DEFAULT '10 seconds',
    idle_timeout interval DEFAULT '30 seconds',
    max_future interval DEFAULT '1 minute',
    retention interval DEFAULT '1 hour',
    staging_limit bigint DEFAULT 10737418240,
    late_retention interval DEFAULT '7 days',
    dead_letter_retention interval DEFAULT '30 days',
    batch_interval interval DEFAULT '200 milliseconds',
    batch_rows int DEFAULT 50000,
    workers int DEFAULT 1,
    on_error text DEFAULT 'dead_letter',
    on_data_loss text DEFAULT 'stop',
    options jsonb DEFAULT '{}')
    RETURNS regclass
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'ks_create_stream';
COMMENT ON FUNCTION kafka_stream.create_stream IS
    'declare a stream: a Kafka topic (or, with source insert, the rows inserted) as a table that views are kept over; returns its staging table; errors name the parameter and what is accepted';
REVOKE EXECUTE ON FUNCTION kafka_stream.create_stream FROM PUBLIC;
