CREATE FUNCTION kafka_stream.why_open(name regclass)
    RETURNS TABLE (topic text, kafka_partition int, clock timestamptz, reason text)
    LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
SELECT p.topic, p.kafka_partition, p.clock,
       CASE WHEN p.idle THEN 'idle: does not hold the watermark back'
            WHEN p.clock IS NULL THEN 'holds the watermark at -infinity: no row of this partition was read yet'
            WHEN p.clock = min(p.clock) FILTER (WHERE NOT coalesce(p.idle, false)) OVER ()
            THEN 'holds the watermark: windows that end after '
                 || greatest(v.watermark, '-infinity')::text
                 || ' wait for later event times here, or for the partition to be idle'
            ELSE 'is ahead of the partition that holds the watermark' END
       || CASE WHEN p.lag > 0 THEN format('; %s messages are still to be read', p.lag) ELSE '' END
FROM kafka_stream.views AS v JOIN kafka_stream.partitions AS p ON p.stream = v.stream
WHERE v.view = name
UNION ALL
SELECT NULL, NULL, NULL,
       format('closing waits for the transaction of process %s, open since %s, which wrote to the stream',
              l.pid, coalesce(a.xact_start::text, 'some time'))
FROM kafka_stream.views AS v
JOIN pg_locks AS l ON l.locktype = 'object' AND l.classid = 'pg_class'::regclass
     AND l.objid = v.stream::oid AND l.objsubid = 1 AND l.granted
     AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
LEFT JOIN pg_stat_activity AS a ON a.pid = l.pid
WHERE v.view = name AND coalesce(a.backend_type, '') <> 'kafka_stream worker'
UNION ALL
SELECT NULL, NULL, NULL, format('the view has failed: %s', v.reason)
FROM kafka_stream.views AS v WHERE v.view = name AND v.state = 'failed'
UNION ALL
SELECT NULL, NULL, NULL, format('the stream is %s%s', s.state, ': ' || s.reason)
FROM kafka_stream.views AS v JOIN kafka_stream.streams AS s ON s.stream = v.stream
WHERE v.view = name AND s.state <> 'running';
END;
COMMENT ON FUNCTION kafka_stream.why_open(regclass) IS
    'why windows of a continuous view are still open, in words: a row per partition of its stream, and one for each other cause (a transaction that wrote to the stream, a failed view, a stopped stream)';
