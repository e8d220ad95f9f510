/*
 * As whom a view's SQL runs: its owner, in a security-restricted operation,
 * with the settings that were in force when the view was created.
 */
#ifndef KS_VIEW_IDENTITY_H
#define KS_VIEW_IDENTITY_H

#include "postgres.h"
#include "nodes/pg_list.h"

#include "base/role.h"

/* Become the owner, until ks_role_leave(). */
extern void ks_identity_enter(KsRole *before, Oid role, List *settings);

/*
 * Append kafka_stream to search_path until the GUC level ends, so that queries
 * need no schema for its functions; returns the new one.
 */
extern char *ks_identity_append_search_path(void);

/* The present settings that a query's meaning depends on, as name, value, ... */
extern List *ks_identity_settings(const char *search_path);

#endif
