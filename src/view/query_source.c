/*
 * Cursor positions for errors in a query text that came as a function argument:
 * what the parser reports as a position in the client's statement is moved to
 * the internal query, as PL/pgSQL and SPI do.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"

#include "view/query.h"

static const char *source_text = NULL;
static ErrorContextCallback source_callback;

static void
source_error_callback(void *arg)
{
	int			position = geterrposition();

	if (position > 0)
	{
		errposition(0);
		internalerrposition(position);
		internalerrquery((const char *) arg);
	}
}

void
ks_query_source_begin(const char *text)
{
	source_text = text;
	source_callback.callback = source_error_callback;
	source_callback.arg = unconstify(char *, text);
	source_callback.previous = error_context_stack;
	error_context_stack = &source_callback;
}

void
ks_query_source_end(void)
{
	error_context_stack = source_callback.previous;
	source_text = NULL;
}

int
ks_errlocation(int location)
{
	/* After an error the text may be stale: only the callback still in place vouches for it. */
	if (location < 0 || source_text == NULL || error_context_stack != &source_callback)
		return 0;
	return errposition(pg_mbstrlen_with_len(source_text, location) + 1);
}

RawStmt *
ks_query_parse(const char *text, const char *whose)
{
	List	   *statements = raw_parser(text, RAW_PARSE_DEFAULT);
	RawStmt    *statement;

	if (list_length(statements) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("the query of %s must be one SELECT", whose)));
	statement = linitial_node(RawStmt, statements);
	if (!IsA(statement->stmt, SelectStmt))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the query of %s must be a SELECT", whose)));
	return statement;
}
