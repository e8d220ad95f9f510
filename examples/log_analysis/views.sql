-- Log analysis, 2 of 3: the metrics, as continuous views.
--
--     psql -f examples/log_analysis/views.sql
--
-- Each query is plain SQL over the stream's table.  It is kept up to date while
-- events arrive, and each window is final once the watermark has passed its end.
-- Every view has window_start, window_end and is_final as its first columns.
\set ON_ERROR_STOP on

-- From the topic 'logs' ---------------------------------------------------

-- How fast does each service answer?
SELECT kafka_stream.create_view('response_time', $$
    SELECT tumble(event_time, '1 minute') AS window_start,
           service,
           count(*)              AS requests,
           avg(response_time)    AS avg_response,
           max(response_time)    AS max_response,
           min(response_time)    AS min_response,
           stddev(response_time) AS stddev_response
    FROM logs
    GROUP BY window_start, service
$$, watermark_delay => '5 minutes');

-- How often does it fail?
SELECT kafka_stream.create_view('error_rate', $$
    SELECT tumble(event_time, '1 minute') AS window_start,
           service,
           count(*)                                                   AS total,
           count(*) FILTER (WHERE status_code >= 400)                 AS errors,
           100.0 * count(*) FILTER (WHERE status_code >= 400) / count(*) AS error_percent
    FROM logs
    GROUP BY window_start, service
$$, watermark_delay => '5 minutes');

-- Who asks, from where, and for what?
SELECT kafka_stream.create_view('ip_patterns', $$
    SELECT tumble(event_time, '5 minutes') AS window_start,
           ip_address,
           count(*)                AS requests,
           count(DISTINCT user_id) AS distinct_users,
           collect_set(service)    AS services
    FROM logs
    GROUP BY window_start, ip_address
$$);

-- And minute by minute: how many ask through one address?
SELECT kafka_stream.create_view('ip_minutes', $$
    SELECT tumble(event_time, '1 minute') AS window_start,
           ip_address,
           count(*)                AS requests,
           count(DISTINCT user_id) AS distinct_users
    FROM logs
    GROUP BY window_start, ip_address
$$, watermark_delay => '5 minutes');

-- Does each service keep its promise: an answer within a second, and status 200?
SELECT kafka_stream.create_view('sla', $$
    SELECT tumble(event_time, '1 minute') AS window_start,
           service,
           count(*)                                      AS total,
           count(*) FILTER (WHERE response_time <= 1.0)  AS fast,
           count(*) FILTER (WHERE status_code = 200)     AS successful,
           100.0 * count(*) FILTER (WHERE status_code = 200) / count(*)    AS availability_percent,
           100.0 * count(*) FILTER (WHERE response_time <= 1.0) / count(*) AS performance_percent
    FROM logs
    GROUP BY window_start, service
$$, watermark_delay => '5 minutes');

-- What does each user do?
SELECT kafka_stream.create_view('user_activity', $$
    SELECT tumble(event_time, '5 minutes') AS window_start,
           user_id,
           count(*)                AS requests,
           count(DISTINCT service) AS distinct_services,
           avg(response_time)      AS avg_response
    FROM logs
    WHERE user_id IS NOT NULL
    GROUP BY window_start, user_id
$$);

-- Which services are asked for?
SELECT kafka_stream.create_view('service_popularity', $$
    SELECT tumble(event_time, '1 minute') AS window_start,
           service,
           count(*)                AS requests,
           count(DISTINCT user_id) AS distinct_users
    FROM logs
    GROUP BY window_start, service
$$);

-- Is the whole system well?  One row per minute.
SELECT kafka_stream.create_view('system_health', $$
    SELECT tumble(event_time, '1 minute') AS window_start,
           count(*)                AS requests,
           count(DISTINCT service) AS active_services,
           count(DISTINCT user_id) AS active_users,
           avg(response_time)      AS avg_response,
           count(*) FILTER (WHERE status_code >= 400) AS errors,
           100.0 * count(*) FILTER (WHERE status_code >= 400) / count(*) AS error_percent,
           CASE WHEN 100 * count(*) FILTER (WHERE status_code >= 400) <      count(*) THEN 100
                WHEN 100 * count(*) FILTER (WHERE status_code >= 400) <  5 * count(*) THEN 80
                WHEN 100 * count(*) FILTER (WHERE status_code >= 400) < 10 * count(*) THEN 60
                ELSE 40
           END AS health_score
    FROM logs
    GROUP BY window_start
$$, watermark_delay => '5 minutes');

-- Is a service's response time unusual?  A detector over the view above: each of
-- its windows is judged when it becomes final, by those before it.  Score from 0
-- to 1, and the band to plot.
SELECT kafka_stream.create_view('response_time_anomalies', $$
    SELECT series->>'service' AS service,
           value              AS avg_response,
           expected, lower, upper, score, is_anomaly
    FROM kafka_stream.detect_stream('response_time', 'avg_response', partition_by => '{service}')
$$);

-- Which words do the messages use?  Without a window the counts run on for ever.
SELECT kafka_stream.create_view('word_count', $$
    SELECT word, count(*) AS occurrences
    FROM logs, regexp_split_to_table(lower(message), '\W+') AS word
    WHERE word <> ''
    GROUP BY word
$$);

-- From the topic 'user-events' --------------------------------------------

-- A minute of each user, every 30 seconds: hopping windows overlap.
SELECT kafka_stream.create_view('user_actions', $$
    SELECT hop(event_time, '1 minute', '30 seconds') AS window_start,
           user_id,
           count(*)               AS events,
           count(DISTINCT action) AS distinct_actions,
           sum(value)             AS total_value,
           collect_list(action)   AS actions
    FROM user_events
    GROUP BY window_start, user_id
$$);

-- Two minutes of each action, every minute.
SELECT kafka_stream.create_view('action_stats', $$
    SELECT hop(event_time, '2 minutes', '1 minute') AS window_start,
           action,
           count(*)                AS events,
           count(DISTINCT user_id) AS distinct_users,
           avg(value)              AS avg_value,
           max(value)              AS max_value,
           min(value)              AS min_value
    FROM user_events
    GROUP BY window_start, action
$$);

-- Users with more than 50 events in 5 minutes, looked at every 2 minutes.
SELECT kafka_stream.create_view('busy_users', $$
    SELECT hop(event_time, '5 minutes', '2 minutes') AS window_start,
           user_id,
           count(*)               AS events,
           count(DISTINCT action) AS distinct_actions
    FROM user_events
    GROUP BY window_start, user_id
    HAVING count(*) > 50
$$);
