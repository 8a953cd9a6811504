#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the bench catches what goes wrong in a test, and blames only that test
# NATIVE
# ALONE
# TIMEOUT: 300

. "$(dirname "$0")/../lib.sh"

out=$("$TREE/selftests/run" --tests "$TREE/selftests/harness" --pattern '*.sh' \
	--results "$SCRATCH/results" cases/) || status=$?
is "${status:-0}" 1 "failures show in the exit status"
is "$(tail -n 1 <<<"$out")" "3 passed, 7 failed, 1 skipped" "the last line counts"
is "$(grep -cE '^(not )?ok [0-9]+ cases/' <<<"$out")" 11 "each test has its line"

# verdict NAME VERDICT REASON
verdict() {
	local text

	text=$(cat "$SCRATCH/results/cases/$1/verdict")
	if [ "$(head -n 1 <<<"$text")" = "$2" ] && [[ $text =~ $3 ]]; then
		ok "$1: $2"
	else
		not_ok "$1: $2"
		diag "$text"
		diag "$(cat "$SCRATCH/results/cases/$1/log")"
	fi
}

verdict pass passed ""
verdict cut passed ""
verdict expected passed ""
verdict skip skipped "the moon is not full"
verdict fail failed "not ok: wrong"
verdict hidden failed "exit status 1"
verdict error failed "error.sh:[0-9]+: status 2: ls /nowhere"
verdict hang failed "took longer than 2 s"
verdict warning failed "kernel log: WARNING: at nowhere"
verdict panic failed "machine died"
verdict panic failed "kernel log: Kernel panic"
verdict left failed "left mounted: /run/forgotten"
verdict left failed "left a device: dm-[0-9]+ .forgotten."
verdict left failed "left a process: (setsid|sleep)"
check "cleanups ran" grep -q "cleaned up" "$SCRATCH/results/cases/error/log"
check "there is a console to read" grep -q "sysrq triggered" "$SCRATCH/results/cases/panic/console"

# A part of a run, and then the rest: the same sum, and each good one only once.
again=$("$TREE/selftests/run" --tests "$TREE/selftests/harness" --pattern '*.sh' --rest \
	--results "$SCRATCH/results" cases/pass cases/skip cases/fail) || status=$?
is "$(tail -n 1 <<<"$again")" "1 passed, 1 failed, 1 skipped" "--rest counts what has passed before"
is "$(grep -c '# earlier$' <<<"$again")" 1 "which it does not run again"
is "$(grep -c '^not ok [0-9]* cases/fail' <<<"$again")" 1 "what has failed runs again"
