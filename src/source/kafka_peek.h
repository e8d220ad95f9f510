/*
 * A look at some messages of a topic, without a stream.
 */
#ifndef KS_SOURCE_KAFKA_PEEK_H
#define KS_SOURCE_KAFKA_PEEK_H

#include "postgres.h"
#include "source/source.h"
#include "source/start.h"

typedef struct KsPeeked
{
	int32		partition;
	int64		offset;
	int64		timestamp_ms;	/* -1: none */
	bytea	   *key;			/* NULL: none */
	bytea	   *value;			/* NULL: none */
	char	   *headers;		/* jsonb text; NULL: none */
} KsPeeked;

typedef struct KsPeekedArray
{
	int			n;
	int			size;
	KsPeeked   *messages;
} KsPeekedArray;

/*
 * Up to n messages of those there are now, by timestamp, partition and offset:
 * the first n from 'start' on, or for 'latest' the last n.  Offsets name the
 * partitions to read; otherwise all are.
 */
extern KsPeekedArray *ks_kafka_peek(const KsSourceConfig *config, const KsStart *start, int n);

#endif
