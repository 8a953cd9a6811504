#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a filesystem that somebody else has frozen stays so: refused, or frozen once more
# CORE
# DISKS: a=32M

. "$(dirname "$0")/hold.sh"

mkfs_on ext4 "$DISK_a"
mount_at "$DISK_a" "$SCRATCH/mnt"
need_module
fsfreeze -f "$SCRATCH/mnt"
cleanup "fsfreeze -u '$SCRATCH/mnt' 2>/dev/null || true"
if freezing_nests; then
	check "a shadow of it is taken" timeout 20 holder --auto-release "$DISK_a" --freeze -- \
		add take
	drop_all
else
	expect_fail 'error=EBUSY phase=FREEZE reason=FROZEN' \
		timeout 20 holder "$DISK_a" --freeze -- add take
	nothing_left
	expect_fail frozen timeout 20 shadowadm create "$SCRATCH/mnt"
fi
nothing_left
bg 30 touch "$SCRATCH/mnt/file"
sleep 0.5
check "it is still frozen" kill -0 "$BG"
fsfreeze -u "$SCRATCH/mnt"
check "it can be written to after its own thaw" bg_wait "$BG"
# A device that stayed counted as frozen would not be frozen again.
check "the next hold freezes it" timeout 30 holder --auto-release "$DISK_a" --freeze -- add \
	hold "exec:touch $SCRATCH/mnt/two & sleep 0.5; kill -0 \$!" release
check "and thaws it" timeout 10 touch "$SCRATCH/mnt/three"
take "$SCRATCH/mnt"
ok "and shadow-copied"
