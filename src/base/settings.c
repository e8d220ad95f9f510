/*
 * Settings of the server (GUCs).
 */
#include "postgres.h"

#include <limits.h>

#include "miscadmin.h"
#include "utils/guc.h"

#include "base/compat.h"
#include "base/settings.h"

bool		ks_enabled = true;
int			ks_max_streams = 128;
int			ks_alert_timeout = 10 * 1000;

void
ks_settings_define(void)
{
	DefineCustomBoolVariable("kafka_stream.enabled",
							 "Lets streams run.",
							 "Off: no stream's worker runs; for servers that were cloned.",
							 &ks_enabled,
							 true,
							 PGC_SIGHUP,
							 0,
							 NULL, NULL, NULL);

	DefineCustomIntVariable("kafka_stream.alert_timeout",
							"How long the query of an alert may take.",
							"One that takes longer fails, and is tried again later; other alerts of its database wait meanwhile.",
							&ks_alert_timeout,
							10 * 1000,
							1, INT_MAX,
							PGC_SIGHUP,
							GUC_UNIT_MS,
							NULL, NULL, NULL);

	/* What sizes shared memory can only be set while the server starts. */
	if (process_shared_preload_libraries_in_progress)
		DefineCustomIntVariable("kafka_stream.max_streams",
								"How many streams, in all databases, can run at a time.",
								"A database with alerts counts as one more.",
								&ks_max_streams,
								128,
								1, 10000,
								PGC_POSTMASTER,
								0,
								NULL, NULL, NULL);

	MarkGUCPrefixReserved("kafka_stream");
}
