CREATE FUNCTION kafka_stream.create_view(name text, query text,
    watermark_delay interval DEFAULT NULL,
    late text DEFAULT 'store',
    retention interval DEFAULT NULL,
    expire interval DEFAULT NULL,
    fill text DEFAULT 'none',
    backfill text DEFAULT 'staged',
    replace boolean DEFAULT false) RETURNS regclass
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'ks_create_view';
COMMENT ON FUNCTION kafka_stream.create_view(text, text, interval, text, interval, interval, text, text, boolean) IS
    'keeps the result of a query over a stream up to date, as a view. query: a SELECT with one stream in FROM, windows (tumble, hop, cumulate) in GROUP BY; watermark_delay: how far event time may lag (NULL: the stream''s); late: store or drop late rows; retention: of final windows, by event time (NULL: kept); backfill: staged (rows still in staging are folded first) or none. Errors: feature_not_supported names what a continuous view cannot have';
REVOKE EXECUTE ON FUNCTION kafka_stream.create_view(text, text, interval, text, interval, interval, text, text, boolean) FROM PUBLIC;

CREATE FUNCTION kafka_stream.drop_view(name text, cascade boolean DEFAULT false) RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'ks_drop_view';
COMMENT ON FUNCTION kafka_stream.drop_view(text, boolean) IS
    'drops a continuous view with its states and final windows, as DROP VIEW does; cascade: with all that depends on it';
REVOKE EXECUTE ON FUNCTION kafka_stream.drop_view(text, boolean) FROM PUBLIC;

CREATE FUNCTION kafka_stream.explain_view(name text) RETURNS text
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'ks_explain_view';
COMMENT ON FUNCTION kafka_stream.explain_view(text) IS
    'the SQL of a continuous view: its query, what a fold appends to its states, how windows are read, closed and merged. Needs SELECT on the view';
