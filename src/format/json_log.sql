CREATE FUNCTION kafka_stream.parse_json_log(
    line text,
    OUT event_time timestamptz, OUT level text, OUT service text, OUT message text,
    OUT ip_address inet, OUT user_id text, OUT request_id text, OUT response_time float8,
    OUT status_code int, OUT error_code text)
AS 'MODULE_PATHNAME', 'ks_parse_json_log'
LANGUAGE C STABLE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION kafka_stream.parse_json_log(text) IS
'a JSON object, as services log requests, as a row: keys are columns, "timestamp" is event_time; values convert as in a stream of format json (a number is epoch milliseconds, a time without zone is UTC); missing and null keys are NULL; the row is NULL where the line is no such object or a value does not fit (no error; kafka_stream.decode says why)';
