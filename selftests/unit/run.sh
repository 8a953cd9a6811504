#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Build the unit tests with each compiler there is, run them, print KTAP.
#
# Environment: SEED, ROUNDS, ROUND, TEST, INTERLEAVED (see main.c), COMPILERS="gcc clang",
# KMOD=directory of the sources, O=output directory.

here=$(dirname "$0")
O=${O:-$here/build}
: "${COMPILERS:=gcc clang}"

found=
for cc in $COMPILERS; do
	command -v "$cc" >/dev/null 2>&1 && found="$found $cc"
done
# shellcheck disable=SC2086
set -- $found

if [ $# -eq 0 ]; then
	echo "1..0 # SKIP none of these is installed: $COMPILERS"
	exit 4
fi

# one_compiler CC: the nested KTAP of its build
one_compiler() {
	if ! make -s -C "$here" CC="$1" O="$O/$1" ${KMOD:+KMOD="$KMOD"} >"$O/$1/log" 2>&1; then
		sed 's/^/    # /' "$O/$1/log"
		return 1
	fi
	if grep -q 'warning:' "$O/$1/log"; then
		sed 's/^/    # /' "$O/$1/log"
	fi
	"$O/$1/unit" >"$O/$1/log" 2>&1
	status=$?
	# what a sanitizer says begins a line, or ends one
	sed -e '/^\(KTAP version\|[0-9]*\.\.[0-9]\|ok \|not ok \|#\)/!s/^/# /' \
		-e 's/^/    /' "$O/$1/log"
	return $status
}

mkdir -p "$O"
O=$(cd "$O" && pwd)
[ -z "$KMOD" ] || KMOD=$(cd "$KMOD" && pwd) || exit 1

echo "KTAP version 1"
echo "1..$#"
nr=0
bad=0
for cc; do
	nr=$((nr + 1))
	mkdir -p "$O/$cc"
	echo "# Subtest: $cc"
	if one_compiler "$cc"; then
		echo "ok $nr $cc"
	else
		echo "not ok $nr $cc"
		bad=1
	fi
done
exit $bad
