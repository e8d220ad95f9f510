/*
 * The JSON decoder: find the columns' values, then convert them.
 *
 * The whole message is scanned first, once, and checked to be valid JSON;
 * where a column's value lies is noted in a slot.  A key that comes twice
 * overwrites the slot, so the last one wins and an unused value is never
 * converted.  Then each column's slot is converted; those that might raise an
 * error, together in one subtransaction at the end.
 *
 * The decoder's memory does not grow with messages: results and all else per
 * message are allocated in the caller's context.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"

#include "base/compat.h"
#include "format/convert_row.h"
#include "format/driver.h"
#include "format/json_keys.h"
#include "format/json_scan.h"

/* A longer message may hold more than a jsonb can. */
#define UNGUARDED_BYTES (1024 * 1024)

/* Unknown keys of one message that are kept. */
#define MAX_EXTRAS 1000000

/* An unknown top-level key and its value. */
typedef struct Extra
{
	KsValue		key;
	KsValue		value;
} Extra;

typedef struct JsonDecoder
{
	KsDecoder	decoder;
	KsRow		row;			/* its columns are without the one of option "rest" */
	KsJsonNode *root;
	KsValue    *slots;			/* per message */
	int			nslots;
	int		   *column_slots;
	KsColumn   *rest;			/* or NULL */

	/* the message at hand */
	KsJsonScanner scan;
	Extra	   *extras;
	int			nextras;
	int			maxextras;
} JsonDecoder;

/* The slot of a column's value: at the end of its path, or under its name. */
static int
add_column_slot(JsonDecoder *decoder, const KsColumn *column)
{
	KsFormatOptions *options = &decoder->row.converter.options;
	KsJsonStep	by_name = {column->name, strlen(column->name), -1};
	KsPath		path = {column->attno, 1, &by_name};
	KsJsonNode *node = decoder->root;

	for (int i = 0; i < options->npaths; i++)
		if (options->paths[i].attno == column->attno)
			path = options->paths[i];
	for (int i = 0; i < path.nsteps; i++)
		node = ks_json_keys_add(node, &path.steps[i]);
	if (node->slot < 0)
		node->slot = decoder->nslots++;
	return node->slot;
}

static void
add_columns(JsonDecoder *decoder, TupleDesc desc, Bitmapset *skip)
{
	KsRow	   *row = &decoder->row;

	decoder->column_slots = palloc(desc->natts * sizeof(int));
	decoder->slots = palloc0(desc->natts * sizeof(KsValue));
	for (int attno = 1; attno <= desc->natts; attno++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, attno - 1);

		if (!ks_format_fills(desc, skip, attno))
			continue;
		if (attno == row->converter.options.rest)
		{
			decoder->rest = palloc0(sizeof(KsColumn));
			ks_convert_init(&row->converter, decoder->rest, att);
		}
		else
		{
			const KsColumn *column = ks_row_add(row, att);

			decoder->column_slots[column - row->columns] = add_column_slot(decoder, column);
		}
	}
}

static KsDecoder *
create_decoder(MemoryContext context, TupleDesc desc, Bitmapset *skip, Jsonb *options)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	JsonDecoder *decoder = palloc0(sizeof(JsonDecoder));

	ks_row_init(&decoder->row, desc, skip, options);
	decoder->root = ks_json_keys_create();
	add_columns(decoder, desc, skip);
	MemoryContextSwitchTo(old);
	return &decoder->decoder;
}

/* Forget what was found below a node: its key has come again. */
static void
clear_below(JsonDecoder *decoder, const KsJsonNode *node)
{
	for (int i = 0; i < node->nchildren; i++)
	{
		const KsJsonNode *child = node->children[i];

		if (child->slot >= 0)
			decoder->slots[child->slot].kind = KS_VALUE_NONE;
		clear_below(decoder, child);
	}
}

/*
 * Find a key that has escapes: its name is what they stand for.  One that no
 * text can hold is no column's name and no error.
 */
static KsJsonNode *
find_escaped(JsonDecoder *decoder, KsJsonNode *parent, const KsValue *key)
{
	char	   *name = palloc(key->len);
	size_t		len;

	if (ks_convert_unescape(&decoder->row.converter, key, name, &len) != KS_CONVERTED)
		return NULL;
	return ks_json_keys_find(parent, name, len);
}

/*
 * Step over a key.  The node expected next is compared with the message's
 * bytes first; only if that fails, the key is scanned and looked up.
 */
static inline bool
scan_key(JsonDecoder *decoder, KsJsonNode *parent, KsJsonNode *expected, KsValue *key,
		 KsJsonNode **result)
{
	KsJsonScanner *scan = &decoder->scan;

	if (ks_json_scan_peek(scan) != '"')
		return ks_json_scan_fail(scan, scan->at, "expected a key in quotes");
	if (expected != NULL && ks_json_keys_match(expected, scan->at + 1, scan->end))
	{
		key->text = scan->at + 1;
		key->len = expected->len;
		key->escaped = false;
		scan->at += expected->len + 2;
		*result = expected;
	}
	else
	{
		if (!ks_json_scan_string(scan, key))
			return false;
		if (key->escaped)
			*result = find_escaped(decoder, parent, key);
		else
			*result = ks_json_keys_find(parent, key->text, key->len);
	}
	return ks_json_scan_expect(scan, ':', "expected \":\" after a key");
}

static bool scan_object(JsonDecoder *decoder, KsJsonNode *node);
static bool scan_array(JsonDecoder *decoder, KsJsonNode *node);

/* The value at a node, and what columns want of its inside. */
static bool
scan_inside(JsonDecoder *decoder, KsJsonNode *node, KsValue *value)
{
	KsJsonScanner *scan = &decoder->scan;
	char		next = ks_json_scan_peek(scan);
	int			outer = scan->deepest;

	clear_below(decoder, node);
	if (next != '{' && next != '[')
		return ks_json_scan_value(scan, value);
	value->kind = next == '{' ? KS_VALUE_OBJECT : KS_VALUE_ARRAY;
	value->text = scan->at++;
	scan->deepest = scan->depth;
	if (!ks_json_scan_enter(scan) ||
		!(next == '{' ? scan_object(decoder, node) : scan_array(decoder, node)))
		return false;
	scan->depth--;
	value->len = scan->at - value->text;
	value->depth = scan->deepest - scan->depth;
	scan->deepest = Max(scan->deepest, outer);
	return true;
}

/*
 * The value of a node, NULL for one that no column wants.  It goes straight to
 * its slot, or to 'scratch' without one; *value is where.
 */
static inline bool
scan_node(JsonDecoder *decoder, KsJsonNode *node, KsValue *scratch, KsValue **value)
{
	*value = node != NULL && node->slot >= 0 ? &decoder->slots[node->slot] : scratch;
	if (node == NULL || node->nchildren == 0)
		return ks_json_scan_value(&decoder->scan, *value);
	return scan_inside(decoder, node, *value);
}

/* The elements of an array whose bracket was stepped over. */
static bool
scan_array(JsonDecoder *decoder, KsJsonNode *node)
{
	KsJsonScanner *scan = &decoder->scan;

	if (ks_json_scan_peek(scan) == ']')
	{
		scan->at++;
		return true;
	}
	for (int i = 0;; i++)
	{
		KsValue		scratch;
		KsValue    *value;

		if (!scan_node(decoder, ks_json_keys_at(node, i), &scratch, &value))
			return false;
		if (ks_json_scan_peek(scan) != ',')
			return ks_json_scan_expect(scan, ']', "expected \",\" or \"]\"");
		scan->at++;
	}
}

/* Keep an unknown key for the column of option "rest". */
static void
keep_extra(JsonDecoder *decoder, const KsValue *key, const KsValue *value)
{
	if (decoder->nextras > MAX_EXTRAS)
		return;
	if (decoder->nextras == decoder->maxextras)
	{
		decoder->maxextras = Max(16, 2 * decoder->maxextras);
		if (decoder->extras == NULL)
			decoder->extras = palloc(decoder->maxextras * sizeof(Extra));
		else
			decoder->extras = repalloc(decoder->extras, decoder->maxextras * sizeof(Extra));
	}
	decoder->extras[decoder->nextras].key = *key;
	decoder->extras[decoder->nextras].value = *value;
	decoder->nextras++;
}

/* The members of an object whose bracket was stepped over. */
static bool
scan_object(JsonDecoder *decoder, KsJsonNode *node)
{
	KsJsonScanner *scan = &decoder->scan;
	KsJsonNode **guess = &node->first;
	bool		keep = decoder->rest != NULL && node == decoder->root;

	if (ks_json_scan_peek(scan) == '}')
	{
		scan->at++;
		return true;
	}
	for (;;)
	{
		KsJsonNode *child = NULL;
		KsValue		key;
		KsValue		scratch;
		KsValue    *value;

		if (!scan_key(decoder, node, *guess, &key, &child) ||
			!scan_node(decoder, child, &scratch, &value))
			return false;
		if (child != NULL)
		{
			*guess = child;
			guess = &child->next;
		}
		if (keep && (child == NULL || child->slot < 0))
			keep_extra(decoder, &key, value);
		if (ks_json_scan_peek(scan) != ',')
			return ks_json_scan_expect(scan, '}', "expected \",\" or \"}\"");
		scan->at++;
	}
}

/* The whole message: one object and nothing behind it. */
static bool
scan_message(JsonDecoder *decoder)
{
	KsJsonScanner *scan = &decoder->scan;
	KsValue		value;

	if (ks_json_scan_peek(scan) == '{')
	{
		scan->at++;
		if (!ks_json_scan_enter(scan) || !scan_object(decoder, decoder->root))
			return false;
	}
	else if (scan->at >= scan->end)
		return ks_json_scan_fail(scan, scan->end, "expected an object");
	else if (!ks_json_scan_value(scan, &value))
		return false;
	else
		return ks_json_scan_fail(scan, value.text - (value.kind == KS_VALUE_STRING),
								 "expected an object");
	ks_json_scan_space(scan);
	return scan->at == scan->end ||
		ks_json_scan_fail(scan, scan->at, "something follows the object");
}

/* Convert a column's value, if it has one. */
static pg_attribute_always_inline KsConverted
convert_column(JsonDecoder *decoder, int i)
{
	const KsValue *value = &decoder->slots[decoder->column_slots[i]];

	if (value->kind <= KS_VALUE_NULL)
		return KS_CONVERTED;
	return ks_row_convert_value(&decoder->row, &decoder->row.columns[i], value);
}

/* Unknown keys as one jsonb; none at all leave the column to its default. */
static KsConverted
convert_rest(JsonDecoder *decoder)
{
	KsConverter *converter = &decoder->row.converter;
	JsonbParseState *state = NULL;
	KsConverted converted = KS_CONVERTED;
	JsonbValue *ignored;

	if (decoder->nextras == 0)
		return KS_CONVERTED;
	if (!converter->guarded && decoder->scan.end - decoder->scan.start > UNGUARDED_BYTES)
		return KS_CONVERT_LATER;
	converter->column = decoder->rest;
	if (decoder->nextras > MAX_EXTRAS)
		return ks_convert_fail(converter, ERRCODE_PROGRAM_LIMIT_EXCEEDED,
							   "more than %d unknown keys", MAX_EXTRAS);
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < decoder->nextras && converted == KS_CONVERTED; i++)
	{
		converted = ks_convert_push_key(converter, &state, &decoder->extras[i].key);
		if (converted == KS_CONVERTED)
			converted = ks_convert_push(converter, &state, WJB_VALUE,
										&decoder->extras[i].value, &ignored);
	}
	if (converted != KS_CONVERTED)
		return converted;
	ks_row_put(&decoder->row, decoder->rest->attno,
			   JsonbPGetDatum(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL))));
	return KS_CONVERTED;
}

/* The last number is the rest. */
static pg_attribute_always_inline KsConverted
convert_one(void *argument, int i)
{
	JsonDecoder *decoder = argument;

	return i < decoder->row.ncolumns ? convert_column(decoder, i) : convert_rest(decoder);
}

/* Scan and convert a message that is in the server's encoding. */
static bool
decode_message(JsonDecoder *decoder, const char *data, size_t len)
{
	for (int i = 0; i < decoder->nslots; i++)
		decoder->slots[i].kind = KS_VALUE_NONE;
	decoder->extras = NULL;
	decoder->nextras = decoder->maxextras = 0;
	ks_json_scan_begin(&decoder->scan, data, len);
	if (scan_message(decoder))
		return ks_row_convert(&decoder->row, decoder->row.ncolumns + (decoder->rest != NULL),
							  convert_one, decoder);
	ks_json_scan_error(&decoder->scan, decoder->row.converter.error);
	return false;
}

typedef struct Message
{
	JsonDecoder *decoder;
	const char *data;
	size_t		len;
} Message;

/* JSON is UTF-8; in a database of another encoding it has to be converted. */
static bool
decode_converted(void *argument)
{
	Message    *message = argument;
	char	   *data = pg_any_to_server(message->data, (int) message->len, PG_UTF8);
	size_t		len = data == message->data ? message->len : strlen(data);

	return decode_message(message->decoder, data, len);
}

/* Is this all ASCII, and without \u? */
static bool
needs_no_conversion(const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (IS_HIGHBIT_SET(data[i]) || data[i] == '\0' ||
			(data[i] == '\\' && i + 1 < len && data[i + 1] == 'u'))
			return false;
	return true;
}

static bool
decode(KsDecoder *argument, const char *data, size_t len, Datum *values, bool *isnull,
	   bool *present, KsDecodeError *error)
{
	JsonDecoder *decoder = (JsonDecoder *) argument;
	Message		message = {decoder, data, len};
	bool		decoded;

	ks_row_begin(&decoder->row, values, isnull, present, error);
	if (GetDatabaseEncoding() == PG_UTF8 || needs_no_conversion(data, len))
		decoded = decode_message(decoder, data, len);
	else
		decoded = ks_row_guard(&decoder->row, decode_converted, &message);
	return decoded || ks_row_fail(&decoder->row);
}

const KsFormat ks_json_format = {
	.name = "json",
	.create = create_decoder,
	.decode = decode,
};
