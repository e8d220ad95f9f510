CREATE FUNCTION kafka_stream_internal.open_windows(view_id int, states regclass, kind text,
    size interval, slide interval, origin timestamptz,
    OUT window_start timestamptz, OUT window_end timestamptz) RETURNS SETOF record
    LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 10
    AS 'MODULE_PATHNAME', 'ks_open_windows';
COMMENT ON FUNCTION kafka_stream_internal.open_windows(int, regclass, text, interval, interval, timestamptz) IS
    'windows of a continuous view that are open and have states, by end; part of every windowed view';
