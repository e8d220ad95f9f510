/*
 * detect_suspicious_ips and detect_ddos: addresses that ask for much, of many
 * services or in the name of few users.  Plain limits, row by row, without a
 * memory of the rows before; never warming up.
 *
 *		suspicious_ips: requests > max_requests AND services > max_services
 *						score = least(requests / max_requests, services / max_services)
 *		ddos:			requests > max_requests AND users < min_users
 *						score = least(requests / max_requests, min_users / users)
 *
 * So the score is above 1 for what is an anomaly, and says how far the limit
 * that is nearer has been passed; a division by 0 gives infinity, or 0 where
 * both sides are 0 (or less).  'upper' is max_requests.  A row without either number
 * has no score; an infinite number is compared like any other.
 */
#include "postgres.h"

#include "anomaly/kernel.h"
#include "anomaly/method.h"

typedef struct AddressParams
{
	int32		max_requests;
	int32		other;			/* max_services or min_users */
} AddressParams;

static void *
suspicious_ips_params(const Datum *args, const bool *isnull)
{
	AddressParams *params = palloc0(sizeof(AddressParams));

	params->max_requests = ks_kernel_int(args, isnull, 0, "max_requests", 0, PG_INT32_MAX);
	params->other = ks_kernel_int(args, isnull, 1, "max_services", 0, PG_INT32_MAX);
	return params;
}

static void *
ddos_params(const Datum *args, const bool *isnull)
{
	AddressParams *params = palloc0(sizeof(AddressParams));

	params->max_requests = ks_kernel_int(args, isnull, 0, "max_requests", 0, PG_INT32_MAX);
	params->other = ks_kernel_int(args, isnull, 1, "min_users", 0, PG_INT32_MAX);
	return params;
}

/* Nothing to remember. */
static size_t
address_state_size(const void *params)
{
	return 0;
}

static void
address_init(const void *params, void *state)
{
}

/* By how much 'larger' passes 'smaller'. */
static double
ratio(double larger, double smaller)
{
	if (larger <= 0)
		return 0;
	return smaller <= 0 ? INFINITY : larger / smaller;
}

static void
suspicious_ips_step(const void *opaque_params, void *state, const KsDetectorRow *row,
					KsDetection *detection)
{
	const AddressParams *params = opaque_params;
	double		requests = ks_kernel_value(row, 0);
	double		services = ks_kernel_value(row, 1);

	ks_kernel_no_detection(detection);
	detection->upper = params->max_requests;
	if (isnan(requests) || isnan(services))
		return;
	detection->score = Min(ratio(requests, params->max_requests), ratio(services, params->other));
	detection->is_anomaly = requests > params->max_requests && services > params->other;
}

static void
ddos_step(const void *opaque_params, void *state, const KsDetectorRow *row, KsDetection *detection)
{
	const AddressParams *params = opaque_params;
	double		requests = ks_kernel_value(row, 0);
	double		users = ks_kernel_value(row, 1);

	ks_kernel_no_detection(detection);
	detection->upper = params->max_requests;
	if (isnan(requests) || isnan(users))
		return;
	detection->score = Min(ratio(requests, params->max_requests), ratio(params->other, users));
	detection->is_anomaly = requests > params->max_requests && users < params->other;
}

const KsDetectorMethod ks_suspicious_ips_method = {
	.name = "detect_suspicious_ips",
	.format = 1,
	.nvalues = 2,
	.nparams = 2,
	.params = suspicious_ips_params,
	.state_size = address_state_size,
	.init = address_init,
	.step = suspicious_ips_step,
};

const KsDetectorMethod ks_ddos_method = {
	.name = "detect_ddos",
	.format = 1,
	.nvalues = 2,
	.nparams = 2,
	.params = ddos_params,
	.state_size = address_state_size,
	.init = address_init,
	.step = ddos_step,
};
