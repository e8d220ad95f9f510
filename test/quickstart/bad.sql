-- Messages that cannot be rows, among them one from the future.
\set ON_ERROR_STOP on

SELECT count(kafka_stream.produce('logs', value, kafka_partition => 0, brokers => :'brokers')) AS bad
FROM (VALUES
    ('{"timestamp": "2024-05-01T12:00:00Z", "service": "ca'),
    ('this is no JSON'),
    ('{"timestamp": "the day before yesterday", "service": "cart"}'),
    (json_build_object('timestamp', now(), 'service', 'cart', 'response_time', 'fast')::text),
    (json_build_object('timestamp', NULL, 'service', 'cart')::text),
    (json_build_object('timestamp', now() + interval '1 year', 'service', 'cart', 'message', 'from the future')::text)
) AS messages (value)
\gset

\echo '   sent' :bad messages that cannot be rows
