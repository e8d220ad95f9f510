#!/bin/bash
# From nothing to live views over Kafka: a private server and broker, and the
# log analysis example on them.  Server and broker stay; running it again starts
# the example over.
. "$(dirname "$0")/env.sh"

bash "$top/test/server.sh" up
find_run_dir
# shellcheck source=/dev/null
. "$run/env"
PATH=$(pg_dir bindir):$PATH bash "$top/test/quickstart/run.sh" || fail "$(
	echo "the message above says why; more is in .run/server/pg.log and .run/server/kafka/log."
	echo "To start over from nothing: make down; rm -r .run/server; make quickstart"
)"

cat <<END

All as it should be.  The server and the broker stay.
  connect:              . .run/env; psql
  what to ask:          examples/log_analysis/queries.sql
  change the example:   examples/log_analysis/views.sql, then make quickstart again
  stop:                 make down
END
