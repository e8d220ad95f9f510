/*
 * Dead letters: what could not be processed, with its bytes and its error.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/int.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "catalog/access.h"
#include "catalog/dead_letter.h"

static KsQuery insert_letter = {
	"INSERT INTO kafka_stream_internal.dead_letter"
	" (stream, view, topic, kafka_partition, kafka_offset, kafka_timestamp,"
	"  key, value, sqlstate, error, column_name, received_at)"
	" VALUES ($1::regclass, $2::regclass, $3, $4, $5, $6, $7, $8, $9, $10, $11,"
	"  pg_catalog.clock_timestamp())",
	11,
	{OIDOID, OIDOID, TEXTOID, INT4OID, INT8OID, TIMESTAMPTZOID, BYTEAOID, BYTEAOID,
	TEXTOID, TEXTOID, NAMEOID}
};

/* NULL stays NULL: returns false. */
static bool
bytes_datum(const char *bytes, size_t len, Datum *value)
{
	if (bytes == NULL)
		return false;
	*value = PointerGetDatum(cstring_to_text_with_len(bytes, (int) len));
	return true;
}

static bool
name_datum(const char *column, Datum *value)
{
	Name		name;

	if (column == NULL)
		return false;
	name = palloc0(sizeof(NameData));
	namestrcpy(name, column);
	*value = NameGetDatum(name);
	return true;
}

/* Epoch milliseconds to timestamptz; what does not fit stays NULL. */
static bool
timestamp_datum(int64 timestamp_ms, Datum *value)
{
	int64		usecs;

	if (timestamp_ms < 0 ||
		pg_mul_s64_overflow(timestamp_ms, 1000, &usecs))
		return false;
	usecs -= (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;
	if (!IS_VALID_TIMESTAMP(usecs))
		return false;
	*value = TimestampTzGetDatum(usecs);
	return true;
}

void
ks_dead_letter_write(const KsDeadLetter *letter)
{
	KsAccess	access;
	Datum		values[11] = {0};
	char		nulls[11];
	char		sqlstate[6];

	memset(nulls, ' ', sizeof(nulls));
	strlcpy(sqlstate, unpack_sql_state(letter->sqlstate), sizeof(sqlstate));
	ks_access_enter(&access);
#define PUT(i, given, datum) \
	do { if (given) values[i] = (datum); else nulls[i] = 'n'; } while (0)
#define PUT_IF(i, call) \
	do { if (!(call)) nulls[i] = 'n'; } while (0)
	values[0] = ObjectIdGetDatum(letter->stream);
	PUT(1, OidIsValid(letter->view), ObjectIdGetDatum(letter->view));
	PUT(2, letter->topic != NULL, CStringGetTextDatum(letter->topic));
	values[3] = Int32GetDatum(letter->partition);
	values[4] = Int64GetDatum(letter->offset);
	PUT_IF(5, timestamp_datum(letter->timestamp_ms, &values[5]));
	PUT_IF(6, bytes_datum(letter->key, letter->key_len, &values[6]));
	PUT_IF(7, bytes_datum(letter->value, letter->value_len, &values[7]));
	values[8] = CStringGetTextDatum(sqlstate);
	values[9] = CStringGetTextDatum(letter->error);
	PUT_IF(10, name_datum(letter->column, &values[10]));
#undef PUT
#undef PUT_IF
	(void) ks_query_run(&insert_letter, values, nulls);
	ks_access_leave(&access);
}
