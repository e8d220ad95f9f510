/* -------------------------------------------------------------------------
 * Formats: what a message becomes.
 * ------------------------------------------------------------------------- */
CREATE FUNCTION kafka_stream.decode(
    relation regclass, value bytea, options jsonb DEFAULT '{}', format text DEFAULT 'json',
    OUT decoded jsonb, OUT sqlstate text, OUT error text, OUT column_name text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'ks_decode'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION kafka_stream.decode(regclass, bytea, jsonb, text) IS
'what a message would become in a table with these columns: decoded, the columns found in it as jsonb, or sqlstate, error and (if one is to blame) column_name as its dead letter would have them; options and format as in create_stream; raises an error for options that make no sense and formats that do not exist';
