#!/bin/bash
# Every test: pg_regress on a temporary server, then each test/t/*.pl against a
# real broker.  The last line is "N passed, N failed": regression tests and
# assertions.  TESTS="tumble 001_broker" runs those alone.
#
# The tests run on a copy under .run/check, which their user can read and write
# and which stays there to look at when something failed.
. "$(dirname "$0")/env.sh"

passed=0
failed=0
child=

# Leave nothing running, whatever happened.
stop_all() {
	local pid_file
	if [ -n "$child" ]; then
		kill -TERM -- "-$child" 2> /dev/null || true
		sleep 1
		kill -KILL -- "-$child" 2> /dev/null || true
		child=
	fi
	[ -d "$run/check" ] || return 0
	find "$run/check" -name postmaster.pid | while read -r pid_file; do
		as_user "$(pg_dir bindir)/pg_ctl" stop -s -m immediate -D "$(dirname "$pid_file")" || true
	done
	find "$run/check" -path '*/kafka*/pid' | while read -r pid_file; do
		as_user bash "$run/test/kafka/broker.sh" kill "$(dirname "$pid_file")" || true
	done
}

prepare() {
	local part
	stop_all
	rm -rf "${run:?}/check"
	mkdir -p "$run/check/log"
	for part in sql expected examples test; do
		mkdir -p "$run/check/$part"
		[ ! -d "$top/$part" ] || cp -r "$top/$part" "$run/check/"
	done
	[ "$(id -u)" != 0 ] || chown -R "$(server_user)" "$run/check"
}

# The names in $TESTS that a file "$1/NAME$2" stands for; all of them without $TESTS.
chosen() {
	local file name
	for file in "$run/check/$1/"*"$2"; do
		name=$(basename "$file" "$2")
		if [ -e "$file" ] && { [ -z "${TESTS:-}" ] || [[ " $TESTS " = *" $name "* ]]; }; then
			echo "$name"
		fi
	done
}

regress() {
	local names total ok
	mapfile -t names < <(chosen sql .sql)
	total=${#names[@]}
	[ "$total" -gt 0 ] || return 0
	say "pg_regress: $total tests"
	# without JIT, which Debian has on: it compiles queries that compare views for
	# minutes, since tables without statistics look large
	cat > "$run/check/regress.conf" <<-END
		shared_preload_libraries = 'kafka_stream'
		max_worker_processes = 32
		jit = off
	END
	as_user "$pg_regress" --bindir="$(pg_dir bindir)" --inputdir="$run/check" \
		--outputdir="$run/check/regress" --temp-instance="$run/check/regress/instance" \
		--temp-config="$run/check/regress.conf" --no-locale --encoding=UTF8 \
		--load-extension=kafka_stream --dbname=kafka_stream_regress "${names[@]}" 2>&1 |
		tee "$run/check/log/regress.log" || true
	# "test NAME ... ok" up to PostgreSQL 15, TAP from 16 on
	ok=$(grep -cE '^ok |^test .*\.\.\. ok' "$run/check/log/regress.log" || true)
	passed=$((passed + ok))
	failed=$((failed + total - ok))
	if [ "$ok" -lt "$total" ]; then
		cat "$run/check/regress/regression.diffs" 2> /dev/null ||
			tail -n 50 "$run/check/regress/log/"*.log
	fi
}

# One TAP file: its assertions counted; one that died or stopped short is a failure more.
tap_file() {
	local log="$run/check/log/$1.log" status=0 ok not_ok skipped start=$SECONDS
	# a process group of its own, so that all of it can be stopped; and in the
	# background, since bash runs no trap while it waits for a command
	set -m
	as_user env -C "$run/check" LANG=C.UTF-8 LC_CTYPE=C.UTF-8 PATH="$(pg_dir bindir):$PATH" PG_REGRESS="$pg_regress" \
		KAFKA_BROKERS="127.0.0.1:$kafka_port" TESTDIR="$run/check" \
		TESTDATADIR="$run/check/tmp_check" TESTLOGDIR="$run/check/tmp_check/log" \
		timeout --foreground -k 30 600 perl -I "$perl_modules" -I test/perl "test/t/$1.pl" > "$log" 2>&1 &
	child=$!
	set +m
	wait "$child" || status=$?
	child=
	ok=$(grep -E '^ok ' "$log" | grep -civ '# skip' || true)
	not_ok=$(grep -c '^not ok ' "$log" || true)
	skipped=$(grep -ciE '^ok .*# skip|^1\.\.0 # skip' "$log" || true)
	if [ "$status" != 0 ] && [ "$not_ok" = 0 ]; then
		not_ok=1
	fi
	passed=$((passed + ok))
	failed=$((failed + not_ok))
	echo "$1: $ok passed, $not_ok failed$([ "$skipped" = 0 ] || echo ", $skipped skipped") ($((SECONDS - start)) s)"
	if [ "$not_ok" != 0 ]; then
		grep -v '^ok ' "$log" | tail -n 60
		# why it died, if it did: the harness keeps that for its own log
		[ "$status" = 0 ] || grep -v 'ok ' "$run/check/tmp_check/log/regress_log_$1" | tail -n 15 || true
		echo "the whole of it: $log; server logs: $run/check/tmp_check/log"
	fi
}

tap() {
	local names name
	mapfile -t names < <(chosen test/t .pl)
	[ ${#names[@]} -gt 0 ] || return 0
	kafka_port=$(free_port "${KS_KAFKA_PORT:-19092}" 2)
	say "starting Kafka on port $kafka_port for ${#names[@]} test files"
	as_user mkdir -p "$run/check/tmp_check/log"
	as_user bash "$run/test/kafka/broker.sh" start "$run/check/kafka" "$kafka_port"
	for name in "${names[@]}"; do
		tap_file "$name"
	done
}

bash "$top/test/setup.sh"
COPT=-Werror bash "$top/test/build.sh"
bash "$top/test/fuzz/build.sh"
find_run_dir
perl_modules=$(cd "$(dirname "$(pg_dir pgxs)")/../test/perl" && pwd)
pg_regress=$(cd "$perl_modules/../regress" && pwd)/pg_regress

exec 9> "$run/check.lock"
flock -n 9 || fail "another make check runs in this checkout"
trap stop_all EXIT
trap 'exit 130' INT TERM HUP
prepare
regress
tap
stop_all
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
