/*
 * Messages to rows: decoded, completed, checked; what does not fit set aside.
 *
 * Each readable message becomes exactly one of: a row, a dead letter, a counted
 * tombstone.  Whatever it becomes, its partition moves past it; only a row
 * moves the partition's clock.
 */
#include "postgres.h"

#include "access/table.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/role.h"
#include "format/decoder.h"
#include "catalog/dead_letter.h"
#include "worker/intake.h"
#include "worker/row_rules.h"

/* The decoder, kept across batches as long as the columns stay as they are. */
static MemoryContext decoder_context = NULL;
static KsDecoder *decoder = NULL;
static TupleDesc decoder_desc = NULL;

void
ks_intake_forget(void)
{
	if (decoder_context != NULL)
		MemoryContextDelete(decoder_context);
	decoder_context = NULL;
	decoder = NULL;
}

static Bitmapset *
kafka_columns(const KsStream *stream)
{
	Bitmapset  *set = NULL;

	set = bms_add_member(set, stream->partition_attno);
	set = bms_add_member(set, stream->offset_attno);
	set = bms_add_member(set, stream->timestamp_attno);
	set = bms_add_member(set, stream->received_attno);
	if (stream->topic_attno > 0)
		set = bms_add_member(set, stream->topic_attno);
	if (stream->key_attno > 0)
		set = bms_add_member(set, stream->key_attno);
	if (stream->headers_attno > 0)
		set = bms_add_member(set, stream->headers_attno);
	return set;
}

static void
ensure_decoder(const KsStream *stream, Relation staging)
{
	MemoryContext old;
	MemoryContext context;

	if (decoder != NULL && equalTupleDescs(decoder_desc, RelationGetDescr(staging)))
		return;
	ks_intake_forget();
	context = AllocSetContextCreate(TopMemoryContext, "kafka_stream decoder",
									ALLOCSET_DEFAULT_SIZES);
	decoder_context = context;
	old = MemoryContextSwitchTo(context);
	decoder_desc = CreateTupleDescCopyConstr(RelationGetDescr(staging));
	decoder = ks_decoder_create(context, stream->format, decoder_desc,
								kafka_columns(stream), stream->options);
	MemoryContextSwitchTo(old);
}

void
ks_intake_check(Oid relid)
{
	KsStream   *stream = ks_stream_load(relid, false);
	Relation	staging = table_open(relid, AccessShareLock);

	(void) ks_decoder_create(CurrentMemoryContext, stream->format,
							 RelationGetDescr(staging), kafka_columns(stream),
							 stream->options);
	table_close(staging, NoLock);
}

static const KsMessage *
message_of_row(const KsBatch *batch, int row)
{
	return ((const KsIntake *) batch->private_data)->origin[row];
}

static const char *
topic_of_row(const KsBatch *batch, int row)
{
	const KsIntake *intake = batch->private_data;

	return intake->reader->partitions[intake->origin[row]->assignment].topic;
}

static KsIntake *
make_intake(KsReader *reader, Relation staging, int n)
{
	KsIntake   *intake = palloc0(sizeof(KsIntake));
	KsBatch    *batch = &intake->batch;
	int			natts = RelationGetDescr(staging)->natts;

	intake->reader = reader;
	intake->newest = DT_NOBEGIN;
	intake->origin = palloc(n * sizeof(KsMessage *));
	batch->stream = RelationGetRelid(staging);
	batch->desc = RelationGetDescr(staging);
	batch->values = MemoryContextAllocHuge(CurrentMemoryContext,
										   (Size) n * natts * sizeof(Datum));
	batch->isnull = MemoryContextAllocHuge(CurrentMemoryContext,
										   (Size) n * natts * sizeof(bool));
	batch->event_time = palloc(n * sizeof(TimestampTz));
	batch->clock = palloc(n * sizeof(TimestampTz));
	batch->message = message_of_row;
	batch->topic = topic_of_row;
	batch->private_data = intake;
	return intake;
}

static void
add_dead_letter(KsIntake *intake, const KsMessage *message, const KsDecodeError *error)
{
	const KsPartition *partition = &intake->reader->partitions[message->assignment];
	KsDeadLetter *letter = palloc0(sizeof(KsDeadLetter));

	if (intake->reader->stream->stop_on_error)
		ks_reader_fail((errcode(error->sqlstate),
						errmsg("message at offset " INT64_FORMAT " of partition %d of topic \"%s\" does not fit: %s",
							   message->offset, partition->partition, partition->topic,
							   error->message),
						error->column ? errdetail("Column \"%s\".", error->column) : 0,
						errhint("Correct the columns, or use kafka_stream.alter_stream(%s, '{\"on_error\": \"dead_letter\"}').",
								quote_literal_cstr(intake->reader->name))));
	letter->stream = intake->reader->stream->relid;
	letter->topic = partition->topic;
	letter->partition = partition->partition;
	letter->offset = message->offset;
	letter->timestamp_ms = message->timestamp_ms;
	letter->key = message->key;
	letter->key_len = message->key_len;
	letter->value = message->value;
	letter->value_len = message->value_len;
	letter->sqlstate = error->sqlstate;
	letter->error = error->message;
	letter->column = error->column;
	intake->dead_letters = lappend(intake->dead_letters, letter);
	intake->counts.dead_letters++;
}

/* Kafka's time of a message; DT_NOBEGIN: none that we can represent. */
static TimestampTz
kafka_timestamp(const KsMessage *message)
{
	int64		usecs = message->timestamp_ms;

	if (usecs < 0 || usecs > PG_INT64_MAX / 1000)
		return DT_NOBEGIN;
	usecs = usecs * 1000 - (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;
	return IS_VALID_TIMESTAMP(usecs) ? usecs : DT_NOBEGIN;
}

static void
put(Datum *values, bool *isnull, bool *present, AttrNumber attno, Datum value, bool null)
{
	if (attno <= 0)
		return;
	values[attno - 1] = value;
	isnull[attno - 1] = null;
	present[attno - 1] = true;
}

static void
put_headers(KsReader *reader, const KsMessage *message, Datum *values, bool *isnull,
			bool *present)
{
	char	   *text = reader->driver->headers(message);

	put(values, isnull, present, reader->stream->headers_attno,
		text ? DirectFunctionCall1(jsonb_in, CStringGetDatum(text)) : (Datum) 0,
		text == NULL);
}

static void
put_kafka_columns(KsReader *reader, const KsMessage *message, TimestampTz now,
				  Datum *values, bool *isnull, bool *present)
{
	const KsStream *stream = reader->stream;
	const KsPartition *partition = &reader->partitions[message->assignment];
	TimestampTz at = kafka_timestamp(message);

	put(values, isnull, present, stream->partition_attno,
		Int32GetDatum(partition->partition), false);
	put(values, isnull, present, stream->offset_attno,
		Int64GetDatum(message->offset), false);
	put(values, isnull, present, stream->timestamp_attno,
		TimestampTzGetDatum(at), at == DT_NOBEGIN);
	put(values, isnull, present, stream->received_attno,
		TimestampTzGetDatum(now), false);
	if (stream->topic_attno > 0)
		put(values, isnull, present, stream->topic_attno,
			CStringGetTextDatum(partition->topic), false);
	if (stream->key_attno > 0)
		put(values, isnull, present, stream->key_attno,
			message->key ? PointerGetDatum(cstring_to_text_with_len(message->key,
																	message->key_len)) : (Datum) 0,
			message->key == NULL);
	if (stream->headers_attno > 0)
		put_headers(reader, message, values, isnull, present);
}

/* Can a window hold this event time, and is it not from the future? */
static bool
check_event_time(const KsStream *stream, const KsMessage *message, TimestampTz now,
				 Datum value, bool isnull, KsDecodeError *error)
{
	TimestampTz at = DatumGetTimestampTz(value);
	TimestampTz sent = kafka_timestamp(message);
	TimestampTz limit = sent == DT_NOBEGIN ? now : Min(sent, now);

	error->sqlstate = ERRCODE_DATETIME_FIELD_OVERFLOW;
	error->column = stream->event_time;
	if (isnull)
	{
		error->sqlstate = ERRCODE_NULL_VALUE_NOT_ALLOWED;
		error->message = "event time is null";
		return false;
	}
	if (TIMESTAMP_NOT_FINITE(at))
	{
		error->message = "event time is infinite";
		return false;
	}
	if (stream->max_future >= 0 && at > limit && at - limit > stream->max_future)
	{
		error->message = psprintf("event time %s is more than max_future ahead",
								  timestamptz_to_str(at));
		return false;
	}
	return true;
}

static void
check_anchor(KsReader *reader, KsPartition *partition, const KsMessage *message)
{
	partition->verify_anchor = false;
	if (message->offset != partition->anchor_offset)
		return;					/* compacted away: nothing to compare */
	if (message->timestamp_ms == partition->anchor_timestamp &&
		ks_progress_hash(message) == partition->anchor_hash)
		return;
	ks_reader_fail((errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("record at offset " INT64_FORMAT " of partition %d of topic \"%s\" is not the one that was read before",
						   message->offset, partition->partition, partition->topic),
					errdetail("The topic was deleted and made again."),
					errhint("Begin anew with kafka_stream.seek_stream(%s, 'earliest', reset_views => true).",
							quote_literal_cstr(reader->name))));
}

/* Is this a record to take in, or an event, or one that we have already? */
static bool
is_new_record(KsReader *reader, KsPartition *partition, const KsMessage *message,
			  TimestampTz now)
{
	if (message->is_eof)
	{
		partition->at_end = true;
		partition->verify_anchor = false;
		if (message->offset > partition->batch_next)
		{
			partition->batch_next = message->offset;
			partition->touched = true;
		}
		return false;
	}
	if (partition->verify_anchor)
		check_anchor(reader, partition, message);
	if (message->offset < partition->batch_next)
		return false;
	partition->at_end = false;
	partition->quiet_since = now;
	partition->touched = true;
	partition->batch_next = message->offset + 1;
	partition->last = message;
	return true;
}

static bool
make_row(KsIntake *intake, KsRowRules *rules, const KsMessage *message, bool *present,
		 TimestampTz now, KsDecodeError *error)
{
	KsReader   *reader = intake->reader;
	const KsStream *stream = reader->stream;
	KsBatch    *batch = &intake->batch;
	int			natts = batch->desc->natts;
	Datum	   *values = batch->values + (Size) batch->nrows * natts;
	bool	   *isnull = batch->isnull + (Size) batch->nrows * natts;
	int			at = stream->event_time_attno - 1;

	memset(isnull, true, natts * sizeof(bool));
	memset(present, false, natts * sizeof(bool));
	if (!ks_decoder_decode(decoder, message->value, message->value_len,
						   values, isnull, present, error))
		return false;
	put_kafka_columns(reader, message, now, values, isnull, present);
	return ks_row_rules_apply(rules, values, isnull, present, error) &&
		check_event_time(stream, message, now, values[at], isnull[at], error);
}

static void
take_record(KsIntake *intake, KsRowRules *rules, const KsMessage *message, bool *present,
			TimestampTz now)
{
	KsPartition *partition = &intake->reader->partitions[message->assignment];
	KsBatch    *batch = &intake->batch;
	int			natts = batch->desc->natts;
	KsDecodeError error = {0};
	TimestampTz at;

	intake->counts.bytes += message->key_len + message->value_len;
	if (message->value == NULL)
	{
		intake->counts.tombstones++;
		return;
	}
	if (!make_row(intake, rules, message, present, now, &error))
	{
		add_dead_letter(intake, message, &error);
		return;
	}
	at = DatumGetTimestampTz(batch->values[(Size) batch->nrows * natts +
										   intake->reader->stream->event_time_attno - 1]);
	batch->event_time[batch->nrows] = at;
	batch->clock[batch->nrows] = partition->batch_clock;
	partition->batch_clock = Max(partition->batch_clock, at);
	intake->newest = Max(intake->newest, at);
	intake->origin[batch->nrows++] = message;
}

KsIntake *
ks_intake_run(KsReader *reader, Relation staging, const KsMessage *messages, int n,
			  TimestampTz now)
{
	KsIntake   *intake = make_intake(reader, staging, n);
	bool	   *present = palloc(intake->batch.desc->natts * sizeof(bool));
	KsRole		before;
	KsRowRules *rules;
	int			i;

	ks_role_enter_owner(&before, reader->stream->owner);
	ensure_decoder(reader->stream, staging);
	rules = ks_row_rules_begin(staging, kafka_columns(reader->stream));
	for (i = 0; i < n; i++)
		if (is_new_record(reader, &reader->partitions[messages[i].assignment],
						  &messages[i], now))
			take_record(intake, rules, &messages[i], present, now);
	ks_row_rules_end(rules);
	ks_role_leave(&before);
	intake->counts.rows = intake->batch.nrows;
	return intake;
}
