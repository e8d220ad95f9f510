/*
 * The type kafka_stream.state: a serialized transition state and whose it is.
 *
 * Bytes: format (1), PostgreSQL major version, encoding of the database, byte
 * order and width of a Datum, 8 bytes of identity (which functions work on it,
 * for which argument types; see call.c), then what the serialize function gave.  A
 * deserialize function trusts its bytes, so each of these is checked before
 * any reaches it.
 */
#ifndef KS_AGGREGATE_STATE_H
#define KS_AGGREGATE_STATE_H

#include "postgres.h"

/* OID of kafka_stream.state. */
extern Oid	ks_state_type(void);

/*
 * The serialized bytes in 'state', palloc'd; ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE
 * if it is not of this format, server version, encoding or identity.
 */
extern bytea *ks_state_unwrap(Datum state, uint64 identity);

#endif
