/* -------------------------------------------------------------------------
 * Lists of values, mergeable.  The ordered_ ones stand in for array_agg,
 * string_agg and collect_list in views: after the value (and delimiter) they
 * take the row's event time, topic, partition and offset, and sort by these.
 * ------------------------------------------------------------------------- */
CREATE FUNCTION kafka_stream.list_trans(pg_catalog.internal, value pg_catalog.anyelement)
    RETURNS pg_catalog.internal
    AS 'MODULE_PATHNAME', 'ks_list_trans' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kafka_stream.list_trans(pg_catalog.internal, pg_catalog.anyelement) IS
    'transition function of kafka_stream.collect_list()';
CREATE FUNCTION kafka_stream.ordered_list_trans(pg_catalog.internal, value pg_catalog.anyelement,
        event_time pg_catalog.timestamptz, topic pg_catalog.text, kafka_partition pg_catalog.int4,
        kafka_offset pg_catalog.int8)
    RETURNS pg_catalog.internal
    AS 'MODULE_PATHNAME', 'ks_ordered_list_trans' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kafka_stream.ordered_list_trans(pg_catalog.internal, pg_catalog.anyelement, pg_catalog.timestamptz, pg_catalog.text, pg_catalog.int4, pg_catalog.int8) IS
    'transition function of kafka_stream.ordered_collect_list()';
CREATE FUNCTION kafka_stream.ordered_array_trans(pg_catalog.internal, value pg_catalog.anyelement,
        event_time pg_catalog.timestamptz, topic pg_catalog.text, kafka_partition pg_catalog.int4,
        kafka_offset pg_catalog.int8)
    RETURNS pg_catalog.internal
    AS 'MODULE_PATHNAME', 'ks_ordered_array_trans' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kafka_stream.ordered_array_trans(pg_catalog.internal, pg_catalog.anyelement, pg_catalog.timestamptz, pg_catalog.text, pg_catalog.int4, pg_catalog.int8) IS
    'transition function of kafka_stream.ordered_array_agg()';
CREATE FUNCTION kafka_stream.ordered_string_trans(pg_catalog.internal, value pg_catalog.text,
        delimiter pg_catalog.text, event_time pg_catalog.timestamptz, topic pg_catalog.text,
        kafka_partition pg_catalog.int4, kafka_offset pg_catalog.int8)
    RETURNS pg_catalog.internal
    AS 'MODULE_PATHNAME', 'ks_ordered_string_trans' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kafka_stream.ordered_string_trans(pg_catalog.internal, pg_catalog.text, pg_catalog.text, pg_catalog.timestamptz, pg_catalog.text, pg_catalog.int4, pg_catalog.int8) IS
    'transition function of kafka_stream.ordered_string_agg()';
CREATE FUNCTION kafka_stream.ordered_string_trans(pg_catalog.internal, value pg_catalog.bytea,
        delimiter pg_catalog.bytea, event_time pg_catalog.timestamptz, topic pg_catalog.text,
        kafka_partition pg_catalog.int4, kafka_offset pg_catalog.int8)
    RETURNS pg_catalog.internal
    AS 'MODULE_PATHNAME', 'ks_ordered_string_trans' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kafka_stream.ordered_string_trans(pg_catalog.internal, pg_catalog.bytea, pg_catalog.bytea, pg_catalog.timestamptz, pg_catalog.text, pg_catalog.int4, pg_catalog.int8) IS
    'transition function of kafka_stream.ordered_string_agg()';

CREATE FUNCTION kafka_stream.ordered_combine(pg_catalog.internal, pg_catalog.internal)
    RETURNS pg_catalog.internal
    AS 'MODULE_PATHNAME', 'ks_ordered_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kafka_stream.ordered_combine(pg_catalog.internal, pg_catalog.internal) IS
    'combine function of aggregates that make lists';
CREATE FUNCTION kafka_stream.ordered_serialize(pg_catalog.internal)
    RETURNS pg_catalog.bytea
    AS 'MODULE_PATHNAME', 'ks_ordered_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kafka_stream.ordered_serialize(pg_catalog.internal) IS
    'serialize function of aggregates that make lists';
CREATE FUNCTION kafka_stream.ordered_deserialize(pg_catalog.bytea, pg_catalog.internal)
    RETURNS pg_catalog.internal
    AS 'MODULE_PATHNAME', 'ks_ordered_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kafka_stream.ordered_deserialize(pg_catalog.bytea, pg_catalog.internal) IS
    'deserialize function of aggregates that make lists';

CREATE FUNCTION kafka_stream.collect_list_final(pg_catalog.internal, value pg_catalog.anyelement)
    RETURNS pg_catalog.anyarray
    AS 'MODULE_PATHNAME', 'ks_ordered_list_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kafka_stream.collect_list_final(pg_catalog.internal, pg_catalog.anyelement) IS
    'final function of kafka_stream.collect_list()';
CREATE AGGREGATE kafka_stream.collect_list(value pg_catalog.anyelement) (
    SFUNC = kafka_stream.list_trans,
    STYPE = pg_catalog.internal,
    FINALFUNC = kafka_stream.collect_list_final,
    FINALFUNC_EXTRA,
    COMBINEFUNC = kafka_stream.ordered_combine,
    SERIALFUNC = kafka_stream.ordered_serialize,
    DESERIALFUNC = kafka_stream.ordered_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE kafka_stream.collect_list(pg_catalog.anyelement) IS
    'the values without nulls as an array, empty if there are none; in a continuous view in order of event time, topic, partition and offset, else as they come';

CREATE FUNCTION kafka_stream.ordered_collect_list_final(pg_catalog.internal, value pg_catalog.anyelement,
        event_time pg_catalog.timestamptz, topic pg_catalog.text, kafka_partition pg_catalog.int4,
        kafka_offset pg_catalog.int8)
    RETURNS pg_catalog.anyarray
    AS 'MODULE_PATHNAME', 'ks_ordered_list_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kafka_stream.ordered_collect_list_final(pg_catalog.internal, pg_catalog.anyelement, pg_catalog.timestamptz, pg_catalog.text, pg_catalog.int4, pg_catalog.int8) IS
    'final function of kafka_stream.ordered_collect_list()';
CREATE AGGREGATE kafka_stream.ordered_collect_list(value pg_catalog.anyelement,
        event_time pg_catalog.timestamptz, topic pg_catalog.text, kafka_partition pg_catalog.int4,
        kafka_offset pg_catalog.int8) (
    SFUNC = kafka_stream.ordered_list_trans,
    STYPE = pg_catalog.internal,
    FINALFUNC = kafka_stream.ordered_collect_list_final,
    FINALFUNC_EXTRA,
    COMBINEFUNC = kafka_stream.ordered_combine,
    SERIALFUNC = kafka_stream.ordered_serialize,
    DESERIALFUNC = kafka_stream.ordered_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE kafka_stream.ordered_collect_list(pg_catalog.anyelement, pg_catalog.timestamptz, pg_catalog.text, pg_catalog.int4, pg_catalog.int8) IS
    'the values without nulls as an array, empty if there are none, in order of event time, topic, partition and offset (nulls last), then of their bytes';

CREATE FUNCTION kafka_stream.ordered_array_final(pg_catalog.internal, value pg_catalog.anyelement,
        event_time pg_catalog.timestamptz, topic pg_catalog.text, kafka_partition pg_catalog.int4,
        kafka_offset pg_catalog.int8)
    RETURNS pg_catalog.anyarray
    AS 'MODULE_PATHNAME', 'ks_ordered_array_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kafka_stream.ordered_array_final(pg_catalog.internal, pg_catalog.anyelement, pg_catalog.timestamptz, pg_catalog.text, pg_catalog.int4, pg_catalog.int8) IS
    'final function of kafka_stream.ordered_array_agg()';
CREATE AGGREGATE kafka_stream.ordered_array_agg(value pg_catalog.anyelement,
        event_time pg_catalog.timestamptz, topic pg_catalog.text, kafka_partition pg_catalog.int4,
        kafka_offset pg_catalog.int8) (
    SFUNC = kafka_stream.ordered_array_trans,
    STYPE = pg_catalog.internal,
    FINALFUNC = kafka_stream.ordered_array_final,
    FINALFUNC_EXTRA,
    COMBINEFUNC = kafka_stream.ordered_combine,
    SERIALFUNC = kafka_stream.ordered_serialize,
    DESERIALFUNC = kafka_stream.ordered_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE kafka_stream.ordered_array_agg(pg_catalog.anyelement, pg_catalog.timestamptz, pg_catalog.text, pg_catalog.int4, pg_catalog.int8) IS
    'array_agg(value) in order of event time, topic, partition and offset (nulls last), then of the values'' bytes';

CREATE FUNCTION kafka_stream.ordered_text_final(pg_catalog.internal)
    RETURNS pg_catalog.text
    AS 'MODULE_PATHNAME', 'ks_ordered_string_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kafka_stream.ordered_text_final(pg_catalog.internal) IS
    'final function of kafka_stream.ordered_string_agg(text, ...)';
CREATE AGGREGATE kafka_stream.ordered_string_agg(value pg_catalog.text, delimiter pg_catalog.text,
        event_time pg_catalog.timestamptz, topic pg_catalog.text, kafka_partition pg_catalog.int4,
        kafka_offset pg_catalog.int8) (
    SFUNC = kafka_stream.ordered_string_trans,
    STYPE = pg_catalog.internal,
    FINALFUNC = kafka_stream.ordered_text_final,
    COMBINEFUNC = kafka_stream.ordered_combine,
    SERIALFUNC = kafka_stream.ordered_serialize,
    DESERIALFUNC = kafka_stream.ordered_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE kafka_stream.ordered_string_agg(pg_catalog.text, pg_catalog.text, pg_catalog.timestamptz, pg_catalog.text, pg_catalog.int4, pg_catalog.int8) IS
    'string_agg(value, delimiter) in order of event time, topic, partition and offset (nulls last), then of the values'' bytes';

CREATE FUNCTION kafka_stream.ordered_bytea_final(pg_catalog.internal)
    RETURNS pg_catalog.bytea
    AS 'MODULE_PATHNAME', 'ks_ordered_string_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kafka_stream.ordered_bytea_final(pg_catalog.internal) IS
    'final function of kafka_stream.ordered_string_agg(bytea, ...)';
CREATE AGGREGATE kafka_stream.ordered_string_agg(value pg_catalog.bytea, delimiter pg_catalog.bytea,
        event_time pg_catalog.timestamptz, topic pg_catalog.text, kafka_partition pg_catalog.int4,
        kafka_offset pg_catalog.int8) (
    SFUNC = kafka_stream.ordered_string_trans,
    STYPE = pg_catalog.internal,
    FINALFUNC = kafka_stream.ordered_bytea_final,
    COMBINEFUNC = kafka_stream.ordered_combine,
    SERIALFUNC = kafka_stream.ordered_serialize,
    DESERIALFUNC = kafka_stream.ordered_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE kafka_stream.ordered_string_agg(pg_catalog.bytea, pg_catalog.bytea, pg_catalog.timestamptz, pg_catalog.text, pg_catalog.int4, pg_catalog.int8) IS
    'string_agg(value, delimiter) in order of event time, topic, partition and offset (nulls last), then of the values'' bytes';
