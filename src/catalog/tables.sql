/* -------------------------------------------------------------------------
 * Catalog: what is declared, how far it has come.  Rows name relations by
 * regclass, so that dump and restore carry them by name.
 * ------------------------------------------------------------------------- */
CREATE TABLE kafka_stream_internal.stream (
    stream regclass PRIMARY KEY,
    source text NOT NULL,
    topic text,
    brokers text,
    server name,
    start text NOT NULL,
    format text NOT NULL,
    event_time name NOT NULL,
    watermark_delay interval NOT NULL,
    idle_timeout interval,
    max_future interval,
    retention interval NOT NULL,
    staging_limit bigint NOT NULL,
    late_retention interval NOT NULL,
    dead_letter_retention interval NOT NULL,
    batch_interval interval NOT NULL,
    batch_rows int NOT NULL,
    workers int NOT NULL,
    on_error text NOT NULL,
    on_data_loss text NOT NULL,
    options jsonb NOT NULL,
    late regclass NOT NULL,
    enabled boolean NOT NULL DEFAULT true,
    -- Where it may run: a copy restored elsewhere stays stopped until started by hand.
    system_identifier bigint NOT NULL,
    database oid NOT NULL,
    cluster_id text
);
COMMENT ON TABLE kafka_stream_internal.stream IS 'one row per stream, as declared';

CREATE SEQUENCE kafka_stream_internal.stream_number;
COMMENT ON SEQUENCE kafka_stream_internal.stream_number IS 'numbers the segments of staging tables: stream_<n>_segment_<k>';

CREATE TABLE kafka_stream_internal.partition (
    stream regclass NOT NULL,
    topic text NOT NULL,                -- '' for the partition of INSERTs
    kafka_partition int NOT NULL,       -- -1 for the partition of INSERTs
    next_offset bigint NOT NULL,
    clock timestamptz NOT NULL DEFAULT '-infinity',
    end_offset bigint,                  -- last stable offset when last looked
    idle boolean NOT NULL DEFAULT false,
    anchor_offset bigint,               -- the last record read: a topic that was
    anchor_timestamp bigint,            -- made again has another one there
    anchor_hash bigint,
    restage_next bigint,                -- rows from here to restage_end were staged and
    restage_end bigint,                 -- are to be read again, since a crash took them
    PRIMARY KEY (stream, topic, kafka_partition)
) WITH (fillfactor = 50);
COMMENT ON TABLE kafka_stream_internal.partition IS 'how far each partition was read, and its clock; moves with results, in one transaction';

CREATE TABLE kafka_stream_internal.staged (
    stream regclass NOT NULL,
    segment int NOT NULL,
    topic text NOT NULL,
    kafka_partition int NOT NULL,
    from_offset bigint NOT NULL,
    since timestamptz NOT NULL,
    PRIMARY KEY (stream, segment, topic, kafka_partition)
);
COMMENT ON TABLE kafka_stream_internal.staged IS 'which offset of each partition each segment of staging begins with, and when: what to read again after a crash';

CREATE SEQUENCE kafka_stream_internal.view_id;
COMMENT ON SEQUENCE kafka_stream_internal.view_id IS 'numbers views and what belongs to them: view_<n>_states';
CREATE TABLE kafka_stream_internal.view (
    id int PRIMARY KEY,
    view regclass NOT NULL UNIQUE,
    stream regclass NOT NULL,
    definition regclass NOT NULL,       -- the query, as a view that is never executed
    kind text NOT NULL CHECK (kind IN ('window', 'running', 'rows', 'detector')),
    states regclass,                    -- partial aggregates (window, running), or what a detector keeps of each series
    open regclass,                      -- the states combined, one row per window and group
    finals regclass,                    -- final windows (window, detector), or the rows of kind 'rows'
    watermark_delay interval,           -- NULL: the stream's
    late text NOT NULL CHECK (late IN ('store', 'drop')),
    retention interval,
    settings text[] NOT NULL,           -- name, value, name, value: as when it was created
    pg_major int NOT NULL,
    complete_from timestamptz NOT NULL DEFAULT '-infinity',
    source regclass                     -- the view whose final windows a detector reads
);
CREATE INDEX ON kafka_stream_internal.view (stream);
COMMENT ON TABLE kafka_stream_internal.view IS 'one row per continuous view, as declared';

CREATE TABLE kafka_stream_internal.view_progress (
    id int PRIMARY KEY,
    closed_to timestamptz NOT NULL DEFAULT '-infinity',     -- the view's watermark: windows that end here or earlier are final
    state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'backfilling', 'failed')),
    reason text
) WITH (fillfactor = 50);
COMMENT ON TABLE kafka_stream_internal.view_progress IS 'how far each view has come';

CREATE TABLE kafka_stream_internal.counter (
    stream regclass NOT NULL,
    view_id int NOT NULL,               -- 0: the stream itself
    inserted boolean NOT NULL DEFAULT false,    -- what came by INSERT and COPY
    rows bigint NOT NULL DEFAULT 0,
    bytes bigint NOT NULL DEFAULT 0,
    tombstones bigint NOT NULL DEFAULT 0,
    lost bigint NOT NULL DEFAULT 0,
    folded bigint NOT NULL DEFAULT 0,
    filtered bigint NOT NULL DEFAULT 0,
    late bigint NOT NULL DEFAULT 0,
    partly_late bigint NOT NULL DEFAULT 0,
    dead_letters bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (stream, view_id, inserted)
) WITH (fillfactor = 50);
COMMENT ON TABLE kafka_stream_internal.counter IS 'what became of every message and row; commits with the batch';

CREATE TABLE kafka_stream_internal.dead_letter (
    stream regclass NOT NULL,
    view regclass,
    topic text,
    kafka_partition int,
    kafka_offset bigint,
    kafka_timestamp timestamptz,
    key bytea,
    value bytea,
    sqlstate text NOT NULL,
    error text NOT NULL,
    column_name name,
    received_at timestamptz NOT NULL
);
CREATE INDEX ON kafka_stream_internal.dead_letter (stream, received_at);
COMMENT ON TABLE kafka_stream_internal.dead_letter IS 'messages, and rows of views, that could not be processed';

SELECT pg_catalog.pg_extension_config_dump('kafka_stream_internal.stream', '');
SELECT pg_catalog.pg_extension_config_dump('kafka_stream_internal.stream_number', '');
SELECT pg_catalog.pg_extension_config_dump('kafka_stream_internal.partition', '');
SELECT pg_catalog.pg_extension_config_dump('kafka_stream_internal.view_id', '');
SELECT pg_catalog.pg_extension_config_dump('kafka_stream_internal.view', '');
SELECT pg_catalog.pg_extension_config_dump('kafka_stream_internal.view_progress', '');
SELECT pg_catalog.pg_extension_config_dump('kafka_stream_internal.counter', '');
SELECT pg_catalog.pg_extension_config_dump('kafka_stream_internal.staged', '');
SELECT pg_catalog.pg_extension_config_dump('kafka_stream_internal.dead_letter', '');
