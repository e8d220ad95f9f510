/*
 * Access to the extension's own tables, from whatever role calls.
 *
 * Between enter and leave the current role is the extension's owner, with a
 * search_path of pg_catalog alone, and SPI is connected; nothing that a user
 * wrote may run in between.  An error in between needs no leave: transaction
 * and subtransaction abort restore all three.
 */
#ifndef KS_CATALOG_ACCESS_H
#define KS_CATALOG_ACCESS_H

#include "postgres.h"
#include "executor/spi.h"

#include "base/role.h"

typedef KsRole KsAccess;

extern void ks_access_enter(KsAccess *access);
extern void ks_access_leave(KsAccess *access);

/* A statement on the extension's tables; its plan is kept for the session. */
#define KS_QUERY_MAX_ARGS 26
typedef struct KsQuery
{
	const char *sql;
	int			nargs;
	Oid			types[KS_QUERY_MAX_ARGS];
	SPIPlanPtr	plan;			/* NULL until first used */
} KsQuery;

/*
 * Run it between enter and leave: the number of rows, which are in
 * SPI_tuptable if it returns any.  nulls as for SPI, NULL: none.
 */
extern uint64 ks_query_run(KsQuery *query, Datum *values, const char *nulls);

/* Run a utility command between enter and leave. */
extern void ks_access_execute(const char *command);

/* OID of a relation of the extension's internal schema; an error if there is none. */
extern Oid	ks_internal_relation(const char *name);

#endif
