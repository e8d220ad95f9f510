/*
 * Partial aggregates of any aggregate in the database that has a combine
 * function: folded by PostgreSQL's own partial aggregation
 * (AGGSPLIT_INITIAL_SERIAL), stored in columns, combined again by the SQL
 * aggregates kafka_stream.finish() and kafka_stream.merge().
 *
 * A state whose transition type is internal is stored as the type
 * kafka_stream.state: a header (format number, PostgreSQL major version, whose
 * state it is) and what the aggregate's serialize function gave.  That type has
 * no way in for people (input is refused to all but superusers, who restore
 * dumps), and the header tells which aggregate it belongs to, so bytes that
 * reach a deserialize function always come from its own serialize function.
 * Other states are stored as their (resolved) transition type.
 */
#ifndef KS_AGGREGATE_PARTIAL_H
#define KS_AGGREGATE_PARTIAL_H

#include "postgres.h"
#include "nodes/primnodes.h"

/* How the state of one aggregate call is stored. */
typedef struct KsPartial
{
	bool		internal;		/* stored as kafka_stream.state */
	uint64		identity;		/* for ks_state_wrap(); 0 unless internal */
	Oid			column_type;	/* type, typmod -1 and collation of its column; in
								 * DDL with FORMAT_TYPE_TYPEMOD_GIVEN, since bit
								 * and character without a typmod mean length 1 */
	Oid			column_collation;
	/* SQL constants, quoted, to be put before the state argument of finish() and merge(). */
	char	   *call_prefix;	/* "'pg_catalog.avg(integer)'::regprocedure, '{...}'::regtype[], 0::regcollation" */
} KsPartial;

/*
 * Describe how the state of 'aggref' (analysed, mergeable) is stored.  Raises
 * an error if it cannot be combined (see ks_aggregate_mergeable()).
 */
extern void ks_partial_describe(const Aggref *aggref, KsPartial *partial);

/*
 * Wrap what the serialize function of a call with this KsPartial.identity gave
 * as a kafka_stream.state, palloc'd.
 */
extern struct varlena *ks_state_wrap(uint64 identity, bytea *serialized);

/*
 * Row origin: expressions that order rows of a stream, for aggregates whose
 * result depends on order.
 */
typedef struct KsRowOrder
{
	Expr	   *event_time;		/* timestamptz */
	Expr	   *topic;			/* text, or NULL: the stream has one topic */
	Expr	   *partition;		/* int, may be null at run time */
	Expr	   *offset;			/* bigint */
} KsRowOrder;

/*
 * The aggregate call that stands in for 'aggref' in a continuous view: itself
 * if it has a combine function and does not depend on order, or one of the
 * extension's own mergeable aggregates (count/sum/avg(DISTINCT x), array_agg,
 * string_agg, collect_list, ...), with the same result type.  NULL with
 * *reason (a message, e.g. "aggregate percentile_cont has no combine
 * function") and *hint (or NULL) if there is none.
 */
extern Aggref *ks_aggregate_mergeable(const Aggref *aggref, const KsRowOrder *order,
									  const char **reason, const char **hint);

#endif
