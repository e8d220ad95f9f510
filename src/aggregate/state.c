/*
 * The type kafka_stream.state; layout and reasons in state.h.
 *
 * Nobody but a superuser can make a value from text or binary: what a
 * deserialize function reads has been written by a serialize function, or
 * restored from a dump by somebody who could crash the server anyway.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "aggregate/partial.h"
#include "aggregate/state.h"

#define STATE_FORMAT 1

typedef struct StateHeader
{
	uint8		format;
	uint8		pg_major;
	uint8		encoding;
	uint8		machine;
	uint8		identity[sizeof(uint64)];
} StateHeader;

#ifdef WORDS_BIGENDIAN
#define STATE_MACHINE (SIZEOF_DATUM | 0x80)
#else
#define STATE_MACHINE SIZEOF_DATUM
#endif

PG_FUNCTION_INFO_V1(ks_state_in);
PG_FUNCTION_INFO_V1(ks_state_out);
PG_FUNCTION_INFO_V1(ks_state_recv);
PG_FUNCTION_INFO_V1(ks_state_send);

Oid
ks_state_type(void)
{
	Oid			schema = get_namespace_oid("kafka_stream", false);
	Oid			type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
									   CStringGetDatum("state"), ObjectIdGetDatum(schema));

	if (!OidIsValid(type))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("type kafka_stream.state does not exist"),
				 errhint("Type CREATE EXTENSION kafka_stream.")));
	return type;
}

struct varlena *
ks_state_wrap(uint64 identity, bytea *serialized)
{
	Size		len = VARSIZE_ANY_EXHDR(serialized);
	Size		total = VARHDRSZ + sizeof(StateHeader) + len;
	struct varlena *state = palloc(total);
	StateHeader header = {STATE_FORMAT, KS_PG_MAJOR, GetDatabaseEncoding(), STATE_MACHINE};

	memcpy(header.identity, &identity, sizeof(identity));
	SET_VARSIZE(state, total);
	memcpy(VARDATA(state), &header, sizeof(header));
	memcpy(VARDATA(state) + sizeof(header), VARDATA_ANY(serialized), len);
	return state;
}

static void
refuse_state(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("cannot use this aggregate state"),
			 errdetail_internal("%s", detail),
			 errhint("Drop the view with kafka_stream.drop_view() and create it again; rows that are still staged are folded then.")));
}

/* Every field has its own words, since what to do about it differs. */
static void
check_header(const StateHeader *header, uint64 identity)
{
	if (header->format != STATE_FORMAT)
		refuse_state(psprintf("Its format is %d, this kafka_stream reads format %d.",
							  header->format, STATE_FORMAT));
	if (header->pg_major != KS_PG_MAJOR)
		refuse_state(psprintf("It was made by PostgreSQL %d, this is PostgreSQL %d.",
							  header->pg_major, KS_PG_MAJOR));
	if (header->encoding != GetDatabaseEncoding())
		refuse_state(psprintf("It was made in a database with encoding %s, this one has %s.",
							  pg_encoding_to_char(header->encoding),
							  GetDatabaseEncodingName()));
	if (header->machine != STATE_MACHINE)
		refuse_state("It was made on a machine of another byte order or word size.");
	if (memcmp(header->identity, &identity, sizeof(identity)) != 0)
		refuse_state("It is the state of another aggregate, or of other argument types.");
}

bytea *
ks_state_unwrap(Datum state, uint64 identity)
{
	struct varlena *packed = PG_DETOAST_DATUM_PACKED(state);
	Size		len = VARSIZE_ANY_EXHDR(packed);
	StateHeader header;
	bytea	   *serialized;

	if (len < sizeof(header))
		refuse_state("It is too short.");
	memcpy(&header, VARDATA_ANY(packed), sizeof(header));
	check_header(&header, identity);

	len -= sizeof(header);
	serialized = palloc(VARHDRSZ + len);
	SET_VARSIZE(serialized, VARHDRSZ + len);
	memcpy(VARDATA(serialized), VARDATA_ANY(packed) + sizeof(header), len);
	if ((Pointer) packed != DatumGetPointer(state))
		pfree(packed);
	return serialized;
}

/* Only who restores a dump may bring states from outside. */
static void
check_may_enter(void)
{
	if (!superuser())
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot accept a value of type kafka_stream.state"),
				 errhint("Only continuous views make states; a dump that contains some is restored by a superuser.")));
}

Datum
ks_state_in(PG_FUNCTION_ARGS)
{
	Datum		bytes;

	check_may_enter();
	bytes = DirectFunctionCall1(byteain, PG_GETARG_DATUM(0));
	if (VARSIZE_ANY_EXHDR(DatumGetPointer(bytes)) < sizeof(StateHeader))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid input for type kafka_stream.state: too short")));
	PG_RETURN_DATUM(bytes);
}

/* Hexadecimal whatever bytea_output says: a dump must not depend on it. */
Datum
ks_state_out(PG_FUNCTION_ARGS)
{
	struct varlena *state = PG_GETARG_VARLENA_PP(0);
	Size		len = VARSIZE_ANY_EXHDR(state);
	char	   *hex = palloc_extended(len * 2 + 3, MCXT_ALLOC_HUGE);

	hex[0] = '\\';
	hex[1] = 'x';
	hex[2 + hex_encode(VARDATA_ANY(state), len, hex + 2)] = '\0';
	PG_RETURN_CSTRING(hex);
}

Datum
ks_state_recv(PG_FUNCTION_ARGS)
{
	Datum		bytes;

	check_may_enter();
	bytes = DirectFunctionCall1(bytearecv, PG_GETARG_DATUM(0));
	if (VARSIZE_ANY_EXHDR(DatumGetPointer(bytes)) < sizeof(StateHeader))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid input for type kafka_stream.state: too short")));
	PG_RETURN_DATUM(bytes);
}

Datum
ks_state_send(PG_FUNCTION_ARGS)
{
	return DirectFunctionCall1(byteasend, PG_GETARG_DATUM(0));
}
