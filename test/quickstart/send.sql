-- Send one round of the produced events to Kafka: psql -v round=N -v brokers=...
\set ON_ERROR_STOP on

SELECT count(kafka_stream.produce('logs', event, kafka_partition => kafka_partition, brokers => :'brokers'))
           AS log_lines
FROM (SELECT kafka_partition,
             json_build_object(
                 'timestamp', to_char(event_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
                 'level', level, 'service', service, 'message', message, 'ip_address', host(ip_address),
                 'user_id', user_id, 'request_id', request_id, 'response_time', response_time,
                 'status_code', status_code, 'error_code', error_code)::text AS event
      FROM produced_logs
      WHERE round = :round
      ORDER BY number) AS lines
\gset

SELECT count(kafka_stream.produce('user-events', event, key => user_id,
                                  kafka_partition => kafka_partition, brokers => :'brokers'))
           AS user_events
FROM (SELECT kafka_partition, user_id,
             json_build_object(
                 'timestamp', (extract(epoch FROM event_time) * 1000)::bigint,
                 'user_id', user_id, 'action', action, 'value', value,
                 'session_id', session_id, 'ip_address', host(ip_address))::text AS event
      FROM produced_user_events
      WHERE round = :round
      ORDER BY number) AS acts
\gset

\echo '   sent' :log_lines log lines and :user_events user events
