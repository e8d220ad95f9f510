#!/bin/bash
# One private Kafka broker (KRaft, one node) under a directory of its own.
#
#   broker.sh start DIR PORT    start it, wait until it answers (PORT+1: its controller)
#   broker.sh stop DIR          stop it; no error if it does not run
#   broker.sh kill DIR          kill -9, as a crash would
#
# DIR keeps its data from one start to the next: config, pid, log, data/.
# KS_RUN says where lib/ and bin/ are; test/setup.sh fills them.
. "$(dirname "$0")/../env.sh"
find_run_dir

ready_seconds=90

write_config() {
	cat > config <<-END
		process.roles=broker,controller
		node.id=1
		controller.quorum.voters=1@127.0.0.1:$((port + 1))
		listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$((port + 1))
		advertised.listeners=PLAINTEXT://127.0.0.1:$port
		controller.listener.names=CONTROLLER
		log.dirs=$dir/data
		auto.create.topics.enable=false
		# one node: what the broker keeps for itself has one replica
		offsets.topic.num.partitions=1
		offsets.topic.replication.factor=1
		transaction.state.log.num.partitions=1
		transaction.state.log.replication.factor=1
		transaction.state.log.min.isr=1
		share.coordinator.state.topic.replication.factor=1
		share.coordinator.state.topic.min.isr=1
		# a killed broker may come back at once
		broker.heartbeat.interval.ms=500
		broker.session.timeout.ms=2000
		# tests send values of 10 MB
		message.max.bytes=33554432
		# tests send old timestamps: time alone deletes nothing
		log.retention.ms=-1
		# a small heap
		log.cleaner.dedupe.buffer.size=8388608
		num.network.threads=2
		num.io.threads=4
	END
}

# Is the process of DIR/pid this directory's broker?  Others may get its number.
running() {
	[ -s pid ] && grep -qsF -- "$dir/config" "/proc/$(< pid)/cmdline"
}

java_options() {
	printf '%s\n' -Xms128m "-Xmx${KAFKA_HEAP:-512m}" -XX:+UseSerialGC \
		"-Dlog4j2.configurationFile=$top/test/kafka/log4j2.properties" -cp "$run/lib/*"
}

give_up() {
	echo "the end of $dir/log:" >&2
	tail -n 25 log >&2
	fail "$1"
}

# Kafka takes 16 random bytes in base64; the first one is fixed, lest it be a '-'.
random_cluster_id() {
	{ printf k; head -c 15 /dev/urandom; } | base64 | tr '+/' '-_' | tr -d '='
}

start() {
	local options
	if running; then
		return
	fi
	write_config
	: > log
	mapfile -t options < <(java_options)
	if ! [ -f data/meta.properties ]; then
		java "${options[@]}" kafka.tools.StorageTool format -t "$(random_cluster_id)" -c config \
			>> log 2>&1 || give_up "the broker's storage could not be formatted"
	fi
	# shellcheck disable=SC2016 # that shell's own pid
	setsid --fork bash -c 'echo $$ > pid; exec "$@"' - \
		java "${options[@]}" kafka.Kafka "$dir/config" >> log 2>&1 < /dev/null
	wait_ready
}

# Until it answers; at once if it died.
wait_ready() {
	local deadline=$((SECONDS + ready_seconds))
	until "$run/bin/kafka_tool" "127.0.0.1:$port" wait 1 2> /dev/null; do
		if ! running; then
			give_up "the broker did not start; is port $port or $((port + 1)) taken?"
		elif [ $SECONDS -ge $deadline ]; then
			give_up "the broker did not answer on port $port within $ready_seconds s"
		fi
	done
}

# Send a signal, wait for the end, kill it if that takes too long.
stop() {
	local pid tenths=0
	if running; then
		pid=$(< pid)
		kill "-$1" "$pid"
		kill -CONT "$pid" 2> /dev/null || true
		while running; do
			sleep 0.1
			tenths=$((tenths + 1))
			if [ $tenths = 200 ]; then
				kill -KILL "$pid" 2> /dev/null || true
			fi
		done
	fi
	rm -f pid
}

command=${1:-}
dir=${2:-}
port=${3:-}
case $command:$# in
	start:3) mkdir -p "$dir" ;;
	stop:2 | kill:2) [ -d "$dir" ] || exit 0 ;;
	*) fail "usage: broker.sh start DIR PORT | stop DIR | kill DIR" ;;
esac
dir=$(cd "$dir" && pwd -P)
cd "$dir"
case $command in
	start) start ;;
	stop) stop TERM ;;
	kill) stop KILL ;;
esac
