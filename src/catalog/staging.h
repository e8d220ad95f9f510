/*
 * Staging tables: where a stream's rows land.
 *
 * A staging table is a ring of segments (leaf partitions), by arrival: the
 * segment of a row is floor(arrival / width) modulo KS_STAGING_SEGMENTS.  The
 * width is chosen so that a segment's rows are all older than retention before
 * its turn comes again; then it is truncated.
 */
#ifndef KS_CATALOG_STAGING_H
#define KS_CATALOG_STAGING_H

#include "postgres.h"
#include "datatype/timestamp.h"
#include "nodes/primnodes.h"
#include "utils/relcache.h"

#include "catalog/stream.h"

#define KS_STAGING_SEGMENTS 8

/* The longest retention that segments of this width can hold. */
extern int64 ks_staging_max_retention(int64 width);

/* Width of an existing staging table's segments. */
extern int64 ks_staging_width_of(Relation staging);

extern int	ks_staging_segment(TimestampTz received, int64 width);

/* The leaf of a segment; segments are numbered from 0. */
extern Oid	ks_staging_leaf(Relation staging, int segment);

/*
 * Make the tables of a stream: staging as the caller, its triggers and
 * segments, and the table of late rows.  'columns' is checked SQL text.  Fills
 * relid and late of 'stream', whose other members are as declared.
 */
extern void ks_staging_create(KsStream *stream, const RangeVar *name,
							  const char *columns);
/* Does the array options.include of a stream hold this word? */
extern bool ks_staging_includes(Jsonb *options, const char *word);

#endif
