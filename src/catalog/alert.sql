-- -------------------------------------------------------------------------
-- Alerts: what is declared, how far each was evaluated, what was found.
-- -------------------------------------------------------------------------
CREATE SEQUENCE kafka_stream_internal.alert_id;
COMMENT ON SEQUENCE kafka_stream_internal.alert_id IS 'numbers alerts and their definitions: alert_<n>_<name>';

CREATE TABLE kafka_stream_internal.alert (
    id int PRIMARY KEY,
    name text NOT NULL UNIQUE,
    definition regclass NOT NULL,    -- the query, as a view; its owner is the alert's
    view regclass,                          -- evaluated for each window of this view,
    every interval,                         -- or so often
    key text[] NOT NULL,
    notify text,
    hold_for interval NOT NULL,
    retention interval,                     -- of resolved rows; NULL: all are kept
    settings text[] NOT NULL,               -- name, value, name, value: as when it was created
    enabled boolean NOT NULL DEFAULT true,
    -- Where it may run: a copy restored elsewhere is not evaluated until enabled by hand.
    system_identifier bigint NOT NULL,
    database oid NOT NULL,
    CHECK ((view IS NULL) <> (every IS NULL))
);
CREATE INDEX ON kafka_stream_internal.alert (view);
COMMENT ON TABLE kafka_stream_internal.alert IS 'one row per alert, as declared';

CREATE TABLE kafka_stream_internal.alert_progress (
    id int PRIMARY KEY,
    version int NOT NULL DEFAULT 0,         -- rises when the alert is altered
    evaluated_to timestamptz NOT NULL DEFAULT '-infinity',  -- end of the last window, or time of the last run
    failed_since timestamptz,               -- the query fails since then
    sqlstate text,
    error text
) WITH (fillfactor = 50);
COMMENT ON TABLE kafka_stream_internal.alert_progress IS 'how far each alert was evaluated; moves with its rows, in one transaction';

CREATE TABLE kafka_stream_internal.alert_row (
    alert int NOT NULL,
    key jsonb NOT NULL,
    state text NOT NULL CHECK (state IN ('pending', 'firing', 'resolved')),  -- pending: for less than hold_for
    since timestamptz NOT NULL,
    until timestamptz,
    value jsonb NOT NULL,
    CHECK ((state = 'resolved') = (until IS NOT NULL))
) WITH (fillfactor = 70);
-- At most one open row per key.  Keys can be longer than an index entry, so two
-- hashes of 64 bits stand for each.
CREATE UNIQUE INDEX alert_row_unresolved ON kafka_stream_internal.alert_row
    (alert, pg_catalog.jsonb_hash_extended(key, 0), pg_catalog.jsonb_hash_extended(key, 1))
    WHERE state <> 'resolved';
CREATE INDEX alert_row_resolved ON kafka_stream_internal.alert_row (alert, until) WHERE state = 'resolved';
COMMENT ON TABLE kafka_stream_internal.alert_row IS 'what alerts found: a row per key and unbroken stretch';

SELECT pg_catalog.pg_extension_config_dump('kafka_stream_internal.alert_id', '');
SELECT pg_catalog.pg_extension_config_dump('kafka_stream_internal.alert', '');
SELECT pg_catalog.pg_extension_config_dump('kafka_stream_internal.alert_progress', '');
SELECT pg_catalog.pg_extension_config_dump('kafka_stream_internal.alert_row', '');
