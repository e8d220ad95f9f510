-- The functions that take rows or lines, each over many of them: detectors of
-- anomalies and parsers of logs.  One backend, one core, tables in memory.
-- 'rows' is given by psql.

-- 100 series that jump now and then, as they came (rows of all series mixed, times
-- out of order) and in order.
CREATE TABLE bench.points AS
SELECT i % 100 || '.service' AS service,
       timestamptz '2026-01-01 00:00Z' + i / 100 * interval '1 minute' AS ts,
       20 + i % 100 + 5 * sin(i / 22918.0) + 3 * random() + CASE WHEN random() < 0.001 THEN 50 ELSE 0 END AS value
FROM generate_series(1, :rows) AS i
ORDER BY i + random() * 1000;
CREATE TABLE bench.points_in_order AS SELECT * FROM bench.points ORDER BY service, ts;

CREATE TABLE bench.lines AS
SELECT format('%s - %s [%s +0000] "%s /%s/%s?id=%s HTTP/1.1" %s %s "https://shop.example/%s" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%s.0 Safari/537.36"',
              ip, CASE WHEN i % 5 = 0 THEN 'user' || i % 1000 ELSE '-' END, to_char(t, 'DD/Mon/YYYY:HH24:MI:SS'),
              method, word, word2, i, status, size, word2, 100 + i % 30) AS access,
       format('{"timestamp": "%s", "level": "%s", "service": "%s", "message": "%s %s took long", "ip_address": "%s", "user_id": "user%s", "request_id": "%s", "response_time": %s, "status_code": %s, "error_code": %s}',
              to_char(t, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), CASE WHEN status = 500 THEN 'ERROR' ELSE 'INFO' END, word,
              method, word2, ip, i % 1000, md5(i::text), round(size / 10.0, 1), status,
              CASE WHEN status = 500 THEN '"E42"' ELSE 'null' END) AS json
FROM (SELECT i, timestamptz '2026-01-01 00:00Z' + i * interval '10 ms' AS t,
             format('10.%s.%s.%s', i % 200, i % 13, i % 251) AS ip,
             (ARRAY['GET', 'GET', 'POST', 'PUT'])[1 + i % 4] AS method,
             (ARRAY['orders', 'carts', 'users', 'search', 'static'])[1 + i % 5] AS word,
             (ARRAY['list', 'detail', 'image', 'edit', 'index', 'main', 'log'])[1 + i % 7] AS word2,
             (ARRAY[200, 200, 200, 304, 404, 500])[1 + i % 6] AS status,
             (random() * 10000)::int AS size
      FROM generate_series(1, :rows) AS i) AS request;
VACUUM ANALYZE bench.points, bench.points_in_order, bench.lines;

SET max_parallel_workers_per_gather = 0;
SET jit = off;
SET work_mem = '256MB';

-- Everything in memory before the first measurement.
SELECT count(value) FROM bench.points;
SELECT count(value) FROM bench.points_in_order;
SELECT sum(length(access) + length(json)) FROM bench.lines;

-- What to measure: each detector over one value, with its defaults, and each parser.
CREATE TABLE bench.functions (id int GENERATED ALWAYS AS IDENTITY, name text PRIMARY KEY, label text, statement text);
INSERT INTO bench.functions (name, label, statement)
SELECT 'sort_' || t, 'reading and sorting alone, ' || label,
       format('SELECT count(*) FROM (SELECT to_jsonb(service), ts, value FROM bench.%I ORDER BY service COLLATE "C", ts, value OFFSET 0) AS s', t)
FROM (VALUES ('points', 'rows mixed'), ('points_in_order', 'rows in order')) AS v(t, label);
INSERT INTO bench.functions (name, label, statement)
SELECT proname || '_' || t, proname || ', ' || label,
       format('SELECT count(*) FROM kafka_stream.%I(%L, ''value'', ''ts'', ''{service}'')', proname, 'bench.' || t)
FROM pg_proc, (VALUES ('points', 'rows mixed'), ('points_in_order', 'rows in order')) AS v(t, label)
WHERE pronamespace = 'kafka_stream'::regnamespace AND proargnames[1:4] = '{relation,value_column,time_column,partition_by}'
ORDER BY proname, t;
INSERT INTO bench.functions (name, label, statement)
VALUES ('parse_apache_log', 'parse_apache_log', 'SELECT count((kafka_stream.parse_apache_log(access)).status) FROM bench.lines'),
       ('parse_nginx_log', 'parse_nginx_log', 'SELECT count((kafka_stream.parse_nginx_log(access)).status) FROM bench.lines'),
       ('parse_json_log', 'parse_json_log', 'SELECT count((kafka_stream.parse_json_log(json)).status_code) FROM bench.lines');

SELECT bench.measure_best(name, :rows, statement) FROM bench.functions ORDER BY id;
