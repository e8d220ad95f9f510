#!/bin/bash
# Install what is missing on Debian or Ubuntu, fetch the broker, build the tool
# that talks to it.  Says nothing, and needs neither root nor a network, when
# all is there.
. "$(dirname "$0")/env.sh"

missing=()

need() {
	local package=$1
	shift
	"$@" > /dev/null 2>&1 || missing+=("$package")
}

# A whole PostgreSQL to build with: server, headers, PGXS with its test modules.
have_postgres() {
	[ -x "$(pg_dir bindir)/postgres" ] && [ -f "$(pg_dir includedir-server)/postgres.h" ] &&
		[ -f "$(pg_dir pgxs)" ]
}

have_header() {
	echo "#include <$1>" | cc -E -xc -
}

have_java() {
	[ "$(java -version 2>&1 | sed -n '1s/[^"]*"\([0-9]*\).*/\1/p')" -ge 17 ]
}

# Extensions that tests use as examples of another's aggregates.
have_extension() {
	[ -f "$(pg_dir sharedir)/extension/$1.control" ]
}

list_missing() {
	local major=15
	need build-essential command -v cc
	need perl perl -MTest::More -e 1
	need libipc-run-perl perl -MIPC::Run -e 1
	need librdkafka-dev have_header librdkafka/rdkafka.h
	need default-jre-headless have_java
	need maven command -v mvn
	if ! have_postgres 2> /dev/null; then
		[ "$PG_CONFIG" = pg_config ] ||
			fail "PG_CONFIG=$PG_CONFIG does not belong to a PostgreSQL server with its headers"
		missing+=("postgresql-$major" "postgresql-server-dev-$major"
			"postgresql-$major-hll" "postgresql-$major-tdigest")
	elif [[ $(pg_dir bindir) = /usr/lib/postgresql/* ]]; then
		major=$(basename "$(dirname "$(pg_dir bindir)")")
		need "postgresql-$major-hll" have_extension hll
		need "postgresql-$major-tdigest" have_extension tdigest
	fi
}

# Without starting a database cluster that nobody asked for.
install_packages() {
	local no_cluster=/etc/postgresql-common/createcluster.d/kafka_stream.conf
	say "installing ${missing[*]}"
	command -v apt-get > /dev/null ||
		fail "only apt-get is known here; install by hand what these Debian packages hold: ${missing[*]}"
	as_root apt-get update -q ||
		fail "apt-get update failed: check /etc/apt/sources.list and the network, then run this again"
	as_root mkdir -p "$(dirname "$no_cluster")"
	echo 'create_main_cluster = false' | as_root tee "$no_cluster" > /dev/null
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
		-o DPkg::Lock::Timeout=120 "${missing[@]}" || {
		as_root rm -f "$no_cluster"
		fail "apt-get install failed: run it by hand to see why: apt-get install ${missing[*]}"
	}
	as_root rm -f "$no_cluster"
}

# The broker's jars in $run/lib, again if the pom changed.
fetch_broker() {
	if cmp -s "$top/test/kafka/pom.xml" "$run/lib/pom.xml"; then
		return
	fi
	say "fetching Apache Kafka (43 MB)"
	rm -rf "${run:?}/lib"
	mvn -q -B -f "$top/test/kafka/pom.xml" -DoutputDirectory="$run/lib" \
		org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
		> "$run/maven.log" 2>&1 || {
		cat "$run/maven.log" >&2
		fail "Maven could not fetch Kafka: check the network (behind a proxy: ~/.m2/settings.xml), then run this again"
	}
	chmod -R a+rX "$run/lib"
	cp "$top/test/kafka/pom.xml" "$run/lib/pom.xml"
}

build_tool() {
	local source=$top/test/kafka/kafka_tool.c
	if [ "$run/bin/kafka_tool" -nt "$source" ]; then
		return
	fi
	mkdir -p "$run/bin"
	cc -O2 -Wall -Wextra -Werror -Wno-sign-compare -o "$run/bin/kafka_tool" "$source" -lrdkafka ||
		fail "kafka_tool does not compile"
}

# What runs the broker, where the servers' user can read it.
copy_broker() {
	install -d "$run/test/kafka"
	install -m 644 "$top/test/env.sh" "$run/test/"
	install -m 644 "$top/test/kafka/broker.sh" "$top/test/kafka/log4j2.properties" "$run/test/kafka/"
}

list_missing
if [ ${#missing[@]} -gt 0 ]; then
	install_packages
fi
find_run_dir
fetch_broker
build_tool
copy_broker
