/*
 * Switching to a view's owner and settings, and back.
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
ks_identity_enter(KsIdentity *before, Oid role, List *settings)
{
	ListCell   *lc;

	GetUserIdAndSecContext(&before->user, &before->security_context);
	SetUserIdAndSecContext(role, before->security_context | SECURITY_RESTRICTED_OPERATION);
	before->guc_level = NewGUCNestLevel();
	/* Policies of joined tables hold for the owner, whoever inserts. */
	if (!row_security)
		(void) set_config_option("row_security", "on", PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	for (lc = list_head(settings); lc != NULL; lc = lnext(settings, lnext(settings, lc)))
	{
		const char *name = lfirst(lc);
		const char *value = lfirst(lnext(settings, lc));

		if (strcmp(value, GetConfigOption(name, false, false)) != 0)
			(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION,
									 GUC_ACTION_SAVE, true, 0, false);
	}
}

void
ks_identity_leave(const KsIdentity *before)
{
	AtEOXact_GUC(false, before->guc_level);
	SetUserIdAndSecContext(before->user, before->security_context);
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
