/* Which partitions are idle, how far time has come, and which windows are final. */
#ifndef KS_WORKER_CLOSING_H
#define KS_WORKER_CLOSING_H

#include "worker/reader.h"

/*
 * Look at the partitions, and close what the watermark passed, in transactions
 * of their own.  While somebody inserts, closing is left for another time;
 * now and then, and if 'wait', it waits for half a second.  False: it waited in
 * vain.
 */
extern bool ks_closing_run(KsReader *reader, bool wait);

#endif
