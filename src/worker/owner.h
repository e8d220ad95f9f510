/*
 * Running what users wrote (defaults, generated columns, checks, indexes) as
 * the stream's owner, never as the worker: a security-restricted operation
 * with a safe search_path.
 */
#ifndef KS_WORKER_OWNER_H
#define KS_WORKER_OWNER_H

#include "postgres.h"

typedef struct KsOwnerScope
{
	Oid			user;
	int			sec_context;
	int			guc_level;
} KsOwnerScope;

extern void ks_owner_enter(KsOwnerScope *scope, Oid owner);
extern void ks_owner_leave(KsOwnerScope *scope);

#endif
