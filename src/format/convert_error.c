/*
 * How a conversion fails: a converter says so itself, or a type function
 * raises an error, caught in a subtransaction under the settings that every
 * message is read with.
 */
#include "postgres.h"

#include <stdarg.h>

#include "base/attempt.h"
#include "base/data_error.h"
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
 * Does this error say that the message is wrong?  Built-in types report what
 * they cannot read under class 42 and 0A, too (tsquery, regclass, aclitem);
 * from code of a user these mean broken code, and that is no fault of the
 * message.  Without a column it is the message's encoding that is converted.
 */
static bool
is_data_error(const KsColumn *column, int sqlstate)
{
	int			class = ERRCODE_TO_CATEGORY(sqlstate);

	return ks_is_data_error(sqlstate) ||
		((column == NULL || !column->user_code) &&
		 (class == ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION ||
		  class == ERRCODE_FEATURE_NOT_SUPPORTED));
}

/* Make a decode error of the error caught, or raise it again. */
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

typedef struct Guarded
{
	KsConverter *converter;
	void		(*run) (void *);
	void	   *argument;
} Guarded;

static void
run_under_settings(void *arg)
{
	Guarded    *guarded = arg;
	KsConverter *converter = guarded->converter;
	bool		outer = converter->guarded;
	KsReadSettings saved;

	ks_read_settings_enter(converter->options.timezone, &saved);
	converter->guarded = true;
	PG_TRY();
	{
		guarded->run(guarded->argument);
	}
	PG_FINALLY();
	{
		converter->guarded = outer;
		ks_read_settings_leave(&saved);
	}
	PG_END_TRY();
}

bool
ks_convert_guard(KsConverter *converter, void (*run) (void *), void *argument)
{
	Guarded		guarded = {converter, run, argument};
	ErrorData  *error = ks_attempt(run_under_settings, &guarded);

	if (error == NULL)
		return true;
	take_error(converter, error);
	return false;
}
