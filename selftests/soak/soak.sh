# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# A volume with a durable store, one with XFS and one whose store is too small, each on devices that
# can be made to fail; places for oracles; and soak.py, which does the rest.

. "${BASH_SOURCE[0]%/*}/../lib.sh"
. "${BASH_SOURCE[0]%/*}/../shadow.sh"
. "${BASH_SOURCE[0]%/*}/../fault/bad-disk.sh"

export TIME=${TIME:?seconds} SEED=${SEED:-} SCRATCH BAD VOLUMES=
next_oracle=0

# volume NAME FILESYSTEM KIND ORIGIN STORE
volume() {
	local slots='' n size

	size=$(sectors "$4")
	mkfs_on "$2" "$4"
	dm_linear "o$1" "$4"
	dm_linear "s$1" "$5"
	for n in 0 1 2 3; do
		dm_linear "oracle$1$n" "$DISK_oracles" "$next_oracle" "$size"
		next_oracle=$((next_oracle + size))
		slots+=${slots:+,}/dev/mapper/oracle$1$n
	done
	VOLUMES+="$1:$2:$3:$4:$5:$slots "
}

need_module
volume a ext4 durable "$DISK_a" "$DISK_sa"
volume b xfs device "$DISK_b" "$DISK_sb"
volume c ext4 small "$DISK_c" "$DISK_sc"
cd "$SCRATCH"
mkdir mnt-a mnt-b mnt-c
for name in c b a; do
	cleanup "umount_at '$SCRATCH/mnt-$name'"
done
cleanup drop_all
check "all was as it had to be" "${BASH_SOURCE[0]%/*}/soak.py"
cd /
cleanup_now
unload
