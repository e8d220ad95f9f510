/*
 * DROP DATABASE and the like, which wait for everybody to leave.
 *
 * A stream's worker is connected to its database for as long as the stream
 * runs, and PostgreSQL refuses to drop, rename or copy a database that somebody
 * is connected to, after waiting 5 s.  So workers are told to leave before such
 * a statement of a role that may run it; they come back when it failed, or when
 * the database is still there.
 */
#include "postgres.h"

#include <signal.h>

#include "access/xact.h"
#include "catalog/pg_database.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/settings.h"
#include "base/shared.h"
#include "worker/database.h"

static ProcessUtility_hook_type next_hook = NULL;

static Oid
template_of(const CreatedbStmt *create)
{
	ListCell   *lc;

	foreach(lc, create->options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, "template") == 0 && option->arg != NULL)
			return get_database_oid(defGetString(option), true);
	}
	return InvalidOid;
}

/* The database that must be left by all, if the current role may ask for that. */
static Oid
database_to_leave(Node *statement)
{
	Oid			database = InvalidOid;

	if (IsA(statement, DropdbStmt))
		database = get_database_oid(((DropdbStmt *) statement)->dbname, true);
	else if (IsA(statement, CreatedbStmt))
		database = template_of((CreatedbStmt *) statement);
	else if (IsA(statement, RenameStmt) &&
			 ((RenameStmt *) statement)->renameType == OBJECT_DATABASE)
		database = get_database_oid(((RenameStmt *) statement)->subname, true);
	if (!OidIsValid(database) || database == MyDatabaseId ||
		!ks_database_ownercheck(database, GetUserId()))
		return InvalidOid;
	return database;
}

/* Let the workers of a database leave, or come back; returns whether it has any. */
static bool
set_wanted(Oid database, bool wanted)
{
	bool		any = false;
	int			i;

	ks_slots_lock(true);
	for (i = 0; i < ks_max_streams; i++)
	{
		KsSlot	   *slot = ks_slot(i);

		if (slot->database != database || slot->wanted == wanted ||
			slot->state == KS_SLOT_FAILED)
			continue;
		any = true;
		slot->wanted = wanted;
		/* Not before the statement has committed: of what is gone, nothing starts. */
		slot->next_start = wanted ? GetCurrentTimestamp() + USECS_PER_SEC : 0;
		if (!wanted && slot->pid != 0)
			(void) kill(slot->pid, SIGTERM);
	}
	ks_slots_unlock();
	if (any && wanted)
		ks_shared_wake_launcher();
	return any;
}

static void
process_utility(PlannedStmt *pstmt, const char *query, bool read_only_tree,
				ProcessUtilityContext context, ParamListInfo params,
				QueryEnvironment *environment, DestReceiver *dest,
				QueryCompletion *completion)
{
	ProcessUtility_hook_type run = next_hook ? next_hook : standard_ProcessUtility;
	Oid			database = InvalidOid;

	if (ks_shared_available() && IsTransactionState())
		database = database_to_leave(pstmt->utilityStmt);
	if (!OidIsValid(database) || !set_wanted(database, false))
	{
		run(pstmt, query, read_only_tree, context, params, environment, dest, completion);
		return;
	}
	PG_TRY();
	{
		run(pstmt, query, read_only_tree, context, params, environment, dest, completion);
	}
	PG_FINALLY();
	{
		/* Of a database that is gone, the launcher frees the slots. */
		(void) set_wanted(database, true);
	}
	PG_END_TRY();
}

void
ks_database_register(void)
{
	next_hook = ProcessUtility_hook;
	ProcessUtility_hook = process_utility;
}
