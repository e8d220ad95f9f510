-- What came of it.
\echo
\echo 'Response time of one service: final windows, then open ones'
SELECT window_start, requests, round(avg_response::numeric, 3) AS avg,
       round(max_response::numeric, 3) AS max, is_final
FROM response_time
WHERE service = 'payment' AND window_start > now() - interval '10 minutes'
ORDER BY window_start;

\echo 'Error rate per service, final windows'
SELECT service, sum(total) AS total, sum(errors) AS errors,
       round(100 * sum(errors) / sum(total), 2) AS error_percent
FROM error_rate
WHERE is_final
GROUP BY service
ORDER BY error_percent DESC;

\echo 'System health'
SELECT window_start, requests, active_users, errors, round(error_percent, 2) AS error_percent,
       health_score, is_final
FROM system_health
ORDER BY window_start DESC
LIMIT 5;

\echo 'Users with more than 50 events in 5 minutes'
SELECT window_start, window_end, user_id, events, is_final
FROM busy_users
ORDER BY events DESC, window_start
LIMIT 5;

\echo 'Rows that came too late, by view: logs_late'
SELECT view, count(*) AS rows, min(lateness) AS least_late, max(lateness) AS latest
FROM logs_late
GROUP BY view
ORDER BY view::text;

\echo 'Messages that could not be rows: kafka_stream.dead_letters'
SELECT kafka_partition AS partition, kafka_offset AS "offset", column_name, left(error, 60) AS error,
       left(encode(value, 'escape'), 40) AS value
FROM kafka_stream.dead_letters
WHERE stream = 'logs'::regclass
ORDER BY kafka_offset;

\echo 'Streams'
SELECT stream, state, reason FROM kafka_stream.streams ORDER BY stream::text;
