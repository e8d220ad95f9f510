/* -------------------------------------------------------------------------
 * Stored states of any aggregate, combined again.  Open to all: whoever reads
 * a view runs these, and needs EXECUTE on the aggregate that they name.
 * ------------------------------------------------------------------------- */
CREATE FUNCTION kafka_stream.finish_trans(pg_catalog.internal, aggregate pg_catalog.regprocedure,
        argument_types pg_catalog.regtype[], collation_ pg_catalog.regcollation,
        state pg_catalog."any", result pg_catalog.anyelement)
    RETURNS pg_catalog.internal
    AS 'MODULE_PATHNAME', 'ks_finish_trans' LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION kafka_stream.finish_trans(pg_catalog.internal, pg_catalog.regprocedure, pg_catalog.regtype[], pg_catalog.regcollation, pg_catalog."any", pg_catalog.anyelement) IS
    'transition function of kafka_stream.finish()';
CREATE FUNCTION kafka_stream.finish_final(pg_catalog.internal, aggregate pg_catalog.regprocedure,
        argument_types pg_catalog.regtype[], collation_ pg_catalog.regcollation,
        state pg_catalog."any", result pg_catalog.anyelement)
    RETURNS pg_catalog.anyelement
    AS 'MODULE_PATHNAME', 'ks_finish_final' LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION kafka_stream.finish_final(pg_catalog.internal, pg_catalog.regprocedure, pg_catalog.regtype[], pg_catalog.regcollation, pg_catalog."any", pg_catalog.anyelement) IS
    'final function of kafka_stream.finish()';

CREATE AGGREGATE kafka_stream.finish(aggregate pg_catalog.regprocedure,
        argument_types pg_catalog.regtype[], collation_ pg_catalog.regcollation,
        state pg_catalog."any", result pg_catalog.anyelement) (
    SFUNC = kafka_stream.finish_trans,
    STYPE = pg_catalog.internal,
    FINALFUNC = kafka_stream.finish_final,
    FINALFUNC_EXTRA,
    FINALFUNC_MODIFY = READ_WRITE,
    PARALLEL = RESTRICTED
);
COMMENT ON AGGREGATE kafka_stream.finish(pg_catalog.regprocedure, pg_catalog.regtype[], pg_catalog.regcollation, pg_catalog."any", pg_catalog.anyelement) IS
    'what an aggregate gives for all rows behind its stored states. aggregate, argument_types, collation_: the call, the same for all rows; state: kafka_stream.state, or the transition type if that is not internal; result: a null of the result type. NULL without rows. Errors: object_not_in_prerequisite_state for states of another PostgreSQL version, database encoding or call; datatype_mismatch; feature_not_supported without a combine function';

CREATE FUNCTION kafka_stream.merge_trans(pg_catalog.internal, aggregate pg_catalog.regprocedure,
        argument_types pg_catalog.regtype[], collation_ pg_catalog.regcollation,
        state pg_catalog.anyelement)
    RETURNS pg_catalog.internal
    AS 'MODULE_PATHNAME', 'ks_merge_trans' LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION kafka_stream.merge_trans(pg_catalog.internal, pg_catalog.regprocedure, pg_catalog.regtype[], pg_catalog.regcollation, pg_catalog.anyelement) IS
    'transition function of kafka_stream.merge()';
CREATE FUNCTION kafka_stream.merge_final(pg_catalog.internal, aggregate pg_catalog.regprocedure,
        argument_types pg_catalog.regtype[], collation_ pg_catalog.regcollation,
        state pg_catalog.anyelement)
    RETURNS pg_catalog.anyelement
    AS 'MODULE_PATHNAME', 'ks_merge_final' LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION kafka_stream.merge_final(pg_catalog.internal, pg_catalog.regprocedure, pg_catalog.regtype[], pg_catalog.regcollation, pg_catalog.anyelement) IS
    'final function of kafka_stream.merge()';

CREATE AGGREGATE kafka_stream.merge(aggregate pg_catalog.regprocedure,
        argument_types pg_catalog.regtype[], collation_ pg_catalog.regcollation,
        state pg_catalog.anyelement) (
    SFUNC = kafka_stream.merge_trans,
    STYPE = pg_catalog.internal,
    FINALFUNC = kafka_stream.merge_final,
    FINALFUNC_EXTRA,
    FINALFUNC_MODIFY = READ_WRITE,
    PARALLEL = RESTRICTED
);
COMMENT ON AGGREGATE kafka_stream.merge(pg_catalog.regprocedure, pg_catalog.regtype[], pg_catalog.regcollation, pg_catalog.anyelement) IS
    'stored states of an aggregate combined into one, in the same stored form; arguments and errors as kafka_stream.finish()';
