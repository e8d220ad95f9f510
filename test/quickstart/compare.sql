-- The views against plain queries over the events that were produced, to the
-- last row.  An event is not counted in a window that was over, by the view's
-- delay, in the event's own partition when it came.
\set ON_ERROR_STOP on
\pset tuples_only on
\pset format unaligned
SET client_min_messages = warning;

CREATE TEMP TABLE sent_logs AS
SELECT *, coalesce(max(event_time) OVER before, '-infinity') AS clock
FROM produced_logs
WINDOW before AS (PARTITION BY kafka_partition ORDER BY number
                  ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING);

CREATE TEMP TABLE sent_user_events AS
SELECT *, coalesce(max(event_time) OVER before, '-infinity') AS clock
FROM produced_user_events
WINDOW before AS (PARTITION BY kafka_partition ORDER BY number
                  ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING);

-- One line if two queries give the same rows, an error that shows some if not.
CREATE FUNCTION pg_temp.compare(what text, actual text, expected text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    compared bigint;
    difference text;
BEGIN
    EXECUTE format(
        'WITH actual AS MATERIALIZED (%s), expected AS MATERIALIZED (%s), difference (line) AS (
             (SELECT ''in the view alone: '' || a::text FROM (TABLE actual EXCEPT ALL TABLE expected) AS a LIMIT 5)
             UNION ALL
             (SELECT ''missing in the view: '' || e::text FROM (TABLE expected EXCEPT ALL TABLE actual) AS e LIMIT 5))
         SELECT (SELECT count(*) FROM actual), (SELECT string_agg(line, E''\n'') FROM difference)',
        actual, expected)
    INTO compared, difference;
    IF difference IS NOT NULL THEN
        RAISE EXCEPTION '% is not what the produced events give', what USING DETAIL = difference;
    END IF;
    RETURN format('   %s: %s rows, each as the plain query over the produced events says', what, compared);
END
$$;

SELECT pg_temp.compare('response_time', $$
    SELECT window_start, service, requests, avg_response::numeric(20, 9), max_response, min_response,
           stddev_response::numeric(20, 9)
    FROM response_time
$$, $$
    SELECT date_trunc('minute', event_time), service, count(*), avg(response_time)::numeric(20, 9),
           max(response_time), min(response_time), stddev(response_time)::numeric(20, 9)
    FROM sent_logs
    WHERE clock < date_trunc('minute', event_time) + interval '1 minute' + interval '5 minutes'
    GROUP BY 1, 2
$$);

SELECT pg_temp.compare('ip_patterns', $$
    SELECT window_start, ip_address, requests, distinct_users,
           (SELECT array_agg(s ORDER BY s) FROM unnest(services) AS s)
    FROM ip_patterns
$$, $$
    SELECT date_bin('5 minutes', event_time, '2000-01-01 00:00Z'), ip_address, count(*),
           count(DISTINCT user_id), array_agg(DISTINCT service ORDER BY service)
    FROM sent_logs
    WHERE clock < date_bin('5 minutes', event_time, '2000-01-01 00:00Z') + interval '5 minutes' + interval '10 minutes'
    GROUP BY 1, 2
$$);

SELECT pg_temp.compare('system_health', $$
    SELECT window_start, requests, active_services, active_users, avg_response::numeric(20, 9),
           errors, health_score
    FROM system_health
$$, $$
    SELECT *, CASE WHEN errors < 0.01 * requests THEN 100 WHEN errors < 0.05 * requests THEN 80
                   WHEN errors < 0.10 * requests THEN 60 ELSE 40 END
    FROM (SELECT date_trunc('minute', event_time), count(*) AS requests, count(DISTINCT service),
                 count(DISTINCT user_id), avg(response_time)::numeric(20, 9),
                 count(*) FILTER (WHERE status_code >= 400) AS errors
          FROM sent_logs
          WHERE clock < date_trunc('minute', event_time) + interval '1 minute' + interval '5 minutes'
          GROUP BY 1) AS minutes
$$);

SELECT pg_temp.compare('word_count', $$
    SELECT word, occurrences FROM word_count
$$, $$
    SELECT word, count(*)
    FROM sent_logs, regexp_split_to_table(lower(message), '\W+') AS word
    WHERE word <> ''
    GROUP BY word
$$);

SELECT pg_temp.compare('user_actions', $$
    SELECT window_start, user_id, events, distinct_actions, total_value::numeric(20, 6), actions
    FROM user_actions
$$, $$
    SELECT window_start, user_id, count(*), count(DISTINCT action), sum(value)::numeric(20, 6),
           array_agg(action ORDER BY event_time, kafka_partition, number)
    FROM sent_user_events,
         LATERAL (SELECT date_bin('30 seconds', event_time, '2000-01-01 00:00Z') - n * interval '30 seconds'
                  FROM generate_series(0, 1) AS n) AS windows (window_start)
    WHERE clock < window_start + interval '1 minute' + interval '5 minutes'
    GROUP BY 1, 2
$$);

SELECT pg_temp.compare('logs_late of response_time', $$
    SELECT event_time, request_id, window_end FROM logs_late WHERE view = 'response_time'::regclass
$$, $$
    SELECT event_time, request_id, date_trunc('minute', event_time) + interval '1 minute'
    FROM sent_logs
    WHERE clock >= date_trunc('minute', event_time) + interval '1 minute' + interval '5 minutes'
$$);

-- Every window that the clocks of all partitions have passed is final.
CREATE TEMP TABLE passed AS
SELECT min(clock) - interval '5 minutes' AS mark
FROM (SELECT max(event_time) FROM produced_logs GROUP BY kafka_partition) AS clocks (clock);

SELECT pg_temp.compare('final windows of response_time', $$
    SELECT DISTINCT window_start FROM response_time, passed WHERE is_final AND window_end <= mark
$$, $$
    SELECT DISTINCT date_trunc('minute', event_time) FROM produced_logs, passed
    WHERE date_trunc('minute', event_time) + interval '1 minute' <= mark
$$);

-- Every message was either a row or a dead letter, and every row was folded, filtered or late.
SELECT pg_temp.compare('counts of logs', $$
    SELECT rows, dead_letters FROM kafka_stream.stats WHERE stream = 'logs'::regclass AND view IS NULL
    UNION ALL
    SELECT folded + filtered + late, dead_letters FROM kafka_stream.stats WHERE stream = 'logs'::regclass AND view IS NOT NULL
$$, $$
    SELECT count(*), 6::bigint FROM produced_logs
    UNION ALL
    SELECT (SELECT count(*) FROM produced_logs), 0 FROM generate_series(1, 9)
$$);
