/*
 * SQL functions that create, change and drop alerts.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/shared.h"
#include "catalog/access.h"
#include "catalog/alert.h"
#include "catalog/relation.h"
#include "catalog/stream.h"
#include "view/alert_query.h"
#include "view/final_windows.h"
#include "worker/touch.h"

PG_FUNCTION_INFO_V1(ks_create_alert);
PG_FUNCTION_INFO_V1(ks_alter_alert);
PG_FUNCTION_INFO_V1(ks_drop_alert);

#define LONGEST_DURATION (INT64CONST(36525) * USECS_PER_DAY)	/* 100 years */

/* Arguments of create_alert(), in SQL order. */
enum
{
	ARG_NAME,
	ARG_QUERY,
	ARG_VIEW,
	ARG_EVERY,
	ARG_KEY,
	ARG_NOTIFY,
	ARG_HOLD_FOR
};

/* ---- what an alert may be ---- */

pg_attribute_noreturn()
static void
bad_value(const char *parameter, const char *expected)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s must be %s", parameter, expected)));
}

static void
check_durations(const KsAlert *alert)
{
	if (alert->every != -1 && (alert->every < USECS_PER_SEC || alert->every > LONGEST_DURATION))
		bad_value("every", "between 1 second and 100 years");
	if (alert->hold_for < 0 || alert->hold_for > LONGEST_DURATION)
		bad_value("hold_for", "between 0 and 100 years");
	if (alert->retention != -1 && (alert->retention < 0 || alert->retention > LONGEST_DURATION))
		bad_value("retention", "between 0 and 100 years");
}

static void
check_names(const KsAlert *alert)
{
	if (alert->name[0] == '\0' || strlen(alert->name) >= NAMEDATALEN)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("name of the alert must have 1 to %d bytes", NAMEDATALEN - 1)));
	if (alert->notify != NULL &&
		(alert->notify[0] == '\0' || strlen(alert->notify) >= NAMEDATALEN))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("channel of the alert must have 1 to %d bytes", NAMEDATALEN - 1),
				 errhint("Use notify => NULL for an alert that notifies nobody.")));
}

/* All that can be checked once the definition is made. */
static void
check_alert(const KsAlert *alert)
{
	KsFinalWindows windows;
	TimestampTz end;
	TimestampTz start;

	check_durations(alert);
	check_names(alert);
	if (!OidIsValid(alert->view))
	{
		ks_alert_query_try(alert);
		return;
	}
	/* Any window will do. */
	if (!ks_final_windows(alert->view, &windows))
		elog(ERROR, "view %u has no windows", alert->view);
	end = ks_window_closed_to(&windows.window, GetCurrentTimestamp());
	start = ks_window_needed_from(&windows.window, end - windows.window.slide);
	PG_TRY();
	{
		ks_alert_query_set_window(&start, &end);
		ks_alert_query_try(alert);
	}
	PG_FINALLY();
	{
		ks_alert_query_set_window(NULL, NULL);
	}
	PG_END_TRY();
}

/* ---- create ---- */

static char *
text_argument(FunctionCallInfo fcinfo, int number, const char *name)
{
	if (PG_ARGISNULL(number))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument %s of create_alert() must not be null", name)));
	return text_to_cstring(PG_GETARG_TEXT_PP(number));
}

static List *
key_argument(FunctionCallInfo fcinfo)
{
	List	   *key = NIL;
	Datum	   *elements;
	bool	   *nulls;
	int			n;

	if (PG_ARGISNULL(ARG_KEY))
		return NIL;
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(ARG_KEY), TEXTOID, -1, false, TYPALIGN_INT,
					  &elements, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			bad_value("key", "an array of column names without nulls");
		key = lappend(key, TextDatumGetCString(elements[i]));
	}
	return key;
}

static void
require_one(bool view, bool every)
{
	if (view != every)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg(view ? "an alert cannot have both \"view\" and \"every\"" :
					"an alert needs either \"view\" or \"every\""),
			 errhint("Give view => 'a windowed view' to run the query for each of its windows, or every => '1 minute' to run it so often.")));
}

/* Where an alert over a view begins: after what is final now. */
static TimestampTz
begin_of_view(Oid view)
{
	KsFinalWindows windows;
	AclResult	acl = pg_class_aclcheck(view, GetUserId(), ACL_SELECT);

	if (acl != ACLCHECK_OK)
		aclcheck_error(acl, get_relkind_objtype(get_rel_relkind(view)), get_rel_name(view));
	LockRelationOid(view, AccessShareLock);
	if (!ks_final_windows(view, &windows))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("%s is not a continuous view with windows", ks_relation_name(view)),
				 errhint("Use every => '1 minute', say, to run the query so often.")));
	return windows.closed_to;
}

Datum
ks_create_alert(PG_FUNCTION_ARGS)
{
	KsAlert		alert = {.every = -1,.retention = -1,.owner = GetUserId(),.enabled = true};
	char	   *query = text_argument(fcinfo, ARG_QUERY, "query");

	ks_shared_require();
	alert.name = text_argument(fcinfo, ARG_NAME, "name");
	require_one(!PG_ARGISNULL(ARG_VIEW), !PG_ARGISNULL(ARG_EVERY));
	alert.evaluated_to = DT_NOBEGIN;
	if (!PG_ARGISNULL(ARG_EVERY))
		alert.every = ks_interval_usecs(PG_GETARG_INTERVAL_P(ARG_EVERY), "every");
	if (PG_ARGISNULL(ARG_HOLD_FOR))
		bad_value("hold_for", "given, or left out for 0");
	alert.hold_for = ks_interval_usecs(PG_GETARG_INTERVAL_P(ARG_HOLD_FOR), "hold_for");
	if (alert.every < 0 && PG_ARGISNULL(ARG_VIEW))
		bad_value("every", "between 1 second and 100 years");
	check_durations(&alert);
	alert.key = key_argument(fcinfo);
	if (!PG_ARGISNULL(ARG_NOTIFY))
		alert.notify = text_to_cstring(PG_GETARG_TEXT_PP(ARG_NOTIFY));
	check_names(&alert);
	if (ks_alert_find(alert.name, true) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("alert \"%s\" already exists", alert.name)));
	if (!PG_ARGISNULL(ARG_VIEW))
	{
		alert.view = PG_GETARG_OID(ARG_VIEW);
		alert.evaluated_to = begin_of_view(alert.view);
	}
	alert.system_identifier = GetSystemIdentifier();
	alert.database = MyDatabaseId;
	alert.id = ks_alert_next_id();
	ks_alert_query_define(&alert, query);
	check_alert(&alert);
	ks_alert_insert(&alert);
	ks_touch_at_commit(InvalidOid);
	PG_RETURN_VOID();
}

/* ---- alter, drop ---- */

/* The alert, if the current role owns it; nobody evaluates it until we commit. */
static KsAlert *
lock_alert(const char *name)
{
	KsAlert    *alert = ks_alert_find(name, false);

	ks_shared_require();
	if (!has_privs_of_role(GetUserId(), alert->owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of alert \"%s\"", name)));
	LockRelationOid(alert->definition, AccessExclusiveLock);
	/* It may have been altered or dropped while we waited. */
	return ks_alert_find(name, false);
}

static char *
string_value(const char *parameter, const JsonbValue *value)
{
	if (value->type != jbvString)
		bad_value(parameter, "a string");
	return pnstrdup(value->val.string.val, value->val.string.len);
}

static int64
duration_value(const char *parameter, const JsonbValue *value)
{
	Datum		interval;
	int64		usecs;

	if (value->type != jbvString)
		bad_value(parameter, "a string such as \"10 seconds\"");
	interval = DirectFunctionCall3(interval_in, CStringGetDatum(string_value(parameter, value)),
								   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
	usecs = ks_interval_usecs(DatumGetIntervalP(interval), parameter);
	return usecs < 0 ? -2 : usecs;	/* -1 means none */
}

static List *
key_value(const JsonbValue *value)
{
	List	   *key = NIL;
	JsonbIterator *it;
	JsonbValue	element;
	JsonbIteratorToken token;

	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data))
		bad_value("key", "an array of column names");
	it = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &element, true)) != WJB_DONE)
		if (token == WJB_ELEM)
			key = lappend(key, string_value("each column of key", &element));
	return key;
}

static void
set_enabled(KsAlert *alert, const JsonbValue *value)
{
	if (value->type != jbvBool)
		bad_value("enabled", "true or false");
	alert->enabled = value->val.boolean;
	if (!alert->enabled)
		return;
	alert->system_identifier = GetSystemIdentifier();
	alert->database = MyDatabaseId;
}

pg_attribute_noreturn()
static void
refuse(const char *parameter)
{
	if (strcmp(parameter, "name") == 0 || strcmp(parameter, "view") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s of an alert cannot be altered", parameter),
				 errhint("Drop the alert and create another.")));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("an alert has no parameter \"%s\"", parameter),
			 errhint("Parameters that can be altered are query, every, key, notify, hold_for, retention and enabled.")));
}

/* One change; the query's text is left in *query. */
static void
apply_change(KsAlert *alert, const char *parameter, const JsonbValue *value, char **query)
{
	bool		null = value->type == jbvNull;

	if (strcmp(parameter, "query") == 0)
		*query = string_value(parameter, value);
	else if (strcmp(parameter, "every") == 0)
	{
		require_one(OidIsValid(alert->view), true);
		alert->every = duration_value(parameter, value);
		if (alert->every < 0)
			bad_value("every", "between 1 second and 100 years");
	}
	else if (strcmp(parameter, "key") == 0)
		alert->key = key_value(value);
	else if (strcmp(parameter, "notify") == 0)
		alert->notify = null ? NULL : string_value(parameter, value);
	else if (strcmp(parameter, "hold_for") == 0)
		alert->hold_for = duration_value(parameter, value);
	else if (strcmp(parameter, "retention") == 0)
		alert->retention = null ? -1 : duration_value(parameter, value);
	else if (strcmp(parameter, "enabled") == 0)
		set_enabled(alert, value);
	else
		refuse(parameter);
}

static char *
apply_changes(KsAlert *alert, Jsonb *changes)
{
	JsonbIterator *it = JsonbIteratorInit(&changes->root);
	JsonbIteratorToken token;
	JsonbValue	value;
	char	   *parameter = NULL;
	char	   *query = NULL;

	if (!JB_ROOT_IS_OBJECT(changes))
		bad_value("changes", "a JSON object");
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			parameter = pnstrdup(value.val.string.val, value.val.string.len);
		else if (token == WJB_VALUE)
			apply_change(alert, parameter, &value, &query);
	}
	return query;
}

/* With a definition goes its alert, unless that has another by then. */
static void
drop_definition(Oid definition)
{
	KsAccess	access;

	ks_access_enter(&access);
	ks_access_execute(psprintf("DROP VIEW %s", ks_relation_name(definition)));
	ks_access_leave(&access);
}

Datum
ks_alter_alert(PG_FUNCTION_ARGS)
{
	KsAlert    *alert = lock_alert(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	Oid			definition = alert->definition;
	char	   *query = apply_changes(alert, PG_GETARG_JSONB_P(1));

	if (query != NULL)
		ks_alert_query_define(alert, query);
	check_alert(alert);
	ks_alert_update(alert);
	if (query != NULL)
		drop_definition(definition);
	ks_touch_at_commit(InvalidOid);
	PG_RETURN_VOID();
}

/* The catalog is cleaned by an event trigger. */
Datum
ks_drop_alert(PG_FUNCTION_ARGS)
{
	KsAlert    *alert = lock_alert(text_to_cstring(PG_GETARG_TEXT_PP(0)));

	drop_definition(alert->definition);
	PG_RETURN_VOID();
}
