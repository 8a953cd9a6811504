#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: lintian has nothing to say about the Debian packages, in bookworm and in sid
# NATIVE
# SLOW
# TIMEOUT: 1800

. "$(dirname "$0")/root.sh"		# first: it starts the test anew
. "$(dirname "$0")/../lib.sh"

# The packages are built in Debian 11, too, whose tools want what sid's want no more.  Debian 12's
# lintian looks for dh_dkms where only Debian 11 has it; and there are no init scripts.
declare -A accepted=([bookworm]="--suppress-tags $(echo \
	missing-build-dependency-for-dh_-command \
	package-supports-alternative-init-but-no-init.d-script | tr ' ' ,)" [sid]="--suppress-tags $(echo out-of-date-standards-version \
	package-uses-old-debhelper-compat-version redundant-priority-optional-field \
	redundant-rules-requires-root-no-field | tr ' ' ,)")

for suite in bookworm sid; do
	"$tree/selftests/package/deb" "$suite" >"$RESULTS/deb-$suite" 2>&1 ||
		{ tail -n 30 "$RESULTS/deb-$suite"; fail "the packages do not build in $suite"; }
	root_make "$suite" "lintian-$suite"
	apt_in_root install --no-install-recommends lintian >"$RESULTS/apt-$suite" 2>&1
	rm -rf "$ROOT/tmp/debs"
	cp -r "$tree/build/deb/$suite" "$ROOT/tmp/debs"
	in_root sh -c "lintian --allow-root --pedantic --display-info --fail-on error ${accepted[$suite]} \
		/tmp/debs/*.changes" >"$RESULTS/lintian-$suite" 2>&1 || true
	is "$(cat "$RESULTS/lintian-$suite")" "" "lintian of $suite finds nothing"
	rm -rf "$ROOT/tmp/debs"
	root_remove
done
