/*
 * Headers of a message as jsonb text, and back.
 *
 * Kafka's headers are a list of names and bytes; names may repeat.  jsonb
 * keeps text only, so what is not valid text is shown as hex digits.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/json.h"

#include "source/kafka_headers.h"

/* Can these bytes, meant as UTF-8, be text here without conversion? */
static bool
is_text(const char *bytes, size_t len)
{
	if (memchr(bytes, '\0', len) != NULL)
		return false;
	if (GetDatabaseEncoding() == PG_UTF8)
		return pg_verify_mbstr(PG_UTF8, bytes, len, true);
	for (size_t i = 0; i < len; i++)
		if (IS_HIGHBIT_SET(bytes[i]))
			return false;
	return true;
}

static void
append_text(StringInfo out, const char *bytes, size_t len)
{
	if (is_text(bytes, len))
		escape_json(out, pnstrdup(bytes, len));
	else
	{
		char	   *digits = palloc(len * 2 + 1);

		digits[hex_encode(bytes, len, digits)] = '\0';
		appendStringInfo(out, "\"\\\\x%s\"", digits);
		pfree(digits);
	}
}

static void
append_value(StringInfo out, const void *value, size_t len)
{
	if (value == NULL)
		appendStringInfoString(out, "null");
	else
		append_text(out, value, len);
}

static bool
is_first(rd_kafka_headers_t *headers, size_t index, const char *name)
{
	const char *other;
	const void *value;
	size_t		len;

	for (size_t i = 0; i < index; i++)
		if (rd_kafka_header_get_all(headers, i, &other, &value, &len) == 0 &&
			strcmp(other, name) == 0)
			return false;
	return true;
}

/* All values of one name: a value, or an array of them. */
static void
append_values(StringInfo out, rd_kafka_headers_t *headers, const char *name)
{
	const void *value;
	size_t		len;
	bool		repeated = rd_kafka_header_get(headers, 1, name, &value, &len) == 0;

	if (repeated)
		appendStringInfoChar(out, '[');
	for (size_t i = 0; rd_kafka_header_get(headers, i, name, &value, &len) == 0; i++)
	{
		if (i > 0)
			appendStringInfoString(out, ", ");
		append_value(out, value, len);
	}
	if (repeated)
		appendStringInfoChar(out, ']');
}

char *
ks_kafka_headers_text(rd_kafka_message_t *message)
{
	rd_kafka_headers_t *headers;
	StringInfoData out;
	const char *name;
	const void *value;
	size_t		len;

	if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return NULL;
	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &len) == 0; i++)
	{
		if (!is_first(headers, i, name))
			continue;
		if (out.len > 1)
			appendStringInfoString(&out, ", ");
		append_text(&out, name, strlen(name));
		appendStringInfoString(&out, ": ");
		append_values(&out, headers, name);
	}
	appendStringInfoChar(&out, '}');
	return out.data;
}

static void
refuse_headers(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("headers must be an object of strings"),
			 errhint("Write headers => '{\"trace\": \"42\", \"tag\": [\"a\", \"b\"], \"empty\": null}'.")));
}

/* A copy in UTF-8, which Kafka's users expect. */
static char *
to_utf8(const JsonbValue *value)
{
	char	   *text = pnstrdup(value->val.string.val, value->val.string.len);

	return pg_server_to_any(text, strlen(text), PG_UTF8);
}

static void
check_value(const JsonbValue *value)
{
	if (value->type != jbvString && value->type != jbvNull)
		refuse_headers();
}

/* Cannot fail: everything was checked and converted before. */
static void
add_header(rd_kafka_headers_t *headers, const char *name, const char *value)
{
	rd_kafka_header_add(headers, name, -1, value, value ? (ssize_t) strlen(value) : 0);
}

rd_kafka_headers_t *
ks_kafka_headers_parse(Jsonb *jsonb)
{
	JsonbIterator *it = JsonbIteratorInit(&jsonb->root);
	JsonbIteratorToken token;
	JsonbValue	value;
	List	   *names = NIL;
	List	   *values = NIL;
	char	   *name = NULL;
	int			depth = 0;
	rd_kafka_headers_t *headers;
	ListCell   *lc;
	ListCell   *lc2;

	if (!JB_ROOT_IS_OBJECT(jsonb))
		refuse_headers();
	while ((token = JsonbIteratorNext(&it, &value, false)) != WJB_DONE)
	{
		if (token == WJB_BEGIN_ARRAY || (token == WJB_BEGIN_OBJECT))
		{
			if (++depth > (token == WJB_BEGIN_ARRAY ? 2 : 1))
				refuse_headers();
		}
		else if (token == WJB_END_ARRAY || token == WJB_END_OBJECT)
			depth--;
		else if (token == WJB_KEY)
			name = to_utf8(&value);
		else
		{
			check_value(&value);
			names = lappend(names, name);
			values = lappend(values, value.type == jbvNull ? NULL : to_utf8(&value));
		}
	}
	if (names == NIL)
		return NULL;
	headers = rd_kafka_headers_new(list_length(names));
	forboth(lc, names, lc2, values)
		add_header(headers, lfirst(lc), lfirst(lc2));
	return headers;
}
