/*
 * What a stream's options say about decoding.
 */
#ifndef KS_FORMAT_OPTIONS_H
#define KS_FORMAT_OPTIONS_H

#include "postgres.h"
#include "access/tupdesc.h"
#include "nodes/bitmapset.h"
#include "pgtime.h"
#include "utils/jsonb.h"

#include "format/json_keys.h"

/* Where a column is found: a path without its "$". */
typedef struct KsPath
{
	AttrNumber	attno;
	int			nsteps;
	KsJsonStep *steps;
} KsPath;

typedef struct KsFormatOptions
{
	int			npaths;
	KsPath	   *paths;
	AttrNumber	rest;			/* 0: unknown keys are ignored */
	int			epoch_digits;	/* decimal digits of the unit behind the second: 0, 3, 6 */
	char	   *pattern;		/* for to_timestamp, or NULL */
	pg_tz	   *timezone;		/* of times without zone */
} KsFormatOptions;

/* Does a message fill this column?  Not if dropped, generated or in 'skip'. */
extern bool ks_format_fills(TupleDesc desc, Bitmapset *skip, AttrNumber attno);

/* Read and check the options; names of columns are looked up among those filled. */
extern void ks_format_options_read(KsFormatOptions *result, TupleDesc desc,
								   Bitmapset *skip, Jsonb *options);

#endif
