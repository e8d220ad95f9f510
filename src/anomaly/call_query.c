/*
 * The SQL that a call of a detect_* function stands for.
 *
 * What is known of the relation comes from PostgreSQL's catalog alone: a
 * continuous view is told by its columns window_start, window_end (timestamptz)
 * and is_final (boolean), and so is a view over one that passes them on.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "anomaly/call.h"
#include "anomaly/column.h"

static bool
has_open_windows(Oid relation)
{
	return ks_column_type(relation, "window_start") == TIMESTAMPTZOID &&
		ks_column_type(relation, "window_end") == TIMESTAMPTZOID &&
		ks_column_type(relation, "is_final") == BOOLOID;
}

static void
append_values(StringInfo sql, const KsDetectorCall *call)
{
	appendStringInfo(sql, "%s AS ts",
					 ks_column_time(ks_column_type(call->relation, call->time_column), call->time_column));
	for (int i = 0; i < call->method->nvalues; i++)
	{
		const char *column = call->value_column[i];

		appendStringInfo(sql, ", %s AS value%s",
						 ks_column_number(ks_column_type(call->relation, column), column, i > 0),
						 i == 0 ? "" : "2");
	}
}

static void
append_from(StringInfo sql, const KsDetectorCall *call, const char *condition)
{
	const char *separator = "\nWHERE ";

	appendStringInfo(sql, "\nFROM %s AS r",
					 quote_qualified_identifier(get_namespace_name(get_rel_namespace(call->relation)),
												get_rel_name(call->relation)));
	if (!call->include_open && has_open_windows(call->relation))
	{
		appendStringInfo(sql, "%sr.is_final", separator);
		separator = " AND ";
	}
	if (condition != NULL)
		appendStringInfo(sql, "%s(%s)", separator, condition);
}

static void
append_order(StringInfo sql, const KsDetectorCall *call, const char *series_order)
{
	/* the column itself, since it may have an index */
	appendStringInfo(sql, "\nORDER BY %sr.%s", series_order, quote_identifier(call->time_column));
	for (int i = 0; i < call->method->nvalues; i++)
	{
		const char *column = call->value_column[i];

		appendStringInfo(sql, ", %s",
						 ks_column_number(ks_column_type(call->relation, column), column, i > 0));
	}
}

/* The columns of a series, each followed by a comma. */
static char *
partition_columns(const KsDetectorCall *call, bool named)
{
	StringInfoData sql;
	ListCell   *lc;

	initStringInfo(&sql);
	foreach(lc, call->partition_by)
	{
		const char *column = lfirst(lc);

		appendStringInfoString(&sql, ks_column_partition(ks_column_type(call->relation, column), column));
		if (named)
			appendStringInfo(&sql, " AS %s", quote_identifier(column));
		appendStringInfoString(&sql, ", ");
	}
	return sql.data;
}

static char *
series_expression(const KsDetectorCall *call)
{
	StringInfoData sql;
	ListCell   *lc;
	const char *separator = "";

	if (call->partition_by == NIL)
		return "'{}'::pg_catalog.jsonb";
	initStringInfo(&sql);
	appendStringInfoString(&sql, "pg_catalog.jsonb_build_object(");
	foreach(lc, call->partition_by)
	{
		appendStringInfo(&sql, "%s%s, r.%s", separator, quote_literal_cstr(lfirst(lc)),
						 quote_identifier(lfirst(lc)));
		separator = ", ";
	}
	appendStringInfoChar(&sql, ')');
	return sql.data;
}

char *
ks_detector_call_query(const KsDetectorCall *call, const char *condition)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT %s AS series, ", series_expression(call));
	append_values(&sql, call);
	append_from(&sql, call, condition);
	append_order(&sql, call, partition_columns(call, false));
	return sql.data;
}

char *
ks_detector_call_columns_query(const KsDetectorCall *call, const char *condition)
{
	StringInfoData sql;
	const char *keys = partition_columns(call, false);
	const char *time = ks_column_time(ks_column_type(call->relation, call->time_column),
									   call->time_column);

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT ");
	if (call->partition_by != NIL)
		appendStringInfo(&sql, "kafka_stream_internal.series_place(%s, %s) AS place, %s", time,
						 pnstrdup(keys, strlen(keys) - strlen(", ")), partition_columns(call, true));
	append_values(&sql, call);
	append_from(&sql, call, condition);
	append_order(&sql, call, call->partition_by == NIL ? "" : "1, ");
	return sql.data;
}
