# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Results in KTAP, for tests in shell: https://docs.kernel.org/dev-tools/ktap.html
#
# A test file that sources this need not say how many results it has, nor that
# it is done: leaving the shell prints the plan.  One "not ok" fails the file.

KTAP_SKIP=4

ktap_count=0
ktap_failures=0

# diag TEXT...: something for who reads the log
diag() {
	local line

	while IFS= read -r line; do
		echo "# $line"
	done <<<"$*"
}

# ok DESC: one thing is as it should be
ok() {
	ktap_count=$((ktap_count + 1))
	echo "ok $ktap_count $*"
}

# not_ok DESC: one thing is not; the test goes on
not_ok() {
	ktap_count=$((ktap_count + 1))
	ktap_failures=$((ktap_failures + 1))
	echo "not ok $ktap_count $*"
}

# fail DESC: one thing is not as it should be, and going on makes no sense
fail() {
	not_ok "$@"
	exit 1
}

# skip REASON: the test cannot be run here
skip() {
	echo "1..0 # SKIP $*"
	exit $KTAP_SKIP
}

# check DESC COMMAND...: ok if the command succeeds, otherwise go on with not ok
check() {
	local desc=$1

	shift
	if "$@"; then
		ok "$desc"
	else
		not_ok "$desc (status $?: $*)"
	fi
}

# is GOT WANTED DESC: two strings are the same
is() {
	if [ "$1" = "$2" ]; then
		ok "$3"
	else
		not_ok "$3"
		diag "got    $1"
		diag "wanted $2"
	fi
}

# like TEXT REGEX DESC: a text matches an extended regular expression
like() {
	if [[ $1 =~ $2 ]]; then
		ok "$3"
	else
		not_ok "$3"
		diag "got     $1"
		diag "wanted /$2/"
	fi
}

# Print the plan and return the status that the file ends with, given STATUS.
ktap_finish() {
	if [ "$1" -eq $KTAP_SKIP ]; then
		return $KTAP_SKIP
	fi
	echo "1..$ktap_count"
	if [ "$1" -ne 0 ] || [ "$ktap_failures" -ne 0 ]; then
		return 1
	fi
}
