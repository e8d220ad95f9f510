/*
 * The arguments of a detect_* function.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/pg_class.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "anomaly/call.h"
#include "anomaly/column.h"

/* The C function that is behind all of them (detect.c). */
#define DETECTOR_SYMBOL "ks_detect"

/* A call's arguments, while they are checked. */
typedef struct Arguments
{
	const Datum *value;
	const bool *isnull;
	char	  **name;			/* in SQL */
	Oid			relation;
} Arguments;

/* At which places the common arguments are; -1 for none. */
typedef struct Layout
{
	int			value[KS_DETECTOR_VALUES];
	int			time;
	int			partition_by;
	int			partition_column;	/* instead of partition_by */
	int			own;			/* the first of the method's own */
	int			include_open;
} Layout;

/* (relation, value_column, time_column, partition_by, ..., include_open) */
static Layout
series_layout(int nparams)
{
	return (Layout) {
		.value = {1, -1}, .time = 2, .partition_by = 3, .partition_column = -1,
		.own = 4, .include_open = 4 + nparams
	};
}

/* (relation, ip_column, requests_column, users_column, ..., time_column, include_open) */
static Layout
address_layout(int nparams)
{
	return (Layout) {
		.value = {2, 3}, .time = 4 + nparams, .partition_by = -1, .partition_column = 1,
		.own = 4, .include_open = 5 + nparams
	};
}

/* The method of a SQL function and the names of its arguments; NULL if it is no detector. */
static const KsDetectorMethod *
find_method(Oid function, char ***names)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	const KsDetectorMethod *method = NULL;
	Form_pg_proc proc;
	Datum		symbol;
	Datum		argnames;
	bool		isnull;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	proc = (Form_pg_proc) GETSTRUCT(tuple);
	symbol = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &isnull);
	if (proc->prolang == ClanguageId && !isnull &&
		strcmp(TextDatumGetCString(symbol), DETECTOR_SYMBOL) == 0)
		method = ks_detector_method(NameStr(proc->proname));
	if (method != NULL)
	{
		argnames = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proargnames, &isnull);
		(void) get_func_input_arg_names(argnames,
										SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proargmodes, &isnull),
										names);
	}
	ReleaseSysCache(tuple);
	return method;
}

static void
refuse_null(const Arguments *arguments, int argno, const char *hint)
{
	if (arguments->isnull[argno])
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument %s must not be null", arguments->name[argno]),
				 errhint("%s", hint)));
}

/* Something to read from; locked, so that it stays as it is until the query runs. */
static Oid
relation_argument(const Arguments *arguments)
{
	Relation	relation;
	Oid			relid;

	refuse_null(arguments, 0, "Name a table or a view, such as 'response_time'.");
	relid = DatumGetObjectId(arguments->value[0]);
	relation = try_relation_open(relid, AccessShareLock);
	if (relation == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	switch (relation->rd_rel->relkind)
	{
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
		case RELKIND_VIEW:
		case RELKIND_MATVIEW:
		case RELKIND_FOREIGN_TABLE:
			break;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("\"%s\" has no rows to look at", RelationGetRelationName(relation)),
					 errhint("Name a table or a view, such as 'response_time'.")));
	}
	relation_close(relation, NoLock);
	return relid;
}

/* Raises an error if the relation has no column of the name that an argument gives. */
static Oid
check_column(const Arguments *arguments, int argno, const char *column)
{
	Oid			type = ks_column_type(arguments->relation, column);

	if (!OidIsValid(type))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist", column,
						get_rel_name(arguments->relation)),
				 errhint("Name another column with %s => '...'.", arguments->name[argno])));
	return type;
}

static char *
value_argument(const Arguments *arguments, int argno, bool or_array)
{
	char	   *column;
	Oid			type;

	refuse_null(arguments, argno, "Name the column whose values are looked at.");
	column = pstrdup(NameStr(*DatumGetName(arguments->value[argno])));
	type = check_column(arguments, argno, column);
	if (ks_column_number(type, column, or_array) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("argument %s: column \"%s\" of type %s is no number", arguments->name[argno],
						column, format_type_be(type)),
				 errhint("Name a column of numbers or intervals, or a view over the relation that has one, such as \"%s\"::float8.",
						 column)));
	return column;
}

static char *
time_argument(const Arguments *arguments, int argno)
{
	char	   *column = "window_start";
	Oid			type;

	if (!arguments->isnull[argno])
		column = pstrdup(NameStr(*DatumGetName(arguments->value[argno])));
	type = check_column(arguments, argno, column);
	if (ks_column_time(type, column) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("argument %s: column \"%s\" of type %s is no time", arguments->name[argno],
						column, format_type_be(type)),
				 errhint("Name a column of type timestamptz, timestamp or date.")));
	return column;
}

static void
check_name_once(const Arguments *arguments, int argno, const char *column, List *others)
{
	ListCell   *lc;

	foreach(lc, others)
	{
		if (strcmp(lfirst(lc), column) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_COLUMN),
					 errmsg("argument %s: column \"%s\" is named twice", arguments->name[argno],
							column),
					 errhint("Each column can be a value, the time or a part of the series.")));
	}
}

/* The columns of a series; 'others' are those named for something else. */
static List *
partition_argument(const Arguments *arguments, int argno, List *others)
{
	Datum	   *name;
	bool	   *isnull;
	int			n;
	List	   *columns = NIL;

	if (arguments->isnull[argno])
		return NIL;
	deconstruct_array(DatumGetArrayTypeP(arguments->value[argno]), NAMEOID, NAMEDATALEN, false,
					  TYPALIGN_CHAR, &name, &isnull, &n);
	if (n > KS_DETECTOR_MAX_PARTITION_BY)
		ereport(ERROR,
				(errcode(ERRCODE_TOO_MANY_COLUMNS),
				 errmsg("argument %s has %d columns", arguments->name[argno], n),
				 errhint("Name at most %d.", KS_DETECTOR_MAX_PARTITION_BY)));
	for (int i = 0; i < n; i++)
	{
		char	   *column;

		if (isnull[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument %s must not hold a null", arguments->name[argno]),
					 errhint("Give an array of column names, such as '{service}'.")));
		column = pstrdup(NameStr(*DatumGetName(name[i])));
		(void) check_column(arguments, argno, column);
		check_name_once(arguments, argno, column, others);
		check_name_once(arguments, argno, column, columns);
		columns = lappend(columns, column);
	}
	return columns;
}

static List *
partition_column_argument(const Arguments *arguments, int argno, List *others)
{
	char	   *column;

	refuse_null(arguments, argno, "Name the column that tells the series apart.");
	column = pstrdup(NameStr(*DatumGetName(arguments->value[argno])));
	(void) check_column(arguments, argno, column);
	check_name_once(arguments, argno, column, others);
	return list_make1(column);
}

/* Fill a call's columns, each checked. */
static void
column_arguments(KsDetectorCall *call, const Arguments *arguments, const Layout *layout)
{
	List	   *named = NIL;

	for (int i = 0; i < call->method->nvalues; i++)
	{
		call->value_column[i] = value_argument(arguments, layout->value[i], i > 0);
		check_name_once(arguments, layout->value[i], call->value_column[i], named);
		named = lappend(named, call->value_column[i]);
	}
	call->time_column = time_argument(arguments, layout->time);
	named = lappend(named, call->time_column);
	if (layout->partition_by >= 0)
		call->partition_by = partition_argument(arguments, layout->partition_by, named);
	else
		call->partition_by = partition_column_argument(arguments, layout->partition_column, named);
}

/* The arguments as they would be sent, so that no setting has a part in it. */
static char *
call_identity(const KsDetectorMethod *method, Oid function, int own, const Arguments *arguments)
{
	StringInfoData identity;
	Oid		   *types;
	int			ntypes;

	(void) get_func_signature(function, &types, &ntypes);
	initStringInfo(&identity);
	appendStringInfo(&identity, "%s/%d", method->name, method->format);
	for (int i = own; i < own + method->nparams; i++)
	{
		Oid			send;
		bool		isvarlena;
		bytea	   *value;

		appendStringInfoChar(&identity, ' ');
		if (arguments->isnull[i])
			continue;
		getTypeBinaryOutputInfo(types[i], &send, &isvarlena);
		value = OidSendFunctionCall(send, arguments->value[i]);
		for (int j = 0; j < VARSIZE(value) - VARHDRSZ; j++)
			appendStringInfo(&identity, "%02x", (unsigned char) VARDATA(value)[j]);
	}
	return identity.data;
}

KsDetectorCall *
ks_detector_call(Oid function, int nargs, const Datum *args, const bool *isnull)
{
	Arguments	arguments = {args, isnull};
	const KsDetectorMethod *method = find_method(function, &arguments.name);
	KsDetectorCall *call;
	Layout		layout;

	if (method == NULL)
		return NULL;
	layout = method->nvalues == 1 ? series_layout(method->nparams) : address_layout(method->nparams);
	if (nargs != layout.include_open + 1)
		elog(ERROR, "%s has %d arguments, not %d", method->name, nargs, layout.include_open + 1);
	call = palloc0(sizeof(KsDetectorCall));
	call->method = method;
	call->relation = arguments.relation = relation_argument(&arguments);
	column_arguments(call, &arguments, &layout);
	call->params = method->params(args + layout.own, isnull + layout.own);
	call->identity = call_identity(method, function, layout.own, &arguments);
	call->include_open = !isnull[layout.include_open] && DatumGetBool(args[layout.include_open]);
	return call;
}
