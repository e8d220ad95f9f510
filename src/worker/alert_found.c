/*
 * What a run of an alert's query found.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/compat.h"
#include "view/alert_query.h"
#include "view/identity.h"
#include "worker/alert_found.h"

#define FETCH_ROWS 100

static uint32
hash_key(const void *key, Size size)
{
	const Jsonb *jsonb = *(Jsonb *const *) key;

	return DatumGetUInt32(DirectFunctionCall1(jsonb_hash, PointerGetDatum(jsonb)));
}

static int
compare_keys(const void *a, const void *b, Size size)
{
	Jsonb	   *left = *(Jsonb *const *) a;
	Jsonb	   *right = *(Jsonb *const *) b;

	return compareJsonbContainers(&left->root, &right->root);
}

static KsAlertFindings *
make_findings(void)
{
	KsAlertFindings *findings = palloc0(sizeof(KsAlertFindings));
	HASHCTL		control = {
		.keysize = sizeof(Jsonb *),
		.entrysize = sizeof(KsAlertFound),
		.hash = hash_key,
		.match = compare_keys,
		.hcxt = CurrentMemoryContext
	};

	findings->by_key = hash_create("alert findings", 64, &control,
								   HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
	return findings;
}

static void
add_row(KsAlertFindings *findings, HeapTuple tuple, TupleDesc desc)
{
	bool		isnull;
	bool		found;
	Jsonb	   *key = DatumGetJsonbPCopy(SPI_getbinval(tuple, desc, 1, &isnull));
	KsAlertFound *entry = hash_search(findings->by_key, &key, HASH_ENTER, &found);

	if (found)
	{
		pfree(key);
		return;
	}
	entry->key = key;
	entry->value = DatumGetJsonbPCopy(SPI_getbinval(tuple, desc, 2, &isnull));
	entry->known = false;
	findings->in_order = lappend(findings->in_order, entry);
}

static void
check_size(uint64 rows, uint64 bytes)
{
	if (rows > KS_ALERT_MAX_ROWS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the query gave more than %d rows", KS_ALERT_MAX_ROWS),
				 errhint("Have it give what is wrong and nothing else, or group it by a coarser key.")));
	if (bytes > KS_ALERT_MAX_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the query gave more than %d MB", KS_ALERT_MAX_BYTES / (1024 * 1024)),
				 errhint("Select the columns that people need to see and no others.")));
}

static void
fetch_rows(KsAlertFindings *findings, Portal portal, MemoryContext context)
{
	uint64		rows = 0;
	uint64		bytes = 0;

	for (;;)
	{
		MemoryContext before;

		SPI_cursor_fetch(portal, true, FETCH_ROWS);
		if (SPI_processed == 0)
			break;
		rows += SPI_processed;
		before = MemoryContextSwitchTo(context);
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			bytes += SPI_tuptable->vals[i]->t_len;
			check_size(rows, bytes);
			add_row(findings, SPI_tuptable->vals[i], SPI_tuptable->tupdesc);
		}
		MemoryContextSwitchTo(before);
		SPI_freetuptable(SPI_tuptable);
	}
}

static void
prepare(const KsAlert *alert, SPIPlanPtr *plan)
{
	char	   *sql = ks_alert_query_sql(alert);

	*plan = SPI_prepare(sql, 0, NULL);
	if (*plan == NULL || SPI_keepplan(*plan) != 0)
		elog(ERROR, "could not prepare \"%s\": %s", sql, SPI_result_code_string(SPI_result));
}

KsAlertFindings *
ks_alert_find_rows(const KsAlert *alert, SPIPlanPtr *plan)
{
	MemoryContext context = CurrentMemoryContext;
	KsAlertFindings *findings = make_findings();
	Portal		portal;
	KsRole		before;

	ks_identity_enter(&before, alert->owner, alert->settings);
	/* Only until the query has run; an error in it ends the attempt, which restores this. */
	XactReadOnly = true;
	PushActiveSnapshot(GetTransactionSnapshot());
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	if (*plan == NULL)
		prepare(alert, plan);
	portal = SPI_cursor_open(NULL, *plan, NULL, NULL, true);
	fetch_rows(findings, portal, context);
	SPI_cursor_close(portal);
	SPI_finish();
	PopActiveSnapshot();
	XactReadOnly = false;
	ks_role_leave(&before);
	return findings;
}

KsAlertFound *
ks_alert_found(KsAlertFindings *findings, const Jsonb *key)
{
	return hash_search(findings->by_key, &key, HASH_FIND, NULL);
}
