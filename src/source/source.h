/*
 * Where bytes come from, behind one small driver struct.
 *
 * A source reads numbered partitions of one or more topics from given offsets
 * on.  It knows nothing of tables or views; whoever drives it keeps the
 * offsets.  No function blocks longer than its timeout; callers check for
 * interrupts in between.
 */
#ifndef KS_SOURCE_SOURCE_H
#define KS_SOURCE_SOURCE_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "datatype/timestamp.h"

typedef struct KsSource KsSource;

/* Which clients a librdkafka property is for. */
typedef enum KsPropertyScope
{
	KS_PROPERTY_BOTH,
	KS_PROPERTY_CONSUMER,
	KS_PROPERTY_PRODUCER
} KsPropertyScope;

/* What is needed to reach a broker: property names and values, checked. */
typedef struct KsProperty
{
	char	   *name;
	char	   *value;
	KsPropertyScope scope;
	bool		secret;			/* never in a message or a log line */
} KsProperty;

typedef struct KsSourceConfig
{
	List	   *properties;		/* of KsProperty *, from server, user mapping or brokers */
	char	   *topic;			/* a topic, a comma list or a ^regex */
	char	   *group_id;		/* for offsets committed to Kafka for lag tools */
	int64		max_batch_bytes;
} KsSourceConfig;

/* A partition as the broker shows it. */
typedef struct KsSourcePartition
{
	char	   *topic;
	int32		partition;
	int64		low_offset;		/* first offset the broker still has */
	int64		high_offset;	/* last stable offset (read_committed) */
} KsSourcePartition;

/* A partition to read, and from where. */
typedef struct KsAssignment
{
	char	   *topic;
	int32		partition;
	int64		offset;
} KsAssignment;

/*
 * One message, or one end-of-partition event (value, key NULL, is_eof true:
 * everything below 'offset' has been delivered).  'assignment' is the index in
 * the array given to assign().  Memory belongs to the source until release().
 */
typedef struct KsMessage
{
	int			assignment;
	bool		is_eof;
	int64		offset;
	int64		timestamp_ms;	/* -1: none */
	const char *key;			/* NULL: no key */
	size_t		key_len;
	const char *value;			/* NULL: tombstone */
	size_t		value_len;
	void	   *native;			/* the driver's own, for headers() */
} KsMessage;

/* Why a fetch could not go on; not an exception, the worker decides. */
typedef enum KsSourceTrouble
{
	KS_SOURCE_OK,
	KS_SOURCE_DISCONNECTED,		/* passing: broker away; keep fetching */
	KS_SOURCE_OUT_OF_RANGE,		/* the offset is not there (any more) */
	KS_SOURCE_FATAL				/* needs a human: authentication, unknown topic, ... */
} KsSourceTrouble;

typedef struct KsSourceStatus
{
	KsSourceTrouble trouble;
	int			assignment;		/* which partition, or -1 */
	char		message[512];
} KsSourceStatus;

typedef struct KsSourceDriver
{
	/* Connect.  ereports on bad configuration.  Owned by CurrentMemoryContext. */
	KsSource   *(*open) (const KsSourceConfig *config);
	void		(*close) (KsSource *source);	/* bounded to 5 s */

	/*
	 * All partitions of the configured topics with their offsets; ereports
	 * (ERRCODE_CONNECTION_FAILURE or a better one) if that takes longer than
	 * timeout_ms.  List of KsSourcePartition *.
	 */
	List	   *(*partitions) (KsSource *source, int timeout_ms);

	/* First offset at or after a time, per partition (high_offset if none). */
	int64		(*offset_at) (KsSource *source, const char *topic, int32 partition,
							  TimestampTz at, int timeout_ms);

	/* Broker's cluster id, or NULL if unknown. */
	char	   *(*cluster_id) (KsSource *source, int timeout_ms);

	/*
	 * Read these from now on, instead of what was assigned before; also the
	 * way to go on with a partition after KS_SOURCE_OUT_OF_RANGE.  Offsets are
	 * real ones, >= 0.  Messages fetched before stay valid until release().
	 */
	void		(*assign) (KsSource *source, const KsAssignment *assignments, int n);

	/*
	 * Put up to 'max' messages into out[]; returns as soon as it has some and
	 * no more are at hand, or after timeout_ms, or when MyLatch was set (which
	 * it resets: look at your flags after every call).  Call repeatedly to
	 * fill a batch.  All messages since the last release() stay valid; once
	 * they hold max_batch_bytes, nothing more comes until release().
	 * Status tells about trouble even when messages came with it.
	 */
	int			(*fetch) (KsSource *source, KsMessage *out, int max, int timeout_ms,
						  KsSourceStatus *status);
	void		(*release) (KsSource *source);

	/*
	 * Headers of a message as jsonb text palloc'd, or NULL without headers: an
	 * object of strings; a header without value is null, a repeated one an
	 * array, a value that is not text in this database '\x' and hex digits.
	 */
	char	   *(*headers) (const KsMessage *message);

	/* Latest known last stable offset of an assignment (1 s old or less), -1 unknown; no I/O. */
	int64		(*end_offset) (KsSource *source, int assignment);

	/* Messages beyond that offset, which wait for open Kafka transactions; no I/O. */
	int64		(*unstable) (KsSource *source, int assignment);

	/* Commit next offsets to the group, fire and forget, for lag tools alone. */
	void		(*commit_group) (KsSource *source, const KsAssignment *next, int n);

	/*
	 * A file descriptor that becomes readable when fetch() has something.  Wait
	 * for it only after a fetch() that returned nothing, and for 1 s at most.
	 */
	int			(*wakeup_fd) (KsSource *source);
} KsSourceDriver;

/*
 * The driver of a kind of source ("kafka").  Loads the module that links
 * librdkafka: never call it in the postmaster.
 */
extern const KsSourceDriver *ks_source_driver(const char *source);

#endif
