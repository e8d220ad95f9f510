/*
 * The query of a continuous view, checked and taken apart.
 *
 * What is accepted here gives exactly what PostgreSQL would give over the rows
 * that were in time; everything else is refused with the construct's name and
 * position.
 */
#ifndef KS_VIEW_QUERY_H
#define KS_VIEW_QUERY_H

#include "postgres.h"
#include "nodes/parsenodes.h"
#include "nodes/primnodes.h"

#include "time/window.h"
#include "catalog/view.h"

typedef struct KsViewQuery
{
	Query	   *query;			/* analysed; join aliases flattened; not rewritten */
	int			stream_index;	/* range table index of the stream */
	KsViewKind	kind;

	/* kind window */
	KsWindow	window;
	const char *window_name;	/* tumble, hop or cumulate */
	Var		   *time;			/* the event-time column */
	SortGroupClause *window_clause;
	Node	   *window_expr;

	/* kinds window and running */
	List	   *groups;			/* Node *: grouping expressions but the window */
	List	   *group_clauses;	/* SortGroupClause *, parallel to groups */
	List	   *aggregates;		/* Aggref *: mergeable, without duplicates */

	/*
	 * The visible columns (TargetEntry *), and HAVING.  For window and
	 * running, over the columns of the open relation (Vars of varno 1):
	 * window_start and window_end for a window, then g1..gn, then a1..am.
	 */
	List	   *outputs;
	Node	   *having;
} KsViewQuery;

/*
 * Check an analysed query over 'stream' and take it apart.  'query' is
 * scribbled on.  Errors carry positions if ks_query_source() is in effect.
 */
extern KsViewQuery *ks_view_query_check(Query *query, const KsStream *stream);

/* The one stream in a query's FROM, as OID; raises an error if there is none or more. */
extern Oid	ks_view_query_stream(Query *query);


/* Refuse what only the raw statement shows the position of: ORDER BY, LIMIT, ... */
extern void ks_view_query_check_raw(const SelectStmt *select);

/*
 * Give errors (our own and the parser's) a cursor in 'text', until
 * ks_query_source_end().  Nests no deeper than one.
 */
extern void ks_query_source_begin(const char *text);
extern void ks_query_source_end(void);

/* A query text as one SELECT (or VALUES); errors name 'whose' it is, such as "an alert". */
extern RawStmt *ks_query_parse(const char *text, const char *whose);

/* errposition() for a byte location of the source text; nothing if -1. */
extern int	ks_errlocation(int location);

/* Attribute number in the open relation. */
static inline AttrNumber
ks_open_first_group(const KsViewQuery *vq)
{
	return vq->kind == KS_VIEW_WINDOW ? 3 : 1;
}

#endif
