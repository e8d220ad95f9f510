-- Access logs: what each line becomes, as a row and in a stream.
SET timezone = 'UTC';
SET datestyle = 'ISO, MDY';
SELECT current_database() AS access_home \gset
CREATE SCHEMA access_test;
SET search_path = access_test, public;
SET client_min_messages = warning;

-- A line's fields that are not NULL; or that it is none, and why.
CREATE TABLE every (
    client text, identity text, "user" text, event_time timestamptz, method text, url text, protocol text,
    status int, size bigint, referer text, user_agent text, vhost text, port int);
CREATE FUNCTION why(line text, format text) RETURNS text LANGUAGE sql AS
    $$SELECT sqlstate || ' ' || error FROM kafka_stream.decode('every', convert_to(line, 'UTF8'), '{}', format)$$;
CREATE FUNCTION apache(line text) RETURNS text LANGUAGE sql AS
    $$SELECT coalesce(jsonb_strip_nulls(to_jsonb(kafka_stream.parse_apache_log(line)))::text, why(line, 'apache'))$$;
CREATE FUNCTION nginx(line text) RETURNS text LANGUAGE sql AS
    $$SELECT coalesce(jsonb_strip_nulls(to_jsonb(kafka_stream.parse_nginx_log(line)))::text, why(line, 'nginx'))$$;

--
-- The formats
--
\x
SELECT * FROM kafka_stream.parse_apache_log('127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif HTTP/1.0" 200 2326');
SELECT * FROM kafka_stream.parse_apache_log('127.0.0.1 ident frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif HTTP/1.0" 200 2326 "http://www.example.com/start.html" "Mozilla/4.08 [en] (Win98; I ;Nav)"');
SELECT * FROM kafka_stream.parse_apache_log('www.example.com:443 203.0.113.9 - - [10/Oct/2000:13:55:36 -0700] "POST /form HTTP/1.1" 302 512 "-" "curl/8.5.0"');
SELECT * FROM kafka_stream.parse_nginx_log('2001:db8::17 - frank [10/Oct/2000:13:55:36 -0700] "GET /?q=1 HTTP/2.0" 304 0 "https://example.com/" "Mozilla/5.0"');
\x
-- no line: a NULL row
SELECT kafka_stream.parse_apache_log('nothing') IS NULL AS apache, kafka_stream.parse_nginx_log('nothing') IS NULL AS nginx,
    kafka_stream.parse_apache_log(NULL) IS NULL AS strict;
SELECT (kafka_stream.parse_apache_log('nothing')).*;
SELECT l.n, p.status FROM (VALUES (1, 'a - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 1'), (2, 'nothing')) AS l (n, line),
    LATERAL kafka_stream.parse_apache_log(line) AS p ORDER BY n;

--
-- Before the time: virtual host, client, identity, user
--
SELECT head, apache(head || ' [10/Oct/2000:13:55:36 +0000] "-" 408 -')::jsonb - 'event_time' - 'status' AS apache
FROM unnest(ARRAY[
    'host.example.com - -', '::1 - -', '2001:db8::80 - -', '::ffff:10.0.0.1 - -', 'fe80::1%eth0 - -', '- - -', 'unix: - -',
    '10.0.0.1 - john doe', '10.0.0.1 - john doe the third', '10.0.0.1 ident john doe', '10.0.0.1 - a - b', '10.0.0.1 - "" ', '10.0.0.1 - ""', '10.0.0.1 - ', '10.0.0.1 - [x]', '10.0.0.1 - [10/Oct/2000:13:55:36 +0000]', '10.0.0.1 - a\"b', '10.0.0.1 - a\x20b\xc3\xa4',
    'example.com:80 10.0.0.1 - -', 'example.com:80 ::1 - john doe', 'example.com:80 10.0.0.1 ident john', '[::1]:8080 ::1 - -', 'example.com 10.0.0.1 - -', 'example.com 10.0.0.1 - john', 'example.com 10.0.0.1 - john doe', '- 10.0.0.1 - -',
    'example.com:80 - -', 'example.com:65535 10.0.0.1 - -', 'example.com:65536 10.0.0.1 - -', 'example.com: 10.0.0.1 - -', ':80 10.0.0.1 - -', '::80 10.0.0.1 - -', 'x]:80 10.0.0.1 - -']) WITH ORDINALITY AS h (head, i)
ORDER BY i;
SELECT head, nginx(head || ' [10/Oct/2000:13:55:36 +0000] "" 400 0 "" "-"') AS nginx
FROM unnest(ARRAY['10.0.0.1 - -', '::1 - john doe', 'unix: - -', '10.0.0.1 ident -', 'example.com:80 10.0.0.1 - -', '10.0.0.1 - -  ']) WITH ORDINALITY AS h (head, i)
ORDER BY i;
-- who is free to choose a name cannot move what stands behind it
SELECT apache('10.0.0.1 - x [01/Jan/2000:00:00:00 +0000] \"GET /forged HTTP/1.0\" 200 1 [10/Oct/2000:13:55:36 +0000] "GET /true HTTP/1.0" 404 2');

--
-- The request
--
SELECT request, apache(format('- - - [10/Oct/2000:13:55:36 +0000] "%s" 400 -', request))::jsonb - 'event_time' - 'status' AS apache
FROM unnest(ARRAY[
    'GET / HTTP/1.1', 'GET / HTTP/1.1 ', 'GET / HTTP/2', 'GET /3 HTTP/3.0', 'GET /old', 'OPTIONS * HTTP/1.0', 'CONNECT example.com:443 HTTP/1.1', 'GET http://example.com/ HTTP/1.1', 'PROPFIND /dav HTTP/1.1', 'M-SEARCH * HTTP/1.1', 'get /lower HTTP/1.0',
    'GET /a b c HTTP/1.1', 'GET /a b', 'GET  /two HTTP/1.1', 'GET /two  HTTP/1.1', 'GET /?a=\"b\"&c=\\d HTTP/1.1', 'GET /\xc3\xa4\xff HTTP/1.1', 'GET /HTTP/1.1',
    '-', '', ' ', 'GET', 'GET ', 'GET HTTP/1.1', 'GET  HTTP/1.1', '/ HTTP/1.1', 'GET x', '\x16\x03\x01\x02', '\x16\x03\x01 / HTTP/1.1', 'G\x45T / HTTP/1.1', 'SSH-2.0-Go', 't3 12.1.2', 'GET / HTTP/1.x', 'GET / HTTP/11', 'GET - HTTP/1.1']) WITH ORDINALITY AS r (request, i)
ORDER BY i;
SELECT nginx('192.0.2.7 - - [05/Feb/2024:08:00:01 +0100] "\x16\x03\x01\x00\xEE\x01\x00\x00\xEA\x03\x03" 400 157 "-" "-"');

--
-- Escapes
--
SELECT escaped, agent, length(agent) FROM unnest(ARRAY[
    'plain', '\"quoted\"', 'back\\slash', 'a\tb', 'a\nb\rc\vd\be', '\x41\x7a\x7A', '\x22\x5C', '\\x41', '\\\x41', 'caf\xc3\xa9', '\xE2\x82\xAC', '\xf0\x9f\x98\x80', 'ä\xc3\xa4€',
    '\x00', '\x01', '\x7f', '\x80', '\xc3', '\xc3 \xa9', '\xc3\x28', '\xc0\xaf', '\xe0\x80\x80', '\xed\xa0\x80', '\xf4\x90\x80\x80', '\xf5\x80\x80\x80', '\xff\xfe', '\xc3\xc3\xa9', '\xe2\x82', '\xe2\x82\xac\x82', '\xc3é', '\x4', '\xg0', '\u0041', '\q', '\/', '-', '\x2d', '']) WITH ORDINALITY AS e (escaped, i),
    LATERAL (SELECT user_agent FROM kafka_stream.parse_apache_log(format('- - - [10/Oct/2000:13:55:36 +0000] "-" 200 - "-" "%s"', escaped))) AS p (agent)
ORDER BY i;
-- a backslash before the closing quote escapes it
SELECT apache('- - - [10/Oct/2000:13:55:36 +0000] "-" 200 - "-" "x\"'), apache('- - - [10/Oct/2000:13:55:36 +0000] "-" 200 - "-" "x\\"');

--
-- Status, size, and what follows
--
SELECT tail, apache('- - - [10/Oct/2000:13:55:36 +0000] "GET / HTTP/1.0" ' || tail) AS apache
FROM unnest(ARRAY[
    '200 0', '200 -', '- 7', '- -', '000 0', '999 1', '200 2147483647', '200 2147483648', '200 9223372036854775807', '200 9223372036854775808', '200 99999999999999999999999', '200 007',
    '20 1', '2000 1', 'abc 1', '200', '200 ', '200 x', '200 1x', '200 -1', '200 1.5', '-200 1', '2-0 1',
    '200 1 ', '200 1 0.002', '200 1 0.002 "x"', '200 1 -', '200 1 "r"', '200 1 "r" ', '200 1 "r" x', '200 1 "r" "u', '200 1 "r', '200 1 "', '200 1 "r""u"', '200 1 "r" "u"', '200 1 "r" "u" ', '200 1 "r" "u" "1.2.3.4" 0.1', '200 1 "r" "u"x', '200 1 "r" "u\"', '200 1"r" "u"',
    E'200 1 "r" "u"\n', E'200 1 "r" "u"\r\n', E'200 1\r\n', E'200 1 "r" "u"\n\n', E'200 1\nx', E'200 1 "r" "u" extra\nsecond line', E'200 1 "r\nr" "u"']) WITH ORDINALITY AS t (tail, i)
ORDER BY i;
-- each line cut short is none, until the size is there; and none is half of one
SELECT string_agg(i::text, ' ' ORDER BY i) FILTER (WHERE status IS NOT NULL) AS lines, length(line) AS length, count(user_agent) AS whole
FROM (SELECT '10.0.0.1 - - [10/Oct/2000:13:55:36 +0000] "GET / HTTP/1.0" 200 512 "-" "curl"' AS line) AS l,
    generate_series(0, length(line)) AS i, LATERAL kafka_stream.parse_apache_log(left(line, i)) GROUP BY line;

--
-- Time
--
SELECT t, apache(format('- - - [%s] "-" 200 -', t)) AS apache
FROM unnest(ARRAY[
    '10/Oct/2000:13:55:36 -0700', '10/Oct/2000:13:55:36 +0200', '10/Oct/2000:13:55:36 -0330', '10/Oct/2000:13:55:36 +0545', '10/Oct/2000:00:00:00 +1400', '10/Oct/2000:00:00:00 -1559',
    '29/Feb/2024:00:00:00 +0000', '29/Feb/2000:00:00:00 +0000', '31/Dec/2016:23:59:60 +0000', '31/Dec/9999:23:59:59 -1559', '01/Jan/0001:00:00:00 +0000', '01/Jan/0001:00:00:00 +1200', '01/Jan/1969:00:00:00 +0000',
    '31/Feb/2024:00:00:00 +0000', '29/Feb/2023:00:00:00 +0000', '29/Feb/1900:00:00:00 +0000', '00/Jan/2024:00:00:00 +0000', '32/Jan/2024:00:00:00 +0000', '31/Apr/2024:00:00:00 +0000', '01/Jan/0000:00:00:00 +0000', '10/Xyz/2000:13:55:36 +0000', '10/oct/2000:13:55:36 +0000',
    '10/Oct/2000:24:00:00 +0000', '10/Oct/2000:25:61:00 +0000', '10/Oct/2000:13:60:00 +0000', '10/Oct/2000:13:55:61 +0000', '10/Oct/2000:13:55:36 +1600', '10/Oct/2000:13:55:36 +0060', '10/Oct/2000:13:55:36', '10/Oct/2000:13:55:36 Z', '10/Oct/2000 13:55:36 +0000', '1/Oct/2000:13:55:36 +0000', '10/Oct/00:13:55:36 +0000', '2000-10-10T13:55:36+00:00', '10/Oct/2000:13:55:36.5 +0000', 'now']) WITH ORDINALITY AS t (t, i)
ORDER BY i;
-- the same as PostgreSQL makes of it, over two centuries and in all zones
SELECT count(*) > 100000 AS enough, count(*) FILTER (WHERE event_time IS DISTINCT FROM t) AS different
FROM generate_series('1901-01-01'::timestamp, '2101-01-01', '16 hours 57 minutes 53 seconds') WITH ORDINALITY AS s (wall, i),
    LATERAL (SELECT to_char(wall, 'DD/Mon/YYYY:HH24:MI:SS ') || CASE i % 2 WHEN 0 THEN '+' ELSE '-' END || lpad((i % 15)::text, 2, '0') || lpad((i % 4 * 15)::text, 2, '0')) AS w (written),
    LATERAL (SELECT (to_char(wall, 'YYYY-MM-DD HH24:MI:SS') || right(written, 5))::timestamptz) AS x (t),
    LATERAL kafka_stream.parse_apache_log(format('- - - [%s] "-" 200 -', written)) AS p;
-- whatever the session's settings are
SET timezone = 'America/New_York';
SET datestyle = 'SQL, DMY';
SELECT event_time = '2000-10-10T13:55:36-07'::timestamptz AS same FROM kafka_stream.parse_apache_log('- - - [10/Oct/2000:13:55:36 -0700] "-" 200 -');
SET timezone = 'UTC';
SET datestyle = 'ISO, MDY';

--
-- Rows are formed by hand, and are like any other
--
CREATE TABLE parsed AS
    SELECT i, p.* FROM generate_series(0, 600) AS i, LATERAL kafka_stream.parse_apache_log(
        format('%s%s - %s [10/Oct/2000:13:55:36 +0000] "%s" %s %s%s',
               CASE WHEN i % 3 = 0 THEN format('v%s.example.com:80 ', repeat('h', i)) END, 'c' || repeat('1', i % 140), CASE WHEN i % 5 = 0 THEN '-' ELSE repeat('u', 600 - i) END,
               CASE WHEN i % 7 > 0 THEN 'GET /' || repeat('\x41', i) || ' HTTP/1.1' END, CASE WHEN i % 4 = 0 THEN '-' ELSE '200' END, CASE WHEN i % 6 = 0 THEN '-' ELSE i::text END,
               CASE WHEN i % 2 = 0 THEN format(' "r%s" "%s"', repeat('\"', i / 2), repeat('é', 130 - i % 130)) END)) AS p;
CREATE TABLE copied (LIKE parsed);
DO $$
DECLARE
    r parsed;
BEGIN
    FOR r IN SELECT * FROM parsed LOOP
        INSERT INTO copied VALUES (r.i, r.client || '', r.identity || '', r."user" || '', r.event_time, r.method || '', r.url || '', r.protocol || '', r.status, r.size, r.referer || '', r.user_agent || '', r.vhost || '');
    END LOOP;
END
$$;
SELECT count(*), count(url), count(user_agent), count(vhost), sum(length(url)), sum(length(referer)), sum(length(user_agent)), sum(length(vhost)), sum(length("user")), sum(size) FROM parsed;
SELECT count(*) AS same FROM parsed JOIN copied USING (i) WHERE parsed *= copied;
WITH one AS MATERIALIZED (SELECT kafka_stream.parse_apache_log('v:1 c - u [10/Oct/2000:13:55:36 +0000] "GET /' || repeat('x', n) || ' HTTP/1.1" 200 1 "r" "' || repeat('y', 400 - n) || '"') AS p FROM generate_series(0, 400) AS n)
SELECT count(*) AS same, count(DISTINCT p) AS different, count(*) FILTER (WHERE pg_column_size(p) <> pg_column_size(r)) AS longer FROM one,
    LATERAL (SELECT ROW((p).client, (p).identity, (p)."user", (p).event_time, (p).method, (p).url, (p).protocol, (p).status, (p).size, (p).referer, (p).user_agent, (p).vhost) AS r) AS x WHERE p *= r;
-- a long line, and a line of quotes and brackets
SELECT length(url), length(user_agent) FROM kafka_stream.parse_apache_log('- - - [10/Oct/2000:13:55:36 +0000] "GET /' || repeat('\xc3\xa4', 1000000) || ' HTTP/1.1" 200 1 "-" "' || repeat('\"', 1000000) || '"');
SELECT kafka_stream.parse_apache_log('- - ' || repeat(' [10/Oct/2000:13:55:36 +0000] ', 100000)) IS NULL AS brackets,
    kafka_stream.parse_apache_log('- - - [10/Oct/2000:13:55:36 +0000] "' || repeat('\"', 1000000)) IS NULL AS quotes,
    kafka_stream.parse_apache_log('- - - [10/Oct/2000:13:55:36 +0000] "' || repeat('\', 1000000)) IS NULL AS backslashes;

--
-- Streams: fields to columns by name, of any type
--
CREATE DOMAIN bad_status AS int CHECK (VALUE >= 400);
CREATE TYPE verb AS ENUM ('GET', 'POST');
CREATE TABLE t (
    vhost text, port smallint, size numeric, client inet, status text, at timestamp, day date, event_time timestamptz(0), method verb, url varchar(12), "user" json, identity bytea,
    referer jsonb, bad bad_status, twice int GENERATED ALWAYS AS (port * 2) STORED, id int GENERATED ALWAYS AS IDENTITY, note text DEFAULT 'none', kafka_offset bigint);
CREATE FUNCTION d(line text, options jsonb DEFAULT '{}', relation regclass DEFAULT 't', format text DEFAULT 'apache') RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(decoded::text, sqlstate || ' ' || coalesce('[' || column_name || '] ', '') || error)
    FROM kafka_stream.decode(relation, convert_to(line, 'UTF8'), options, format)
$$;
\set paths '{"paths": {"at": "$.event_time", "day": "$.event_time", "bad": "$.status"}}'
SELECT line, d(line, :'paths') FROM unnest(ARRAY[
    'v.example.com:443 2001:db8::17 - "" [10/Oct/2000:13:55:36 -0700] "GET /x HTTP/1.1" 404 5000000000 "\"ref\"" "ua"',
    '10.0.0.1 - - [10/Oct/2000:13:55:36 -0700] "-" 408 -', '10.0.0.0/24 ident a"b [10/Oct/2000:13:55:36 -0700] "-" - 007',
    'host.example.com - - [10/Oct/2000:13:55:36 -0700] "-" 408 -', '10.0.0.1 - - [10/Oct/2000:13:55:36 -0700] "PUT / HTTP/1.1" 408 -',
    '10.0.0.1 - - [10/Oct/2000:13:55:36 -0700] "GET /longer/than/that HTTP/1.1" 408 -', '10.0.0.1 - - [10/Oct/2000:13:55:36 -0700] "-" 200 -', 'v:40000 10.0.0.1 - - [10/Oct/2000:13:55:36 -0700] "-" 400 -',
    '10.0.0.1 - - [30/Feb/2000:13:55:36 -0700] "-" 408 -', '', E'\n', 'nothing', '{"client": "10.0.0.1"}']) WITH ORDINALITY AS l (line, i)
ORDER BY i;
-- bytes that are no text
SELECT x.* FROM unnest(ARRAY['\xff', '\xc3', '\x00', '\xc3a4']::bytea[]) AS u (bytes),
    kafka_stream.decode('every', '- - - [10/Oct/2000:13:55:36 +0000] "-" 200 1 "-" "'::bytea || bytes || '"'::bytea, '{}', 'apache') AS x;
-- a subset in another order, and names of one's own
CREATE TABLE few (u text, s bigint, ip text);
SELECT d('10.0.0.1 - - [10/Oct/2000:13:55:36 -0700] "GET /a HTTP/1.1" 200 7 "-" "x"', '{"paths": {"u": "$.user_agent", "s": "$.size", "ip": "$[\"client\"]"}}', 'few', 'nginx');
-- what is refused
SELECT d('', '{}', 'few');
SELECT d('', '{"paths": {"u": "$.agent", "s": "$.size", "ip": "$.client"}}', 'few');
SELECT d('', '{"paths": {"u": "$.url.path", "s": "$.size", "ip": "$.client"}}', 'few');
SELECT d('', '{"paths": {"u": "url", "s": "$.size", "ip": "$.client"}}', 'few');
SELECT d('', '{"paths": {"nobody": "$.url"}}', 'few');
SELECT d('', '{"rest": "referer"}');
SELECT d('', '{"timestamp_format": "s"}', 'every', 'nginx');
SELECT d('', '{"timezone": "Europe/Berlin"}', 'every');
SELECT kafka_stream.create_stream('s', 'event_time timestamptz, agent text', brokers => 'h:1', format => 'apache');
SELECT kafka_stream.create_stream('s', 'event_time timestamptz', brokers => 'h:1', format => 'nginx', options => '{"rest": "x"}');
SELECT kafka_stream.create_stream('s', 'event_time timestamptz', source => 'insert', format => 'nginx');
SELECT kafka_stream.create_stream('s', 'event_time timestamptz', brokers => 'h:1', format => 'Apache');
-- both ways agree
SELECT count(*) AS lines, count(x.decoded) AS good, count(*) FILTER (WHERE nullif(jsonb_strip_nulls(to_jsonb(p)), '{}') IS DISTINCT FROM x.decoded - 'port') AS different
FROM (SELECT format('%s %s - %s [%s] "%s" %s %s%s', 'v.example.com:80', c, u, t, r, s, b, e) AS line
      FROM unnest(ARRAY['10.0.0.1', '::1', 'h.example.com']) AS c, unnest(ARRAY['-', 'a b', '""']) AS u, unnest(ARRAY['10/Oct/2000:13:55:36 -0700', '31/Feb/2000:13:55:36 -0700']) AS t,
          unnest(ARRAY['-', 'GET / HTTP/1.1', '\x16\x03', 'GET /\xc3\xa4 HTTP/1.1']) AS r, unnest(ARRAY['200', '-']) AS s, unnest(ARRAY['-', '5000000000', 'x']) AS b, unnest(ARRAY['', ' "r" "\"u\""', ' "r']) AS e) AS l,
    LATERAL kafka_stream.parse_apache_log(line) AS p, LATERAL kafka_stream.decode('every', convert_to(line, 'UTF8'), '{}', 'apache') AS x;

-- lines in views over a stream of plain text
SELECT kafka_stream.create_stream('raw', 'event_time timestamptz, line text', source => 'insert');
SELECT kafka_stream.create_view('raw_status', $$SELECT tumble(raw.event_time, '1 minute') AS window_start, p.status, count(*), sum(p.size) FROM raw, LATERAL kafka_stream.parse_apache_log(line) AS p GROUP BY 1, 2$$);
SELECT kafka_stream.create_view('raw_level', $$SELECT j.level, count(*) FROM raw, LATERAL kafka_stream.parse_json_log(line) AS j GROUP BY 1$$);
INSERT INTO raw SELECT '2026-01-05 00:00:30Z', format('10.0.0.1 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" %s %s', 200 + i % 3, i) FROM generate_series(1, 100) AS i;
INSERT INTO raw VALUES ('2026-01-05 00:00:30Z', '{"level": "INFO", "timestamp": "May 1 2024 12:00 CET"}'), ('2026-01-05 00:00:30Z', '{"level": "INFO", "response_time": 1e400}');
SELECT status, count, sum FROM raw_status ORDER BY status;
SELECT level, count FROM raw_level ORDER BY level;
SELECT kafka_stream.drop_stream('raw', cascade => true);

--
-- Service logs: a JSON object per line
--
\x
SELECT * FROM kafka_stream.parse_json_log('{"timestamp": "2024-05-01T12:00:00.123Z", "level": "INFO", "service": "cart", "message": "caf\u00e9 \"x\"", "ip_address": "10.0.0.7", "user_id": "u17", "request_id": "4f1c", "response_time": 0.231, "status_code": 200, "error_code": null, "more": {"a": [1]}}');
\x
SELECT line, kafka_stream.parse_json_log(line) AS row, kafka_stream.parse_json_log(line) IS NULL AS none FROM unnest(ARRAY[
    '{"timestamp": 1714564800123, "status_code": "404", "user_id": 17, "response_time": "0.5", "ip_address": "2001:db8::1"}', '{"timestamp": "2024-05-01 12:00"}', '{"timestamp": "May 1 2024 12:00 CET"}', '{"event_time": "2024-05-01T12:00:00Z", "level": "WARN"}', ' {"level": ["a", 1]} ', '{}',
    '{"timestamp": "now"}', '{"timestamp": "x"}', '{"ip_address": "10.0.0"}', '{"ip_address": "host"}', '{"status_code": 1.5}', '{"status_code": 3000000000}', '{"response_time": "fast"}', '{"message": "\u0000"}', '[]', '"x"', 'null', '', 'x', '{"level": "INFO"', '{"level": "INFO"} x']) WITH ORDINALITY AS l (line, i)
ORDER BY i;
SELECT kafka_stream.parse_json_log(NULL) IS NULL AS strict;

-- In another encoding, what UTF-8 alone can say stays escaped.
CREATE DATABASE access_latin1 ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C';
\c access_latin1
SET client_min_messages = warning;
CREATE EXTENSION kafka_stream;
CREATE TABLE t (user_agent text);
SELECT user_agent FROM kafka_stream.parse_apache_log('- - - [10/Oct/2000:13:55:36 +0000] "-" 200 1 "-" "\x41\xc3\xa4\xe4"');
SELECT encode(convert_to(decoded->>'user_agent', 'LATIN1'), 'hex') AS agent, sqlstate, error
FROM unnest(ARRAY['\xc3a4', '\xe4', '\xe282ac', '\x5c7863335c786134']::bytea[]) WITH ORDINALITY AS u (bytes, i),
    LATERAL kafka_stream.decode('t', '- - - [10/Oct/2000:13:55:36 +0000] "-" 200 1 "-" "'::bytea || bytes || '"'::bytea, '{}', 'apache') ORDER BY i;
SELECT encode(convert_to(message, 'LATIN1'), 'hex') AS message FROM kafka_stream.parse_json_log(convert_from('\x7b226d657373616765223a2022e45c7530306534227d', 'LATIN1'));
\c :access_home
DROP DATABASE access_latin1;
SET client_min_messages = warning;
DROP SCHEMA access_test CASCADE;
