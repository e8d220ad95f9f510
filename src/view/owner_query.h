/* SQL over a view's internal relations, run as the view's owner. */
#ifndef KS_VIEW_OWNER_QUERY_H
#define KS_VIEW_OWNER_QUERY_H

#include "postgres.h"
#include "utils/tuplestore.h"

#include "catalog/view.h"

/*
 * Rows of 'sql', whose $1, if 'at' is not NULL, is a timestamptz.  The result
 * is kept in memory up to work_mem, then on disk.
 */
extern Tuplestorestate *ks_owner_query(const KsView *view, const char *sql,
									   const TimestampTz *at);

/* Append such rows to a table of the same columns; how many. */
extern int64 ks_owner_query_append(Tuplestorestate *rows, Oid relid);

#endif
