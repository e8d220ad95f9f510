/* The memory of one group of an aggregate. */
#ifndef KS_AGGREGATE_GROUP_MEMORY_H
#define KS_AGGREGATE_GROUP_MEMORY_H

#include "postgres.h"
#include "fmgr.h"

/* It lives as long as the group; an error if this is no call of an aggregate's function. */
static inline MemoryContext
ks_group_memory(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("aggregate function called in non-aggregate context")));
	return context;
}

#endif
