/*
 * The columns that a user declares: SQL text that becomes part of a CREATE
 * TABLE, so it is parsed on its own first and may hold nothing but columns.
 */
#include "postgres.h"

#include "nodes/parsenodes.h"
#include "parser/parser.h"

#include "base/compat.h"
#include "sql/stream_definition.h"

/* Move the position of a syntax error from the caller's query into the list. */
static void
columns_error(void *arg)
{
	int			position = geterrposition();

	if (position > 0)
	{
		errposition(0);
		internalerrposition(position);
		internalerrquery((const char *) arg);
	}
	errcontext("columns of the stream");
}

pg_attribute_noreturn()
static void
refuse(const char *what, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("columns of a stream cannot have %s", what),
			 errhint("%s", hint)));
}

static void
check_constraint(const Constraint *constraint)
{
	switch (constraint->contype)
	{
		case CONSTR_PRIMARY:
			refuse("a primary key", "Rows of a stream are identified by kafka_partition and kafka_offset.");
		case CONSTR_UNIQUE:
			refuse("a unique constraint", "Rows of a stream are identified by kafka_partition and kafka_offset.");
		case CONSTR_EXCLUSION:
			refuse("an exclusion constraint", "Group or filter in a view over the stream.");
		case CONSTR_FOREIGN:
			refuse("a foreign key", "Join the table in a view over the stream.");
		case CONSTR_IDENTITY:
			refuse("an identity", "Rows of a stream are numbered by kafka_offset.");
		default:
			break;
	}
}

static void
check_name(const char *name)
{
	static const char *const late[] = {"view", "window_end", "clock", "lateness"};
	int			i;

	if (strncmp(name, "kafka_", 6) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_RESERVED_NAME),
				 errmsg("column name \"%s\" is reserved", name),
				 errdetail("Names that begin with kafka_ belong to the stream.")));
	for (i = 0; i < lengthof(late); i++)
		if (strcmp(name, late[i]) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_RESERVED_NAME),
					 errmsg("column name \"%s\" is reserved", name),
					 errdetail("The table of late rows has a column of this name beside those of the stream.")));
}

static void
check_column(const ColumnDef *column)
{
	static const char *const serials[] = {"serial", "serial2", "serial4", "serial8",
	"smallserial", "bigserial"};
	ListCell   *lc;
	int			i;

	check_name(column->colname);
	if (column->typeName != NULL && list_length(column->typeName->names) == 1)
		for (i = 0; i < lengthof(serials); i++)
			if (strcmp(strVal(linitial(column->typeName->names)), serials[i]) == 0)
				refuse("type serial", "Rows of a stream are numbered by kafka_offset.");
	foreach(lc, column->constraints)
		check_constraint(lfirst_node(Constraint, lc));
}

static CreateStmt *
parse_columns(const char *sql)
{
	ErrorContextCallback callback = {
		.previous = error_context_stack,
		.callback = columns_error,
		.arg = (void *) sql
	};
	List	   *statements;
	CreateStmt *create;

	error_context_stack = &callback;
	statements = raw_parser(sql, RAW_PARSE_DEFAULT);
	error_context_stack = callback.previous;

	create = list_length(statements) == 1 ?
		(CreateStmt *) linitial_node(RawStmt, statements)->stmt : NULL;
	if (create == NULL || !IsA(create, CreateStmt) ||
		create->inhRelations != NIL || create->partspec != NULL ||
		create->ofTypename != NULL || create->options != NIL ||
		create->oncommit != ONCOMMIT_NOOP || create->tablespacename != NULL ||
		create->accessMethod != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("columns must be a list of column definitions"),
				 errhint("Write for example columns => 'event_time timestamptz, service text'.")));
	return create;
}

void
ks_definition_check_columns(const char *columns)
{
	CreateStmt *create = parse_columns(psprintf("CREATE TABLE stream (%s\n)", columns));
	ListCell   *lc;

	foreach(lc, create->tableElts)
	{
		Node	   *element = lfirst(lc);

		if (IsA(element, ColumnDef))
			check_column((ColumnDef *) element);
		else if (IsA(element, Constraint))
			check_constraint((Constraint *) element);
		else
			refuse("LIKE", "Write the columns out.");
	}
}
