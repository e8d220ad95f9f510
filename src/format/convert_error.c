/*
 * How a conversion fails: a converter says so itself, or a type function
 * raises an error, caught in a subtransaction under the settings that every
 * message is read with.
 */
#include "postgres.h"

#include <stdarg.h>

#include "access/xact.h"
#include "utils/resowner.h"

#include "format/convert.h"
#include "format/convert_settings.h"

KsConverted
ks_convert_fail(KsConverter *converter, int sqlstate, const char *format,...)
{
	StringInfoData message;

	initStringInfo(&message);
	for (;;)
	{
		va_list		args;
		int			needed;

		va_start(args, format);
		needed = appendStringInfoVA(&message, format, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&message, needed);
	}
	converter->error->sqlstate = sqlstate;
	converter->error->message = message.data;
	converter->error->column = converter->column != NULL ? converter->column->name : NULL;
	return KS_CONVERT_FAILED;
}

/*
 * Does this error say that the message is wrong?  Classes 22 and 23 do, and
 * so do limits of the server (54) that no retry will lift and what a CHECK's
 * function raises by itself.  Built-in types report what they cannot read
 * under class 42 and 0A, too (tsquery, regclass, aclitem); from code of a user
 * these mean broken code, and that is no fault of the message.  Without a
 * column it is the message's encoding that is converted.
 */
static bool
is_data_error(const KsColumn *column, int sqlstate)
{
	int			class = ERRCODE_TO_CATEGORY(sqlstate);

	if (class == ERRCODE_DATA_EXCEPTION || class == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION ||
		class == ERRCODE_PROGRAM_LIMIT_EXCEEDED || sqlstate == ERRCODE_RAISE_EXCEPTION)
		return true;
	return (column == NULL || !column->user_code) &&
		(class == ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION ||
		 class == ERRCODE_FEATURE_NOT_SUPPORTED);
}

/* Make a decode error of the error just caught, or raise it again. */
static void
take_error(KsConverter *converter, ErrorData *edata)
{
	if (!is_data_error(converter->column, edata->sqlerrcode))
		ReThrowError(edata);
	converter->error->sqlstate = edata->sqlerrcode;
	converter->error->message = pstrdup(edata->message);
	converter->error->column = converter->column != NULL ? converter->column->name : NULL;
	FreeErrorData(edata);
}

bool
ks_convert_guard(KsConverter *converter, void (*run) (void *), void *argument)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	bool		outer = converter->guarded;
	KsReadSettings saved;
	ErrorData  *volatile caught = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	ks_read_settings_enter(converter->options.timezone, &saved);
	converter->guarded = true;
	PG_TRY();
	{
		run(argument);
		ks_read_settings_leave(&saved);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ks_read_settings_leave(&saved);
		MemoryContextSwitchTo(context);
		caught = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	converter->guarded = outer;
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (caught == NULL)
		return true;
	take_error(converter, caught);
	return false;
}
