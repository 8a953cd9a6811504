#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: delete by UUID, device, set, --oldest and --all; what is in use stays, and it is said by whom
# DISKS: a=32M b=16M

. "$(dirname "$0")/cli.sh"

# left: print the devices that there are
left() {
	shadowadm list --json | jq -r '[.shadows[].device] | join(" ")'
}

mounted ext4 "$DISK_a" mnt
need_module
cleanup drop_all
for ((i = 0; i < 4; i++)); do
	adm 0 create -q "$DISK_a"
done
adm 0 create --json "$DISK_a" "$DISK_b"
set=$(parse .set)
uuid=$(shadow /dev/shadow1 uuid)

adm 1 delete /dev/shadow0 /dev/shadow99
like "$ERR" 'cannot find the shadow /dev/shadow99: no shadow and no set has this name. "shadowadm list"' \
	"one wrong name is named"
is "$(left)" "/dev/shadow0 /dev/shadow1 /dev/shadow2 /dev/shadow3 /dev/shadow4 /dev/shadow5" \
	"and nothing is deleted"
adm 0 delete "${uuid:0:8}" --json
is "$(parse '.deleted[0]') $(parse '.failed | length')" "$uuid 0" "by the beginning of a UUID"
adm 0 delete /dev/shadow2
is "$(left)" "/dev/shadow0 /dev/shadow3 /dev/shadow4 /dev/shadow5" "by device"
adm 0 delete --oldest "$SCRATCH/mnt"
is "$(left)" "/dev/shadow3 /dev/shadow4 /dev/shadow5" "the oldest of a volume"

mkdir "$SCRATCH/to"
adm 0 mount /dev/shadow4 "$SCRATCH/to"
adm 1 delete /dev/shadow4
like "$ERR" "cannot delete .*/dev/shadow4: it is in use.*Unmount the shadow.*
  /dev/shadow4 is mounted on $SCRATCH/to" "one that is mounted stays, and it is said where"
adm 1 delete "$set" --json
is "$(parse '.failed[0].users[0] | .kind + " " + .what')" "mount $SCRATCH/to" "also as JSON"
is "$(left)" "/dev/shadow3 /dev/shadow4" "the other one of the set is deleted"
adm 0 umount /dev/shadow4

exec 7</dev/shadow4
adm 1 delete 4
like "$ERR" "/dev/shadow4 is open by 03-delete.sh \\(pid $$\\)" "or which process has it open"
exec 7<&-
dmsetup create holder --table "0 $(sectors /dev/shadow4) linear /dev/shadow4 0" --readonly
adm 1 delete 4
like "$ERR" "/dev/shadow4 is used by the device /dev/dm-" "or which device lies on it"
dm_remove holder

adm 0 create -q "$DISK_b"
adm 0 delete --all "$DISK_a"
is "$(left)" "$(shadowadm list --json | jq -r '.shadows[] | select(.volume_dev == "'"$(device_number "$DISK_b")"'") |
	.device')" "all of a volume"
adm 0 delete --all
is "$(left)" "" "all"
adm 0 delete --all
