-- Log analysis, 3 of 3: what a dashboard asks.
--
--     psql -f examples/log_analysis/queries.sql
--
-- The views are ordinary relations: filter, join, sort and limit them like
-- tables.  A filter on window_start uses an index.

\echo 'Response time, latest 5 minutes with events'
SELECT window_start, service, requests,
       round(avg_response::numeric, 3) AS avg, round(max_response::numeric, 3) AS max, is_final
FROM response_time
WHERE window_start > (SELECT max(window_start) FROM response_time) - interval '5 minutes'
ORDER BY window_start DESC, service;

\echo 'Response time of one service with the band that was expected, to plot (from its 100th minute on)'
SELECT window_start, avg_response, expected, lower, upper, score, is_anomaly
FROM response_time_anomalies
WHERE service = 'payment'
ORDER BY window_start DESC
LIMIT 10;

\echo 'The same question asked of all windows at once, with a plain z-score'
SELECT ts, series->>'service' AS service, round(value::numeric, 3) AS value,
       round(expected::numeric, 3) AS expected, round(score::numeric, 1) AS score
FROM kafka_stream.detect_zscore('response_time', 'avg_response', partition_by => '{service}')
WHERE is_anomaly
ORDER BY ts DESC
LIMIT 10;

\echo 'What is wrong now, and what was'
SELECT alert, key, state, since, until, error FROM kafka_stream.alerts
ORDER BY state, since DESC
LIMIT 10;

\echo 'Services by error rate, final windows alone'
SELECT service, sum(total) AS total, sum(errors) AS errors,
       round(100 * sum(errors) / sum(total), 2) AS error_percent
FROM error_rate
WHERE is_final
GROUP BY service
ORDER BY error_percent DESC;

\echo 'Minutes in which a service broke its promise (99 % available, 95 % fast)'
SELECT window_start, service, total,
       round(availability_percent, 2) AS availability, round(performance_percent, 2) AS performance
FROM sla
WHERE is_final AND (availability_percent < 99 OR performance_percent < 95)
ORDER BY window_start DESC, service
LIMIT 10;

\echo 'System health, latest minutes'
SELECT window_start, requests, active_services, active_users,
       round(avg_response::numeric, 3) AS avg_response,
       errors, round(error_percent, 2) AS error_percent, health_score, is_final
FROM system_health
ORDER BY window_start DESC
LIMIT 10;

\echo 'Busiest addresses'
SELECT window_start, ip_address, requests, distinct_users, services
FROM ip_patterns
ORDER BY requests DESC, window_start DESC
LIMIT 10;

\echo 'Most active users'
SELECT user_id, sum(requests) AS requests, max(distinct_services) AS distinct_services
FROM user_activity
GROUP BY user_id
ORDER BY requests DESC
LIMIT 10;

\echo 'Share of each service in the requests of its minute'
SELECT window_start, service, p.requests, distinct_users,
       round(100.0 * p.requests / h.requests, 1) AS percent
FROM service_popularity AS p JOIN system_health AS h USING (window_start)
ORDER BY window_start DESC, percent DESC
LIMIT 10;

\echo 'Most frequent words'
SELECT word, occurrences FROM word_count ORDER BY occurrences DESC LIMIT 10;

\echo 'What users did, minute by minute'
SELECT window_start, window_end, user_id, events, distinct_actions, total_value, actions[1:5] AS first_actions
FROM user_actions
ORDER BY window_start DESC, events DESC
LIMIT 10;

\echo 'Actions'
SELECT window_start, action, events, distinct_users, round(avg_value::numeric, 2) AS avg_value, max_value, min_value
FROM action_stats
ORDER BY window_start DESC, events DESC
LIMIT 10;

\echo 'Users with more than 50 events in 5 minutes'
SELECT window_start, window_end, user_id, events, is_final
FROM busy_users
ORDER BY events DESC, window_start
LIMIT 10;

\echo 'Rows that came too late, by view'
SELECT view, count(*) AS rows, max(lateness) AS latest
FROM logs_late
GROUP BY view
ORDER BY view;

\echo 'Messages that could not be read'
SELECT stream, kafka_partition, kafka_offset, error, column_name,
       left(encode(value, 'escape'), 60) AS value
FROM kafka_stream.dead_letters
ORDER BY received_at DESC
LIMIT 10;

\echo 'Streams and views'
SELECT stream, state, reason FROM kafka_stream.streams ORDER BY stream;
SELECT view, state, watermark FROM kafka_stream.views ORDER BY view;
SELECT stream, view, rows, folded, filtered, late, dead_letters FROM kafka_stream.stats ORDER BY stream, view NULLS FIRST;
