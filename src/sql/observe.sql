-- -------------------------------------------------------------------------
-- Watching: what runs, how far it has come, what became of every message.
-- Each view shows a role only the streams that it may read.
-- -------------------------------------------------------------------------
CREATE FUNCTION kafka_stream_internal.slots(
    OUT stream oid, OUT state text, OUT reason text, OUT since timestamptz, OUT pid int,
    OUT errors bigint, OUT restarts bigint, OUT rows_per_second double precision,
    OUT bytes_per_second double precision, OUT batch_time interval, OUT newest timestamptz,
    OUT memory_bytes bigint)
    RETURNS SETOF record
    LANGUAGE c VOLATILE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'ks_slots';
COMMENT ON FUNCTION kafka_stream_internal.slots() IS
    'what the workers of this database''s streams say of themselves, and (stream 0) the process of its alerts';

CREATE FUNCTION kafka_stream_internal.is_here(system_identifier bigint, database oid) RETURNS boolean
    LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'ks_is_here';
COMMENT ON FUNCTION kafka_stream_internal.is_here(bigint, oid) IS
    'whether that is this server and database';

CREATE FUNCTION kafka_stream_internal.why_waiting() RETURNS text
    LANGUAGE c VOLATILE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'ks_why_waiting';
COMMENT ON FUNCTION kafka_stream_internal.why_waiting() IS
    'why a stream that should run has no worker, in words';

CREATE VIEW kafka_stream.streams WITH (security_barrier) AS
SELECT s.stream,
       CASE WHEN NOT s.enabled OR NOT h.here THEN 'stopped'
            ELSE coalesce(r.state, 'waiting') END AS state,
       CASE WHEN NOT h.here AND s.enabled
            THEN pg_catalog.format('comes from another server or database; SELECT kafka_stream.start_stream(%L) lets it run here', s.stream::text)
            WHEN NOT s.enabled THEN NULL
            WHEN coalesce(r.state, 'waiting') = 'waiting'
            THEN coalesce(r.reason, kafka_stream_internal.why_waiting())
            ELSE r.reason END AS reason,
       r.since,
       r.pid
FROM kafka_stream_internal.stream s
CROSS JOIN LATERAL (SELECT kafka_stream_internal.is_here(s.system_identifier, s.database)) AS h (here)
LEFT JOIN kafka_stream_internal.slots() r ON r.stream = s.stream
WHERE pg_catalog.has_table_privilege(s.stream, 'SELECT');
COMMENT ON VIEW kafka_stream.streams IS 'streams and how they do';

CREATE VIEW kafka_stream.views WITH (security_barrier) AS
SELECT v.view, v.stream, p.state, p.reason,
       NULL::double precision AS progress,
       p.closed_to AS watermark, v.complete_from
FROM kafka_stream_internal.view v
JOIN kafka_stream_internal.view_progress p ON p.id = v.id
WHERE pg_catalog.has_table_privilege(v.view, 'SELECT')
   OR pg_catalog.has_table_privilege(v.stream, 'SELECT');
COMMENT ON VIEW kafka_stream.views IS
    'continuous views: their watermark, up to which windows are final, and from when on they are complete';

CREATE VIEW kafka_stream.partitions WITH (security_barrier) AS
SELECT p.stream,
       nullif(p.topic, '') AS topic,
       nullif(p.kafka_partition, -1) AS kafka_partition,
       p.next_offset,
       CASE WHEN p.kafka_partition < 0 THEN p.next_offset ELSE p.end_offset END AS end_offset,
       CASE WHEN p.kafka_partition < 0 THEN 0
            ELSE greatest(p.end_offset - p.next_offset, 0) END AS lag,
       nullif(p.clock, '-infinity') AS clock,
       CASE WHEN p.kafka_partition >= 0 THEN p.idle END AS idle
FROM kafka_stream_internal.partition p
WHERE pg_catalog.has_table_privilege(p.stream, 'SELECT');
COMMENT ON VIEW kafka_stream.partitions IS
    'how far each partition was read; the partition of INSERTs has no topic and no number';

CREATE VIEW kafka_stream.stats WITH (security_barrier) AS
SELECT c.stream, v.view,
       CASE WHEN c.view_id = 0 THEN c.rows
            ELSE c.folded + c.filtered + c.late + c.dead_letters END AS rows,
       c.bytes, c.tombstones, c.lost, c.folded, c.filtered, c.late, c.partly_late, c.dead_letters,
       r.errors, r.restarts, r.rows_per_second, r.bytes_per_second, r.batch_time,
       pg_catalog.now() - r.newest AS freshness, r.memory_bytes
FROM (SELECT stream, view_id,
             sum(rows)::bigint AS rows, sum(bytes)::bigint AS bytes,
             sum(tombstones)::bigint AS tombstones, sum(lost)::bigint AS lost,
             sum(folded)::bigint AS folded, sum(filtered)::bigint AS filtered,
             sum(late)::bigint AS late, sum(partly_late)::bigint AS partly_late,
             sum(dead_letters)::bigint AS dead_letters
      FROM kafka_stream_internal.counter GROUP BY stream, view_id) c
LEFT JOIN kafka_stream_internal.view v ON v.id = c.view_id
LEFT JOIN kafka_stream_internal.slots() r ON r.stream = c.stream AND c.view_id = 0
WHERE pg_catalog.has_table_privilege(c.stream, 'SELECT');
COMMENT ON VIEW kafka_stream.stats IS
    'what became of every message and row: a row per stream (view NULL) and one per view; counts commit with the batch, the rest is since the worker started';

CREATE VIEW kafka_stream.dead_letters WITH (security_barrier) AS
SELECT stream, view, topic, kafka_partition, kafka_offset, kafka_timestamp, key, value,
       sqlstate, error, column_name, received_at
FROM kafka_stream_internal.dead_letter
WHERE pg_catalog.has_table_privilege(stream, 'SELECT');
COMMENT ON VIEW kafka_stream.dead_letters IS
    'messages (view NULL), and rows of one view, that could not be processed, with their bytes and their error';

GRANT SELECT ON kafka_stream.streams, kafka_stream.views, kafka_stream.partitions,
    kafka_stream.stats, kafka_stream.dead_letters TO PUBLIC;
