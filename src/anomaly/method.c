/*
 * The method behind each detect_* function.
 */
#include "postgres.h"

#include "anomaly/method.h"

static const KsDetectorMethod *const methods[] = {
	&ks_cusum_method,
	&ks_ddos_method,
	&ks_ewma_method,
	&ks_forest_method,
	&ks_iqr_method,
	&ks_mad_method,
	&ks_seasonal_method,
	&ks_spike_method,
	&ks_stream_method,
	&ks_suspicious_ips_method,
	&ks_zscore_method,
};

const KsDetectorMethod *
ks_detector_method(const char *name)
{
	for (int i = 0; i < lengthof(methods); i++)
		if (strcmp(methods[i]->name, name) == 0)
			return methods[i];
	return NULL;
}
