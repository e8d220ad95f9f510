#!/bin/bash
# The quick start itself, on the server and broker that the environment names
# (PGHOST and so on, KAFKA_BROKERS): the log analysis example, events, and a
# check of what the views say.  Running it again starts over.
. "$(dirname "$0")/../env.sh"
find_run_dir

step=
listening=$(mktemp)				# a session listens as long as this file is there

leave() {
	local status=$?
	rm -f "$listening"
	[ "$status" = 0 ] || echo "error: the quick start stopped while $step" >&2
}
trap leave EXIT

begin() {
	step=$1
	say "$step"
}

sql() {
	psql -X -q -v ON_ERROR_STOP=1 -v brokers="$KAFKA_BROKERS" -P pager=off "$@"
}

# A session of its own that hears what alerts tell, as a pager would.
listen() {
	{
		echo "LISTEN alerts;"
		while [ -e "$listening" ]; do
			sleep 0.5
			echo "SELECT;"
		done
	} | sql -At 2> /dev/null |
		sed -un 's/.* with payload "{"alert": "\([^"]*\)", "state": "\([^"]*\)", "key": \({[^}]*}\).*/   NOTIFY: \1 \2 \3/p'
}

here=$top/test/quickstart
example=$top/examples/log_analysis

begin "making the topics logs and user-events"
sql -c "SET client_min_messages = warning" -c "CREATE EXTENSION IF NOT EXISTS kafka_stream" \
	-At -c "SELECT kafka_stream.drop_stream(name, cascade => true)
	        FROM unnest('{logs,user_events}'::text[]) AS name WHERE to_regclass(name) IS NOT NULL" > /dev/null
for topic in logs user-events; do
	"$run/bin/kafka_tool" "$KAFKA_BROKERS" delete "$topic" 2> /dev/null || true
	"$run/bin/kafka_tool" "$KAFKA_BROKERS" create "$topic" 4
done

begin "declaring streams, views and alerts: streams.sql, views.sql and alerts.sql in examples/log_analysis"
sql -f "$example/streams.sql" > /dev/null
sql -f "$example/views.sql" > /dev/null
sql -f "$example/alerts.sql" > /dev/null
listen &

begin "producing half an hour of events, out of order: an address floods, then 'search' is slow, then 'payment' fails"
sql -f "$here/events.sql"
for round in 1 2 3 4 5 6; do
	sql -v round="$round" -f "$here/send.sql"
	sleep 1
	sql -f "$here/progress.sql"
done

begin "producing late and malformed events, and one from the future"
sql -v round=7 -f "$here/send.sql"
sql -f "$here/bad.sql"

begin "waiting until every event is in the views"
sql -At -c "SELECT kafka_stream.flush('logs')" -c "SELECT kafka_stream.flush('user_events')" > /dev/null
sql -f "$here/progress.sql"
sql -f "$here/show.sql"

begin "waiting until every final window was looked at by the alerts"
sql -f "$here/alerts.sql"
rm -f "$listening"
wait

begin "checking the views against plain queries over the produced events"
sql -f "$here/compare.sql"
