/*
 * What all kinds of continuous views are made of: names, the definition, the
 * view that people read.
 */
#ifndef KS_VIEW_RELATIONS_H
#define KS_VIEW_RELATIONS_H

#include "postgres.h"
#include "nodes/parsenodes.h"

#include "catalog/view.h"

typedef struct KsViewNames
{
	char	   *definition;		/* qualified, as for SQL */
	char	   *states;
	char	   *groups;			/* in between, while open is made */
	char	   *open;
	char	   *finals;
} KsViewNames;

/* The relations of view 'id', in schema kafka_stream_internal. */
extern void ks_view_names(int id, KsViewNames *names);

/* One of these names without its schema; its OID. */
extern const char *ks_view_name_alone(const char *qualified);
extern Oid	ks_view_part_oid(const char *qualified);

/* Bring a view that was made in 'schema' to the others. */
extern void ks_view_move(const char *schema, const char *qualified);

/* The query as a view, analysed as the caller wrote it, owned by the caller. */
extern void ks_view_create_definition(const KsViewNames *names, const char *schema,
									  RawStmt *statement, const char *text);

/* The view that people read, made as the caller. */
extern void ks_view_create_visible(const RangeVar *relation, const char *select);

/* Let the view's owner read what it needs to. */
extern void ks_view_grant_owner(const KsView *view);

#endif
