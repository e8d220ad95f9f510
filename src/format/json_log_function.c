/*
 * parse_json_log(): one line as a row of the service logs' schema, by the
 * decoder that streams of format "json" have.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"

#include "base/compat.h"
#include "format/decoder.h"

PG_FUNCTION_INFO_V1(ks_parse_json_log);

/* The one column that is not named like its key. */
#define OPTIONS "{\"paths\": {\"event_time\": \"$.timestamp\"}}"

/* What lives as long as the calling expression. */
typedef struct LogState
{
	TupleDesc	desc;
	KsDecoder  *decoder;
	Datum	   *values;
	bool	   *isnull;
	bool	   *present;
} LogState;

static LogState *
get_state(FunctionCallInfo fcinfo)
{
	LogState   *state = fcinfo->flinfo->fn_extra;
	MemoryContext old;

	if (state != NULL)
		return state;
	old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	state = palloc(sizeof(LogState));
	if (get_call_result_type(fcinfo, NULL, &state->desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "unexpected row type");
	state->desc = BlessTupleDesc(state->desc);
	state->values = palloc0(state->desc->natts * sizeof(Datum));
	state->isnull = palloc(state->desc->natts * sizeof(bool));
	state->present = palloc(state->desc->natts * sizeof(bool));
	state->decoder = ks_decoder_create(fcinfo->flinfo->fn_mcxt, "json", state->desc, NULL,
									   DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
																		  CStringGetDatum(OPTIONS))));
	MemoryContextSwitchTo(old);
	fcinfo->flinfo->fn_extra = state;
	return state;
}

Datum
ks_parse_json_log(PG_FUNCTION_ARGS)
{
	text	   *line = PG_GETARG_TEXT_PP(0);
	const char *data = VARDATA_ANY(line);
	size_t		len = VARSIZE_ANY_EXHDR(line);
	LogState   *state = get_state(fcinfo);
	KsDecodeError error;

	/* messages are UTF-8, whatever the database has */
	if (GetDatabaseEncoding() != PG_UTF8)
	{
		const char *utf8 = pg_server_to_any(data, (int) len, PG_UTF8);

		if (utf8 != data)
			len = strlen(utf8);
		data = utf8;
	}
	if (!ks_decoder_decode(state->decoder, data, len, state->values, state->isnull,
						   state->present, &error))
		PG_RETURN_NULL();
	return HeapTupleGetDatum(heap_form_tuple(state->desc, state->values, state->isnull));
}
