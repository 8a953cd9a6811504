#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The main job, done by what was installed from packages: run in a machine whose root
# has them.  Disks: origin, store.

set -eEuo pipefail
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
trap 'echo "not ok line $LINENO: $BASH_COMMAND"' ERR

ok() {
	echo "# done: $*"
}

die() {
	trap - ERR
	echo "not ok $*"
	exit 1
}

sum() {
	sha256sum <"$1" | cut -d' ' -f1
}

# Changes the volume all the time.
load() {
	local i

	for ((i = 1; ; i++)); do
		echo "$i" >>/mnt/log
		dd if=/dev/urandom of=/mnt/busy bs=64k count=16 seek=$((i % 4 * 16)) \
			conv=notrunc,fdatasync status=none
	done
}

[ ! -e "$TREE/userspace/build/shadowadm" ] ||
	[ "$(command -v shadowadm)" = /usr/sbin/shadowadm ] || die "not the installed shadowadm"
[ ! -d /sys/module/shadow ] || die "the module is loaded already"
ldd /usr/sbin/shadowadm | grep -q 'libshadowcopy.so.1 => /' ||
	die "shadowadm does not use the installed library"

# As at boot: the node is there before the module.
read -r major minor < <(kmod static-nodes --format=tmpfiles |
	sed -n 's|^c!\{0,1\} /dev/shadow-control .* \([0-9]*\):\([0-9]*\)$|\1 \2|p') ||
	die "kmod knows no node: $(kmod static-nodes --format=tmpfiles 2>&1 | tail -n 3;
		tail -n 3 "/lib/modules/$(uname -r)/modules.devname" 2>&1)"
mknod -m 600 /dev/shadow-control c "$major" "$minor"
shadowadm list >/dev/null
[ -d /sys/module/shadow ] || die "opening the node does not load the module"
ok "opening the node loads the module"
modprobe -r shadow
modprobe shadow
grep -q "^module *$(cat /sys/module/shadow/version) " < <(shadowadm version) ||
	die "the module reports another version than its file has: $(shadowadm version)"
ok "modprobe loads version $(cat /sys/module/shadow/version)"

mkfs.ext4 -q -F "$DISK_origin"
mount "$DISK_origin" /mnt
dd if=/dev/urandom of=/mnt/known bs=1M count=24 status=none
sync
known=$(sum /mnt/known)
load &
load=$!
sleep 2

first=$(wc -l </mnt/log)
shadowadm create /mnt --store "$DISK_store"
last=$(wc -l </mnt/log)
udevadm settle
dd if=/dev/zero of=/mnt/known bs=1M count=24 conv=notrunc,fsync status=none
[ "$(sum /mnt/known)" != "$known" ] || die "the volume did not change"

uuid=$(shadowadm show 0 --export | sed -n 's/^SHADOWCOPY_UUID=//p')
[ "$(readlink -f "/dev/disk/by-shadow/$uuid")" = /dev/shadow0 ] || die "no link by-shadow"
[ "$(stat -c %G /dev/shadow0)" = shadowcopy ] || die "the group may not read it"
ok "udev knows the shadow"

e2fsck -fn /dev/shadow0 >/dev/null 2>&1 || die "the filesystem in the shadow is not clean"
mkdir -p /run/shadow
shadowadm mount /dev/shadow0 /run/shadow
[ "$(sum /run/shadow/known)" = "$known" ] || die "the shadow changed with the volume"
lines=$(wc -l </run/shadow/log)
if [ "$lines" -lt "$first" ] || [ "$lines" -gt "$last" ]; then
	die "the log in the shadow has $lines lines, not $first to $last"
fi
seq "$lines" | cmp - /run/shadow/log || die "the log in the shadow is not what was written"
ok "the shadow is the volume as it was ($lines lines, now $(wc -l </mnt/log))"
image=$(sum /dev/shadow0)
sleep 2
echo 3 >/proc/sys/vm/drop_caches
[ "$(sum /dev/shadow0)" = "$image" ] || die "the shadow changes under load"
ok "it stays the same under load"
kill "$load"
wait "$load" 2>/dev/null || true
shadowadm doctor | sed "s/^/# /"; shadowadm doctor >/dev/null || [ $? -eq 3 ] || die "doctor finds failures"
shadowadm umount /dev/shadow0
udevadm settle
shadowadm delete --all
umount /mnt
udevadm settle
modprobe -r shadow
ok "all is deleted, and the module unloads"
