#!/bin/bash
# Build the fuzzers into $run/bin, again if a source is newer.
. "$(dirname "$0")/../env.sh"
find_run_dir

sanitize=("-fsanitize=address,undefined" -fno-sanitize-recover=all)
warnings=(-Wall -Wextra -Wno-sign-compare -Wno-unused-parameter)

# Fuzzer $1 out of the scanner's files, which follow.
build_fuzzer() {
	local name=$1 newer sources
	shift
	sources=("$top/test/fuzz/fuzz.c" "$top/test/fuzz/$name.c" "${@/#/$top/src/format/}")
	newer=$(find "$top/test/fuzz" "$top/src/format" -name '*.[ch]' -newer "$run/bin/$name" 2>&1 || true)
	if [ -x "$run/bin/$name" ] && [ -z "$newer" ]; then
		return
	fi
	mkdir -p "$run/bin"
	cc -O1 -g -D_GNU_SOURCE "${warnings[@]}" "${sanitize[@]}" -I"$top/src" -I"$top/test/fuzz" \
		-I"$(pg_dir includedir-server)" -o "$run/bin/$name" "${sources[@]}" ||
		fail "$name does not compile"
}

build_fuzzer fuzz_access_log access_log.c access_log_unescape.c
build_fuzzer fuzz_json json_scan.c json_number.c
