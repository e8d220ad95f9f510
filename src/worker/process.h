/* What the processes that fill a slot have in common: how they begin and end. */
#ifndef KS_WORKER_PROCESS_H
#define KS_WORKER_PROCESS_H

#include "base/shared.h"

/*
 * Take a slot and connect to its database, with settings that ALTER ROLE and
 * ALTER DATABASE ... SET cannot change.  Exits if the slot is not wanted any
 * more.  The slot is left when the process exits.
 */
extern KsSlot *ks_process_begin(int index);

/*
 * There is nothing to run: free the slot, unless somebody wants it again since
 * 'generation', and exit.
 */
pg_attribute_noreturn()
extern void ks_process_give_up(uint64 generation);

/* Set application_name, which people see in pg_stat_activity. */
extern void ks_process_name(const char *name);

/* Reload settings if asked to; exits when kafka_stream.enabled is off. */
extern void ks_process_heed_settings(void);

/* Transactions of a worker: with a snapshot, and back in the caller's context. */
extern void ks_worker_begin(void);
extern void ks_worker_commit(void);

#endif
