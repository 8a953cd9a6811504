#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: volumes that can have shadows, who could not prepare, and what is hidden from deletion (B-14, C-07, C-21, A-30)
# TIMEOUT: 200
# DISKS: a=64M b=64M

. "$(dirname "$0")/protocol.sh"
. "$(dirname "$0")/documents.sh"

for disk in a b; do
	device=DISK_$disk
	mkfs_on ext4 "${!device}"
	mount_at "${!device}" "$SCRATCH/$disk"
	mkdir -p "$SCRATCH/$disk/data" "$SCRATCH/$disk/hidden"
	touch "$SCRATCH/$disk/data/x.tmp" "$SCRATCH/$disk/hidden/y.tmp"
done
metadata w "$SCRATCH/a/data"
need_module
coordinator

# Volumes (B-14), and which of them a path is on (C-07); one writer cannot prepare (C-21).
test_writer w --metadata "$SCRATCH/w.json" --path "$SCRATCH/a/data" --run "prepare-backup:echo \$AFFECTED >$SCRATCH/affected"
test_writer v --fail prepare-backup=nonretryable
requester init-backup "is-volume-supported:{\"volume\":\"$SCRATCH/a\"}" "is-volume-supported:{\"volume\":\"$DISK_b\",\"provider\":\"native\"}" \
	'is-volume-supported:{"volume":"/proc"}' gather-metadata start-set "add-volume:{\"volume\":\"$SCRATCH/a\"}" \
	prepare-backup 'exclude-writer:{"writer":"v"}' create-set
is "$(answer 2 '.result | "\(.supported) \(.provider) \(.device)"')" "yes native $DISK_a" "a volume can have a shadow"
is "$(answer 3 '.result.supported')" yes "by the module, too"
is "$(answer 4 '.result.supported')" no "what is no block device cannot"
is "$(<"$SCRATCH/affected")" 1 "a writer sees that its data is on a volume of the set, before there are shadows"
is "$(answer 8 '.result.failed')" 1 "another one cannot prepare"
is "$(answer 9 '.result.excluded')" 1 "so the requester leaves it out"
is "$(answer 10 '.result | "\(.consistency) \(.degraded)"')" "application false" "and the set is made with the others"
wait_for 20 eval 'heard | grep -q "v backup-shutdown"'
is "$(heard | awk '$1 == "v"' | xargs)" "v identify v prepare-backup v abort v backup-shutdown" \
	"the one that was left out undoes what it began, and hears no more"
writers_stop

# What need not be in shadows: only where the machine sees it by that name (A-30).
mkdir -p /etc/shadowcopy/trim.d
cleanup "rm -r /etc/shadowcopy/trim.d"
echo "$SCRATCH/**/*.tmp" >/etc/shadowcopy/trim.d/tmp.conf
mount -t tmpfs none "$SCRATCH/a/hidden"
mount -o remount,ro "$SCRATCH/b"
requester init-backup 'set-context:{"context":"file-share-backup","keep":true}' start-set "add-volume:{\"volume\":\"$SCRATCH/a\"}" create-set
is "$(answer 5 '.result.trimmed | "\(.files) \(.problem)"')" "1 " "a file is deleted"
umount "$SCRATCH/a/hidden"
mkdir -p "$SCRATCH/look"
mount -o ro,noload "$(answer 5 '.result.shadows[0].device')" "$SCRATCH/look"
is "$(cd "$SCRATCH/look" && find . -name '*.tmp')" ./hidden/y.tmp "what a mount hid is still there"
umount "$SCRATCH/look"
drop_all
requester init-backup 'set-context:{"context":"file-share-backup"}' start-set "add-volume:{\"volume\":\"$SCRATCH/b\"}" create-set
like "$(answer 5 '.result.trimmed | "\(.files) \(.problem)"')" "^0 .*mounted read-only" \
	"nothing is written to the shadow of what is mounted read-only"
settle
