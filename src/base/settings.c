/*
 * Settings of the server (GUCs).
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/guc.h"

#include "base/compat.h"
#include "base/settings.h"

bool		ks_enabled = true;
int			ks_max_streams = 128;

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

	/* What sizes shared memory can only be set while the server starts. */
	if (process_shared_preload_libraries_in_progress)
		DefineCustomIntVariable("kafka_stream.max_streams",
								"How many streams, in all databases, can run at a time.",
								NULL,
								&ks_max_streams,
								128,
								1, 10000,
								PGC_POSTMASTER,
								0,
								NULL, NULL, NULL);

	MarkGUCPrefixReserved("kafka_stream");
}
