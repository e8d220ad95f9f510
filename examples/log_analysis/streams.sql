-- Log analysis, 1 of 3: two Kafka topics as two tables.
--
--     psql -f examples/log_analysis/streams.sql
--
-- The broker comes from the environment (KAFKA_BROKERS), or write
-- psql -v brokers=host:9092.  Without either it is localhost:9092.
\set ON_ERROR_STOP on
\if :{?brokers}
\else
  \set brokers localhost:9092
  \getenv brokers KAFKA_BROKERS
\endif

-- Topic 'logs': one JSON object per request that a service answered, like
--
--   {"timestamp": "2024-05-01T12:00:00.123Z", "level": "INFO", "service": "cart",
--    "message": "request served", "ip_address": "10.0.0.7", "user_id": "u17",
--    "request_id": "4f1c...", "response_time": 0.231, "status_code": 200,
--    "error_code": null}
--
-- Keys become columns of the same name; 'paths' names the one that differs.
-- A log line may arrive 10 minutes after a later one before it counts as late.
SELECT kafka_stream.create_stream('logs',
    columns => $$
        event_time    timestamptz,
        level         text,
        service       text,
        message       text,
        ip_address    inet,
        user_id       text,
        request_id    text,
        response_time float8,       -- seconds
        status_code   int,          -- as in HTTP
        error_code    text
    $$,
    topic           => 'logs',
    brokers         => :'brokers',
    watermark_delay => '10 minutes',
    options         => '{"paths": {"event_time": "$.timestamp"}}');

-- Topic 'user-events': what people do, keyed by user_id.  The timestamp is a
-- number, milliseconds since 1970, which is what a number means by default:
--
--   {"timestamp": 1714564800123, "user_id": "u17", "action": "click",
--    "value": 3.5, "session_id": "s99", "ip_address": "10.0.0.7"}
SELECT kafka_stream.create_stream('user_events',
    columns => $$
        event_time timestamptz,
        user_id    text,
        action     text,
        value      float8,
        session_id text,
        ip_address inet
    $$,
    topic           => 'user-events',
    brokers         => :'brokers',
    watermark_delay => '5 minutes',
    options         => '{"paths": {"event_time": "$.timestamp"}}');
