/*
 * Being another role for a while, and back.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/guc.h"

#include "base/role.h"

void
ks_role_enter(KsRole *before, Oid role, int sec_context)
{
	GetUserIdAndSecContext(&before->user, &before->sec_context);
	SetUserIdAndSecContext(role, before->sec_context | sec_context);
	before->guc_level = NewGUCNestLevel();
}

void
ks_role_set(const char *setting, const char *value)
{
	(void) set_config_option(setting, value, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

void
ks_role_leave(const KsRole *before)
{
	AtEOXact_GUC(false, before->guc_level);
	SetUserIdAndSecContext(before->user, before->sec_context);
}

void
ks_role_enter_owner(KsRole *before, Oid owner)
{
	ks_role_enter(before, owner, SECURITY_RESTRICTED_OPERATION);
	ks_role_set("search_path", "pg_catalog, pg_temp");
}
