-- Access log, 3 of 3: what a dashboard asks.
--
--     psql -f examples/access_log/queries.sql

\echo 'Answers by class and minute'
SELECT window_start, vhost, status / 100 || 'xx' AS class, sum(requests) AS requests, bool_and(is_final) AS is_final
FROM status_codes
GROUP BY window_start, vhost, status / 100
ORDER BY window_start DESC, vhost, class
LIMIT 20;

\echo 'Bytes per site and minute'
SELECT window_start, vhost, requests, clients, pg_size_pretty(bytes) AS sent
FROM vhost_traffic
ORDER BY window_start DESC, bytes DESC NULLS LAST
LIMIT 10;

\echo 'Most wanted pages, latest 5 minutes with requests'
SELECT vhost, path, requests, bytes
FROM url_hits
WHERE window_start = (SELECT max(window_start) FROM url_hits)
ORDER BY requests DESC, vhost, path
LIMIT 10;

\echo 'Clients with many errors'
SELECT window_start, client, requests, errors, garbage, round(error_percent, 1) AS error_percent
FROM client_errors
WHERE requests >= 10
ORDER BY error_percent DESC, requests DESC
LIMIT 10;
