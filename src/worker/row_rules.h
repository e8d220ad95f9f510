/*
 * What a table's definition says of a row: defaults, generated columns, NOT
 * NULL and CHECK constraints, as INSERT would apply them.
 */
#ifndef KS_WORKER_ROW_RULES_H
#define KS_WORKER_ROW_RULES_H

#include "postgres.h"
#include "nodes/bitmapset.h"
#include "utils/rel.h"

#include "format/decoder.h"

typedef struct KsRowRules KsRowRules;

/*
 * Prepare for one batch into 'rel'; to be called, and used, as the table's
 * owner.  Columns whose attribute numbers are in 'given' always have a value
 * that fits.  Memory and results live in CurrentMemoryContext.
 */
extern KsRowRules *ks_row_rules_begin(Relation rel, const Bitmapset *given);

/*
 * Complete and check one row.  present[]: columns that the message gave.
 * False: the row does not fit, and 'error' says why (a data error in the
 * user's expressions, see ks_is_data_error(), or a broken constraint; any other
 * error is raised).
 */
extern bool ks_row_rules_apply(KsRowRules *rules, Datum *values, bool *isnull,
							   const bool *present, KsDecodeError *error);

extern void ks_row_rules_end(KsRowRules *rules);

#endif
