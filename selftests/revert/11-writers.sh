#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a writer that has data on the volume can forbid a revert (B-52)
# DISKS: origin=40M store=96M a=40M
# TIMEOUT: 300

. "$(dirname "$0")/../protocol/protocol.sh"
. "$(dirname "$0")/../protocol/documents.sh"
. "$(dirname "$0")/revert.sh"

mnt=$SCRATCH/mnt
blocks='"blocks_revert": true'
need_module
mkfs_on ext4 "$DISK_origin"
mkdir "$mnt"
mount "$DISK_origin" "$mnt"
mkdir "$mnt/data"
sync
cleanup "umount '$mnt' 2>/dev/null || :"
ln -s "mnt/../mnt/data" "$SCRATCH/link"
metadata there "$mnt/data"
metadata link "$SCRATCH/link"
metadata above "$SCRATCH" "$blocks"
metadata elsewhere "$SCRATCH/other" "$blocks"
metadata express "$mnt/data" "$blocks"
shot "$DISK_a"
first=$IMAGE

# changed: the volume, which is not mounted, is not what it was
changed() {
	devio "$DISK_origin" write:20480k:256k
	cp "$DISK_origin" "$SCRATCH/now"
}

# forbidden WRITER COMPONENT [OPTION...]: a revert is refused for that, says so, and nothing has happened
forbidden() {
	local writer=$1 component=$2 before

	shift 2
	before=$(revert_of state)
	refused blocks-revert shadowadm revert --yes "$first" "$@"
	like "$(cat "$SCRATCH/refused")" "$writer.*component $component.*--force" "it is said who forbids it"
	revert_is state "$before"
}

# allowed [OPTION...]: it is reverted; what is said is in $SCRATCH/said
allowed() {
	changed
	shadowadm revert --yes "$first" --json "$@" >"$SCRATCH/answer" 2>"$SCRATCH/said" ||
		fail "revert $*: $(cat "$SCRATCH/said")"
	diag "$(cat "$SCRATCH/said")"
	check "it is what it was" ora_compare "$DISK_origin" "$DISK_a"
}

# asked true|false: whether they were, says the answer
asked() {
	is "$(jq .writers_asked "$SCRATCH/answer")" "$1" "writers were asked: $1"
}

# Without the coordinator nobody is asked, which is said where there is somebody.
umount "$mnt"
allowed
asked false
is "$(cat "$SCRATCH/said")" "" "there is no writer, and nothing is said"
test_writer there --metadata "$SCRATCH/there.json" --blocks-revert
there=$BG
allowed
asked false
like "$(cat "$SCRATCH/said")" "shadowd does not run.*no writer is asked.*1 has registered" "it is said that nobody was asked"
allowed --no-writers
is "$(cat "$SCRATCH/said")" "" "nor is it said to who does not want to know"
is "$(jq -r .revert.volume "$SCRATCH/answer")" "$DISK_origin" "the volume is named by its path"

# It is mounted: for the next boot.
coordinator
coordinator=$BG
mount "$DISK_origin" "$mnt"
forbidden there Data-there --at-boot
is "$(shadowadm revert --yes "$first" --at-boot --json 2>/dev/null |
	jq -r '.error.writers[] | "\(.writer) \(.component) \(.path)"')" "there Data-there $mnt/data" "as JSON, too"
check "the writer's metadata says so" grep -q "reverts *forbidden" <(shadowadm writer status --verbose)
umount "$mnt"

# It is not mounted: then /etc/fstab says where it would be.
changed
echo "/dev/disk/by-uuid/$(blkid -p -s UUID -o value "$DISK_origin") $mnt ext4 noauto 0 0" >/etc/fstab
udevadm settle
forbidden there Data-there
check "nothing was changed" cmp "$DISK_origin" "$SCRATCH/now"
echo "revert $first" >"$SCRATCH/script"
expect_fail "script.*:1: .*forbid that: there" shadowadm script "$SCRATCH/script"
check "nothing was changed" cmp "$DISK_origin" "$SCRATCH/now"
expect_fail "neither with --status nor" shadowadm revert "$first" --yes --force --no-writers
allowed --no-writers
asked false
is "$(cat "$SCRATCH/said")" "" "it was not asked for"
allowed --force
asked true
like "$(cat "$SCRATCH/said")" "although writers that have data on it forbid that: there" "it is said whose word does not count"

# Another one, that has the same by another name, and one above it; the first has gone.
bg_stop "$there"
allowed
asked true
test_writer link --metadata "$SCRATCH/link.json" --blocks-revert
link=$BG
forbidden link Data-link
bg_stop "$link"
test_writer above --metadata "$SCRATCH/above.json"
above=$BG
forbidden above Data-above
bg_stop "$above"

# Who has nothing there, or has nothing against it.
test_writer elsewhere --metadata "$SCRATCH/elsewhere.json"
elsewhere=$BG
test_writer there --class 7e57e57e-0000-4000-8000-7e57e57e57e6 --metadata "$SCRATCH/there.json"
there=$BG
allowed
asked true
is "$(cat "$SCRATCH/said")" "" "nobody forbids it"

# One whose metadata is a file: it has no program that could be stopped.
mkdir -p /etc/shadowcopy/writers.d
sed 's/"name": "x"/"name": "express"/; s/"always"/"never"/' "$SCRATCH/express.json" >/etc/shadowcopy/writers.d/express.json
changed
forbidden express Data-express
rm /etc/shadowcopy/writers.d/express.json
allowed
for pid in "$elsewhere" "$there" "$coordinator"; do
	bg_stop "$pid"
done
drop_all
unload
