/*
 * The method behind each detect_* function.
 */
#include "postgres.h"

#include "anomaly/method.h"

static const KsDetectorMethod *const methods[] = {
	&ks_zscore_method,
	&ks_spike_method,
};

const KsDetectorMethod *
ks_detector_method(const char *name)
{
	for (int i = 0; i < lengthof(methods); i++)
		if (strcmp(methods[i]->name, name) == 0)
			return methods[i];
	return NULL;
}
