/* The methods that there are; each in a file of its own. */
#ifndef KS_ANOMALY_METHOD_H
#define KS_ANOMALY_METHOD_H

#include "anomaly/detector.h"

extern const KsDetectorMethod ks_cusum_method;
extern const KsDetectorMethod ks_ddos_method;
extern const KsDetectorMethod ks_ewma_method;
extern const KsDetectorMethod ks_forest_method;
extern const KsDetectorMethod ks_iqr_method;
extern const KsDetectorMethod ks_mad_method;
extern const KsDetectorMethod ks_seasonal_method;
extern const KsDetectorMethod ks_spike_method;
extern const KsDetectorMethod ks_stream_method;
extern const KsDetectorMethod ks_suspicious_ips_method;
extern const KsDetectorMethod ks_zscore_method;

#endif
