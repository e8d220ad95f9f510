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
#include "utils/memutils.h"
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

/* A decoder and what it was made for; lives as long as the calling expression. */
typedef struct DecodeState
{
	MemoryContext context;
	TupleDesc	desc;
	Jsonb	   *options;
	char	   *format;
	KsDecoder  *decoder;
} DecodeState;

static bool
is_made_for(const DecodeState *state, TupleDesc desc, Jsonb *options, const char *format)
{
	return state != NULL && equalTupleDescs(state->desc, desc) &&
		VARSIZE(state->options) == VARSIZE(options) &&
		memcmp(state->options, options, VARSIZE(options)) == 0 &&
		strcmp(state->format, format) == 0;
}

static DecodeState *
make_state(FmgrInfo *flinfo, TupleDesc desc, Jsonb *options, const char *format)
{
	MemoryContext context = AllocSetContextCreate(flinfo->fn_mcxt, "kafka_stream decode",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	DecodeState *state = palloc(sizeof(DecodeState));

	state->context = context;
	state->desc = CreateTupleDescCopyConstr(desc);
	state->options = (Jsonb *) PG_DETOAST_DATUM_COPY(JsonbPGetDatum(options));
	state->format = pstrdup(format);
	state->decoder = ks_decoder_create(context, format, state->desc,
									   find_own_columns(desc), state->options);
	MemoryContextSwitchTo(old);
	return state;
}

/* The calling expression's decoder, made anew if its arguments have changed. */
static DecodeState *
get_state(FmgrInfo *flinfo, Oid relid, Jsonb *options, const char *format)
{
	Relation	relation = relation_open(relid, AccessShareLock);
	DecodeState *state = flinfo->fn_extra;

	if (!is_made_for(state, RelationGetDescr(relation), options, format))
	{
		flinfo->fn_extra = NULL;
		if (state != NULL)
			MemoryContextDelete(state->context);
		state = make_state(flinfo, RelationGetDescr(relation), options, format);
		flinfo->fn_extra = state;
	}
	relation_close(relation, AccessShareLock);
	return state;
}

Datum
ks_decode(PG_FUNCTION_ARGS)
{
	bytea	   *message = PG_GETARG_BYTEA_PP(1);
	DecodeState *state = get_state(fcinfo->flinfo, PG_GETARG_OID(0), PG_GETARG_JSONB_P(2),
								   text_to_cstring(PG_GETARG_TEXT_PP(3)));
	int			natts = state->desc->natts;
	Datum	   *values = palloc0(natts * sizeof(Datum));
	bool	   *isnull = palloc(natts * sizeof(bool));
	bool	   *present = palloc(natts * sizeof(bool));
	ReturnSetInfo *set = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum		result[4] = {0};
	bool		result_isnull[4] = {false, true, true, true};
	KsDecodeError error;

	InitMaterializedSRF(fcinfo, 0);
	if (ks_decoder_decode(state->decoder, VARDATA_ANY(message), VARSIZE_ANY_EXHDR(message),
						  values, isnull, present, &error))
		result[0] = row_to_jsonb(state->desc, values, present);
	else
	{
		memset(result_isnull, false, sizeof(result_isnull));
		fill_error(&error, result, result_isnull);
	}
	tuplestore_putvalues(set->setResult, set->setDesc, result, result_isnull);
	return (Datum) 0;
}
