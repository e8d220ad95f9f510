#!/bin/bash
# From nothing to live views over Kafka: a private server and broker, the log
# analysis example, events, and a check of what the views say.  Server and
# broker stay; running it again starts the example over.
. "$(dirname "$0")/env.sh"

step=setup
stopped() {
	echo "error: the quick start stopped while it was $step." >&2
	if [ -n "$run" ] && [ -d "$run/server" ]; then
		echo "The message above says why; more is in .run/server/pg.log and .run/server/kafka/log." >&2
		echo "To start over from nothing: make down; rm -r .run/server; make quickstart" >&2
	fi
}
trap '[ $? = 0 ] || stopped' EXIT

begin() {
	step=$1
	say "$step"
}

sql() {
	"$(pg_dir bindir)/psql" -X -q -v ON_ERROR_STOP=1 -v brokers="$KAFKA_BROKERS" -P pager=off "$@"
}

step="starting the server and the broker"
bash "$top/test/server.sh" up
find_run_dir
# shellcheck source=/dev/null
. "$run/env"
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

begin "declaring streams and views: examples/log_analysis/streams.sql and views.sql"
sql -f "$example/streams.sql" > /dev/null
sql -f "$example/views.sql" > /dev/null

begin "producing half an hour of events, out of order"
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

begin "checking the views against plain queries over the produced events"
sql -f "$here/compare.sql"

cat <<END

All as it should be.  The server and the broker stay.
  connect:              . .run/env; psql
  what to ask:          examples/log_analysis/queries.sql
  change the example:   examples/log_analysis/views.sql, then make quickstart again
  stop:                 make down
END
