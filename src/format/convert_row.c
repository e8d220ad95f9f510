/*
 * A row's columns, whatever the format.  Their memory does not grow with
 * messages: what type functions cache is dropped with each transaction.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/memutils.h"

#include "base/compat.h"
#include "format/convert_row.h"

/* Bytes of an error that are kept. */
#define MAX_ERROR_LENGTH 1000

void
ks_row_init(KsRow *row, TupleDesc desc, Bitmapset *skip, Jsonb *options)
{
	KsConverter *converter = &row->converter;

	converter->cache = AllocSetContextCreate(CurrentMemoryContext, "kafka_stream type functions",
											 ALLOCSET_SMALL_SIZES);
	ks_format_options_read(&converter->options, desc, skip, options);
	converter->utc = converter->options.timezone == pg_tzset("UTC");
	row->natts = desc->natts;
	row->columns = palloc0(desc->natts * sizeof(KsColumn));
	row->later = palloc((desc->natts + 1) * sizeof(int));
}

KsColumn *
ks_row_add(KsRow *row, Form_pg_attribute att)
{
	KsColumn   *column = &row->columns[row->ncolumns++];

	ks_convert_init(&row->converter, column, att);
	return column;
}

static void
forget(KsRow *row)
{
	ks_convert_forget(&row->converter, row->columns, row->ncolumns);
}

void
ks_row_begin(KsRow *row, Datum *values, bool *isnull, bool *present, KsDecodeError *error)
{
	memset(isnull, true, row->natts * sizeof(bool));
	memset(present, false, row->natts * sizeof(bool));
	row->values = values;
	row->isnull = isnull;
	row->present = present;
	row->converter.error = error;
	row->converter.column = NULL;
	row->converter.guarded = false;
	if (row->lxid != KS_MY_LXID)
		forget(row);
	row->lxid = KS_MY_LXID;
}

/* What a guarded function did. */
typedef struct Attempt
{
	bool		(*run) (void *);
	void	   *argument;
	bool		done;
} Attempt;

static void
attempt_run(void *argument)
{
	Attempt    *attempt = argument;

	attempt->done = attempt->run(attempt->argument);
}

bool
ks_row_guard(KsRow *row, bool (*run) (void *), void *argument)
{
	Attempt		attempt = {run, argument, false};

	if (ks_convert_guard(&row->converter, attempt_run, &attempt))
		return attempt.done;
	forget(row);
	return false;
}

typedef struct Later
{
	KsRow	   *row;
	KsRowConvert convert;
	void	   *decoder;
} Later;

static bool
convert_later(void *argument)
{
	Later	   *later = argument;

	for (int i = 0; i < later->row->nlater; i++)
		if (later->convert(later->decoder, later->row->later[i]) != KS_CONVERTED)
			return false;
	return true;
}

bool
ks_row_convert_later(KsRow *row, KsRowConvert convert, void *decoder)
{
	Later		later = {row, convert, decoder};

	return ks_row_guard(row, convert_later, &later);
}

/* Errors quote values, and these may be long. */
bool
ks_row_fail(KsRow *row)
{
	KsDecodeError *error = row->converter.error;
	int			len = (int) strlen(error->message);

	if (len > MAX_ERROR_LENGTH)
		error->message = psprintf("%.*s...",
								  pg_mbcliplen(error->message, len, MAX_ERROR_LENGTH),
								  error->message);
	return false;
}
