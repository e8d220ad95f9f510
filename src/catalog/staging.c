/*
 * Staging tables: where a stream's rows land.
 *
 * The table itself and the one of late rows belong to the caller and are made
 * with the caller's rights.  Segments live in kafka_stream_internal, where
 * nobody else may create anything: they and the triggers are made by the
 * extension's owner and handed over.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "partitioning/partbounds.h"
#include "partitioning/partdesc.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "catalog/access.h"
#include "catalog/relation.h"
#include "catalog/staging.h"

PG_FUNCTION_INFO_V1(ks_staging_segment_sql);

/* Width of a segment for a retention. */
static int64
choose_width(int64 retention)
{
	return Max(retention / (KS_STAGING_SEGMENTS - 2), USECS_PER_MINUTE);
}

int64
ks_staging_max_retention(int64 width)
{
	return width * (KS_STAGING_SEGMENTS - 2);
}

int
ks_staging_segment(TimestampTz received, int64 width)
{
	int64		number = received / width;

	if (received % width < 0)
		number--;
	number %= KS_STAGING_SEGMENTS;
	return (int) (number < 0 ? number + KS_STAGING_SEGMENTS : number);
}

/*
 * kafka_stream.staging_segment(arrival timestamptz, width interval) -> int
 *
 * Declared IMMUTABLE, as a partition key must be; a NULL arrival, which the
 * row's trigger is about to fill with the statement's time, is routed by that
 * time.  No plan folds a NULL constant away here, since only rows are routed.
 */
Datum
ks_staging_segment_sql(PG_FUNCTION_ARGS)
{
	TimestampTz received = PG_ARGISNULL(0) ?
		GetCurrentStatementStartTimestamp() : PG_GETARG_TIMESTAMPTZ(0);
	int64		width;

	if (PG_ARGISNULL(1))
		PG_RETURN_NULL();
	width = ks_interval_usecs(PG_GETARG_INTERVAL_P(1), "width of a segment");
	if (width <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("width of a segment must be greater than 0")));
	PG_RETURN_INT32(ks_staging_segment(received, width));
}

int64
ks_staging_width_of(Relation staging)
{
	PartitionKey key = RelationGetPartitionKey(staging);
	FuncExpr   *call = key && key->partexprs ? linitial(key->partexprs) : NULL;
	Const	   *width;

	if (call == NULL || !IsA(call, FuncExpr) || list_length(call->args) != 2)
		elog(ERROR, "staging table \"%s\" is not partitioned by segment",
			 RelationGetRelationName(staging));
	width = lsecond(call->args);
	if (!IsA(width, Const) || width->constisnull)
		elog(ERROR, "width of segments of \"%s\" is not a constant",
			 RelationGetRelationName(staging));
	return ks_interval_usecs(DatumGetIntervalP(width->constvalue), "width of a segment");
}

Oid
ks_staging_leaf(Relation staging, int segment)
{
	PartitionDesc desc = RelationGetPartitionDesc(staging, false);
	int			i;

	for (i = 0; desc->boundinfo != NULL && i < desc->boundinfo->ndatums; i++)
		if (DatumGetInt32(desc->boundinfo->datums[i][0]) == segment)
			return desc->oids[desc->boundinfo->indexes[i]];
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_TABLE),
			 errmsg("staging table \"%s\" lacks segment %d",
					RelationGetRelationName(staging), segment),
			 errhint("Drop the stream and create it again.")));
}

/* "name_late"; raises an error if that is too long for a name. */
static char *
make_late_name(const char *name)
{
	char	   *late = psprintf("%s_late", name);

	if (strlen(late) >= NAMEDATALEN)
		ereport(ERROR,
				(errcode(ERRCODE_NAME_TOO_LONG),
				 errmsg("name of the stream is too long: \"%s\"", name),
				 errdetail("Late rows go to \"%s\", and names have at most %d bytes.",
						   late, NAMEDATALEN - 1)));
	return late;
}

bool
ks_staging_includes(Jsonb *options, const char *word)
{
	JsonbValue	key;
	JsonbValue *list;
	JsonbValue	member;

	key.type = jbvString;
	key.val.string.val = "include";
	key.val.string.len = strlen("include");
	list = findJsonbValueFromContainer(&options->root,
									   JB_FOBJECT, &key);
	if (list == NULL || list->type != jbvBinary ||
		!JsonContainerIsArray(list->val.binary.data))
		return false;
	member.type = jbvString;
	member.val.string.val = pstrdup(word);
	member.val.string.len = strlen(word);
	return findJsonbValueFromContainer(list->val.binary.data, JB_FARRAY, &member) != NULL;
}

static bool
has_several_topics(const KsStream *stream)
{
	return stream->topic != NULL &&
		(stream->topic[0] == '^' || strchr(stream->topic, ',') != NULL);
}

static char *
width_literal(int64 retention)
{
	return psprintf("'" INT64_FORMAT " microseconds'::pg_catalog.interval",
					choose_width(retention));
}

/* The staging table as its owner sees it. */
static char *
staging_command(const KsStream *stream, const char *qualified, const char *columns)
{
	StringInfoData sql;

	initStringInfo(&sql);
	/* The user's columns come first, so that error positions point into them. */
	appendStringInfo(&sql, "CREATE TABLE %s (%s\n", qualified, columns);
	if (columns[strspn(columns, " \t\r\n")] != '\0')
		appendStringInfoString(&sql, ", ");
	appendStringInfoString(&sql,
						   "kafka_partition pg_catalog.int4,"
						   " kafka_offset pg_catalog.int8,"
						   " kafka_timestamp pg_catalog.timestamptz,"
						   " kafka_received_at pg_catalog.timestamptz NOT NULL"
						   " DEFAULT pg_catalog.statement_timestamp()");
	if (has_several_topics(stream) || ks_staging_includes(stream->options, "topic"))
		appendStringInfoString(&sql, ", kafka_topic pg_catalog.text");
	if (ks_staging_includes(stream->options, "key"))
		appendStringInfoString(&sql, ", kafka_key pg_catalog.bytea");
	if (ks_staging_includes(stream->options, "headers"))
		appendStringInfoString(&sql, ", kafka_headers pg_catalog.jsonb");
	appendStringInfo(&sql,
					 ") PARTITION BY LIST (kafka_stream.staging_segment(kafka_received_at, %s))",
					 width_literal(stream->retention));
	return sql.data;
}

static void
execute_as_caller(const char *sql)
{
	int			result;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	result = SPI_execute(sql, false, 0);
	if (result < 0)
		elog(ERROR, "could not execute \"%s\": %s", sql, SPI_result_code_string(result));
	SPI_finish();
}

/*
 * The triggers that number, fold and protect rows.  ALWAYS: what comes by
 * logical replication, or with session_replication_role changed, counts too.
 */
static void
create_triggers(const char *qualified)
{
	ks_access_execute(psprintf("CREATE TRIGGER kafka_stream_number BEFORE INSERT ON %s"
							   " FOR EACH ROW EXECUTE FUNCTION"
							   " kafka_stream_internal.number_row()", qualified));
	ks_access_execute(psprintf("CREATE TRIGGER kafka_stream_fold AFTER INSERT ON %s"
							   " REFERENCING NEW TABLE AS kafka_stream_new"
							   " FOR EACH STATEMENT EXECUTE FUNCTION"
							   " kafka_stream_internal.fold_insert()", qualified));
	ks_access_execute(psprintf("CREATE TRIGGER kafka_stream_refuse"
							   " BEFORE UPDATE OR DELETE OR TRUNCATE ON %s"
							   " FOR EACH STATEMENT EXECUTE FUNCTION"
							   " kafka_stream_internal.refuse_change()", qualified));
	ks_access_execute(psprintf("ALTER TABLE %s ENABLE ALWAYS TRIGGER kafka_stream_number,"
							   " ENABLE ALWAYS TRIGGER kafka_stream_fold,"
							   " ENABLE ALWAYS TRIGGER kafka_stream_refuse", qualified));
}

static void
create_segment(const char *qualified, int64 number, int segment, bool logged,
			   const char *owner)
{
	char	   *leaf = psprintf("kafka_stream_internal.stream_" INT64_FORMAT "_segment_%d",
								number, segment);

	ks_access_execute(psprintf("CREATE %s TABLE %s PARTITION OF %s FOR VALUES IN (%d)",
							   logged ? "" : "UNLOGGED", leaf, qualified, segment));
	ks_access_execute(psprintf("CREATE TRIGGER kafka_stream_refuse"
							   " BEFORE INSERT OR UPDATE OR DELETE ON %s"
							   " FOR EACH STATEMENT EXECUTE FUNCTION"
							   " kafka_stream_internal.refuse_change()", leaf));
	ks_access_execute(psprintf("ALTER TABLE %s ENABLE ALWAYS TRIGGER kafka_stream_refuse",
							   leaf));
	ks_access_execute(psprintf("ALTER TABLE %s OWNER TO %s", leaf, quote_identifier(owner)));
}

static int64
next_number(void)
{
	static KsQuery query = {
		"SELECT pg_catalog.nextval('kafka_stream_internal.stream_number')", 0
	};
	bool		isnull;

	(void) ks_query_run(&query, NULL, NULL);
	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc,
									   1, &isnull));
}

void
ks_staging_create(KsStream *stream, const RangeVar *name, const char *columns)
{
	KsAccess	access;
	Oid			namespace = RangeVarGetCreationNamespace(name);
	char	   *schema = get_namespace_name(namespace);
	char	   *late_name = make_late_name(name->relname);
	char	   *qualified = quote_qualified_identifier(schema, name->relname);
	char	   *late = quote_qualified_identifier(schema, late_name);
	char	   *owner = GetUserNameFromId(GetUserId(), false);
	bool		logged = strcmp(stream->source, "insert") == 0;
	int64		number;
	int			i;

	execute_as_caller(staging_command(stream, qualified, columns));
	stream->relid = get_relname_relid(name->relname, namespace);
	execute_as_caller(psprintf("CREATE TABLE %s (LIKE %s, view pg_catalog.regclass,"
							   " window_end pg_catalog.timestamptz,"
							   " clock pg_catalog.timestamptz,"
							   " lateness pg_catalog.interval)", late, qualified));
	stream->late = get_relname_relid(late_name, namespace);

	ks_access_enter(&access);
	create_triggers(qualified);
	number = next_number();
	for (i = 0; i < KS_STAGING_SEGMENTS; i++)
		create_segment(qualified, number, i, logged, owner);
	ks_access_leave(&access);
}
