/*
 * As whom a view's SQL runs: its owner, in a security-restricted operation,
 * with the settings that were in force when the view was created.
 */
#ifndef KS_VIEW_IDENTITY_H
#define KS_VIEW_IDENTITY_H

#include "postgres.h"
#include "nodes/pg_list.h"

typedef struct KsIdentity
{
	Oid			user;			/* before */
	int			security_context;
	int			guc_level;
} KsIdentity;

/* On an error, (sub)transaction abort restores everything: no PG_TRY needed. */
extern void ks_identity_enter(KsIdentity *before, Oid role, List *settings);
extern void ks_identity_leave(const KsIdentity *before);

/* The present settings that a query's meaning depends on, as name, value, ... */
extern List *ks_identity_settings(const char *search_path);

#endif
