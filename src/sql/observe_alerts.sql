-- -------------------------------------------------------------------------
-- Alerts: what fires, what did, and what is declared.  A role sees the alerts
-- of roles that it is a member of; pg_read_all_data sees all.
-- -------------------------------------------------------------------------
CREATE VIEW kafka_stream.alerts WITH (security_barrier) AS
SELECT a.name AS alert, r.key, r.state, r.since, r.until, r.value, r.error
FROM kafka_stream_internal.alert a
JOIN pg_catalog.pg_class c ON c.oid = a.definition
CROSS JOIN LATERAL (
    SELECT w.key, w.state, w.since, w.until, w.value, NULL::text AS error
    FROM kafka_stream_internal.alert_row w WHERE w.alert = a.id AND w.state <> 'pending'
    UNION ALL
    SELECT NULL, 'failed', p.failed_since, NULL, NULL, p.error
    FROM kafka_stream_internal.alert_progress p WHERE p.id = a.id AND p.failed_since IS NOT NULL) r
WHERE pg_catalog.pg_has_role(c.relowner, 'USAGE')
   OR pg_catalog.pg_has_role('pg_read_all_data', 'USAGE');
COMMENT ON VIEW kafka_stream.alerts IS
    'what alerts found: a row per key and unbroken stretch, firing or resolved; and a row with state failed and no key for an alert whose query fails';

CREATE VIEW kafka_stream.alert_rules WITH (security_barrier) AS
SELECT a.name AS alert, c.relowner::regrole AS owner, a.view, a.every, a.key, a.notify, a.hold_for,
       a.retention,
       pg_catalog.regexp_replace(pg_catalog.regexp_replace(pg_catalog.pg_get_viewdef(a.definition),
           '(kafka_stream\.)?alert_window_start\(\)', '$1', 'g'),
           '(kafka_stream\.)?alert_window_end\(\)', '$2', 'g') AS query,
       nullif(p.evaluated_to, '-infinity') AS evaluated_to,
       a.enabled AND h.here AS enabled,
       CASE WHEN a.enabled AND NOT h.here
            THEN pg_catalog.format('comes from another server or database; SELECT kafka_stream.alter_alert(%L, ''{"enabled": true}'') lets it run here', a.name)
            WHEN a.enabled THEN coalesce(p.error, r.reason)
            ELSE p.error END AS error
FROM kafka_stream_internal.alert a
JOIN kafka_stream_internal.alert_progress p ON p.id = a.id
JOIN pg_catalog.pg_class c ON c.oid = a.definition
CROSS JOIN LATERAL (SELECT kafka_stream_internal.is_here(a.system_identifier, a.database)) AS h (here)
LEFT JOIN kafka_stream_internal.slots() r ON r.stream = 0
WHERE pg_catalog.pg_has_role(c.relowner, 'USAGE')
   OR pg_catalog.pg_has_role('pg_read_all_data', 'USAGE');
COMMENT ON VIEW kafka_stream.alert_rules IS
    'alerts as declared, how far they were evaluated (the end of a window, or the time of a run), and why one does not run';

GRANT SELECT ON kafka_stream.alerts, kafka_stream.alert_rules TO PUBLIC;
