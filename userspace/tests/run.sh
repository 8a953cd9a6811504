#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Build the user space with sanitizers and run its tests, which need neither
# root nor the module.  Prints KTAP, one subtest for each file; arguments name
# the files to run (unit daemon writer document plan cli changes script stores streams send doctor
# scripts library betest).

set -u
here=$(dirname "$(readlink -f "$0")")
export BUILD=$here/../build-test
# Leaks are failures; libraries that cache until the end are not ours.
export ASAN_OPTIONS=abort_on_error=0:exitcode=99
export UBSAN_OPTIONS=print_stacktrace=1
export LSAN_OPTIONS=suppressions=$here/leaks.supp:print_suppressions=0

tests=("${@:-unit}")
[ $# -gt 0 ] || tests=(unit daemon writer document plan cli changes script stores streams send doctor scripts library betest)

if ! make -s -j"$(nproc)" -C "$here/.." SAN=1 O=build-test tests >&2; then
	echo "Bail out! the user space does not build"
	exit 1
fi
BUILD=$(readlink -f "$BUILD")

echo KTAP version 1
echo "1..${#tests[@]}"
failed=0
number=0
for test in "${tests[@]}"; do
	number=$((number + 1))
	if [ "$test" = unit ] || [ "$test" = daemon ] || [ "$test" = writer ]; then
		command=("$BUILD/tests/$test")
	else
		command=("$here/$test.sh")
	fi
	if "${command[@]}" 2>&1 | sed 's/^/  /'
		[ "${PIPESTATUS[0]}" -eq 0 ]; then
		echo "ok $number $test"
	else
		echo "not ok $number $test"
		failed=1
	fi
done
exit $failed
