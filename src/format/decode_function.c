/*
 * kafka_stream.decode(): what a message would become, for people who wonder
 * why theirs does not.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "fmgr.h"
#include "funcapi.h"
#include "nodes/bitmapset.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

#include "base/compat.h"
#include "format/decoder.h"

PG_FUNCTION_INFO_V1(ks_decode);

/* Columns that tell where a row comes from; messages do not fill them. */
static const char *const own_columns[] = {
	"kafka_partition", "kafka_offset", "kafka_timestamp", "kafka_received_at",
	"kafka_topic", "kafka_key", "kafka_headers"
};

static Bitmapset *
find_own_columns(TupleDesc desc)
{
	Bitmapset  *result = NULL;

	for (int i = 0; i < desc->natts; i++)
		for (int j = 0; j < lengthof(own_columns); j++)
			if (strcmp(NameStr(TupleDescAttr(desc, i)->attname), own_columns[j]) == 0)
				result = bms_add_member(result, i + 1);
	return result;
}

/* to_jsonb() of a row with the present columns alone. */
static Datum
row_to_jsonb(TupleDesc desc, const Datum *values, const bool *present)
{
	TupleDesc	row;
	Datum	   *row_values = palloc(desc->natts * sizeof(Datum));
	bool	   *row_isnull = palloc0(desc->natts * sizeof(bool));
	FmgrInfo	to_jsonb;
	int			n = 0;

	for (int i = 0; i < desc->natts; i++)
		n += present[i];
	row = CreateTemplateTupleDesc(n);
	n = 0;
	for (int i = 0; i < desc->natts; i++)
	{
		if (!present[i])
			continue;
		row_values[n++] = values[i];
		TupleDescCopyEntry(row, n, desc, i + 1);
	}
	BlessTupleDesc(row);
	fmgr_info(F_TO_JSONB, &to_jsonb);
	fmgr_info_set_expr((Node *) makeFuncExpr(F_TO_JSONB, JSONBOID,
											 list_make1(makeNullConst(RECORDOID, -1, InvalidOid)),
											 InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL),
					   &to_jsonb);
	return FunctionCall1(&to_jsonb,
						 heap_copy_tuple_as_datum(heap_form_tuple(row, row_values, row_isnull), row));
}

static void
fill_error(const KsDecodeError *error, Datum *result, bool *isnull)
{
	isnull[0] = true;
	result[1] = CStringGetTextDatum(unpack_sql_state(error->sqlstate));
	result[2] = CStringGetTextDatum(error->message);
	isnull[3] = error->column == NULL;
	if (!isnull[3])
		result[3] = CStringGetTextDatum(error->column);
}

Datum
ks_decode(PG_FUNCTION_ARGS)
{
	Relation	relation = relation_open(PG_GETARG_OID(0), AccessShareLock);
	TupleDesc	desc = RelationGetDescr(relation);
	bytea	   *message = PG_GETARG_BYTEA_PP(1);
	char	   *format = text_to_cstring(PG_GETARG_TEXT_PP(3));
	Datum	   *values = palloc0(desc->natts * sizeof(Datum));
	bool	   *isnull = palloc(desc->natts * sizeof(bool));
	bool	   *present = palloc(desc->natts * sizeof(bool));
	Datum		result[4] = {0};
	bool		result_isnull[4] = {false, true, true, true};
	KsDecodeError error;
	KsDecoder  *decoder;

	decoder = ks_decoder_create(CurrentMemoryContext, format, desc, find_own_columns(desc),
								PG_GETARG_JSONB_P(2));
	InitMaterializedSRF(fcinfo, 0);
	if (ks_decoder_decode(decoder, VARDATA_ANY(message), VARSIZE_ANY_EXHDR(message),
						  values, isnull, present, &error))
		result[0] = row_to_jsonb(desc, values, present);
	else
	{
		memset(result_isnull, false, sizeof(result_isnull));
		fill_error(&error, result, result_isnull);
	}
	tuplestore_putvalues(((ReturnSetInfo *) fcinfo->resultinfo)->setResult,
						 ((ReturnSetInfo *) fcinfo->resultinfo)->setDesc, result, result_isnull);
	relation_close(relation, AccessShareLock);
	return (Datum) 0;
}
