-- Access log, 2 of 3: the metrics, as continuous views.
--
--     psql -f examples/access_log/views.sql
\set ON_ERROR_STOP on

-- What do the sites answer?
SELECT kafka_stream.create_view('status_codes', $$
    SELECT tumble(event_time, '1 minute') AS window_start,
           vhost,
           status,
           count(*) AS requests
    FROM access_log
    GROUP BY window_start, vhost, status
$$);

-- How much do they send?
SELECT kafka_stream.create_view('vhost_traffic', $$
    SELECT tumble(event_time, '1 minute') AS window_start,
           vhost,
           count(*)               AS requests,
           count(DISTINCT client) AS clients,
           sum(size)              AS bytes
    FROM access_log
    GROUP BY window_start, vhost
$$);

-- What is asked for?  The most wanted are a matter of reading: ORDER BY and
-- LIMIT, as in queries.sql.
SELECT kafka_stream.create_view('url_hits', $$
    SELECT tumble(event_time, '5 minutes') AS window_start,
           vhost,
           path,
           count(*)  AS requests,
           sum(size) AS bytes
    FROM access_log
    WHERE path IS NOT NULL
    GROUP BY window_start, vhost, path
$$);

-- Who gets, or makes, errors?
SELECT kafka_stream.create_view('client_errors', $$
    SELECT tumble(event_time, '5 minutes') AS window_start,
           client,
           count(*)                               AS requests,
           count(*) FILTER (WHERE status >= 400)  AS errors,
           count(*) FILTER (WHERE method IS NULL) AS garbage,
           100.0 * count(*) FILTER (WHERE status >= 400) / count(*) AS error_percent
    FROM access_log
    GROUP BY window_start, client
$$);
