/* The methods that there are; each in a file of its own. */
#ifndef KS_ANOMALY_METHOD_H
#define KS_ANOMALY_METHOD_H

#include "anomaly/detector.h"

extern const KsDetectorMethod ks_zscore_method;
extern const KsDetectorMethod ks_spike_method;

#endif
