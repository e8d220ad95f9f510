-- The quick start's events, kept in plain tables so that the views can be
-- checked against them: produced_logs and produced_user_events, numbered in the
-- order in which they are sent.
--
-- Half an hour of service logs and of what users did, up to now.  Each event is
-- sent up to two minutes after it happened, so they arrive out of order, in six
-- rounds of five minutes.  Round 7 has log lines that come too late for every
-- window.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
DROP TABLE IF EXISTS produced_logs, produced_user_events;

CREATE TABLE produced_logs (
    number          bigint GENERATED ALWAYS AS IDENTITY,
    round           int,
    kafka_partition int,
    event_time      timestamptz,
    level           text,
    service         text,
    message         text,
    ip_address      inet,
    user_id         text,
    request_id      text,
    response_time   float8,
    status_code     int,
    error_code      text
);

CREATE TABLE produced_user_events (
    number          bigint GENERATED ALWAYS AS IDENTITY,
    round           int,
    kafka_partition int,
    event_time      timestamptz,
    user_id         text,
    action          text,
    value           float8,
    session_id      text,
    ip_address      inet
);

-- When three things go wrong, each on whole windows so that what the alerts say
-- is the same whenever this runs: an address floods every service for the five
-- minutes of a window, 'search' is slow for three minutes, 'payment' fails for two.
SELECT date_bin('5 minutes', now() - interval '25 minutes', '2000-01-01 00:00Z') AS flood,
       date_trunc('minute', now()) - interval '14 minutes' AS slow,
       date_trunc('minute', now()) - interval '10 minutes' AS failure
\gset

-- 12,000 log lines in time, 1,800 of the flood, then 30 lines that are 24 to 28
-- minutes late.  Few answers are errors, but for those of 'payment' when it fails.
WITH requests AS (
    SELECT i,
           i > 13800 AS late,
           i BETWEEN 12001 AND 13800 AS flood,
           date_trunc('milliseconds',
               CASE WHEN i BETWEEN 12001 AND 13800 THEN :'flood'::timestamptz + random() * interval '299 seconds'
                    WHEN i > 13800 THEN now() - interval '1 minute' * (24 + random() * 4)
                    ELSE now() - interval '1 minute' * random() * 30 END) AS event_time,
           random() * interval '2 minutes' AS delay,
           (ARRAY['cart', 'search', 'login', 'payment', 'catalog', 'images', 'profile'])[ceil(random() * 7)] AS service,
           ceil(random() * 300)::int AS person,
           random() AS luck,
           0.05 - ln(1 - random()) * 0.25 AS seconds
    FROM generate_series(1, 13830) AS i
), answers AS (
    SELECT *,
           CASE WHEN service = 'payment' AND event_time >= :'failure'
                     AND event_time < :'failure'::timestamptz + interval '2 minutes' THEN true
                ELSE luck < 0.004 END AS error,
           round((seconds * CASE WHEN service = 'search' AND event_time >= :'slow'
                                      AND event_time < :'slow'::timestamptz + interval '3 minutes'
                                 THEN 12 ELSE 1 END)::numeric, 3) AS response_time
    FROM requests
)
INSERT INTO produced_logs (round, kafka_partition, event_time, level, service, message,
                           ip_address, user_id, request_id, response_time, status_code, error_code)
SELECT CASE WHEN late THEN 7
            ELSE least(6, width_bucket(1800 - extract(epoch FROM now() - event_time - delay), 0, 1800, 6))
       END,
       i % 4,
       event_time,
       CASE WHEN error THEN 'ERROR' ELSE 'INFO' END,
       service,
       CASE WHEN error THEN 'no answer from ' || service ELSE 'request served by ' || service END,
       CASE WHEN flood THEN '203.0.113.9' ELSE '10.0.0.' || person % 50 END::inet,
       CASE WHEN flood THEN 'u' || 1 + person % 2 WHEN person % 20 <> 0 THEN 'u' || person END,
       md5(i::text),
       response_time,
       CASE WHEN error THEN 503 ELSE 200 END,
       CASE WHEN error THEN 'E503' END
FROM answers
ORDER BY late, event_time + delay;

-- 4,000 things that people did; a few of them do much.
WITH acts AS (
    SELECT date_trunc('milliseconds', now() - random() * interval '30 minutes') AS event_time,
           random() * interval '2 minutes' AS delay,
           floor(random() ^ 3 * 60)::int AS person,
           (ARRAY['view', 'click', 'buy', 'search'])[ceil(random() * 4)] AS action,
           round((random() * 100)::numeric, 2) AS value
    FROM generate_series(1, 4000)
)
INSERT INTO produced_user_events (round, kafka_partition, event_time, user_id, action, value,
                                  session_id, ip_address)
SELECT least(6, width_bucket(1800 - extract(epoch FROM now() - event_time - delay), 0, 1800, 6)),
       person % 4, event_time, 'u' || person, action, value, 's' || person,
       ('10.1.0.' || person)::inet
FROM acts
ORDER BY event_time + delay;
