/*
 * A list of columns that fits some JSON messages.
 *
 * Each top-level key gets the narrowest type that holds all its values:
 * boolean, bigint, numeric (whole numbers beyond bigint), double precision,
 * timestamptz, text, or jsonb as soon as an object or array is among them.
 * Values that share no type but text are text, which every scalar converts to.
 */
#include "postgres.h"

#include "common/jsonapi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "base/compat.h"
#include "source/kafka_columns.h"

#define MAX_COLUMNS		500

typedef enum Kind
{
	NOTHING,					/* only nulls so far */
	BOOLEAN,
	BIGINT,
	NUMERIC,
	DOUBLE,
	TIMESTAMPTZ,
	TEXT,
	JSONB
} Kind;

static const char *const type_names[] = {
	"text", "boolean", "bigint", "numeric", "double precision", "timestamptz", "text", "jsonb"
};

/* Names that say when something happened, the likeliest first. */
static const char *const time_names[] = {
	"event_time", "timestamp", "@timestamp", "ts", "time", "datetime", "event_timestamp",
	"created_at", "occurred_at"
};

typedef struct Column
{
	char		name[NAMEDATALEN];
	Kind		kind;
	bool		epoch;			/* every number looks like milliseconds since 1970 */
} Column;

struct KsColumnGuess
{
	MemoryContext context;
	MemoryContext message;		/* for parsing one */
	Column	   *columns;
	int			n;
	bool		left_out;

	int			depth;			/* of the place in the message being parsed */
	Column	   *current;		/* of the key at hand, or NULL */
	bool		is_object;
};

KsColumnGuess *
ks_kafka_columns_create(void)
{
	KsColumnGuess *guess = palloc0(sizeof(KsColumnGuess));

	guess->context = CurrentMemoryContext;
	guess->message = AllocSetContextCreate(CurrentMemoryContext, "JSON message",
										   ALLOCSET_DEFAULT_SIZES);
	guess->columns = palloc0(sizeof(Column) * MAX_COLUMNS);
	return guess;
}

/* Columns that every staging table has of its own. */
static bool
is_reserved(const char *name)
{
	return strncmp(name, "kafka_", 6) == 0;
}

static Column *
find_column(KsColumnGuess *guess, const char *name)
{
	for (int i = 0; i < guess->n; i++)
		if (strcmp(guess->columns[i].name, name) == 0)
			return &guess->columns[i];
	if (guess->n == MAX_COLUMNS || name[0] == '\0' || strlen(name) >= NAMEDATALEN ||
		is_reserved(name))
	{
		guess->left_out = true;
		return NULL;
	}
	strlcpy(guess->columns[guess->n].name, name, NAMEDATALEN);
	guess->columns[guess->n].epoch = true;
	return &guess->columns[guess->n++];
}

static Kind
join_kinds(Kind a, Kind b)
{
	Kind		low = Min(a, b);
	Kind		high = Max(a, b);

	if (low == high || low == NOTHING)
		return high;
	if (high == JSONB)
		return JSONB;
	if (low >= BIGINT && high <= DOUBLE)
		return high;
	return TEXT;
}

static bool
all_digits(const char *p, int n)
{
	for (int i = 0; i < n; i++)
		if (p[i] < '0' || p[i] > '9')
			return false;
	return true;
}

/* 2026-01-31T12:00[:00[.123]][Z|+01[[:]00]], a blank for the T allowed. */
static bool
is_iso_time(const char *p)
{
	if (strlen(p) < 16 || !all_digits(p, 4) || p[4] != '-' || !all_digits(p + 5, 2) ||
		p[7] != '-' || !all_digits(p + 8, 2) || (p[10] != 'T' && p[10] != ' ') ||
		!all_digits(p + 11, 2) || p[13] != ':' || !all_digits(p + 14, 2))
		return false;
	p += 16;
	if (p[0] == ':')
	{
		if (strlen(p) < 3 || !all_digits(p + 1, 2))
			return false;
		p += 3;
		if (p[0] == '.')
			p += 1 + strspn(p + 1, "0123456789");
	}
	if (p[0] == 'Z')
		return p[1] == '\0';
	if (p[0] == '+' || p[0] == '-')
		return strspn(p + 1, "0123456789:") == strlen(p + 1) && strlen(p) >= 3 && strlen(p) <= 6;
	return p[0] == '\0';
}

static Kind
number_kind(const char *token)
{
	char	   *end;

	if (strpbrk(token, ".eE"))
		return DOUBLE;
	errno = 0;
	(void) strtoll(token, &end, 10);
	return errno == 0 && *end == '\0' ? BIGINT : NUMERIC;
}

/* From 2001 to 2286: what nobody would count in milliseconds otherwise. */
static bool
is_epoch_ms(const char *token)
{
	double		value = strtod(token, NULL);

	return value >= 1e12 && value < 1e13;
}

static void
note_kind(KsColumnGuess *guess, Kind kind)
{
	if (guess->current)
		guess->current->kind = join_kinds(guess->current->kind, kind);
	guess->current = NULL;
}

static KsJsonActionResult
object_start(void *state)
{
	KsColumnGuess *guess = state;

	if (guess->depth++ == 0)
		guess->is_object = true;
	else
		note_kind(guess, JSONB);
	return KS_JSON_ACTION_OK;
}

static KsJsonActionResult
container_end(void *state)
{
	((KsColumnGuess *) state)->depth--;
	return KS_JSON_ACTION_OK;
}

static KsJsonActionResult
array_start(void *state)
{
	KsColumnGuess *guess = state;

	note_kind(guess, JSONB);
	guess->depth++;
	return KS_JSON_ACTION_OK;
}

static KsJsonActionResult
field_start(void *state, char *name, bool isnull)
{
	KsColumnGuess *guess = state;

	if (guess->depth == 1 && guess->is_object)
		guess->current = find_column(guess, name);
	return KS_JSON_ACTION_OK;
}

static KsJsonActionResult
scalar(void *state, char *token, JsonTokenType type)
{
	KsColumnGuess *guess = state;

	if (guess->current == NULL)
		return KS_JSON_ACTION_OK;
	if (type != JSON_TOKEN_NUMBER && type != JSON_TOKEN_NULL)
		guess->current->epoch = false;
	else if (type == JSON_TOKEN_NUMBER && !is_epoch_ms(token))
		guess->current->epoch = false;
	if (type == JSON_TOKEN_STRING)
		note_kind(guess, is_iso_time(token) ? TIMESTAMPTZ : TEXT);
	else if (type == JSON_TOKEN_NUMBER)
		note_kind(guess, number_kind(token));
	else if (type == JSON_TOKEN_TRUE || type == JSON_TOKEN_FALSE)
		note_kind(guess, BOOLEAN);
	else
		note_kind(guess, NOTHING);
	return KS_JSON_ACTION_OK;
}

/*
 * The text is parsed twice, so that a message which turns out to be broken
 * leaves nothing behind.
 */
bool
ks_kafka_columns_add(KsColumnGuess *guess, const char *json, size_t len)
{
	JsonSemAction actions = {
		.semstate = guess,
		.object_start = object_start,
		.object_end = container_end,
		.array_start = array_start,
		.array_end = container_end,
		.object_field_start = field_start,
		.scalar = scalar
	};
	MemoryContext old;
	bool		ok;

	if (!pg_verify_mbstr(PG_UTF8, json, len, true))
		return false;
	old = MemoryContextSwitchTo(guess->message);
	ok = pg_parse_json(ks_json_lexer(pnstrdup(json, len), len, PG_UTF8),
					   &nullSemAction) == JSON_SUCCESS;
	if (ok)
	{
		guess->depth = 0;
		guess->current = NULL;
		guess->is_object = false;
		ok = pg_parse_json(ks_json_lexer(pnstrdup(json, len), len, PG_UTF8),
						   &actions) == JSON_SUCCESS && guess->is_object;
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(guess->message);
	return ok;
}

/* The column that is most likely the event time, or -1. */
static int
event_time(const KsColumnGuess *guess)
{
	for (int t = 0; t < lengthof(time_names); t++)
		for (int i = 0; i < guess->n; i++)
		{
			const Column *column = &guess->columns[i];

			if (pg_strcasecmp(column->name, time_names[t]) == 0 &&
				(column->kind == TIMESTAMPTZ ||
				 ((column->kind == BIGINT || column->kind == DOUBLE) && column->epoch)))
				return i;
		}
	return -1;
}

static void
append_column(StringInfo out, const char *name, const char *type)
{
	appendStringInfo(out, "%s%s %s", out->len ? ", " : "", quote_identifier(name), type);
}

char *
ks_kafka_columns_text(KsColumnGuess *guess, bool *left_out)
{
	StringInfoData out;
	int			first = event_time(guess);

	initStringInfo(&out);
	if (first >= 0)
		append_column(&out, guess->columns[first].name, "timestamptz");
	for (int i = 0; i < guess->n; i++)
		if (i != first)
			append_column(&out, guess->columns[i].name, type_names[guess->columns[i].kind]);
	*left_out = guess->left_out;
	return out.data;
}
