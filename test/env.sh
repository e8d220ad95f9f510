# Sourced by the scripts here: where things are, who runs servers, how to say things.
#
# PostgreSQL refuses to run as root, so servers and tests run as an unprivileged
# user then: who called sudo, else postgres, else nobody; KS_USER overrides.
#
# .run/ holds everything that is no source: lib/, bin/ and test/ (the broker and
# kafka_tool), server/ (make up), check/ (make check), env (to source).  It is a
# link into /var/tmp where that user cannot reach the checkout, or where the
# path is too long for a Unix socket.
# shellcheck shell=bash
set -euo pipefail
umask 022

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
PG_CONFIG=${PG_CONFIG:-pg_config}
run=${KS_RUN:-}

say() {
	echo "==> $*"
}

fail() {
	echo "error: $*" >&2
	exit 1
}

# Run a command as root.
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo > /dev/null; then
		sudo "$@"
	else
		fail "this needs root and there is no sudo; as root, run: $*"
	fi
}

# Who runs servers: who already does, or by the rule above.
server_user() {
	if [ "$(id -u)" != 0 ]; then
		id -un
	elif [ -n "${KS_USER:-}" ]; then
		echo "$KS_USER"
	elif [ -e "$run/server" ]; then
		stat -c %U "$run/server"
	elif [ -n "${SUDO_USER:-}" ] && [ "$SUDO_USER" != root ]; then
		echo "$SUDO_USER"
	elif id postgres > /dev/null 2>&1; then
		echo postgres
	else
		echo nobody
	fi
}

# Run a command as that user, in a directory it can stand in.
as_user() {
	(
		cd "$run"
		if [ "$(id -u)" = 0 ]; then
			export HOME=$run
			set -- runuser -u "$(server_user)" -- "$@"
		fi
		KS_RUN=$run exec "$@" 9>&-
	)
}

# A directory of that user's under $run; others have no business there.
user_dir() {
	local user
	user=$(server_user)
	install -d -m 700 -o "$user" "$1"
}

# Set $run to .run's real path, made if need be.
find_run_dir() {
	if [ -n "$run" ]; then
		return
	fi
	if ! [ -d "$top/.run" ] || { [ -L "$top/.run" ] && ! [ -O "$top/.run/" ]; }; then
		rm -f "$top/.run"
		mkdir "$top/.run"
		run=/
		if [ ${#top} -gt 70 ] || ! as_user test -x "$top/.run"; then
			rmdir "$top/.run"
			ln -s "$(mktemp -d /var/tmp/kafka_stream.XXXXXX)" "$top/.run"
			chmod 755 "$top/.run/"
		fi
	fi
	run=$(cd "$top/.run" && pwd -P)
}

# The first port from $1 on with $2 free ones in a row.
free_port() {
	local port=$1 i
	while :; do
		for ((i = 0; i < $2; i++)); do
			if (: < "/dev/tcp/127.0.0.1/$((port + i))") 2> /dev/null; then
				port=$((port + i + 1))
				continue 2
			fi
		done
		echo "$port"
		return
	done
}

# A directory that PostgreSQL was built with, e.g. bindir.
pg_dir() {
	"$PG_CONFIG" "--$1"
}

pg_major() {
	"$PG_CONFIG" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/'
}
