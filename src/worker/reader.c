/*
 * A reader: one stream's connected life.
 *
 * What was committed decides where reading goes on; what the broker shows is
 * checked against it.  Whatever does not fit is an error and never a jump: a
 * topic that lost records, was made again, or has fewer partitions.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "commands/dbcommands.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "source/properties.h"
#include "source/start.h"
#include "catalog/counter.h"
#include "catalog/relation.h"
#include "worker/process.h"
#include "worker/progress.h"
#include "worker/reader.h"

#define BROKER_TIMEOUT_MS 10000

bool		ks_reader_needs_human = false;

/* ---- what may run ---- */

/* Load into the reader's context; NULL: nothing to run. */
static KsStream *
load_stream(Oid relid, MemoryContext context)
{
	KsStream   *stream;
	MemoryContext old = MemoryContextSwitchTo(context);

	stream = OidIsValid(get_extension_oid("kafka_stream", true)) && get_rel_name(relid) ?
		ks_stream_load(relid, true) : NULL;
	MemoryContextSwitchTo(old);
	if (stream == NULL || !stream->enabled ||
		stream->database != MyDatabaseId ||
		stream->system_identifier != GetSystemIdentifier())
		return NULL;
	return stream;
}

static void
open_source(KsReader *reader)
{
	KsSourceConfig config = {0};
	const KsStream *stream = reader->stream;

	config.properties = ks_broker_properties(stream->brokers, stream->server,
											 stream->owner);
	config.topic = stream->topic;
	config.group_id = psprintf("kafka_stream.%s.%s.%s",
							   get_database_name(MyDatabaseId),
							   get_namespace_name(get_rel_namespace(stream->relid)),
							   get_rel_name(stream->relid));
	config.max_batch_bytes = KS_READER_MAX_BYTES;
	reader->driver = ks_source_driver(stream->source);
	reader->source = reader->driver->open(&config);
}

/* ---- partitions ---- */

static KsPartition *
find_partition(const KsReader *reader, const char *topic, int32 partition)
{
	int			i;

	for (i = 0; i < reader->npartitions; i++)
		if (reader->partitions[i].partition == partition &&
			strcmp(reader->partitions[i].topic, topic) == 0)
			return &reader->partitions[i];
	return NULL;
}

static bool
was_read_before(const KsReader *reader, const char *topic)
{
	int			i;

	for (i = 0; i < reader->npartitions; i++)
		if (strcmp(reader->partitions[i].topic, topic) == 0)
			return true;
	return false;
}

static int64
declared_offset(const KsReader *reader, const KsStart *start, const KsSourcePartition *shown)
{
	ListCell   *lc;

	foreach(lc, start->offsets)
	{
		KsStartOffset *one = lfirst(lc);

		if (one->partition != shown->partition)
			continue;
		if (one->offset > shown->high_offset)
			ks_reader_fail((errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("start of stream %s is offset " INT64_FORMAT " of partition %d of topic \"%s\", which ends at " INT64_FORMAT,
								   reader->name, one->offset, shown->partition,
								   shown->topic, shown->high_offset),
							errhint("Use kafka_stream.seek_stream() with offsets that the topic has, or 'latest'.")));
		return one->offset;
	}
	ks_reader_fail((errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("start of stream %s names no offset for partition %d",
						   reader->name, shown->partition),
					errhint("Use kafka_stream.seek_stream() with an offset for each partition.")));
	pg_unreachable();
}

/* Where to start with a partition that was never read. */
static int64
first_offset(const KsReader *reader, const KsSourcePartition *shown)
{
	KsStart    *start = ks_start_parse(reader->stream->start);

	/* Added to a topic that is being read: nothing of it may be missed. */
	if (was_read_before(reader, shown->topic))
		return shown->low_offset;
	switch (start->kind)
	{
		case KS_START_EARLIEST:
			break;
		case KS_START_LATEST:
			return shown->high_offset;
		case KS_START_TIME:
			return reader->driver->offset_at(reader->source, shown->topic,
											 shown->partition, start->at,
											 BROKER_TIMEOUT_MS);
		case KS_START_OFFSETS:
			return declared_offset(reader, start, shown);
	}
	return shown->low_offset;
}

static KsPartition *
new_partition(const KsReader *reader, const KsSourcePartition *shown)
{
	KsPartition *partition = palloc0(sizeof(KsPartition));

	partition->topic = MemoryContextStrdup(reader->context, shown->topic);
	partition->partition = shown->partition;
	partition->next_offset = first_offset(reader, shown);
	partition->clock = DT_NOBEGIN;
	partition->end_offset = shown->high_offset;
	partition->flush_target = shown->high_offset;
	partition->anchor_offset = -1;
	return partition;
}

static int
compare_partitions(const void *a, const void *b)
{
	const KsPartition *one = a;
	const KsPartition *other = b;
	int			result = strcmp(one->topic, other->topic);

	return result != 0 ? result : one->partition - other->partition;
}

/* Add what the broker shows and we do not have yet; returns how many. */
static int
add_partitions(KsReader *reader, List *shown)
{
	List	   *added = NIL;
	ListCell   *lc;
	int			n = reader->npartitions;

	foreach(lc, shown)
	{
		KsSourcePartition *one = lfirst(lc);

		if (find_partition(reader, one->topic, one->partition) == NULL)
			added = lappend(added, new_partition(reader, one));
	}
	if (added == NIL)
		return 0;

	reader->partitions = repalloc(reader->partitions,
								  (n + list_length(added)) * sizeof(KsPartition));
	ks_worker_begin();
	foreach(lc, added)
	{
		reader->partitions[n] = *(KsPartition *) lfirst(lc);
		ks_progress_add(reader->stream->relid, &reader->partitions[n++]);
	}
	ks_worker_commit();
	reader->npartitions = n;
	qsort(reader->partitions, n, sizeof(KsPartition), compare_partitions);
	return list_length(added);
}

static const KsSourcePartition *
find_shown(List *shown, const KsPartition *partition)
{
	ListCell   *lc;

	foreach(lc, shown)
	{
		KsSourcePartition *one = lfirst(lc);

		if (one->partition == partition->partition &&
			strcmp(one->topic, partition->topic) == 0)
			return one;
	}
	ks_reader_fail((errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("partition %d of topic \"%s\" has disappeared",
						   partition->partition, partition->topic),
					errdetail("It was read up to offset " INT64_FORMAT "; the topic was deleted or made again with fewer partitions.",
							  partition->next_offset),
					errhint("Restore the topic, or begin anew with kafka_stream.seek_stream().")));
	pg_unreachable();
}

/* Records between our offset and the first that the broker has are gone. */
static void
skip_lost(KsReader *reader, KsPartition *partition, int64 low_offset)
{
	KsCounts counts = {0};

	counts.lost = low_offset - partition->next_offset;
	if (!reader->stream->continue_on_data_loss)
		ks_reader_fail((errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("offsets " INT64_FORMAT " to " INT64_FORMAT " of partition %d of topic \"%s\" are no longer at the broker",
							   partition->next_offset, low_offset - 1,
							   partition->partition, partition->topic),
						errhint("Raise the topic's retention; to go on without them, use kafka_stream.alter_stream(%s, '{\"on_data_loss\": \"continue\"}').",
								quote_literal_cstr(reader->name))));
	ereport(WARNING,
			(errcode(ERRCODE_DATA_EXCEPTION),
			 errmsg("offsets " INT64_FORMAT " to " INT64_FORMAT " of partition %d of topic \"%s\" are lost",
					partition->next_offset, low_offset - 1,
					partition->partition, partition->topic)));
	partition->batch_next = low_offset;
	partition->batch_clock = partition->clock;
	partition->last = NULL;
	ks_worker_begin();
	ks_progress_move(reader->stream->relid, partition);
	ks_counter_add(reader->stream->relid, 0, false, &counts);
	ks_worker_commit();
	partition->next_offset = low_offset;
}

/* What was committed must fit what the broker shows. */
static void
check_partition(KsReader *reader, KsPartition *partition, List *shown)
{
	const KsSourcePartition *one = find_shown(shown, partition);

	if (partition->next_offset > one->high_offset && partition->anchor_offset >= 0)
		ks_reader_fail((errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("partition %d of topic \"%s\" ends at offset " INT64_FORMAT ", but was read up to " INT64_FORMAT,
							   partition->partition, partition->topic,
							   one->high_offset, partition->next_offset),
						errdetail("The topic was made again, or the broker lost records."),
						errhint("Begin anew with kafka_stream.seek_stream(%s, 'earliest', reset_views => true).",
								quote_literal_cstr(reader->name))));
	if (partition->next_offset < one->low_offset)
		skip_lost(reader, partition, one->low_offset);
	partition->end_offset = one->high_offset;
	/* The last record read is read once more, to see that it is the same. */
	partition->verify_anchor = partition->anchor_offset >= one->low_offset &&
		partition->anchor_offset < partition->next_offset;
}

static void
assign(KsReader *reader)
{
	KsAssignment *list = palloc0(Max(reader->npartitions, 1) * sizeof(KsAssignment));
	TimestampTz now = GetCurrentTimestamp();
	int			i;

	for (i = 0; i < reader->npartitions; i++)
	{
		KsPartition *partition = &reader->partitions[i];

		list[i].topic = partition->topic;
		list[i].partition = partition->partition;
		list[i].offset = partition->verify_anchor ?
			partition->anchor_offset : partition->next_offset;
		partition->at_end = false;
		partition->idle = false;
		partition->quiet_since = now;
	}
	reader->driver->assign(reader->source, list, reader->npartitions);
	pfree(list);
}

/* The same cluster as ever? */
static void
check_cluster(KsReader *reader)
{
	char	   *id = reader->driver->cluster_id(reader->source, BROKER_TIMEOUT_MS);
	const char *known = reader->stream->cluster_id;

	if (id == NULL || (known != NULL && strcmp(id, known) == 0))
		return;
	if (known != NULL)
		ks_reader_fail((errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("the broker belongs to another Kafka cluster than before"),
						errdetail("Cluster id %s, formerly %s: offsets mean something else there.",
								  id, known),
						errhint("Begin anew with kafka_stream.seek_stream(%s, 'earliest', reset_views => true).",
								quote_literal_cstr(reader->name))));
	ks_worker_begin();
	ks_progress_set_cluster(reader->stream->relid, id);
	ks_worker_commit();
	reader->stream->cluster_id = id;
}

static void
check_partitions(KsReader *reader)
{
	List	   *shown = reader->driver->partitions(reader->source, BROKER_TIMEOUT_MS);
	int			i;

	for (i = 0; i < reader->npartitions; i++)
		check_partition(reader, &reader->partitions[i], shown);
	(void) add_partitions(reader, shown);
	reader->discovered_at = GetCurrentTimestamp();
	assign(reader);
}

KsReader *
ks_reader_open(Oid relid)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "kafka_stream reader",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	KsReader   *reader = palloc0(sizeof(KsReader));

	reader->context = context;
	reader->insert_clock = DT_NOBEGIN;
	ks_worker_begin();
	reader->stream = load_stream(relid, context);
	if (reader->stream != NULL)
	{
		MemoryContextSwitchTo(context);
		reader->name = ks_relation_name(relid);
		reader->partitions = ks_progress_load(relid, &reader->npartitions);
		if (strcmp(reader->stream->source, "insert") != 0)
			open_source(reader);
	}
	ks_worker_commit();
	if (reader->source != NULL)
	{
		check_cluster(reader);
		check_partitions(reader);
		reader->messages = palloc(reader->stream->batch_rows * sizeof(KsMessage));
	}
	MemoryContextSwitchTo(old);
	if (reader->stream != NULL)
		return reader;
	MemoryContextDelete(context);
	return NULL;
}

/* What driver->partitions() gives is only needed for a moment. */
static MemoryContext
enter_scratch(KsReader *reader, MemoryContext *old)
{
	MemoryContext scratch = AllocSetContextCreate(reader->context, "partitions",
												  ALLOCSET_DEFAULT_SIZES);

	*old = MemoryContextSwitchTo(scratch);
	return scratch;
}

void
ks_reader_discover(KsReader *reader)
{
	MemoryContext old;
	MemoryContext scratch = enter_scratch(reader, &old);
	List	   *shown = reader->driver->partitions(reader->source, BROKER_TIMEOUT_MS);
	int			i;

	for (i = 0; i < reader->npartitions; i++)
		reader->partitions[i].flush_target =
			find_shown(shown, &reader->partitions[i])->high_offset;
	if (add_partitions(reader, shown) > 0)
		assign(reader);
	reader->discovered_at = GetCurrentTimestamp();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
}

void
ks_reader_out_of_range(KsReader *reader)
{
	MemoryContext old;
	MemoryContext scratch = enter_scratch(reader, &old);

	check_partitions(reader);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
}
