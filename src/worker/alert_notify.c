/*
 * Telling people, by NOTIFY, that an alert fires or is over.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/async.h"
#include "utils/datetime.h"
#include "utils/json.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "worker/alert_notify.h"

#define MAX_PAYLOAD 7900		/* bytes; PostgreSQL's own limit is 8000 */

static void
append_time(StringInfo out, const char *name, const TimestampTz *time)
{
	char		buffer[MAXDATELEN + 1];

	appendStringInfo(out, ", \"%s\": ", name);
	if (time == NULL)
		appendStringInfoString(out, "null");
	else
		appendStringInfo(out, "\"%s\"",
						 JsonEncodeDateTime(buffer, TimestampTzGetDatum(*time), TIMESTAMPTZOID, NULL));
}

/* One member, or that it was left out. */
static void
append_jsonb(StringInfo out, const char *name, Jsonb *jsonb, bool fits)
{
	if (!fits)
		appendStringInfo(out, ", \"%s_omitted\": true", name);
	else
	{
		appendStringInfo(out, ", \"%s\": ", name);
		(void) JsonbToCString(out, &jsonb->root, VARSIZE(jsonb));
	}
}

static char *
make_payload(const KsAlert *alert, const KsAlertRow *row, const TimestampTz *until,
			 bool with_key, bool with_value)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoString(&out, "{\"alert\": ");
	escape_json(&out, alert->name);
	appendStringInfo(&out, ", \"state\": \"%s\"", until ? "resolved" : "firing");
	append_jsonb(&out, "key", row->key, with_key);
	append_time(&out, "since", &row->since);
	append_time(&out, "until", until);
	append_jsonb(&out, "value", row->value, with_value);
	appendStringInfoChar(&out, '}');
	return out.data;
}

void
ks_alert_notify(const KsAlert *alert, const KsAlertRow *row, const TimestampTz *until)
{
	char	   *payload;

	if (alert->notify == NULL)
		return;
	payload = make_payload(alert, row, until, true, true);
	if (strlen(payload) > MAX_PAYLOAD)
		payload = make_payload(alert, row, until, true, false);
	if (strlen(payload) > MAX_PAYLOAD)
		payload = make_payload(alert, row, until, false, false);
	Async_Notify(alert->notify, payload);
}
