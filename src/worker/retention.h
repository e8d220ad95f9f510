/* Old rows go: segments of staging by truncation, the rest by DELETE. */
#ifndef KS_WORKER_RETENTION_H
#define KS_WORKER_RETENTION_H

#include "worker/reader.h"

/* Each in a transaction of its own; what is locked is left for the next time. */
extern void ks_retention_run(KsReader *reader);

#endif
