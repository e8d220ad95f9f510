/*
 * Arguments of methods.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "anomaly/kernel.h"

static void
refuse_null(bool isnull, const char *name)
{
	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument %s must not be null", name),
				 errhint("Leave it out to get its default.")));
}

int
ks_kernel_int(const Datum *args, const bool *isnull, int argno, const char *name,
			  int min, int max)
{
	int			value;

	refuse_null(isnull[argno], name);
	value = DatumGetInt32(args[argno]);
	if (value < min || value > max)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument %s is %d", name, value),
				 errhint("Give a number from %d to %d.", min, max)));
	return value;
}

double
ks_kernel_float(const Datum *args, const bool *isnull, int argno, const char *name,
				double min, double max)
{
	double		value;

	refuse_null(isnull[argno], name);
	value = DatumGetFloat8(args[argno]);
	if (!(value >= min && value <= max))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument %s is %g", name, value),
				 errhint("Give a number from %g to %g.", min, max)));
	return value;
}

int
ks_kernel_word(const Datum *args, const bool *isnull, int argno, const char *name,
			   const char *const *words)
{
	char	   *value;
	char	   *known = "";

	refuse_null(isnull[argno], name);
	value = text_to_cstring(DatumGetTextPP(args[argno]));
	for (int i = 0; words[i] != NULL; i++)
	{
		if (strcmp(words[i], value) == 0)
			return i;
		known = psprintf("%s%s'%s'", known, i == 0 ? "" : ", ", words[i]);
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("argument %s is \"%s\"", name, value),
			 errhint("Give one of %s.", known)));
}
