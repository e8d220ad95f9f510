/* Being another role for a while, in a security context of its own. */
#ifndef KS_BASE_ROLE_H
#define KS_BASE_ROLE_H

#include "postgres.h"

typedef struct KsRole
{
	Oid			user;			/* before */
	int			sec_context;
	int			guc_level;
} KsRole;

/*
 * Become 'role', adding to the security context (SECURITY_RESTRICTED_OPERATION:
 * what users wrote runs; SECURITY_LOCAL_USERID_CHANGE: only our own does).
 * Settings made by ks_role_set() hold until the leave.  On an error,
 * (sub)transaction abort restores everything: no PG_TRY needed.
 */
extern void ks_role_enter(KsRole *before, Oid role, int sec_context);
extern void ks_role_set(const char *setting, const char *value);
extern void ks_role_leave(const KsRole *before);

/* Run what a table's owner wrote (defaults, checks, indexes) safely: search_path is pg_catalog's. */
extern void ks_role_enter_owner(KsRole *before, Oid owner);

#endif
