/* Where a stream or a peek starts to read: 'earliest', 'latest', a timestamp, offsets. */
#ifndef KS_SOURCE_START_H
#define KS_SOURCE_START_H

#include "postgres.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

typedef enum KsStartKind
{
	KS_START_EARLIEST,
	KS_START_LATEST,
	KS_START_TIME,
	KS_START_OFFSETS
} KsStartKind;

typedef struct KsStartOffset
{
	int32		partition;
	int64		offset;
} KsStartOffset;

typedef struct KsStart
{
	KsStartKind kind;
	TimestampTz at;				/* KS_START_TIME */
	List	   *offsets;		/* KS_START_OFFSETS: KsStartOffset *, each partition once */
} KsStart;

/* Raises an error that says what is accepted. */
extern KsStart *ks_start_parse(const char *start);

/* As text that means the same whatever the session's time zone and date style. */
extern char *ks_start_format(const KsStart *start);

#endif
