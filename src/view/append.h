/*
 * Append rows to one of the extension's own tables, fast: multi-insert, with
 * its indexes, without triggers and permission checks.
 */
#ifndef KS_VIEW_APPEND_H
#define KS_VIEW_APPEND_H

#include "postgres.h"
#include "executor/tuptable.h"
#include "utils/relcache.h"

typedef struct KsAppender KsAppender;

/* Takes RowExclusiveLock, held to the end of the transaction. */
extern KsAppender *ks_append_begin(Oid relid);
extern TupleDesc ks_append_desc(const KsAppender *appender);

/* Append one row: arrays of the table's natts.  Values are copied. */
extern void ks_append_row(KsAppender *appender, const Datum *values, const bool *isnull);
extern void ks_append_tuple(KsAppender *appender, HeapTuple tuple);
extern int64 ks_append_end(KsAppender *appender);	/* rows appended */

#endif
