/* -------------------------------------------------------------------------
 * The stored form of aggregate states whose transition type is internal.
 * There are no casts, and no way in but restoring a dump as a superuser.
 * ------------------------------------------------------------------------- */
CREATE TYPE kafka_stream.state;

CREATE FUNCTION kafka_stream.state_in(pg_catalog.cstring) RETURNS kafka_stream.state
    AS 'MODULE_PATHNAME', 'ks_state_in' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kafka_stream.state_in(pg_catalog.cstring) IS
    'input of kafka_stream.state (hexadecimal, as bytea); feature_not_supported for everybody but superusers, who restore dumps';
CREATE FUNCTION kafka_stream.state_out(kafka_stream.state) RETURNS pg_catalog.cstring
    AS 'MODULE_PATHNAME', 'ks_state_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kafka_stream.state_out(kafka_stream.state) IS
    'output of kafka_stream.state: its bytes in hexadecimal';
CREATE FUNCTION kafka_stream.state_recv(pg_catalog.internal) RETURNS kafka_stream.state
    AS 'MODULE_PATHNAME', 'ks_state_recv' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kafka_stream.state_recv(pg_catalog.internal) IS
    'binary input of kafka_stream.state; feature_not_supported for everybody but superusers';
CREATE FUNCTION kafka_stream.state_send(kafka_stream.state) RETURNS pg_catalog.bytea
    AS 'MODULE_PATHNAME', 'ks_state_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kafka_stream.state_send(kafka_stream.state) IS
    'binary output of kafka_stream.state: its bytes';

CREATE TYPE kafka_stream.state (
    INPUT = kafka_stream.state_in,
    OUTPUT = kafka_stream.state_out,
    RECEIVE = kafka_stream.state_recv,
    SEND = kafka_stream.state_send,
    INTERNALLENGTH = VARIABLE,
    STORAGE = external
);
COMMENT ON TYPE kafka_stream.state IS
    'state of an aggregate in a continuous view, combined by kafka_stream.finish() and kafka_stream.merge(); of one PostgreSQL major version and database encoding';
