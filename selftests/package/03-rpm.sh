#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the source package for rpm builds, and packages build out of it
# NATIVE
# TIMEOUT: 300

. "$(dirname "$0")/../lib.sh"

has rpmbuild
cd "$TREE"
run selftests/package/srpm >"$SCRATCH/log" 2>&1 || { cat "$SCRATCH/log"; fail "no source package"; }
srpm=$(ls build/rpm/*.src.rpm)
ok "$srpm is there"
# This machine's rpm does not know what dpkg has installed.
rpmbuild --rebuild --nodeps --define "_topdir $SCRATCH/top" "$srpm" >"$SCRATCH/log" 2>&1 ||
	{ tail -n 30 "$SCRATCH/log"; fail "it does not build"; }
mapfile -t rpms < <(find "$SCRATCH/top/RPMS" -name '*.rpm' ! -name '*debug*' | sort)
is "${#rpms[@]}" 8 "eight packages build out of it"
for rpm in "${rpms[@]}"; do
	diag "${rpm##*/}"
	rpm -qpl "$rpm" >>"$SCRATCH/files"
done
for file in sbin/shadowadm udev/rules.d/59-shadowcopy.rules libshadowcopy.so.1 libshadowcopy.h \
	"src/shadowcopy-$(<VERSION)/dkms.conf" "src/shadowcopy-$(<VERSION)/kmod/compat/probes.sh" \
	man8/shadowadm.8 completions/shadowadm sbin/shadow-writer-postgresql \
	system/shadow-writer-postgresql@.service system/shadowcopy-attach.service \
	modules.d/90shadowcopy/module-setup.sh plugins/nbdkit-shadow-plugin.so; do
	like "$(cat "$SCRATCH/files")" "/$file" "$file is in one of them"
done
if command -v rpmlint >/dev/null; then
	# Who builds for others signs, and says who that is; groups and one distribution's
	# macro for libraries are history; udev's directory is in lib on all machines.
	is "$(rpmlint "$srpm" 2>&1 | grep ': E: ' | grep -v -e no-signature \
		-e no-packager-tag -e no-group-tag -e hardcoded-library-path \
		-e mklibname || true)" "" \
		"rpmlint sees no error"
fi
