-- What the extension puts into a database: every function explained, nothing
-- open to PUBLIC but what is listed here, every table part of a dump.
CREATE TEMP VIEW members AS
    SELECT classid, objid FROM pg_depend
    WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
      AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'kafka_stream');
CREATE TEMP VIEW functions AS
    SELECT p.*, p.oid::regprocedure::text AS name,
           has_function_privilege('public', p.oid, 'EXECUTE') AS public,
           CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END
           || CASE WHEN p.proisstrict THEN ' strict' ELSE '' END
           || CASE p.proparallel WHEN 's' THEN '' WHEN 'r' THEN ' restricted' ELSE ' unsafe' END AS declared
    FROM pg_proc AS p JOIN members AS m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid;
SELECT count(*) > 100 AS enough FROM functions;
-- without a comment
SELECT name FROM functions WHERE coalesce(obj_description(oid, 'pg_proc'), '') = '';
SELECT pg_describe_object(classid, objid, 0) FROM members
WHERE classid <> 'pg_proc'::regclass AND (classid <> 'pg_type'::regclass OR objid = 'kafka_stream.state'::regtype)
  AND obj_description(objid, classid::regclass::name) IS NULL
ORDER BY 1;
-- not of our modules, or not by our names
SELECT name, probin, prosrc FROM functions
WHERE prolang = (SELECT oid FROM pg_language WHERE lanname = 'c')
  AND (probin NOT IN ('$libdir/kafka_stream', '$libdir/kafka_stream_kafka') OR prosrc !~ '^ks_');
-- Revoked from PUBLIC: what creates, changes, reaches the network, or is a
-- trigger's.
SELECT name, declared FROM functions WHERE NOT public ORDER BY name COLLATE "C";
-- Open to PUBLIC.  What takes "internal" only an aggregate can call.
SELECT name, declared FROM functions
WHERE public AND prokind <> 'a' AND name !~ '\Winternal\W' ORDER BY name COLLATE "C";
SELECT name, declared FROM functions
WHERE public AND prokind <> 'a' AND name ~ '\Winternal\W' ORDER BY name COLLATE "C";
SELECT name FROM functions WHERE public AND prokind = 'a' ORDER BY name COLLATE "C";
-- With its owner's rights: a fixed search_path, without the schema of anybody else.
SELECT name, proconfig FROM functions WHERE prosecdef ORDER BY name COLLATE "C";
SELECT name FROM functions
WHERE prosecdef AND (public OR proconfig IS DISTINCT FROM '{"search_path=pg_catalog, pg_temp"}');
-- Tables and sequences that pg_dump would leave out, and conditions on rows.
SELECT m.objid::regclass FROM members AS m JOIN pg_class AS c ON c.oid = m.objid
WHERE m.classid = 'pg_class'::regclass AND c.relkind IN ('r', 'S')
  AND m.objid <> ALL (SELECT unnest(extconfig) FROM pg_extension WHERE extname = 'kafka_stream');
SELECT array_length(extconfig, 1) > 5 AS enough, array_to_string(extcondition, '') AS conditions
FROM pg_extension WHERE extname = 'kafka_stream';
-- What PUBLIC may do with relations: read views, nothing else.
SELECT c.oid::regclass AS name, c.relkind, string_agg(a.privilege_type, ', ') AS public
FROM members AS m JOIN pg_class AS c ON c.oid = m.objid, aclexplode(c.relacl) AS a
WHERE m.classid = 'pg_class'::regclass AND a.grantee = 0
GROUP BY c.oid ORDER BY c.oid::regclass::text COLLATE "C";
SELECT nspname, string_agg(a.privilege_type, ', ') AS public
FROM pg_namespace AS n, aclexplode(n.nspacl) AS a
WHERE nspname ~ '^kafka_stream' AND a.grantee = 0 GROUP BY nspname ORDER BY nspname;
SELECT count(*) FROM pg_foreign_data_wrapper, aclexplode(fdwacl) WHERE fdwname = 'kafka_stream' AND grantee = 0;
-- Event triggers hold in every session.
SELECT evtname, evtevent, evtenabled FROM pg_event_trigger WHERE evtname ~ '^kafka_stream' ORDER BY evtname;
-- Views that show a reader's own streams alone must not be looked behind.
SELECT m.objid::regclass FROM members AS m JOIN pg_class AS c ON c.oid = m.objid
WHERE c.relkind = 'v' AND m.classid = 'pg_class'::regclass AND reloptions IS DISTINCT FROM '{security_barrier=true}';
-- Functions that anybody may call look at nothing that is not theirs.
CREATE SCHEMA catalog;
SET search_path = catalog, public;
SELECT kafka_stream.create_stream('s', 'event_time timestamptz', source => 'insert');
SELECT kafka_stream.create_view('v', $$SELECT count(*) FROM s GROUP BY kafka_stream.tumble(event_time, '1 minute')$$);
SELECT kafka_stream.create_view('w', $$SELECT count(*) FROM s GROUP BY kafka_stream.tumble(event_time, '1 minute')$$);
INSERT INTO s VALUES ('2026-01-05 00:00:30Z');
SELECT w.* FROM kafka_stream_internal.view AS v, kafka_stream_internal.open_windows(id, states, 'tumble', '1 minute', '1 minute', 'epoch') AS w
WHERE view = 'v'::regclass;
SELECT id AS v, states AS other FROM (SELECT id FROM kafka_stream_internal.view WHERE view = 'v'::regclass) AS v,
    (SELECT states FROM kafka_stream_internal.view WHERE view = 'w'::regclass) AS w \gset
\set VERBOSITY sqlstate
SELECT * FROM kafka_stream_internal.open_windows(:v, :'other', 'tumble', '1 minute', '1 minute', 'epoch');
SELECT * FROM kafka_stream_internal.open_windows(:v, 'pg_class', 'tumble', '1 minute', '1 minute', 'epoch');
SELECT * FROM kafka_stream_internal.open_windows(:v, 'kafka_stream_internal.stream', 'tumble', '1 minute', '1 minute', 'epoch');
SELECT * FROM kafka_stream_internal.open_windows(0, 'pg_class', 'tumble', '1 minute', '1 minute', 'epoch');
\set VERBOSITY default
SELECT kafka_stream_internal.mark_row('(0,1)'::tid);
CREATE ROLE catalog_reader;
SET ROLE catalog_reader;
SELECT '\x00'::text::kafka_stream.state;
SELECT count(*) FROM kafka_stream_internal.slots();
SELECT (SELECT count(*) FROM kafka_stream.streams) AS streams, (SELECT count(*) FROM kafka_stream.views) AS views,
       (SELECT count(*) FROM kafka_stream.partitions) AS partitions, (SELECT count(*) FROM kafka_stream.stats) AS stats;
SELECT kafka_stream.create_stream('nobody', 'event_time timestamptz');
SELECT kafka_stream_internal.touch_stream(1);
SELECT * FROM kafka_stream_internal.stream;
SELECT nextval('kafka_stream_internal.view_id');
RESET ROLE;
DROP ROLE catalog_reader;
SET client_min_messages = warning;
SELECT kafka_stream.drop_stream('s', cascade => true);
DROP SCHEMA catalog;
