/*
 * The way between the main module and the one that links librdkafka.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "base/compat.h"
#include "source/services.h"
#include "source/source.h"

static const KsSourceServices services = {
	.broker_properties = ks_broker_properties,
	.parse_start = ks_start_parse,
};

extern PGDLLEXPORT const KsSourceServices *ks_source_services(void);

const KsSourceServices *
ks_source_services(void)
{
	return &services;
}

const KsSourceDriver *
ks_source_driver(const char *source)
{
	const KsSourceDriver *(*kafka_driver) (void);

	if (strcmp(source, "kafka") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("there is no source \"%s\"", source),
				 errhint("Use source => 'kafka'.")));
	if (!IsUnderPostmaster)
		elog(ERROR, "the Kafka driver must not run in the postmaster");
	kafka_driver = (const KsSourceDriver *(*) (void))
		load_external_function("$libdir/kafka_stream_kafka", "ks_kafka_driver",
							   true, NULL);
	return kafka_driver();
}
