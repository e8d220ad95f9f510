-- Alerts: what may be one, who may do what, and what rows and errors become.
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
CREATE SCHEMA alerts;
CREATE ROLE regress_ks_owner;
CREATE ROLE regress_ks_other;
GRANT USAGE, CREATE ON SCHEMA alerts TO regress_ks_owner;
GRANT USAGE ON SCHEMA alerts TO regress_ks_other;
SET search_path = alerts, public, kafka_stream;

-- Until a query gives true; an error after a minute.
CREATE FUNCTION wait_for(query text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    answer boolean;
BEGIN
    FOR i IN 1 .. 1200 LOOP
        EXECUTE query INTO answer;
        IF answer THEN
            RETURN;
        END IF;
        PERFORM pg_sleep(0.05);
    END LOOP;
    RAISE EXCEPTION 'waited in vain for: %', query;
END
$$;
-- Until all alerts over views came to an end of a window.
CREATE FUNCTION wait_until(at timestamptz) RETURNS void LANGUAGE sql AS $$
    SELECT alerts.wait_for(format('SELECT bool_and(coalesce(evaluated_to >= %L, false)) FROM kafka_stream.alert_rules WHERE view IS NOT NULL AND enabled AND error IS NULL', at))
$$;
SELECT create_stream('st', 'event_time timestamptz, k text, x float8', source => 'insert', max_future => NULL, idle_timeout => NULL, watermark_delay => '0');
-- A minute of service k with an average of x.
CREATE FUNCTION minute(m int, k text, x float8) RETURNS void LANGUAGE sql AS $$
    INSERT INTO alerts.st (event_time, k, x) VALUES ('2026-01-01 00:00:30Z'::timestamptz + m * interval '1 minute', k, x)
$$;
SELECT create_view('v', $$SELECT tumble(event_time, '1 minute') AS window_start, k, avg(x) AS x, count(*) AS n FROM st GROUP BY 1, 2$$);
SELECT create_view('total', 'SELECT count(*) FROM st');

-- what an alert cannot be
SELECT create_alert('a', 'SELECT 1 AS one');
SELECT create_alert('a', 'SELECT 1 AS one', view => 'v', every => '1 minute');
SELECT create_alert('a', 'SELECT 1 AS one', view => 'total');
SELECT create_alert('a', 'SELECT 1 AS one', view => 'pg_class');
SELECT create_alert('a', 'SELECT 1 AS one', every => '1 month');
SELECT create_alert('a', 'SELECT 1 AS one', every => '999 ms');
SELECT create_alert('a', 'SELECT 1 AS one', every => '1 minute', hold_for => '-1 s');
SELECT create_alert('a', 'SELECT 1 AS one', every => '1 minute', hold_for => NULL);
SELECT create_alert('a', 'SELECT 1 AS one', every => '1 minute', notify => '');
SELECT create_alert('a', 'SELECT 1 AS one', every => '1 minute', notify => repeat('x', 64));
SELECT create_alert('', 'SELECT 1 AS one', every => '1 minute');
SELECT create_alert(repeat('x', 64), 'SELECT 1 AS one', every => '1 minute');
SELECT create_alert(NULL, 'SELECT 1 AS one', every => '1 minute');
SELECT create_alert('a', NULL, every => '1 minute');
SELECT create_alert('a', 'SELECT 1 AS one', every => '1 minute', key => '{two}');
SELECT create_alert('a', 'SELECT 1 AS one', every => '1 minute', key => '{one,NULL}');
SELECT create_alert('a', 'SELECT 1 AS one, 2 AS one', every => '1 minute');
SELECT create_alert('a', 'SELECT 1; SELECT 2', every => '1 minute');
SELECT create_alert('a', 'SELECT FROM nothing', every => '1 minute');
SELECT create_alert('a', 'SELECT $1 AS one', every => '1 minute');
SELECT create_alert('a', 'SELECT $3 AS one', view => 'v');
SELECT create_alert('a', 'DELETE FROM st', every => '1 minute');
SELECT create_alert('a', 'WITH d AS (DELETE FROM wrong RETURNING 1) SELECT * FROM d', every => '1 minute');
CREATE TABLE wrong (k text, reason text);
SELECT create_alert('a', 'WITH d AS (DELETE FROM wrong RETURNING 1) SELECT * FROM d', every => '1 minute');
SELECT create_alert('a', 'SELECT * FROM wrong FOR UPDATE', every => '1 minute');
SELECT create_alert('a', 'SELECT k INTO other FROM wrong', every => '1 minute');
CREATE TEMP TABLE mine (a int);
SELECT create_alert('a', 'SELECT * FROM mine', every => '1 minute');
SELECT create_alert('a', 'SELECT 1 / 0 AS one', every => '1 minute');
SELECT count(*) FROM alert_rules;
SELECT count(*) FROM pg_class WHERE relname LIKE 'alert\_%\_a';

-- transactional
BEGIN;
SELECT create_alert('a', 'SELECT 1 AS one', every => '1 minute');
SELECT create_alert('a', 'SELECT 1 AS one', every => '1 minute');
ROLLBACK;
SELECT count(*) FROM alert_rules;
SELECT count(*) FROM pg_class WHERE relname LIKE 'alert\_%\_a';

-- firing and resolved, at once and after two minutes; nobody is final yet
SELECT create_alert('high', 'SELECT k, x FROM v WHERE window_start = $1 AND window_end = $2 AND x > 10 ORDER BY x DESC', view => 'v', key => '{k}', notify => 'alerts');
SELECT create_alert('high for long', 'SELECT k, x FROM v WHERE window_end = $2 AND x > 10', view => 'v', key => '{k}', hold_for => '2 minutes');
SELECT create_alert('highest', 'SELECT k, x FROM v WHERE window_end = $2 AND x > 10 ORDER BY x DESC', view => 'v');
SELECT alert, owner, view, every, key, notify, hold_for, retention, evaluated_to, enabled, error FROM alert_rules ORDER BY alert;
SELECT regexp_replace(query, '\m(v|divisor|wrong)\.', '', 'g') AS query FROM alert_rules WHERE alert = 'high';  -- qualified up to PostgreSQL 15
SELECT count(*) FROM alerts;
-- a: minutes 0 to 4; b: minute 1; c: minutes 5 and 6, a gap, 9
SELECT minute(m, k, x) FROM (VALUES (0, 'a', 11), (0, 'b', 1), (1, 'a', 12), (1, 'b', 20), (2, 'a', 13), (3, 'a', 14), (4, 'a', 15),
    (5, 'c', 16), (6, 'c', 17), (9, 'c', 18), (10, 'c', 1)) AS r(m, k, x) ORDER BY m;
SELECT advance('st', '2026-01-01 00:04Z');
SELECT wait_until('2026-01-01 00:04Z');
SELECT alert, key, state, since, until, value, error FROM alerts ORDER BY alert, since, key;
SELECT advance('st', '2026-01-01 00:20Z');
SELECT wait_until('2026-01-01 00:20Z');
SELECT alert, key, state, since, until, value, error FROM alerts ORDER BY alert, since, key;
SELECT state, count(*) FROM kafka_stream_internal.alert_row GROUP BY state;

-- what is final already is not looked at; also windows of a hop and a cumulation
SELECT create_view('hops', $$SELECT hop(event_time, '3 minutes', '1 minute') AS window_start, sum(x) AS x FROM st GROUP BY 1$$);
SELECT create_view('sums', $$SELECT cumulate(event_time, '3 minutes', '1 minute') AS window_end, sum(x) AS x FROM st GROUP BY 1$$);
SELECT advance('st', '2026-01-01 00:21Z');
SELECT create_alert('hop', 'SELECT $1 AS start, $2 AS "end", x FROM hops WHERE window_end = $2 AND window_start = $1', view => 'hops', key => '{start,end}');
SELECT create_alert('sum', 'SELECT $1 AS start, $2 AS "end", x FROM sums WHERE window_end = $2 AND window_start = $1', view => 'sums', key => '{start,end}');
SELECT minute(21, 'a', 1), minute(22, 'a', 2), minute(24, 'a', 4);
SELECT advance('st', '2026-01-01 00:28Z');
SELECT wait_until('2026-01-01 00:28Z');
SELECT alert, key->>'start' AS start, key->>'end' AS "end", state, since, until, value FROM alerts WHERE alert IN ('hop', 'sum') ORDER BY alert, since;
SELECT count(*) FROM alerts WHERE since > '2026-01-01 00:20Z' AND alert NOT IN ('hop', 'sum');
SELECT drop_alert('hop'), drop_alert('sum');

-- a query that fails shows its error, stays at its window, and the others go on
CREATE TABLE divisor (d int);
INSERT INTO divisor VALUES (0);
SELECT create_alert('bad', 'SELECT 1 / d AS y FROM divisor, v WHERE window_end = $2', view => 'v');
SELECT minute(30, 'a', 30), minute(31, 'a', 1);
SELECT advance('st', '2026-01-01 00:32Z');
SELECT wait_for($$SELECT count(*) = 1 FROM alerts WHERE state = 'failed'$$);
SELECT wait_until('2026-01-01 00:32Z');
SELECT alert, key, state, since > now() - interval '1 hour' AS since, until, value, error FROM alerts WHERE state = 'failed';
SELECT alert, evaluated_to, error FROM alert_rules ORDER BY alert;
SELECT alert, key, since, until FROM alerts WHERE since > '2026-01-01 00:30Z' AND state = 'resolved' ORDER BY alert;
UPDATE divisor SET d = 1;
SELECT wait_for($$SELECT evaluated_to = '2026-01-01 00:32Z' FROM alert_rules WHERE alert = 'bad'$$);
SELECT alert, state, since, until, value, error FROM alerts WHERE alert = 'bad' ORDER BY since;
-- it is altered: looked at again at once
UPDATE divisor SET d = 0;
SELECT minute(32, 'a', 1);
SELECT advance('st', '2026-01-01 00:34Z');
SELECT wait_for($$SELECT error = 'division by zero' FROM alert_rules WHERE alert = 'bad'$$);
SELECT alert, state, error FROM alerts WHERE alert = 'bad' ORDER BY state;
SELECT alter_alert('bad', '{"query": "SELECT d AS y FROM divisor, v WHERE window_end = $2"}');
SELECT wait_until('2026-01-01 00:34Z');
SELECT alert, state, since, until, value, error FROM alerts WHERE alert = 'bad' ORDER BY since;
-- a column that it needs is not dropped by accident
\set VERBOSITY terse
ALTER TABLE divisor DROP COLUMN d;
\set VERBOSITY default
ALTER TABLE divisor RENAME COLUMN d TO e;
SELECT regexp_replace(query, '\m(v|divisor|wrong)\.', '', 'g') AS query FROM alert_rules WHERE alert = 'bad';  -- qualified up to PostgreSQL 15
DROP TABLE divisor CASCADE;
SELECT count(*) FROM alert_rules WHERE alert = 'bad';

-- so many rows and no more; nothing that writes
CREATE TABLE log (t text);
CREATE FUNCTION writing() RETURNS int LANGUAGE sql AS $$INSERT INTO alerts.log VALUES ('here') RETURNING 1$$;
CREATE FUNCTION leaving() RETURNS text LANGUAGE plpgsql AS $$BEGIN RESET ROLE; RETURN current_user; END$$;
SELECT create_alert('many', 'SELECT i FROM generate_series(1, 10001) AS i', every => '1 hour', key => '{i}');
SELECT create_alert('writing', 'SELECT writing()', every => '1 hour');
SELECT create_alert('leaving', 'SELECT leaving()', every => '1 hour');
SELECT create_alert('nobody', 'SELECT 1 WHERE false', every => '1 hour');
SELECT wait_for($$SELECT count(*) = 3 FROM alerts WHERE state = 'failed'$$);
SELECT alert, error FROM alerts WHERE state = 'failed' ORDER BY alert;
SELECT count(*) FROM log;
SELECT drop_alert('many'), drop_alert('writing'), drop_alert('leaving'), drop_alert('nobody');

-- advisory locks of the query's session go when it is done
SELECT create_alert('locking', 'SELECT pg_try_advisory_lock(4711) AS locked', every => '1 hour');
SELECT wait_for($$SELECT count(*) = 1 FROM alerts WHERE alert = 'locking'$$);
SELECT value FROM alerts WHERE alert = 'locking';
SELECT wait_for($$SELECT count(*) = 0 FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711$$);
SELECT drop_alert('locking');

-- every so often, as it was created: the search_path, the TimeZone
INSERT INTO wrong VALUES ('first', 'x'), ('first', 'y'), ('second', 'z');
SET timezone = 'Asia/Tokyo';
SELECT create_alert('often', 'SELECT k, reason, ''2026-01-01 00:00Z''::timestamptz::text AS at, NULL::int AS nothing FROM wrong ORDER BY reason', every => '1 second', key => '{k}');
SET timezone = 'UTC';
SELECT wait_for($$SELECT count(*) = 2 FROM alerts WHERE alert = 'often'$$);
SELECT alert, key, state, until, value FROM alerts WHERE alert = 'often' ORDER BY key;
DELETE FROM wrong WHERE k = 'first';
SELECT wait_for($$SELECT count(*) = 1 FROM alerts WHERE alert = 'often' AND state = 'resolved'$$);
SELECT key, state, until > since AS later FROM alerts WHERE alert = 'often' ORDER BY key;
-- paused, resumed
SELECT alter_alert('often', '{"enabled": false}');
SELECT evaluated_to AS stood FROM alert_rules WHERE alert = 'often' \gset
DELETE FROM wrong;
SELECT pg_sleep(1.2);
SELECT evaluated_to = :'stood' AS stands, enabled FROM alert_rules WHERE alert = 'often';
SELECT key, state FROM alerts WHERE alert = 'often' ORDER BY key;
SELECT alter_alert('often', '{"enabled": true}');
SELECT wait_for($$SELECT count(*) = 2 FROM alerts WHERE alert = 'often' AND state = 'resolved'$$);
-- forgotten
SELECT alter_alert('often', '{"retention": "0"}');
SELECT wait_for($$SELECT count(*) = 0 FROM alerts WHERE alert = 'often'$$);

-- altering
SELECT alter_alert('often', '{"every": "1 day", "key": ["k", "reason"], "notify": "c", "hold_for": "5 s", "retention": null}');
SELECT alert, view, every, key, notify, hold_for, retention, enabled FROM alert_rules WHERE alert = 'often';
SELECT alter_alert('often', '{"notify": null}');
SELECT notify FROM alert_rules WHERE alert = 'often';
SELECT alter_alert('often', '{"key": ["gone"]}');
SELECT alter_alert('often', '{"key": "k"}');
SELECT alter_alert('often', '{"every": null}');
SELECT alter_alert('often', '{"every": "1 ms"}');
SELECT alter_alert('often', '{"hold_for": "-1 us"}');
SELECT alter_alert('often', '{"retention": "-1 us"}');
SELECT alter_alert('often', '{"enabled": "yes"}');
SELECT alter_alert('often', '{"query": "SELECT k FROM wrong"}');
SELECT alter_alert('often', '{"query": "SELECT $1"}');
SELECT alter_alert('often', '{"view": "v"}');
SELECT alter_alert('often', '{"color": "red"}');
SELECT alter_alert('often', '[]');
SELECT alter_alert('high', '{"every": "1 minute"}');
SELECT alter_alert('never', '{}');
SELECT drop_alert('never');
BEGIN;
SELECT alter_alert('often', '{"query": "SELECT k, reason FROM wrong"}');
SELECT drop_alert('high');
ROLLBACK;
SELECT regexp_replace(query, '\m(v|divisor|wrong)\.', '', 'g') AS query FROM alert_rules WHERE alert = 'often';  -- qualified up to PostgreSQL 15
SELECT count(*) FROM alerts WHERE alert = 'high';
SELECT count(*) FROM pg_class WHERE relname LIKE 'alert\_%\_often';
SELECT drop_alert('often');

-- at most one open row per key, whatever happens
\set VERBOSITY terse
INSERT INTO kafka_stream_internal.alert_row (alert, key, state, since, value)
SELECT id, '{"k": 1}', s, now(), '{}' FROM kafka_stream_internal.alert, unnest('{firing,resolved,pending}'::text[]) AS s WHERE name = 'high';
INSERT INTO kafka_stream_internal.alert_row (alert, key, state, since, until, value)
SELECT id, '{"k": 1}', s, now(), CASE s WHEN 'resolved' THEN now() END, '{}' FROM kafka_stream_internal.alert, unnest('{firing,resolved,resolved,pending}'::text[]) AS s WHERE name = 'high';
\set VERBOSITY default

-- rights: of whoever made it
SET ROLE regress_ks_owner;
SELECT create_alert('own', 'SELECT k FROM v WHERE window_end = $2', view => 'v');
RESET ROLE;
GRANT EXECUTE ON FUNCTION create_alert, alter_alert, drop_alert TO regress_ks_owner, regress_ks_other;
SET ROLE regress_ks_owner;
SELECT create_alert('own', 'SELECT k FROM v WHERE window_end = $2', view => 'v');
SELECT create_alert('own', 'SELECT k FROM wrong', every => '1 day');
RESET ROLE;
GRANT SELECT ON v TO regress_ks_owner, regress_ks_other;
GRANT SELECT ON wrong TO regress_ks_owner;
INSERT INTO wrong VALUES ('k');
SET ROLE regress_ks_owner;
SELECT create_alert('own', 'SELECT k, current_user AS who FROM v WHERE window_end = $2', view => 'v');
SELECT create_alert('table', 'SELECT k FROM wrong', every => '1 day');
SELECT alert, owner FROM alert_rules ORDER BY alert;
SELECT alter_alert('high', '{}');
SELECT drop_alert('high');
SET ROLE regress_ks_other;
SELECT count(*) FROM alert_rules;
SELECT drop_alert('own');
RESET ROLE;
SELECT wait_for($$SELECT count(*) = 1 FROM alerts WHERE alert = 'table'$$);
SELECT minute(34, 'a', 1);
SELECT advance('st', '2026-01-01 00:35Z');
SELECT wait_until('2026-01-01 00:35Z');
SELECT alert, state, value FROM alerts WHERE alert IN ('own', 'table') ORDER BY 1;
SET ROLE regress_ks_other;
SELECT count(*) FROM alerts;
RESET ROLE;
GRANT regress_ks_owner TO regress_ks_other;
SET ROLE regress_ks_other;
SELECT alert FROM alerts ORDER BY 1;
RESET ROLE;
REVOKE regress_ks_owner FROM regress_ks_other;
GRANT pg_read_all_data TO regress_ks_other;
SET ROLE regress_ks_other;
SELECT DISTINCT alert FROM alerts ORDER BY 1;
RESET ROLE;
REVOKE pg_read_all_data FROM regress_ks_other;
-- what it may not read any more, it does not
REVOKE SELECT ON v FROM regress_ks_owner;
SELECT minute(35, 'a', 1);
SELECT advance('st', '2026-01-01 00:36Z');
SELECT wait_for($$SELECT count(*) = 1 FROM alerts WHERE alert = 'own' AND state = 'failed'$$);
SELECT alert, error FROM alerts WHERE alert = 'own' AND state = 'failed';
-- an owner goes
\set VERBOSITY terse
DROP ROLE regress_ks_owner;
\set VERBOSITY default
REASSIGN OWNED BY regress_ks_owner TO regress_ks_other;
SELECT alert, owner FROM alert_rules WHERE owner <> current_user::regrole ORDER BY 1;
SELECT wait_for($$SELECT error IS NULL AND evaluated_to = '2026-01-01 00:36Z' FROM alert_rules WHERE alert = 'own'$$);
SELECT alert, state, value FROM alerts WHERE alert = 'own' ORDER BY since;
DROP OWNED BY regress_ks_other;
SELECT alert FROM alert_rules ORDER BY 1;

-- over what a detector says
SELECT create_view('scores', $$SELECT series->>'k' AS k, value, score FROM detect_zscore('v', 'x', partition_by => '{k}', preceding => 3)$$);
SELECT create_alert('unusual', 'SELECT k, value FROM scores WHERE window_end = $2 AND score > 3', view => 'scores', key => '{k}');
SELECT minute(m, 'z', CASE m WHEN 46 THEN 9 ELSE m % 2 END) FROM generate_series(40, 49) AS m ORDER BY m;
SELECT advance('st', '2026-01-01 00:50Z');
SELECT wait_until('2026-01-01 00:50Z');
SELECT alert, key, state, since, until, value FROM alerts WHERE alert = 'unusual' ORDER BY since;

-- a view that an alert needs goes with it, or stays
\set VERBOSITY terse
SELECT drop_view('scores');
\set VERBOSITY default
SELECT drop_view('scores', cascade => true);
SELECT create_alert('blind', 'SELECT 1 AS one WHERE $2 IS NULL', view => 'v');
\set VERBOSITY terse
DROP VIEW v;
\set VERBOSITY default
SELECT count(*) FROM alert_rules;
SELECT drop_stream('st', cascade => true);
SELECT count(*) FROM alert_rules;
SELECT count(*) FROM kafka_stream_internal.alert_row;
SELECT count(*) FROM pg_class WHERE relnamespace = 'kafka_stream_internal'::regnamespace AND relname ~ '^alert_[0-9]';
SELECT alert_window_start(), alert_window_end();
SELECT wait_for($$SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'kafka_stream alerts' AND datname = current_database()$$);

RESET search_path;
DROP SCHEMA alerts CASCADE;
DROP OWNED BY regress_ks_owner, regress_ks_other;
DROP ROLE regress_ks_owner, regress_ks_other;
