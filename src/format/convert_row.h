/*
 * The columns of a row on their way from values to Datums: what decoders of
 * all formats share.
 */
#ifndef KS_FORMAT_CONVERT_ROW_H
#define KS_FORMAT_CONVERT_ROW_H

#include "storage/proc.h"

#include "format/convert.h"

typedef struct KsRow
{
	int			natts;
	KsColumn   *columns;		/* room for natts */
	int			ncolumns;
	KsConverter converter;
	LocalTransactionId lxid;	/* whose the converter's cache is */

	/* the message at hand */
	Datum	   *values;
	bool	   *isnull;
	bool	   *present;
	int		   *later;			/* what is to be converted under guard */
	int			nlater;
} KsRow;

/* Convert number 'i' of a decoder's values and put it into the row. */
typedef KsConverted (*KsRowConvert) (void *decoder, int i);

/* Read the options and make room in CurrentMemoryContext; there are no columns yet. */
extern void ks_row_init(KsRow *row, TupleDesc desc, Bitmapset *skip, Jsonb *options);

/* One more column. */
extern KsColumn *ks_row_add(KsRow *row, Form_pg_attribute att);

/* Begin a message: where its row goes, as in decoder.h. */
extern void ks_row_begin(KsRow *row, Datum *values, bool *isnull, bool *present,
						 KsDecodeError *error);

/* Call run(argument) in a subtransaction; false if it returned that or raised a data error. */
extern bool ks_row_guard(KsRow *row, bool (*run) (void *), void *argument);

/* Convert those noted in row->later, under guard. */
extern bool ks_row_convert_later(KsRow *row, KsRowConvert convert, void *decoder);

/* The message does not fit: shorten its error if need be; returns false. */
extern bool ks_row_fail(KsRow *row);

static inline void
ks_row_put(KsRow *row, AttrNumber attno, Datum value)
{
	row->values[attno - 1] = value;
	row->isnull[attno - 1] = false;
	row->present[attno - 1] = true;
}

/* Convert a value that is not null to the column's type. */
static pg_attribute_always_inline KsConverted
ks_row_convert_value(KsRow *row, KsColumn *column, const KsValue *value)
{
	int			at = column->attno - 1;
	KsConverted converted;

	row->converter.column = column;
	converted = column->convert(&row->converter, column, value, &row->values[at]);
	if (converted == KS_CONVERTED)
	{
		row->isnull[at] = false;
		row->present[at] = true;
	}
	return converted;
}

/* Convert numbers 0 to n - 1, those that might raise an error together at the end. */
static pg_attribute_always_inline bool
ks_row_convert(KsRow *row, int n, KsRowConvert convert, void *decoder)
{
	row->nlater = 0;
	for (int i = 0; i < n; i++)
	{
		KsConverted converted = convert(decoder, i);

		if (converted == KS_CONVERT_FAILED)
			return false;
		if (converted == KS_CONVERT_LATER)
			row->later[row->nlater++] = i;
	}
	return row->nlater == 0 || ks_row_convert_later(row, convert, decoder);
}

#endif
