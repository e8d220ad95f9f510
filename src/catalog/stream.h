/*
 * Streams as C structs, and the lock that orders folding and closing.
 *
 * Lock order: the staging table (RowExclusiveLock or stronger), then the
 * stream's lock, then rows of kafka_stream_internal.partition in primary-key
 * order, then everything else.
 *
 * The stream's lock is a heavyweight lock held to the end of the transaction:
 * share mode for folding, exclusive mode for closing windows, merging states,
 * and creating or dropping views.  So a window cannot close while a fold that
 * adds to it is in flight.
 */
#ifndef KS_CATALOG_STREAM_H
#define KS_CATALOG_STREAM_H

#include "postgres.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "storage/lock.h"
#include "utils/jsonb.h"

typedef struct KsStream
{
	Oid			relid;			/* the staging table */
	Oid			owner;			/* its owner */
	char	   *source;
	char	   *topic;			/* as declared */
	char	   *brokers;
	char	   *server;
	char	   *start;
	char	   *format;
	char	   *event_time;		/* column name */
	int64		watermark_delay;	/* microseconds, as all durations here */
	int64		idle_timeout;	/* -1: never idle */
	int64		max_future;		/* -1: no limit */
	int64		retention;
	int64		staging_limit;	/* bytes */
	int64		late_retention;
	int64		dead_letter_retention;
	int64		batch_interval;
	int			batch_rows;
	int			workers;
	bool		stop_on_error;
	bool		continue_on_data_loss;
	Jsonb	   *options;
	Oid			late;			/* the <stream>_late table */
	bool		enabled;
	uint64		system_identifier;
	Oid			database;
	char	   *cluster_id;

	/* attribute numbers in the staging table */
	AttrNumber	event_time_attno;
	AttrNumber	partition_attno;
	AttrNumber	offset_attno;
	AttrNumber	timestamp_attno;
	AttrNumber	received_attno;
	AttrNumber	topic_attno;	/* 0: no such column; so the next two */
	AttrNumber	key_attno;
	AttrNumber	headers_attno;
} KsStream;

/* NULL if missing_ok and 'relid' is no stream.  Palloc'd in CurrentMemoryContext. */
extern KsStream *ks_stream_load(Oid relid, bool missing_ok);

/* Insert or update its row of kafka_stream_internal.stream. */
extern void ks_stream_write(const KsStream *stream);

/* Is this interval plain time (no months), and how long?  Errors name 'what'. */
extern int64 ks_interval_usecs(const Interval *interval, const char *what);

/* The same of a column's value. */
extern int64 ks_interval_column(Datum value, bool isnull, const char *what, int64 if_null);

extern void ks_stream_lock(Oid stream, LOCKMODE mode);	/* ShareLock or ExclusiveLock */
extern bool ks_stream_lock_conditional(Oid stream, LOCKMODE mode);

/* Does the current transaction hold the stream's lock, in any mode? */
extern bool ks_stream_lock_held(Oid stream);

/*
 * Closing windows and creating views must see what was committed while they
 * waited for the stream's lock: refuse transactions with a snapshot of their own.
 */
extern void ks_stream_require_read_committed(const char *what);

/* The role that owns the extension: catalog rows are written as this role. */
extern Oid	ks_extension_owner(void);

#endif
