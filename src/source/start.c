/*
 * Where a stream starts to read.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "source/start.h"

pg_attribute_noreturn()
static void
bad_offsets(const char *start)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("start offsets must map partition numbers to offsets: %s", start),
			 errhint("Write for example start => '{\"0\": 42, \"1\": 17}'.")));
}

static int64
offset_of(const JsonbValue *value, const char *start)
{
	Datum		number;
	int64		offset;

	if (value->type != jbvNumeric)
		bad_offsets(start);
	number = NumericGetDatum(value->val.numeric);
	if (!DatumGetBool(DirectFunctionCall2(numeric_eq, number,
										  DirectFunctionCall2(numeric_trunc, number,
															  Int32GetDatum(0)))))
		bad_offsets(start);
	offset = DatumGetInt64(DirectFunctionCall1(numeric_int8, number));
	if (offset < 0)
		bad_offsets(start);
	return offset;
}

static int32
partition_of(const JsonbValue *key, const char *start)
{
	int			i;
	int64		partition = 0;

	if (key->val.string.len == 0 || key->val.string.len > 9)
		bad_offsets(start);
	for (i = 0; i < key->val.string.len; i++)
	{
		char		c = key->val.string.val[i];

		if (c < '0' || c > '9')
			bad_offsets(start);
		partition = partition * 10 + (c - '0');
	}
	return (int32) partition;
}

static List *
parse_offsets(const char *start)
{
	Jsonb	   *json = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(start)));
	JsonbIterator *it = JsonbIteratorInit(&json->root);
	JsonbIteratorToken token;
	JsonbValue	value;
	KsStartOffset *current = NULL;
	List	   *result = NIL;

	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			current = palloc(sizeof(KsStartOffset));
			current->partition = partition_of(&value, start);
		}
		else if (token == WJB_VALUE)
		{
			current->offset = offset_of(&value, start);
			result = lappend(result, current);
		}
	}
	if (result == NIL)
		bad_offsets(start);
	return result;
}

KsStart *
ks_start_parse(const char *start)
{
	KsStart    *result = palloc0(sizeof(KsStart));

	if (strcmp(start, "earliest") == 0)
		result->kind = KS_START_EARLIEST;
	else if (strcmp(start, "latest") == 0)
		result->kind = KS_START_LATEST;
	else if (start[0] == '{')
	{
		result->kind = KS_START_OFFSETS;
		result->offsets = parse_offsets(start);
	}
	else if (start[0] >= '0' && start[0] <= '9')
	{
		result->kind = KS_START_TIME;
		result->at = DatumGetTimestampTz(DirectFunctionCall3(timestamptz_in,
															 CStringGetDatum(start),
															 ObjectIdGetDatum(InvalidOid),
															 Int32GetDatum(-1)));
	}
	else
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid start position: \"%s\"", start),
				 errhint("Use 'earliest', 'latest', a timestamp such as '2026-01-31 12:00:00+00', or offsets such as '{\"0\": 42, \"1\": 17}'.")));
	return result;
}

char *
ks_start_format(const KsStart *start)
{
	StringInfoData buf;
	ListCell   *lc;

	switch (start->kind)
	{
		case KS_START_EARLIEST:
			return pstrdup("earliest");
		case KS_START_LATEST:
			return pstrdup("latest");
		case KS_START_TIME:
			return pstrdup(timestamptz_to_str(start->at));
		case KS_START_OFFSETS:
			break;
	}
	initStringInfo(&buf);
	foreach(lc, start->offsets)
	{
		KsStartOffset *one = lfirst(lc);

		appendStringInfo(&buf, "%s\"%d\": " INT64_FORMAT, buf.len ? ", " : "{",
						 one->partition, one->offset);
	}
	appendStringInfoChar(&buf, '}');
	return buf.data;
}
