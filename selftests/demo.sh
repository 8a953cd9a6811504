#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What "make demo" shows: the main job, from loading the module to unloading it.
# Runs in the virtual machine, with disks "origin", "store" and "oracle".
#
# The proof needs something to compare with that does not come from the module's
# own copies.  So the second shadow is taken step by step: while the volume is
# held at rest its device is copied with dd, and only then the instant is taken.

set -euo pipefail

tree=$(readlink -f "$(dirname "$0")/..")
PATH=$tree/userspace/build:$tree/selftests/tools:$PATH
LD_LIBRARY_PATH=$tree/userspace/build
export PATH LD_LIBRARY_PATH
work=/run/demo
srv=/srv

say() {
	printf '\n\033[1m== %s\033[0m\n' "$*"
}

# Show a command, and run it.
do_() {
	printf '\033[36m# %s\033[0m\n' "$*"
	"$@"
}

die() {
	echo "demo: $*" >&2
	exit 1
}

# The file whose checksum stands for a whole tree: names, contents, owners, times.
digest() {
	(cd "$1" && tar --sort=name --format=pax --pax-option=delete=atime,delete=ctime -cf - .) |
		sha256sum | cut -d' ' -f1
}

say "A volume with files on it, mounted, and two programs that write to it all the time"
mkfs.ext4 -q -L data "$DISK_origin"
mount "$DISK_origin" "$srv"
mkdir "$srv/files" "$srv/busy"
cp -r "$tree/Documentation" "$tree/kmod" "$srv/files/"
fio --name=random --directory="$srv/busy" --size=32M --rw=randwrite --bs=4k --direct=1 \
	--ioengine=libaio --iodepth=8 --rate_iops=400 --time_based --runtime=120 >/dev/null 2>&1 &
writer=$!
(while :; do date +%s.%N; sleep 0.05; done >>"$srv/busy/log") &
logger=$!
trap 'kill $writer $logger 2>/dev/null || :' EXIT
sleep 2
do_ df -h "$srv"

say "The module, and a shadow of the busy volume; old blocks go to another disk"
cd "$tree"
modprobe libcrc32c
do_ insmod kmod/shadow.ko
do_ shadowadm create "$srv" --store "$DISK_store"

say "The volume goes on changing; the shadow does not"
mkdir -p "$work/shadow" "$work/backup"
do_ shadowadm mount /dev/shadow0 "$work/shadow"
lines=$(wc -l <"$work/shadow/busy/log")
before=$(digest "$work/shadow")
sleep 3
echo "log on the volume: $(wc -l <"$srv/busy/log") lines; in the shadow: $(wc -l <"$work/shadow/busy/log")"
[ "$(wc -l <"$srv/busy/log")" -gt "$lines" ] || die "the volume does not change"

say "The backup: tar reads the shadow, in its own time"
do_ tar --format=posix -C "$work/shadow" -cf "$work/backup.tar" .
do_ tar -C "$work/backup" -xf "$work/backup.tar"
[ "$(digest "$work/backup")" = "$before" ] || die "the backup is not what the shadow was"
[ "$(digest "$work/shadow")" = "$before" ] || die "the shadow has changed"
echo "sha256 of the restored backup = of the shadow, before and after: $before"
do_ shadowadm umount /dev/shadow0
do_ e2fsck -fn /dev/shadow0 2>&1 | grep -v -e could.be.narrower -e '^$'

say "The proof: a copy of the device made by dd while it is held at rest, against the shadow"
do_ holder "$DISK_origin" --freeze -- add hold \
	exec:"dd if=$DISK_origin of=$DISK_oracle bs=1M iflag=direct oflag=direct status=none" \
	take release
sleep 3
do_ cmp "$DISK_oracle" /dev/shadow1 || die "/dev/shadow1 differs from the volume as it was"
echo "/dev/shadow1 is byte for byte the volume as it was at its instant"
if cmp -s "$DISK_oracle" "$DISK_origin"; then
	die "the volume has not changed since: this proved nothing"
fi
do_ cmp "$DISK_oracle" "$DISK_origin" || echo "the volume itself has changed since, of course"

say "What it took: each block is read once before its first overwrite, and stored in large writes"
do_ shadowadm list
do_ shadowadm stats "$srv"

say "And away again, with the volume still busy"
do_ shadowadm delete --all
do_ rmmod shadow
kill -0 "$writer" || die "the writer died"
kill "$writer" "$logger"
wait "$writer" "$logger" 2>/dev/null || :
umount "$srv"
do_ e2fsck -fn "$DISK_origin" 2>&1 | grep -v -e could.be.narrower -e '^$'
say "Done: the backup is the volume as it was at that instant."
