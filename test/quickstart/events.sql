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

-- 12,000 log lines in time, then 30 that are 24 to 28 minutes late.  One in
-- eight answers of 'payment' is an error, and few of the others.
WITH requests AS (
    SELECT i,
           i > 12000 AS late,
           date_trunc('milliseconds', now() - interval '1 minute' *
               CASE WHEN i > 12000 THEN 24 + random() * 4 ELSE random() * 30 END) AS event_time,
           random() * interval '2 minutes' AS delay,
           (ARRAY['cart', 'search', 'login', 'payment', 'catalog'])[ceil(random() * 5)] AS service,
           ceil(random() * 300)::int AS person,
           random() AS luck,
           round((0.05 - ln(1 - random()) * 0.25)::numeric, 3) AS response_time
    FROM generate_series(1, 12030) AS i
), answers AS (
    SELECT *, luck < CASE WHEN service = 'payment' THEN 0.12 ELSE 0.004 END AS error
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
       ('10.0.0.' || person % 50)::inet,
       CASE WHEN person % 20 <> 0 THEN 'u' || person END,
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
