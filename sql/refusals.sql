-- What a continuous view refuses, with the construct, its position and a way
-- that works; and what looks alike, is accepted, and must be right.
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE SCHEMA refusals;
SET search_path = refusals, public;
SELECT kafka_stream.create_stream('logs', 'event_time timestamptz, service text, rt float8, status int, at2 timestamptz, tags text[], j json', source => 'insert', max_future => NULL, idle_timeout => NULL);
SELECT kafka_stream.create_stream('other', 'event_time timestamptz, service text', source => 'insert', max_future => NULL);
CREATE TABLE services (service text PRIMARY KEY, owner text);
INSERT INTO services VALUES ('a', 'x'), ('b', 'y');
SET search_path = refusals, public, kafka_stream;

-- what PostgreSQL itself refuses keeps its position
SELECT create_view('v', 'SELECT nothing FROM logs');
SELECT create_view('v', 'SELECT service, count(*) FROM logs');
SELECT create_view('v', 'SELEC 1');
SELECT create_view('v', 'SELECT count(*) FROM nowhere');
SELECT create_view('v', 'SELECT tumble(event_time, ''1 minute'') AS service, count(*) FROM logs GROUP BY service');
SELECT create_view('v', 'SELECT count(*) FROM logs WHERE count(*) > 1');

-- no SELECT, or not of a stream
SELECT create_view('v', NULL);
SELECT create_view('v', '');
SELECT create_view('v', 'SELECT 1; SELECT 2');
SELECT create_view('v', 'DELETE FROM logs');
SELECT create_view('v', 'TABLE logs');
SELECT create_view('v2', 'VALUES (1)');
SELECT create_view('v2', 'SELECT 1');
SELECT create_view('v2', 'SELECT count(*) FROM services');
SELECT create_view('v2', 'SELECT count(*) FROM (SELECT * FROM logs) l');
SELECT create_view('v2', 'SELECT count(*) FROM services WHERE EXISTS (SELECT FROM logs)');
SELECT create_view('v2', 'SELECT count(*) FROM logs, other');
SELECT create_view('v2', 'SELECT count(*) FROM logs a JOIN logs b ON a.service = b.service');
SELECT create_view('v2', 'SELECT count(*) FROM v');
SELECT create_view('v2', 'SELECT count(*) FROM logs JOIN v USING (service)');
SELECT create_view('v2', 'SELECT count(*) FROM logs_late');
SELECT create_view('v2', 'SELECT count(*) FROM logs WHERE service IN (SELECT service FROM logs)');
SELECT create_view('v2', 'SELECT count(*) FROM logs WHERE service IN (SELECT service FROM v)');
SELECT create_view('v2', 'SELECT (SELECT count(*) FROM other o WHERE o.service = logs.service) FROM logs');
CREATE VIEW plain AS SELECT service, count(*) FROM logs GROUP BY 1;
SELECT create_view('v2', 'SELECT count(*) FROM plain');
SELECT create_view('v2', 'SELECT count(*) FROM logs JOIN plain USING (service)');
SELECT create_view('v2', 'SELECT count(*) FROM logs WHERE service IN (SELECT service FROM plain)');
CREATE VIEW plain_over_view AS SELECT * FROM v;
SELECT create_view('v2', 'SELECT count(*) FROM logs JOIN plain_over_view USING (service)');

-- clauses at top level
SELECT create_view('v2', 'SELECT service FROM logs ORDER BY service');
SELECT create_view('v2', 'SELECT service FROM logs LIMIT 10');
SELECT create_view('v2', 'SELECT service FROM logs OFFSET 10');
SELECT create_view('v2', 'SELECT service FROM logs FETCH FIRST ROW ONLY');
SELECT create_view('v2', 'SELECT DISTINCT service FROM logs');
SELECT create_view('v2', 'SELECT DISTINCT ON (service) service FROM logs');
SELECT create_view('v2', 'SELECT service FROM logs UNION ALL SELECT service FROM logs');
SELECT create_view('v2', 'SELECT service FROM logs EXCEPT SELECT service FROM services');
SELECT create_view('v2', 'WITH x AS (SELECT 1) SELECT service FROM logs');
SELECT create_view('v2', 'SELECT service INTO elsewhere FROM logs');
SELECT create_view('v2', 'SELECT service FROM logs FOR UPDATE');
SELECT create_view('v2', 'SELECT service, row_number() OVER (ORDER BY event_time) FROM logs');
SELECT create_view('v2', 'SELECT service, 1 + sum(count(*)) OVER () FROM logs GROUP BY 1');
SELECT create_view('v2', 'SELECT service, rank() OVER w FROM logs WINDOW w AS (ORDER BY event_time)');
SELECT create_view('v2', 'SELECT service, count(*) FROM logs GROUP BY ROLLUP (service)');
SELECT create_view('v2', 'SELECT tumble(event_time, ''1 minute''), service, count(*) FROM logs GROUP BY GROUPING SETS ((1, 2), (1))');
SELECT create_view('v2', 'SELECT count(*) FROM logs GROUP BY ()');
SELECT create_view('v2', 'SELECT service, status, count(*) FROM logs GROUP BY DISTINCT service, status');
SELECT create_view('v2', 'SELECT 1 AS one FROM logs HAVING true');
SELECT create_view('v2', 'SELECT count(*) FROM ONLY logs');
SELECT create_view('v2', 'SELECT count(*) FROM logs TABLESAMPLE SYSTEM (10)');
SELECT create_view('v2', 'SELECT s.service, s.owner, count(*) FROM logs JOIN services s USING (service) GROUP BY s.service');

-- the stream on the nullable side
SELECT create_view('v2', 'SELECT s.service, count(*) FROM services s LEFT JOIN logs USING (service) GROUP BY 1');
SELECT create_view('v2', 'SELECT count(*) FROM logs RIGHT JOIN services USING (service)');
SELECT create_view('v2', 'SELECT count(*) FROM logs FULL JOIN services USING (service)');
SELECT create_view('v2', 'SELECT count(*) FROM services s LEFT JOIN (services t CROSS JOIN logs) ON t.owner = s.owner');

-- functions
SELECT create_view('v2', 'SELECT service, random() FROM logs');
SELECT create_view('v2', 'SELECT service FROM logs WHERE event_time > now()');
SELECT create_view('v2', 'SELECT service FROM logs WHERE event_time > CURRENT_TIMESTAMP - interval ''1 day''');
SELECT create_view('v2', 'SELECT service FROM logs WHERE event_time::date = CURRENT_DATE');
SELECT create_view('v2', 'SELECT service, age(event_time) FROM logs');
SELECT create_view('v2', 'SELECT service, current_setting(''TimeZone'') FROM logs');
SELECT create_view('v2', 'SELECT service, CURRENT_USER FROM logs');
SELECT create_view('v2', 'SELECT service, txid_current() FROM logs');
SELECT create_view('v2', 'SELECT service, count(*) FROM logs, LATERAL (SELECT clock_timestamp()) x GROUP BY 1');
SELECT create_view('v2', 'SELECT service, count(*) FILTER (WHERE random() < 0.5) FROM logs GROUP BY 1');
SELECT create_view('v2', 'SELECT service FROM logs WHERE service IN (SELECT owner FROM services WHERE random() < 2)');
SELECT create_view('v2', 'SELECT service, nextval(''kafka_stream_internal.view_id'') FROM logs');
SELECT create_view('v2', 'SELECT service, unnest(tags) FROM logs');
SELECT create_view('v2', 'SELECT service, generate_series(1, 2), count(*) FROM logs GROUP BY 1');
SELECT create_view('v2', 'SELECT unnest(tags) AS tag, count(*) FROM logs GROUP BY 1');
SELECT create_view('v2', 'SELECT xmin, service FROM logs');
SELECT create_view('v2', 'SELECT tableoid::regclass, count(*) FROM logs GROUP BY 1');
SELECT create_view('v2', 'SELECT service FROM logs WHERE EXISTS (SELECT FROM services WHERE logs.ctid IS NULL)');

-- windows
SELECT create_view('v2', 'SELECT tumble(event_time, ''1 minute''), service FROM logs');
SELECT create_view('v2', 'SELECT hop(event_time, ''2 minutes'', ''1 minute''), service FROM logs');
SELECT create_view('v2', 'SELECT tumble(event_time, ''1 minute''), count(*) FROM logs GROUP BY event_time');
SELECT create_view('v2', 'SELECT tumble(event_time, ''1 hour''), count(*) FROM logs GROUP BY tumble(event_time, ''1 minute''), event_time');
SELECT create_view('v2', 'SELECT count(*) FROM logs GROUP BY tumble(event_time, ''1 minute''), tumble(event_time, ''1 hour'')');
SELECT create_view('v2', 'SELECT count(*) FROM logs GROUP BY tumble(event_time, ''1 minute'') + interval ''1 second''');
SELECT create_view('v2', 'SELECT interval ''1 second'' + tumble(event_time, ''1 minute'') AS t, count(*) FROM logs GROUP BY tumble(event_time, ''1 minute'')');
SELECT create_view('v2', 'SELECT count(*) FROM logs GROUP BY tumble(at2, ''1 minute'')');
SELECT create_view('v2', 'SELECT count(*) FROM logs GROUP BY tumble(event_time + interval ''1 hour'', ''1 minute'')');
SELECT create_view('v2', 'SELECT count(*) FROM logs GROUP BY tumble(kafka_timestamp, ''1 minute'')');
SELECT create_view('v2', 'SELECT count(*) FROM logs WHERE tumble(event_time, ''1 minute'') > ''2026-01-01'' GROUP BY tumble(event_time, ''1 minute'')');
SELECT create_view('v2', 'SELECT count(*) FROM logs, hop(event_time, ''2 minutes'', ''1 minute'') h GROUP BY h');
SELECT create_view('v2', 'SELECT count(*) FROM logs GROUP BY tumble(event_time, status * interval ''1 minute'')');
SELECT create_view('v2', 'SELECT count(*) FROM logs GROUP BY tumble(event_time, NULL)');
SELECT create_view('v2', 'SELECT count(*) FROM logs GROUP BY tumble(event_time, ''1 month'')');
SELECT create_view('v2', 'SELECT count(*) FROM logs GROUP BY tumble(event_time, ''0'')');
SELECT create_view('v2', 'SELECT count(*) FROM logs GROUP BY hop(event_time, ''1 minute'', ''2 minutes'')');
SELECT create_view('v2', 'SELECT count(*) FROM logs GROUP BY cumulate(event_time, ''5 minutes'', ''2 minutes'')');
SELECT create_view('v2', 'SELECT count(*) FROM logs GROUP BY session(event_time, ''5 minutes'')');
SELECT create_view('v2', 'SELECT count(*) FROM logs GROUP BY tumble(event_time, ''1 day'', timezone => ''Europe/Berlin'')');
SELECT create_view('v2', 'SELECT count(*) FROM logs GROUP BY tumble(event_time, ''1 day'', origin => at2)');
SELECT create_view('v2', 'SELECT count(*) AS window_end FROM logs GROUP BY tumble(event_time, ''1 minute'')');
SELECT create_view('v2', 'SELECT service AS is_final, count(*) FROM logs GROUP BY tumble(event_time, ''1 minute''), 1');
SELECT create_view('v2', 'SELECT cumulate(event_time, ''2 minutes'', ''1 minute'') AS window_start, count(*) FROM logs GROUP BY 1');

-- expressions over aggregates
SELECT create_view('v2', 'SELECT max(event_time)::text, count(*) FROM logs');
SELECT create_view('v2', 'SELECT to_char(max(event_time), ''HH24'') FROM logs');
SELECT create_view('v2', 'SELECT service, (SELECT owner FROM services s WHERE s.service = logs.service), count(*) FROM logs GROUP BY service');
SELECT create_view('v2', 'SELECT service, count(*) FROM logs GROUP BY 1 HAVING count(*) > (SELECT count(*) FROM services)');
SELECT create_view('v2', 'SELECT service, count(*) FROM logs GROUP BY 1 HAVING max(event_time) > now()');
SELECT create_view('v2', 'SELECT service FROM logs GROUP BY 1 HAVING max(at2)::date > ''2026-01-01''');

-- aggregates
SELECT create_view('v2', 'SELECT percentile_cont(0.9) WITHIN GROUP (ORDER BY rt) FROM logs');
SELECT create_view('v2', 'SELECT mode() WITHIN GROUP (ORDER BY service) FROM logs');
SELECT create_view('v2', 'SELECT rank(1) WITHIN GROUP (ORDER BY rt) FROM logs');
SELECT create_view('v2', 'SELECT jsonb_agg(service) FROM logs');
SELECT create_view('v2', 'SELECT jsonb_object_agg(service, rt) FROM logs');
SELECT create_view('v2', 'SELECT array_agg(service ORDER BY rt) FROM logs');
SELECT create_view('v2', 'SELECT array_agg(DISTINCT service) FROM logs');
SELECT create_view('v2', 'SELECT string_agg(DISTINCT service, '','') FROM logs');
SELECT create_view('v2', 'SELECT stddev(DISTINCT rt) FROM logs');
SELECT create_view('v2', 'SELECT count(DISTINCT (service, rt)) FROM logs');
SELECT create_view('v2', 'SELECT array_agg(tags) FROM logs');
SELECT create_view('json_list', 'SELECT array_agg(j) FROM logs');
CREATE FUNCTION keep_last(text, text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $2';
CREATE AGGREGATE last_one(text) (SFUNC = keep_last, STYPE = text);
SELECT create_view('v2', 'SELECT last_one(service) FROM logs');
SELECT create_view('v2', 'SELECT service FROM logs GROUP BY 1 HAVING last_one(service) = ''a''');

-- arguments
SELECT create_view('v2', 'SELECT count(*) FROM logs', late => 'keep');
SELECT create_view('v2', 'SELECT count(*) FROM logs', late => NULL);
SELECT create_view('v2', 'SELECT count(*) FROM logs', backfill => 'all');
SELECT create_view('v2', 'SELECT count(*) FROM logs', backfill => 'topic');
SELECT create_view('v2', 'SELECT count(*) FROM logs', fill => 'empty');
SELECT create_view('v2', 'SELECT count(*) FROM logs', fill => 'x');
SELECT create_view('v2', 'SELECT count(*) FROM logs', expire => '1 hour');
SELECT create_view('v2', 'SELECT count(*) FROM logs', replace => true);
SELECT create_view('v2', 'SELECT count(*) FROM logs', retention => '1 month');
SELECT create_view('v2', 'SELECT count(*) FROM logs', retention => '-1 hour');
SELECT create_view('v2', 'SELECT count(*) FROM logs', watermark_delay => '-1 hour');
SELECT create_view(NULL, 'SELECT count(*) FROM logs');
SELECT create_view('', 'SELECT count(*) FROM logs');
SELECT create_view('nowhere.v2', 'SELECT count(*) FROM logs');
SELECT create_view('v', 'SELECT count(*) FROM logs');
SELECT create_view('logs', 'SELECT count(*) FROM logs');
CREATE TEMPORARY TABLE scratch (service text);
SELECT create_view('v2', 'SELECT count(*) FROM logs JOIN scratch USING (service)');
SELECT create_view('v2', 'SELECT count(*) FROM logs WHERE service IN (SELECT service FROM scratch)');
SELECT drop_view('nothing');
SELECT drop_view('services');
SELECT drop_view('logs');
SELECT explain_view('logs');
-- nothing is left of all that
SELECT count(*) FROM kafka_stream.views WHERE view::text LIKE '%v2%';
SELECT count(*) FROM pg_class WHERE relnamespace = 'kafka_stream_internal'::regnamespace AND relname LIKE 'view\_%\_definition'
    AND oid NOT IN (SELECT definition FROM kafka_stream_internal.view);

-- windows of one's own, named alike, are ordinary functions
CREATE FUNCTION refusals.tumble(timestamptz, text) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS 'SELECT date_trunc($2, $1, ''UTC'')';
SELECT create_view('own_tumble', 'SELECT refusals.tumble(event_time, ''hour'') AS hour, count(*) FROM logs GROUP BY 1');
SELECT create_view('aggregated_window', 'SELECT service, max(tumble(event_time, interval ''1 minute'')), count(*) FILTER (WHERE tumble(event_time, interval ''1 minute'') > ''2026-01-01'') FROM logs GROUP BY 1');
SELECT create_view('stable_function', 'SELECT to_char(event_time, ''Day'') AS day, count(*) FROM logs GROUP BY 1');
SELECT create_view('nested_aggregate', 'SELECT count(*) FILTER (WHERE status = (SELECT count(*) FROM services)) FROM logs');
CREATE AGGREGATE longest(anyarray) (SFUNC = array_larger, STYPE = anyarray, COMBINEFUNC = array_larger, SORTOP = >);
SELECT create_view('own_aggregate', 'SELECT longest(tags), max(tags) FROM logs');
INSERT INTO logs (event_time, service, rt, status, tags) VALUES
    ('2026-01-01 00:10Z', 'a', 1, 2, '{a,b}'), ('2026-01-01 00:20Z', 'a', 2, 3, '{b}'), ('2026-01-01 01:10Z', 'b', 3, 2, NULL);
SELECT * FROM own_tumble ORDER BY 1;
SELECT * FROM aggregated_window ORDER BY 1;
SELECT * FROM stable_function;
SELECT * FROM nested_aggregate;
SELECT * FROM own_aggregate;
SELECT service, rt FROM v ORDER BY rt;
DROP SCHEMA refusals CASCADE;
SELECT count(*) FROM kafka_stream.views WHERE view::text LIKE 'refusals.%';
