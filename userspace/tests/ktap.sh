# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Results in KTAP: is GOT WANTED DESC, like TEXT REGEX DESC, and done_testing.

count=0
failures=0

result() {
	count=$((count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $count $2"
	else
		failures=$((failures + 1))
		echo "not ok $count $2"
	fi
}

diag() {
	while IFS= read -r line; do
		echo "# $line"
	done <<<"$1"
}

is() {
	if [ "$1" = "$2" ]; then
		result 0 "$3"
	else
		result 1 "$3"
		diag "got    $1"
		diag "wanted $2"
	fi
}

like() {
	if [[ $1 =~ $2 ]]; then
		result 0 "$3"
	else
		result 1 "$3"
		diag "got     $1"
		diag "wanted /$2/"
	fi
}

unlike() {
	if [[ $1 =~ $2 ]]; then
		result 1 "$3"
		diag "got $1"
	else
		result 0 "$3"
	fi
}

done_testing() {
	echo "1..$count"
	[ "$failures" -eq 0 ]
}
