/* -------------------------------------------------------------------------
 * Access logs: one line as a row.
 * ------------------------------------------------------------------------- */
CREATE FUNCTION kafka_stream.parse_apache_log(
    line text,
    OUT client text, OUT identity text, OUT "user" text, OUT event_time timestamptz,
    OUT method text, OUT url text, OUT protocol text, OUT status int, OUT size bigint,
    OUT referer text, OUT user_agent text, OUT vhost text)
AS 'MODULE_PATHNAME', 'ks_parse_apache_log'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kafka_stream.parse_apache_log(text) IS
'the fields of one line of an Apache access log: common, combined (with or without further fields behind), and either with vhost or vhost:port in front; size in bytes, texts without their escapes, vhost without its port; a field is NULL where the line has "-" or the format has none, method, url and protocol where the request is none; the row is NULL where the line is none (no error)';

CREATE FUNCTION kafka_stream.parse_nginx_log(
    line text,
    OUT client text, OUT identity text, OUT "user" text, OUT event_time timestamptz,
    OUT method text, OUT url text, OUT protocol text, OUT status int, OUT size bigint,
    OUT referer text, OUT user_agent text, OUT vhost text)
AS 'MODULE_PATHNAME', 'ks_parse_nginx_log'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kafka_stream.parse_nginx_log(text) IS
'the fields of one line of an nginx access log in the format combined (with or without further fields behind): as parse_apache_log; identity and vhost are always NULL';
