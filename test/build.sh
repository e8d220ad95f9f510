#!/bin/bash
# Build the extension and install it where PG_CONFIG says.  make check has
# COPT=-Werror; a newer compiler shall not keep others from building.
. "$(dirname "$0")/env.sh"
find_run_dir

# Objects of another PostgreSQL would link, and crash.
version=$("$PG_CONFIG" --version --pgxs)
if [ -f "$run/built_for" ] && [ "$version" != "$(cat "$run/built_for")" ]; then
	make -s -C "$top" PG_CONFIG="$PG_CONFIG" clean > /dev/null
fi
echo "$version" > "$run/built_for"

say "building for $("$PG_CONFIG" --version)"
make -s -C "$top" PG_CONFIG="$PG_CONFIG" COPT="${COPT:-}" -j "$(nproc)" > "$run/build.log" 2>&1 || {
	cat "$run/build.log" >&2
	fail "the build failed"
}

install=(make -s -C "$top" PG_CONFIG="$(command -v "$PG_CONFIG")" install)
if [ -w "$(pg_dir pkglibdir)" ] && [ -w "$(pg_dir sharedir)/extension" ]; then
	"${install[@]}" > "$run/install.log" 2>&1
else
	as_root "${install[@]}" > "$run/install.log" 2>&1
fi || {
	cat "$run/install.log" >&2
	fail "the installation failed"
}
