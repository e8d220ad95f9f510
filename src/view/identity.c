/*
 * Switching to a view's owner and settings.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/rls.h"

#include "base/compat.h"
#include "view/identity.h"

/* Settings that change what expressions of built-in types mean. */
static const char *const stored_settings[] = {
	"TimeZone", "DateStyle", "IntervalStyle", "extra_float_digits", "bytea_output",
	"lc_monetary", "lc_numeric", "lc_time", "xmlbinary", "xmloption",
	"default_text_search_config", "array_nulls", "timezone_abbreviations",
};

void
ks_identity_enter(KsRole *before, Oid role, List *settings)
{
	ListCell   *lc;

	ks_role_enter(before, role, SECURITY_RESTRICTED_OPERATION);
	/* Policies of joined tables hold for the owner, whoever inserts. */
	if (!row_security)
		ks_role_set("row_security", "on");
	for (lc = list_head(settings); lc != NULL; lc = lnext(settings, lnext(settings, lc)))
	{
		const char *name = lfirst(lc);
		const char *value = lfirst(lnext(settings, lc));

		if (strcmp(value, GetConfigOption(name, false, false)) != 0)
			ks_role_set(name, value);
	}
}

List *
ks_identity_settings(const char *search_path)
{
	List	   *settings = list_make2("search_path", pstrdup(search_path));

	for (int i = 0; i < lengthof(stored_settings); i++)
	{
		settings = lappend(settings, unconstify(char *, stored_settings[i]));
		settings = lappend(settings, pstrdup(GetConfigOption(stored_settings[i], false, false)));
	}
	return settings;
}

char *
ks_identity_append_search_path(void)
{
	const char *path = GetConfigOption("search_path", false, false);
	char	   *appended = path[0] == '\0' || strcmp(path, "\"\"") == 0 ?
		pstrdup("kafka_stream") : psprintf("%s, kafka_stream", path);

	(void) set_config_option("search_path", appended, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	return appended;
}
