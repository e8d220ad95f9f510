/*
 * parse_apache_log() and parse_nginx_log(): one line as a row.
 *
 * The row is formed here, byte by byte: fields go from the line into the tuple
 * without becoming values of their own first, which would cost more than
 * finding them.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"

#include "base/compat.h"
#include "format/access_log.h"

PG_FUNCTION_INFO_V1(ks_parse_apache_log);
PG_FUNCTION_INFO_V1(ks_parse_nginx_log);

/* Columns of the row, in the order of access_log.sql. */
enum
{
	COLUMN_CLIENT,
	COLUMN_IDENTITY,
	COLUMN_USER,
	COLUMN_EVENT_TIME,
	COLUMN_METHOD,
	COLUMN_URL,
	COLUMN_PROTOCOL,
	COLUMN_STATUS,
	COLUMN_SIZE,
	COLUMN_REFERER,
	COLUMN_USER_AGENT,
	COLUMN_VHOST,
	COLUMNS
};

#define DATA_OFFSET MAXALIGN(SizeofHeapTupleHeader + BITMAPLEN(COLUMNS))

/* What fields take besides their bytes: lengths, alignment, the numbers. */
#define OVERHEAD (COLUMNS * (VARHDRSZ + MAXIMUM_ALIGNOF))

/* A tuple under construction. */
typedef struct Row
{
	HeapTupleHeader header;
	char	   *at;				/* where the next column goes, unaligned */
	bool		utf8;
} Row;

/* Align, with zeros: a reader tells padding from a short text by them. */
static inline void
align(Row *row, int alignment)
{
	while ((uintptr_t) row->at % alignment != 0)
		*row->at++ = '\0';
}

static inline void
put_present(Row *row, int column)
{
	row->header->t_bits[column / 8] |= 1 << (column % 8);
}

/* A text's bytes at 'out', as it is stored; returns how many. */
static inline size_t
copy_field(const Row *row, const KsLogField *field, char *out)
{
	if (field->escaped)
		return ks_access_log_unescape(field->text, field->len, row->utf8, out);
	memcpy(out, field->text, field->len);
	return field->len;
}

static inline void
put_text(Row *row, int column, const KsLogField *field)
{
	char	   *first = row->at;
	size_t		len;

	if (field->text == NULL)
		return;
	put_present(row, column);
	if (field->len + VARHDRSZ_SHORT <= VARATT_SHORT_MAX)
	{
		len = copy_field(row, field, first + VARHDRSZ_SHORT) + VARHDRSZ_SHORT;
		SET_VARSIZE_SHORT(first, len);
	}
	else
	{
		align(row, ALIGNOF_INT);
		first = row->at;
		len = copy_field(row, field, first + VARHDRSZ) + VARHDRSZ;
		SET_VARSIZE(first, len);
	}
	row->at = first + len;
}

static inline void
put_int32(Row *row, int column, int32 value)
{
	put_present(row, column);
	align(row, ALIGNOF_INT);
	memcpy(row->at, &value, sizeof(value));
	row->at += sizeof(value);
}

static inline void
put_int64(Row *row, int column, int64 value)
{
	put_present(row, column);
	align(row, ALIGNOF_DOUBLE);
	memcpy(row->at, &value, sizeof(value));
	row->at += sizeof(value);
}

static void
put_columns(Row *row, const KsAccessLog *log)
{
	const KsLogField *texts = log->texts;

	put_text(row, COLUMN_CLIENT, &texts[KS_LOG_CLIENT]);
	put_text(row, COLUMN_IDENTITY, &texts[KS_LOG_IDENTITY]);
	put_text(row, COLUMN_USER, &texts[KS_LOG_USER]);
	put_int64(row, COLUMN_EVENT_TIME, log->event_time);
	put_text(row, COLUMN_METHOD, &texts[KS_LOG_METHOD]);
	put_text(row, COLUMN_URL, &texts[KS_LOG_URL]);
	put_text(row, COLUMN_PROTOCOL, &texts[KS_LOG_PROTOCOL]);
	if (log->status >= 0)
		put_int32(row, COLUMN_STATUS, log->status);
	if (log->size >= 0)
		put_int64(row, COLUMN_SIZE, log->size);
	put_text(row, COLUMN_REFERER, &texts[KS_LOG_REFERER]);
	put_text(row, COLUMN_USER_AGENT, &texts[KS_LOG_USER_AGENT]);
	put_text(row, COLUMN_VHOST, &texts[KS_LOG_VHOST]);
}

/* The row type, blessed once per calling expression. */
static TupleDesc
row_type(FunctionCallInfo fcinfo)
{
	TupleDesc	desc = fcinfo->flinfo->fn_extra;
	MemoryContext old;

	if (desc != NULL)
		return desc;
	old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE || desc->natts != COLUMNS)
		elog(ERROR, "unexpected row type");
	desc = BlessTupleDesc(desc);
	MemoryContextSwitchTo(old);
	fcinfo->flinfo->fn_extra = desc;
	return desc;
}

static Datum
form_row(FunctionCallInfo fcinfo, const KsAccessLog *log, size_t line_len)
{
	TupleDesc	desc = row_type(fcinfo);
	HeapTupleHeader header = palloc(DATA_OFFSET + line_len + OVERHEAD);
	Row			row = {header, (char *) header + DATA_OFFSET, GetDatabaseEncoding() == PG_UTF8};

	memset(header, 0, DATA_OFFSET);
	header->t_hoff = DATA_OFFSET;
	header->t_infomask = HEAP_HASNULL | HEAP_HASVARWIDTH;
	HeapTupleHeaderSetNatts(header, COLUMNS);
	HeapTupleHeaderSetTypeId(header, desc->tdtypeid);
	HeapTupleHeaderSetTypMod(header, desc->tdtypmod);
	ItemPointerSetInvalid(&header->t_ctid);
	put_columns(&row, log);
	HeapTupleHeaderSetDatumLength(header, row.at - (char *) header);
	return HeapTupleHeaderGetDatum(header);
}

static Datum
parse_line(FunctionCallInfo fcinfo, KsAccessLogKind kind)
{
	text	   *line = PG_GETARG_TEXT_PP(0);
	size_t		len = VARSIZE_ANY_EXHDR(line);
	KsAccessLog log;

	if (!ks_access_log_scan(kind, VARDATA_ANY(line), len, &log))
		PG_RETURN_NULL();
	return form_row(fcinfo, &log, len);
}

Datum
ks_parse_apache_log(PG_FUNCTION_ARGS)
{
	return parse_line(fcinfo, KS_ACCESS_LOG_APACHE);
}

Datum
ks_parse_nginx_log(PG_FUNCTION_ARGS)
{
	return parse_line(fcinfo, KS_ACCESS_LOG_NGINX);
}
