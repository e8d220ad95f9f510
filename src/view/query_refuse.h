/*
 * The checks of a view's query that only look: constructs that are refused.
 */
#ifndef KS_VIEW_QUERY_REFUSE_H
#define KS_VIEW_QUERY_REFUSE_H

#include "postgres.h"
#include "nodes/parsenodes.h"

#include "catalog/stream.h"

/* Top-level clauses a view cannot have. */
extern void ks_refuse_clauses(const Query *query);

/* Volatile and now()-like functions anywhere in the query. */
extern void ks_refuse_unstable(Query *query);

/* The stream on the nullable side of an outer join, sampled, or by ONLY. */
extern void ks_refuse_nullable(const Query *query, int stream_index);

/*
 * A stream in a subquery; continuous views, the extension's own tables and
 * temporary ones anywhere; system columns of the stream.
 */
extern void ks_refuse_nested_stream(Query *query, int stream_index);
extern void ks_refuse_system_columns(Query *query, int stream_index);

/* One of the extension's window functions?  Its name, or NULL. */
extern const char *ks_window_function_name(const Node *node);

/* One in WHERE, in a join's condition or called in FROM. */
extern void ks_refuse_window_in_from(Query *query);

/* A window function anywhere in 'node' is refused with 'message'. */
extern void ks_refuse_window_function(Node *node, const char *message, const char *hint);

#endif
