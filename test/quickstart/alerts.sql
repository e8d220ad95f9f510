-- What the alerts saw: waits until they have looked at every final window, shows
-- what came of the three things that went wrong, and fails if one was missed or
-- is not over.
\set ON_ERROR_STOP on
SET client_min_messages = warning;

CREATE PROCEDURE pg_temp.wait_for_alerts() LANGUAGE plpgsql AS $$
DECLARE
    waited int := 0;
BEGIN
    WHILE EXISTS (SELECT FROM kafka_stream.alert_rules AS r JOIN kafka_stream.views AS v USING (view)
                  WHERE r.evaluated_to IS NULL OR r.evaluated_to < v.watermark) LOOP
        IF waited >= 300 THEN
            RAISE EXCEPTION 'alerts are behind: see kafka_stream.alert_rules';
        END IF;
        waited := waited + 1;
        PERFORM pg_sleep(0.2);
        COMMIT;
    END LOOP;
END
$$;
CALL pg_temp.wait_for_alerts();

-- A z-score above 2 comes by chance, too, about once in 30 windows: those alerts
-- of other services are honest, and not shown here.
CREATE TEMP VIEW incident AS
SELECT alert, key, state, since, until, value
FROM kafka_stream.alerts
WHERE alert <> 'slow service' OR key->>'service' = 'search';

\echo
\echo 'Alerts of the flood, the slow service and the failing one: kafka_stream.alerts'
SELECT alert, coalesce(key->>'service', key->>'ip_address', '') AS what, state,
       to_char(since, 'HH24:MI') AS since, to_char(until, 'HH24:MI') AS until, value
FROM incident
ORDER BY since, alert;

DO $$
DECLARE
    missed text;
BEGIN
    SELECT string_agg(format('%s %s', alert, key), ', ') INTO missed
    FROM (VALUES ('suspicious ip', '{"ip_address": "203.0.113.9"}'::jsonb),
                 ('ddos', '{"ip_address": "203.0.113.9"}'),
                 ('slow service', '{"service": "search"}'),
                 ('error spike', '{"service": "payment"}'),
                 ('unhealthy', '{}')) AS expected (alert, key)
    WHERE NOT EXISTS (SELECT FROM kafka_stream.alerts AS a
                      WHERE a.alert = expected.alert AND a.key = expected.key AND a.state = 'resolved');
    IF missed IS NOT NULL THEN
        RAISE EXCEPTION 'not fired and resolved: %', missed;
    END IF;
END
$$;
