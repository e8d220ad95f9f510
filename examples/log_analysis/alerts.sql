-- Log analysis: who is told what, and when.  After streams.sql and views.sql:
--
--     psql -f examples/log_analysis/alerts.sql
--
-- The query of an alert gives what is wrong.  It is run for each window of its
-- view once that is final, in order; $1 and $2 are the window's start and end.
-- A key that is found begins to fire, and is resolved by the first window that
-- does not find it:
--
--     SELECT * FROM kafka_stream.alerts WHERE state = 'firing';
--     LISTEN alerts;
--
-- What is judged by the windows before it is judged by a continuous view over a
-- detector: each window once, when it becomes final, with what is remembered of
-- its series.
\set ON_ERROR_STOP on

-- Response time: more than 2 standard deviations above the last 10 minutes ---

SELECT kafka_stream.create_view('response_time_scores', $$
    SELECT series->>'service' AS service,
           value              AS avg_response,
           expected, upper, score
    FROM kafka_stream.detect_zscore('response_time', 'avg_response', partition_by => '{service}',
                                    preceding => 10, threshold => 2)
$$);

SELECT kafka_stream.create_alert('slow service', $$
    SELECT service, avg_response, expected, upper, score
    FROM response_time_scores
    WHERE window_end = $2 AND score > 2
$$, view => 'response_time_scores', key => '{service}', notify => 'alerts');

-- Errors: more than 10 percentage points up against the minute before ---------

SELECT kafka_stream.create_view('error_rate_changes', $$
    SELECT series->>'service' AS service,
           value              AS error_percent,
           expected           AS error_percent_before,
           is_anomaly         AS is_spike
    FROM kafka_stream.detect_spike('error_rate', 'error_percent', partition_by => '{service}',
                                   threshold => 10, direction => 'up')
$$);

SELECT kafka_stream.create_alert('error spike', $$
    SELECT service, error_percent, error_percent_before
    FROM error_rate_changes
    WHERE window_end = $2 AND is_spike
$$, view => 'error_rate_changes', key => '{service}', notify => 'alerts');

-- Addresses that ask much of many: over 1,000 requests of over 5 services -----

SELECT kafka_stream.create_view('suspicious_ips', $$
    SELECT series->>'ip_address' AS ip_address,
           value                 AS requests,
           score, is_anomaly
    FROM kafka_stream.detect_suspicious_ips('ip_patterns', 'ip_address', 'requests', 'services',
                                            max_requests => 1000, max_services => 5)
$$);

SELECT kafka_stream.create_alert('suspicious ip', $$
    SELECT ip_address, requests
    FROM suspicious_ips
    WHERE window_end = $2 AND is_anomaly
$$, view => 'suspicious_ips', key => '{ip_address}', notify => 'alerts');

-- Floods: over 100 requests a minute, by fewer than 5 users -------------------

SELECT kafka_stream.create_view('ip_floods', $$
    SELECT series->>'ip_address' AS ip_address,
           value                 AS requests,
           score, is_anomaly
    FROM kafka_stream.detect_ddos('ip_minutes', 'ip_address', 'requests', 'distinct_users',
                                  max_requests => 100, min_users => 5)
$$);

SELECT kafka_stream.create_alert('ddos', $$
    SELECT ip_address, requests
    FROM ip_floods
    WHERE window_end = $2 AND is_anomaly
$$, view => 'ip_floods', key => '{ip_address}', notify => 'alerts');

-- Health: a score under 60 ------------------------------------------------------

SELECT kafka_stream.create_alert('unhealthy', $$
    SELECT health_score, error_percent, requests, active_services
    FROM system_health
    WHERE window_end = $2 AND health_score < 60
$$, view => 'system_health', notify => 'alerts');

-- Late data: a user with more than 5 late events in the last 5 minutes ---------
-- There is a row per late event and view that missed it.  They come at any time,
-- so this is looked at every so often, and without $1 and $2.

SELECT kafka_stream.create_alert('late data', $$
    SELECT user_id,
           count(DISTINCT (kafka_partition, kafka_offset)) AS late_events,
           max(lateness)                                   AS latest
    FROM user_events_late
    WHERE kafka_received_at > now() - interval '5 minutes'
    GROUP BY user_id
    HAVING count(DISTINCT (kafka_partition, kafka_offset)) > 5
$$, every => '10 seconds', key => '{user_id}', notify => 'alerts');
