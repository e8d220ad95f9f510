/*
 * Relations that all kinds of continuous views have.
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/view.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "catalog/access.h"
#include "catalog/relation.h"
#include "view/relations.h"

void
ks_view_names(int id, KsViewNames *names)
{
	names->definition = psprintf("kafka_stream_internal.view_%d_definition", id);
	names->states = psprintf("kafka_stream_internal.view_%d_states", id);
	names->groups = psprintf("kafka_stream_internal.view_%d_groups", id);
	names->open = psprintf("kafka_stream_internal.view_%d_open", id);
	names->finals = psprintf("kafka_stream_internal.view_%d_finals", id);
}

const char *
ks_view_name_alone(const char *qualified)
{
	return strchr(qualified, '.') + 1;
}

/* OID of one of ours by the name made above. */
Oid
ks_view_part_oid(const char *qualified)
{
	return ks_internal_relation(ks_view_name_alone(qualified));
}

/*
 * Analysing what a user wrote runs code: a literal of a type with domains in it
 * is checked at once.  So views over it are made as the caller, in the schema
 * that the caller creates the visible view in, and then moved.
 */
void
ks_view_move(const char *schema, const char *qualified)
{
	ks_access_execute(psprintf("ALTER VIEW %s SET SCHEMA kafka_stream_internal",
							   quote_qualified_identifier(schema, ks_view_name_alone(qualified))));
}

/* The query as a view, analysed as the caller wrote it, owned by the caller. */
void
ks_view_create_definition(const KsViewNames *names, const char *schema,
				  RawStmt *statement, const char *text)
{
	ViewStmt   *stmt = makeNode(ViewStmt);
	KsAccess	access;

	stmt->view = makeRangeVar(pstrdup(schema), pstrdup(ks_view_name_alone(names->definition)), -1);
	stmt->query = copyObject(statement->stmt);
	(void) DefineView(stmt, text, statement->stmt_location, statement->stmt_len);
	CommandCounterIncrement();
	ks_access_enter(&access);
	ks_view_move(schema, names->definition);
	ks_access_leave(&access);
	CommandCounterIncrement();
}

/* Let the view's owner read what it needs to. */
void
ks_view_grant_owner(const KsView *view)
{
	const Oid	relids[] = {view->states, view->open, view->finals};
	KsAccess	access;

	ks_access_enter(&access);
	for (int i = 0; i < lengthof(relids); i++)
		if (OidIsValid(relids[i]))
			ks_access_execute(psprintf("GRANT SELECT ON %s TO %s", ks_relation_name(relids[i]),
									   quote_identifier(GetUserNameFromId(view->owner, false))));
	ks_access_leave(&access);
}

void
ks_view_create_visible(const RangeVar *relation, const char *select)
{
	char	   *sql = psprintf("CREATE VIEW %s AS %s",
							   quote_qualified_identifier(relation->schemaname, relation->relname),
							   select);

	SPI_connect();
	if (SPI_execute(sql, false, 0) != SPI_OK_UTILITY)
		elog(ERROR, "could not create view \"%s\"", relation->relname);
	SPI_finish();
}
