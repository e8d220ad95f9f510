/*
 * What all processes know of running streams: slots in shared memory.
 *
 * A slot belongs to one stream of one database, or, with stream InvalidOid, to
 * the alerts of a database.  It is made when the stream
 * should run (its transaction committed, or the server started) and freed by
 * the stream's worker when there is nothing to run any more.  All members are
 * read and written under the slots' lock (ks_slots_lock), except where noted.
 *
 * The states of a slot, and what comes next:
 *   WAITING   wanted, no worker yet (or none free)     -> RUNNING
 *   RUNNING   its worker reads                         -> RETRYING, FAILED, WAITING, free
 *   RETRYING  its worker met an error that may pass    -> RUNNING, FAILED, WAITING, free
 *   FAILED    needs a human; no worker                 -> WAITING (start, alter, seek)
 */
#ifndef KS_BASE_SHARED_H
#define KS_BASE_SHARED_H

#include "postgres.h"
#include "datatype/timestamp.h"
#include "storage/latch.h"

typedef enum KsSlotState
{
	KS_SLOT_WAITING,
	KS_SLOT_RUNNING,
	KS_SLOT_RETRYING,
	KS_SLOT_FAILED
} KsSlotState;

#define KS_REASON_LEN 512

/* How a stream does; may start again with the worker. */
typedef struct KsRates
{
	int64		errors;
	int64		restarts;
	double		rows_per_second;	/* as of rated_at, smoothed over seconds */
	double		bytes_per_second;
	TimestampTz rated_at;		/* 0: no batch yet */
	int64		batch_usecs;	/* of the last batch, from its first message */
	TimestampTz newest;			/* event time of the newest row in views */
	int64		memory_bytes;
} KsRates;

typedef struct KsSlot
{
	Oid			database;		/* InvalidOid: the slot is free */
	Oid			stream;			/* InvalidOid: the database's alerts */
	bool		wanted;			/* should have a worker */
	uint64		generation;		/* rises when the stream was changed */
	KsSlotState state;
	char		reason[KS_REASON_LEN];	/* empty: none */
	TimestampTz since;			/* in this state */
	pid_t		pid;			/* of its worker, or 0 */
	Latch	   *latch;			/* of its worker, or NULL */
	bool		asking;			/* its worker waits for an answer of the broker */
	TimestampTz next_start;		/* not before this time */
	int			backoff_ms;
	uint64		flush_asked;	/* requests of kafka_stream.flush() */
	uint64		flush_done;		/* and how many are answered */
	Oid			overran;		/* definition of the alert that its process was ended for */
	KsRates		rates;
} KsSlot;

/* The part of the rates of 'rated_at' that is left at 'now': they fade. */
extern double ks_rates_left(const KsRates *rates, TimestampTz now);

/* Count a batch that ended at 'now' into the rates. */
extern void ks_rates_add(KsRates *rates, int64 rows, int64 bytes, TimestampTz now);

/* Called from _PG_init: reserve shared memory if the server is starting. */
extern void ks_shared_register(void);

/* Is the module preloaded?  Raises an error that says what to do. */
extern bool ks_shared_available(void);
extern void ks_shared_require(void);

extern void ks_slots_lock(bool exclusive);
extern void ks_slots_unlock(void);

/* ks_max_streams slots; under the lock. */
extern KsSlot *ks_slot(int index);

/* The slot of a stream, or NULL; under the lock. */
extern KsSlot *ks_slot_find(Oid database, Oid stream);

/*
 * A stream was created or changed: let the launcher or its worker look.  A
 * worker that waits for the broker, perhaps for long, is ended; the launcher
 * starts another.
 * Returns false if there is no free slot.
 */
extern bool ks_slot_touch(Oid database, Oid stream);

/* Wake a slot's process, if it has one. */
extern void ks_slot_wake(Oid database, Oid stream);

/* Set a slot's state; 'reason' may be NULL.  Takes the lock. */
extern void ks_slot_set_state(KsSlot *slot, KsSlotState state, const char *reason);

/* Copy a stream's slot; false if it has none, or nothing is preloaded. */
extern bool ks_slot_read(Oid database, Oid stream, KsSlot *copy);

/* The launcher's latch. */
extern void ks_shared_set_launcher(Latch *latch);
extern void ks_shared_wake_launcher(void);

#endif
