/* -------------------------------------------------------------------------
 * Aggregates over the distinct values of a group, exact, with combine and
 * serialize functions: DISTINCT that parallel plans and views can merge.
 * ------------------------------------------------------------------------- */
CREATE FUNCTION kafka_stream.distinct_trans(pg_catalog.internal, value pg_catalog.anyelement)
    RETURNS pg_catalog.internal
    AS 'MODULE_PATHNAME', 'ks_distinct_trans' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kafka_stream.distinct_trans(pg_catalog.internal, pg_catalog.anyelement) IS
    'transition function of aggregates over distinct values';
CREATE FUNCTION kafka_stream.distinct_combine(pg_catalog.internal, pg_catalog.internal)
    RETURNS pg_catalog.internal
    AS 'MODULE_PATHNAME', 'ks_distinct_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kafka_stream.distinct_combine(pg_catalog.internal, pg_catalog.internal) IS
    'combine function of aggregates over distinct values';
CREATE FUNCTION kafka_stream.distinct_serialize(pg_catalog.internal)
    RETURNS pg_catalog.bytea
    AS 'MODULE_PATHNAME', 'ks_distinct_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kafka_stream.distinct_serialize(pg_catalog.internal) IS
    'serialize function of aggregates over distinct values';
CREATE FUNCTION kafka_stream.distinct_deserialize(pg_catalog.bytea, pg_catalog.internal)
    RETURNS pg_catalog.internal
    AS 'MODULE_PATHNAME', 'ks_distinct_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kafka_stream.distinct_deserialize(pg_catalog.bytea, pg_catalog.internal) IS
    'deserialize function of aggregates over distinct values';

CREATE FUNCTION kafka_stream.count_distinct_final(pg_catalog.internal, value pg_catalog.anyelement)
    RETURNS pg_catalog.int8
    AS 'MODULE_PATHNAME', 'ks_distinct_count' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kafka_stream.count_distinct_final(pg_catalog.internal, pg_catalog.anyelement) IS
    'final function of kafka_stream.count_distinct()';
CREATE AGGREGATE kafka_stream.count_distinct(value pg_catalog.anyelement) (
    SFUNC = kafka_stream.distinct_trans,
    STYPE = pg_catalog.internal,
    FINALFUNC = kafka_stream.count_distinct_final,
    FINALFUNC_EXTRA,
    COMBINEFUNC = kafka_stream.distinct_combine,
    SERIALFUNC = kafka_stream.distinct_serialize,
    DESERIALFUNC = kafka_stream.distinct_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE kafka_stream.count_distinct(pg_catalog.anyelement) IS
    'count(DISTINCT value), exact and mergeable; undefined_function for types without a hash function';

CREATE FUNCTION kafka_stream.collect_set_final(pg_catalog.internal, value pg_catalog.anyelement)
    RETURNS pg_catalog.anyarray
    AS 'MODULE_PATHNAME', 'ks_distinct_array' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kafka_stream.collect_set_final(pg_catalog.internal, pg_catalog.anyelement) IS
    'final function of kafka_stream.collect_set()';
CREATE AGGREGATE kafka_stream.collect_set(value pg_catalog.anyelement) (
    SFUNC = kafka_stream.distinct_trans,
    STYPE = pg_catalog.internal,
    FINALFUNC = kafka_stream.collect_set_final,
    FINALFUNC_EXTRA,
    COMBINEFUNC = kafka_stream.distinct_combine,
    SERIALFUNC = kafka_stream.distinct_serialize,
    DESERIALFUNC = kafka_stream.distinct_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE kafka_stream.collect_set(pg_catalog.anyelement) IS
    'the distinct values without nulls as an array, sorted in the type''s default order; empty if there are none; undefined_function for types without a hash or comparison function';

CREATE FUNCTION kafka_stream.sum_distinct_final(pg_catalog.internal, value pg_catalog.int2)
    RETURNS pg_catalog.int8
    AS 'MODULE_PATHNAME', 'ks_distinct_sum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kafka_stream.sum_distinct_final(pg_catalog.internal, pg_catalog.int2) IS
    'final function of kafka_stream.sum_distinct()';
CREATE AGGREGATE kafka_stream.sum_distinct(value pg_catalog.int2) (
    SFUNC = kafka_stream.distinct_trans,
    STYPE = pg_catalog.internal,
    FINALFUNC = kafka_stream.sum_distinct_final,
    FINALFUNC_EXTRA,
    COMBINEFUNC = kafka_stream.distinct_combine,
    SERIALFUNC = kafka_stream.distinct_serialize,
    DESERIALFUNC = kafka_stream.distinct_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE kafka_stream.sum_distinct(pg_catalog.int2) IS
    'sum(DISTINCT value), exact and mergeable; the same type and value as core''s';

CREATE FUNCTION kafka_stream.sum_distinct_final(pg_catalog.internal, value pg_catalog.int4)
    RETURNS pg_catalog.int8
    AS 'MODULE_PATHNAME', 'ks_distinct_sum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kafka_stream.sum_distinct_final(pg_catalog.internal, pg_catalog.int4) IS
    'final function of kafka_stream.sum_distinct()';
CREATE AGGREGATE kafka_stream.sum_distinct(value pg_catalog.int4) (
    SFUNC = kafka_stream.distinct_trans,
    STYPE = pg_catalog.internal,
    FINALFUNC = kafka_stream.sum_distinct_final,
    FINALFUNC_EXTRA,
    COMBINEFUNC = kafka_stream.distinct_combine,
    SERIALFUNC = kafka_stream.distinct_serialize,
    DESERIALFUNC = kafka_stream.distinct_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE kafka_stream.sum_distinct(pg_catalog.int4) IS
    'sum(DISTINCT value), exact and mergeable; the same type and value as core''s';

CREATE FUNCTION kafka_stream.sum_distinct_final(pg_catalog.internal, value pg_catalog.int8)
    RETURNS pg_catalog.numeric
    AS 'MODULE_PATHNAME', 'ks_distinct_sum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kafka_stream.sum_distinct_final(pg_catalog.internal, pg_catalog.int8) IS
    'final function of kafka_stream.sum_distinct()';
CREATE AGGREGATE kafka_stream.sum_distinct(value pg_catalog.int8) (
    SFUNC = kafka_stream.distinct_trans,
    STYPE = pg_catalog.internal,
    FINALFUNC = kafka_stream.sum_distinct_final,
    FINALFUNC_EXTRA,
    COMBINEFUNC = kafka_stream.distinct_combine,
    SERIALFUNC = kafka_stream.distinct_serialize,
    DESERIALFUNC = kafka_stream.distinct_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE kafka_stream.sum_distinct(pg_catalog.int8) IS
    'sum(DISTINCT value), exact and mergeable; the same type and value as core''s';

CREATE FUNCTION kafka_stream.sum_distinct_final(pg_catalog.internal, value pg_catalog.numeric)
    RETURNS pg_catalog.numeric
    AS 'MODULE_PATHNAME', 'ks_distinct_sum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kafka_stream.sum_distinct_final(pg_catalog.internal, pg_catalog.numeric) IS
    'final function of kafka_stream.sum_distinct()';
CREATE AGGREGATE kafka_stream.sum_distinct(value pg_catalog.numeric) (
    SFUNC = kafka_stream.distinct_trans,
    STYPE = pg_catalog.internal,
    FINALFUNC = kafka_stream.sum_distinct_final,
    FINALFUNC_EXTRA,
    COMBINEFUNC = kafka_stream.distinct_combine,
    SERIALFUNC = kafka_stream.distinct_serialize,
    DESERIALFUNC = kafka_stream.distinct_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE kafka_stream.sum_distinct(pg_catalog.numeric) IS
    'sum(DISTINCT value), exact and mergeable; the same type and value as core''s';

CREATE FUNCTION kafka_stream.sum_distinct_final(pg_catalog.internal, value pg_catalog.float4)
    RETURNS pg_catalog.float4
    AS 'MODULE_PATHNAME', 'ks_distinct_sum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kafka_stream.sum_distinct_final(pg_catalog.internal, pg_catalog.float4) IS
    'final function of kafka_stream.sum_distinct()';
CREATE AGGREGATE kafka_stream.sum_distinct(value pg_catalog.float4) (
    SFUNC = kafka_stream.distinct_trans,
    STYPE = pg_catalog.internal,
    FINALFUNC = kafka_stream.sum_distinct_final,
    FINALFUNC_EXTRA,
    COMBINEFUNC = kafka_stream.distinct_combine,
    SERIALFUNC = kafka_stream.distinct_serialize,
    DESERIALFUNC = kafka_stream.distinct_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE kafka_stream.sum_distinct(pg_catalog.float4) IS
    'sum(DISTINCT value), exact and mergeable; the same type and value as core''s';

CREATE FUNCTION kafka_stream.sum_distinct_final(pg_catalog.internal, value pg_catalog.float8)
    RETURNS pg_catalog.float8
    AS 'MODULE_PATHNAME', 'ks_distinct_sum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kafka_stream.sum_distinct_final(pg_catalog.internal, pg_catalog.float8) IS
    'final function of kafka_stream.sum_distinct()';
CREATE AGGREGATE kafka_stream.sum_distinct(value pg_catalog.float8) (
    SFUNC = kafka_stream.distinct_trans,
    STYPE = pg_catalog.internal,
    FINALFUNC = kafka_stream.sum_distinct_final,
    FINALFUNC_EXTRA,
    COMBINEFUNC = kafka_stream.distinct_combine,
    SERIALFUNC = kafka_stream.distinct_serialize,
    DESERIALFUNC = kafka_stream.distinct_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE kafka_stream.sum_distinct(pg_catalog.float8) IS
    'sum(DISTINCT value), exact and mergeable; the same type and value as core''s';

CREATE FUNCTION kafka_stream.sum_distinct_final(pg_catalog.internal, value pg_catalog.interval)
    RETURNS pg_catalog.interval
    AS 'MODULE_PATHNAME', 'ks_distinct_sum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kafka_stream.sum_distinct_final(pg_catalog.internal, pg_catalog.interval) IS
    'final function of kafka_stream.sum_distinct()';
CREATE AGGREGATE kafka_stream.sum_distinct(value pg_catalog.interval) (
    SFUNC = kafka_stream.distinct_trans,
    STYPE = pg_catalog.internal,
    FINALFUNC = kafka_stream.sum_distinct_final,
    FINALFUNC_EXTRA,
    COMBINEFUNC = kafka_stream.distinct_combine,
    SERIALFUNC = kafka_stream.distinct_serialize,
    DESERIALFUNC = kafka_stream.distinct_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE kafka_stream.sum_distinct(pg_catalog.interval) IS
    'sum(DISTINCT value), exact and mergeable; the same type and value as core''s';

CREATE FUNCTION kafka_stream.avg_distinct_final(pg_catalog.internal, value pg_catalog.int2)
    RETURNS pg_catalog.numeric
    AS 'MODULE_PATHNAME', 'ks_distinct_avg' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kafka_stream.avg_distinct_final(pg_catalog.internal, pg_catalog.int2) IS
    'final function of kafka_stream.avg_distinct()';
CREATE AGGREGATE kafka_stream.avg_distinct(value pg_catalog.int2) (
    SFUNC = kafka_stream.distinct_trans,
    STYPE = pg_catalog.internal,
    FINALFUNC = kafka_stream.avg_distinct_final,
    FINALFUNC_EXTRA,
    COMBINEFUNC = kafka_stream.distinct_combine,
    SERIALFUNC = kafka_stream.distinct_serialize,
    DESERIALFUNC = kafka_stream.distinct_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE kafka_stream.avg_distinct(pg_catalog.int2) IS
    'avg(DISTINCT value), exact and mergeable; the same type and value as core''s';

CREATE FUNCTION kafka_stream.avg_distinct_final(pg_catalog.internal, value pg_catalog.int4)
    RETURNS pg_catalog.numeric
    AS 'MODULE_PATHNAME', 'ks_distinct_avg' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kafka_stream.avg_distinct_final(pg_catalog.internal, pg_catalog.int4) IS
    'final function of kafka_stream.avg_distinct()';
CREATE AGGREGATE kafka_stream.avg_distinct(value pg_catalog.int4) (
    SFUNC = kafka_stream.distinct_trans,
    STYPE = pg_catalog.internal,
    FINALFUNC = kafka_stream.avg_distinct_final,
    FINALFUNC_EXTRA,
    COMBINEFUNC = kafka_stream.distinct_combine,
    SERIALFUNC = kafka_stream.distinct_serialize,
    DESERIALFUNC = kafka_stream.distinct_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE kafka_stream.avg_distinct(pg_catalog.int4) IS
    'avg(DISTINCT value), exact and mergeable; the same type and value as core''s';

CREATE FUNCTION kafka_stream.avg_distinct_final(pg_catalog.internal, value pg_catalog.int8)
    RETURNS pg_catalog.numeric
    AS 'MODULE_PATHNAME', 'ks_distinct_avg' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kafka_stream.avg_distinct_final(pg_catalog.internal, pg_catalog.int8) IS
    'final function of kafka_stream.avg_distinct()';
CREATE AGGREGATE kafka_stream.avg_distinct(value pg_catalog.int8) (
    SFUNC = kafka_stream.distinct_trans,
    STYPE = pg_catalog.internal,
    FINALFUNC = kafka_stream.avg_distinct_final,
    FINALFUNC_EXTRA,
    COMBINEFUNC = kafka_stream.distinct_combine,
    SERIALFUNC = kafka_stream.distinct_serialize,
    DESERIALFUNC = kafka_stream.distinct_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE kafka_stream.avg_distinct(pg_catalog.int8) IS
    'avg(DISTINCT value), exact and mergeable; the same type and value as core''s';

CREATE FUNCTION kafka_stream.avg_distinct_final(pg_catalog.internal, value pg_catalog.numeric)
    RETURNS pg_catalog.numeric
    AS 'MODULE_PATHNAME', 'ks_distinct_avg' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kafka_stream.avg_distinct_final(pg_catalog.internal, pg_catalog.numeric) IS
    'final function of kafka_stream.avg_distinct()';
CREATE AGGREGATE kafka_stream.avg_distinct(value pg_catalog.numeric) (
    SFUNC = kafka_stream.distinct_trans,
    STYPE = pg_catalog.internal,
    FINALFUNC = kafka_stream.avg_distinct_final,
    FINALFUNC_EXTRA,
    COMBINEFUNC = kafka_stream.distinct_combine,
    SERIALFUNC = kafka_stream.distinct_serialize,
    DESERIALFUNC = kafka_stream.distinct_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE kafka_stream.avg_distinct(pg_catalog.numeric) IS
    'avg(DISTINCT value), exact and mergeable; the same type and value as core''s';

CREATE FUNCTION kafka_stream.avg_distinct_final(pg_catalog.internal, value pg_catalog.float4)
    RETURNS pg_catalog.float8
    AS 'MODULE_PATHNAME', 'ks_distinct_avg' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kafka_stream.avg_distinct_final(pg_catalog.internal, pg_catalog.float4) IS
    'final function of kafka_stream.avg_distinct()';
CREATE AGGREGATE kafka_stream.avg_distinct(value pg_catalog.float4) (
    SFUNC = kafka_stream.distinct_trans,
    STYPE = pg_catalog.internal,
    FINALFUNC = kafka_stream.avg_distinct_final,
    FINALFUNC_EXTRA,
    COMBINEFUNC = kafka_stream.distinct_combine,
    SERIALFUNC = kafka_stream.distinct_serialize,
    DESERIALFUNC = kafka_stream.distinct_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE kafka_stream.avg_distinct(pg_catalog.float4) IS
    'avg(DISTINCT value), exact and mergeable; the same type and value as core''s';

CREATE FUNCTION kafka_stream.avg_distinct_final(pg_catalog.internal, value pg_catalog.float8)
    RETURNS pg_catalog.float8
    AS 'MODULE_PATHNAME', 'ks_distinct_avg' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kafka_stream.avg_distinct_final(pg_catalog.internal, pg_catalog.float8) IS
    'final function of kafka_stream.avg_distinct()';
CREATE AGGREGATE kafka_stream.avg_distinct(value pg_catalog.float8) (
    SFUNC = kafka_stream.distinct_trans,
    STYPE = pg_catalog.internal,
    FINALFUNC = kafka_stream.avg_distinct_final,
    FINALFUNC_EXTRA,
    COMBINEFUNC = kafka_stream.distinct_combine,
    SERIALFUNC = kafka_stream.distinct_serialize,
    DESERIALFUNC = kafka_stream.distinct_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE kafka_stream.avg_distinct(pg_catalog.float8) IS
    'avg(DISTINCT value), exact and mergeable; the same type and value as core''s';

CREATE FUNCTION kafka_stream.avg_distinct_final(pg_catalog.internal, value pg_catalog.interval)
    RETURNS pg_catalog.interval
    AS 'MODULE_PATHNAME', 'ks_distinct_avg' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kafka_stream.avg_distinct_final(pg_catalog.internal, pg_catalog.interval) IS
    'final function of kafka_stream.avg_distinct()';
CREATE AGGREGATE kafka_stream.avg_distinct(value pg_catalog.interval) (
    SFUNC = kafka_stream.distinct_trans,
    STYPE = pg_catalog.internal,
    FINALFUNC = kafka_stream.avg_distinct_final,
    FINALFUNC_EXTRA,
    COMBINEFUNC = kafka_stream.distinct_combine,
    SERIALFUNC = kafka_stream.distinct_serialize,
    DESERIALFUNC = kafka_stream.distinct_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE kafka_stream.avg_distinct(pg_catalog.interval) IS
    'avg(DISTINCT value), exact and mergeable; the same type and value as core''s';
