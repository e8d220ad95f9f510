/*
 * An aggregate of core run over values at hand, in the order given.
 */
#ifndef KS_AGGREGATE_REPLAY_H
#define KS_AGGREGATE_REPLAY_H

#include "postgres.h"
#include "fmgr.h"

/*
 * What pg_catalog.'name'(type) makes of values[0..n-1] (no nulls).  'outer' is
 * the final function's call: its flinfo keeps what is looked up, its context
 * is what the inner functions see.  The result lives as long as the group, or
 * in CurrentMemoryContext.
 */
extern Datum ks_aggregate_replay(FunctionCallInfo outer, const char *name, Oid type,
								 const Datum *values, int n, bool *isnull);

#endif
