#!/bin/bash
# The private PostgreSQL and broker under .run/: server.sh up | down.
# KS_PGPORT and KS_KAFKA_PORT are the ports to try first.
. "$(dirname "$0")/env.sh"

# Ports stay what they were, as long as the directory lives.
choose_ports() {
	if [ -s "$run/env" ] && [ -d "$run/server/pg" ]; then
		# shellcheck source=/dev/null
		. "$run/env"
		kafka_port=${KAFKA_BROKERS##*:}
	else
		PGPORT=$(free_port "${KS_PGPORT:-54320}" 1)
		kafka_port=$(free_port "${KS_KAFKA_PORT:-19092}" 2)
	fi
}

write_env() {
	cat > "$run/env" <<-END
		export PGHOST='$run/server' PGPORT=$PGPORT PGDATABASE=postgres PGUSER=postgres
		export KAFKA_BROKERS=127.0.0.1:$kafka_port
	END
}

init_postgres() {
	if [ -f "$run/server/pg/PG_VERSION" ]; then
		[ "$(cat "$run/server/pg/PG_VERSION")" = "$(pg_major)" ] ||
			fail "$run/server/pg is of another PostgreSQL major; make down, then rm -r $run/server"
		return
	fi
	# under another name until it is whole
	as_user rm -rf "$run/server/pg.new"
	as_user "$(pg_dir bindir)/initdb" -D "$run/server/pg.new" -U postgres -A trust -E UTF8 \
		--locale=C.UTF-8 > "$run/initdb.log" 2>&1 || {
		cat "$run/initdb.log" >&2
		fail "initdb failed"
	}
	as_user tee -a "$run/server/pg.new/postgresql.conf" > /dev/null <<-END
		# kafka_stream's private server: reached by its Unix socket alone
		shared_preload_libraries = 'kafka_stream'
		listen_addresses = ''
		unix_socket_directories = '$run/server'
		port = $PGPORT
		max_worker_processes = 32
		shared_buffers = '256MB'
		max_wal_size = '4GB'
	END
	as_user mv "$run/server/pg.new" "$run/server/pg"
}

pg_ctl() {
	as_user "$(pg_dir bindir)/pg_ctl" -D "$run/server/pg" -s -w -t 60 "$@"
}

# A running server keeps the modules it loaded: restart it if they changed.
start_postgres() {
	local modules
	modules=$(cksum "$(pg_dir pkglibdir)"/kafka_stream*.so)
	if pg_ctl status > /dev/null 2>&1; then
		if [ "$modules" = "$(cat "$run/modules" 2> /dev/null)" ]; then
			return
		fi
		pg_ctl stop -m fast
	fi
	pg_ctl start -l "$run/server/pg.log" || {
		tail -n 25 "$run/server/pg.log" >&2
		fail "PostgreSQL did not start; its log is $run/server/pg.log"
	}
	echo "$modules" > "$run/modules"
}

broker() {
	as_user bash "$run/test/kafka/broker.sh" "$@"
}

up() {
	bash "$top/test/setup.sh"
	bash "$top/test/build.sh"
	find_run_dir
	user_dir "$run/server"
	choose_ports
	say "starting Kafka on port $kafka_port"
	broker start "$run/server/kafka" "$kafka_port"
	say "starting PostgreSQL on port $PGPORT"
	init_postgres
	start_postgres
	write_env
	say "running; to connect: . .run/env; psql    to stop: make down"
}

# Workers first, then the broker they read.
down() {
	find_run_dir
	if [ -d "$run/server/pg" ] && pg_ctl status > /dev/null 2>&1; then
		pg_ctl stop -m fast || pg_ctl stop -m immediate
	fi
	if [ -d "$run/server/kafka" ]; then
		broker stop "$run/server/kafka"
	fi
}

case ${1:-} in
	up) up ;;
	down) down ;;
	*) fail "usage: server.sh up | down" ;;
esac
