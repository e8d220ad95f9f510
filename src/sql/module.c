/*
 * The extension's module: what happens when PostgreSQL loads it.
 */
#include "postgres.h"

#include "fmgr.h"

#include "base/compat.h"
#include "base/settings.h"
#include "base/shared.h"
#include "view/batch_scan.h"
#include "view/trigger.h"
#include "worker/database.h"
#include "worker/launcher.h"
#include "worker/touch.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	ks_settings_define();
	ks_batch_scan_init();
	ks_trigger_init();
	ks_shared_register();
	ks_touch_register();
	ks_launcher_register();
	ks_database_register();
}
