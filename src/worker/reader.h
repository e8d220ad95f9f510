/*
 * A reader: one stream's connected life, from connecting to the first error or
 * change of definition.  Everything it holds lives in its context.
 */
#ifndef KS_WORKER_READER_H
#define KS_WORKER_READER_H

#include "postgres.h"
#include "datatype/timestamp.h"

#include "source/source.h"
#include "catalog/stream.h"

/* A partition of a topic: how far it was read, and what is known of its end. */
typedef struct KsPartition
{
	char	   *topic;
	int32		partition;

	/* As committed. */
	int64		next_offset;
	TimestampTz clock;			/* DT_NOBEGIN: no row yet */
	int64		end_offset;		/* last stable offset, -1 unknown */
	bool		idle;
	TimestampTz idle_since;
	int64		anchor_offset;	/* the last record read; -1 none */
	int64		anchor_timestamp;
	int64		anchor_hash;

	/* Since this reader connected. */
	bool		verify_anchor;	/* reading starts at the anchor: is it the same? */
	bool		at_end;			/* everything up to the end was received */
	TimestampTz quiet_since;	/* nothing new since */
	int64		flush_target;	/* kafka_stream.flush() waits for this offset */
	bool		noted_idle;		/* as last saved */
	int64		noted_end;

	/* In the batch that is being made. */
	bool		touched;
	int64		batch_next;
	TimestampTz batch_clock;
	const KsMessage *last;		/* the last record in it, or NULL */
} KsPartition;

typedef struct KsReader
{
	MemoryContext context;
	KsStream   *stream;
	char	   *name;			/* its table, qualified and quoted */
	const KsSourceDriver *driver;	/* NULL: rows come by INSERT alone */
	KsSource   *source;
	KsPartition *partitions;	/* by topic and number; index = assignment */
	int			npartitions;
	uint64		generation;		/* of the slot, when it was opened */
	bool		disconnected;
	bool		reconnected;	/* what was checked when it opened may not hold */
	bool		out_of_range;	/* some offset is not at the broker (any more) */
	TimestampTz discovered_at;

	/* The partition of INSERTs. */
	bool		has_inserts;
	int64		insert_next;
	TimestampTz insert_clock;
	TimestampTz insert_quiet_since;

	TimestampTz closed_at;		/* when closing was last tried */
	TimestampTz waited_at;		/* when it last waited for inserters */
	TimestampTz merged_at;
	TimestampTz cleaned_at;		/* when old rows were last looked for */
	TimestampTz late_cleaned_at;
	TimestampTz dead_cleaned_at;
	bool		trimmed_early;	/* staging_limit was reached then */
	int64		batch_usecs;	/* what the last batch took to process */
	int			noted_segment;	/* last one noted as staged to, plus 1; 0: none */
	int			noted_partitions;	/* with so many partitions */
	uint64		flush_asked;	/* the request that flush_target belongs to */
	KsMessage  *messages;		/* batch_rows of them */
} KsReader;

/*
 * Connect in a new memory context, outside of a transaction: load the stream,
 * find its partitions, check them against what was committed, start to read.
 * NULL: there is nothing to read (dropped, stopped, or restored elsewhere).
 */
extern KsReader *ks_reader_open(Oid stream);

/*
 * Look for partitions that were added, and note where all end now as their
 * flush_target; outside of a transaction.
 */
extern void ks_reader_discover(KsReader *reader);

/* The broker says that an offset is not there: find out, and raise or go on. */
extern void ks_reader_out_of_range(KsReader *reader);

#define KS_READER_MAX_BYTES (64 * 1024 * 1024)	/* of messages held at a time */

/*
 * Raise an error that needs a human: the stream's state becomes 'failed'
 * instead of 'retrying'.
 */
extern bool ks_reader_needs_human;
#define ks_reader_fail(...) \
	do { \
		ks_reader_needs_human = true; \
		ereport(ERROR, __VA_ARGS__); \
	} while (0)

#endif
