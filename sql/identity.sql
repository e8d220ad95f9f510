-- As whom code of users runs: never as whom it could gain by.  A witness says so.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE ROLE ks_maker;
CREATE SCHEMA identity AUTHORIZATION ks_maker;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA kafka_stream TO ks_maker;
SET search_path = identity, public;
SET ROLE ks_maker;
CREATE TABLE witness (what text, who text DEFAULT current_user);
GRANT ALL ON witness TO PUBLIC;
GRANT USAGE ON SCHEMA identity TO PUBLIC;
CREATE FUNCTION seen(i int, what text) RETURNS boolean LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO identity.witness VALUES (what); RETURN true; END $$;
CREATE FUNCTION hidden(i int, what text) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
$$ BEGIN PERFORM identity.seen(i, what); RETURN i; END $$;
CREATE DOMAIN checked AS int CHECK (identity.seen(VALUE, 'domain'));
SELECT kafka_stream.create_stream('s', 'event_time timestamptz, i int', source => 'insert');

-- Literals of types with domains in them are checked when a query is analysed.
SELECT kafka_stream.create_view('literal_in_where',
    $$SELECT tumble(event_time, '1 minute'), count(*) FROM s WHERE i = ANY ('{1,2}'::checked[]) GROUP BY 1$$);
SELECT kafka_stream.create_view('literal_in_output',
    $$SELECT tumble(event_time, '1 minute'), count(*) + cardinality('{1,2}'::checked[]) AS n FROM s GROUP BY 1$$);
SELECT what, who FROM witness GROUP BY 1, 2;

-- Indexes of the table of late rows call functions of its owner.
RESET ROLE;
SELECT kafka_stream.create_view('of_another', $$SELECT tumble(event_time, '1 minute'), count(*) FROM s GROUP BY 1$$);
SET ROLE ks_maker;
CREATE INDEX ON s_late (hidden(i, 'index'));
TRUNCATE witness;
INSERT INTO s VALUES ('2020-01-01 00:10Z', 1), ('2020-01-01 00:01Z', 2);
SELECT what, who FROM witness GROUP BY 1, 2;

-- Columns that late rows gain do not check old rows.
ALTER TABLE s ADD COLUMN c checked;
TRUNCATE witness;
INSERT INTO s (event_time, i, c) VALUES ('2020-01-01 00:01Z', 2, 1);
SELECT what, who FROM witness WHERE who <> 'ks_maker';
SELECT attname, atttypid::regtype FROM pg_attribute WHERE attrelid = 's_late'::regclass AND attname LIKE 'c%' AND attnum > 0 ORDER BY 1;
SELECT DISTINCT view, c FROM s_late WHERE c IS NOT NULL ORDER BY 1;

-- A fold that outdates its own plan, and asks for a new one, goes on with the old.
CREATE FUNCTION replan() RETURNS void LANGUAGE plpgsql AS
$$ BEGIN CREATE TABLE identity.passing (); DROP TABLE identity.passing; PERFORM kafka_stream.explain_view('identity.restless'); END $$;
CREATE FUNCTION restless(i int) RETURNS int LANGUAGE plpgsql STABLE AS
$$ BEGIN IF i > 0 THEN PERFORM identity.replan(); END IF; RETURN i; END $$;
SELECT kafka_stream.create_view('restless', $$SELECT sum(restless(i)) AS total, max(restless(i + 1)) AS highest FROM s WHERE restless(i) > 10$$, backfill => 'none');
INSERT INTO s (event_time, i) SELECT '2020-01-01 00:10Z', g FROM generate_series(10, 20) g;
SELECT * FROM restless;

-- open_windows() reads nothing but the states of the view that is named.
RESET ROLE;
SELECT id, states FROM kafka_stream_internal.view WHERE view = 'of_another'::regclass \gset
SELECT count(*) FROM kafka_stream_internal.open_windows(:id, :'states', 'tumble', '1 minute', '1 minute', '1970-01-05Z');
DO $$ BEGIN
    PERFORM kafka_stream_internal.open_windows(v.id, i.inhrelid, 'tumble', '1 minute', '1 minute', '1970-01-05Z')
    FROM kafka_stream_internal.view v, pg_inherits i
    WHERE v.view = 'identity.of_another'::regclass AND i.inhparent = 'identity.s'::regclass;
EXCEPTION WHEN wrong_object_type THEN RAISE WARNING 'refused';
END $$;

SELECT kafka_stream.drop_stream('s', cascade => true);
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA kafka_stream FROM ks_maker;
DROP SCHEMA identity CASCADE;
DROP ROLE ks_maker;
