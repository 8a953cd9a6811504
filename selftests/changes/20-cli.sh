#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: shadowadm changes, applied to a copy of the older image, make the newer one; bases outlive shadows
# DISKS: origin=96M other=16M copy=96M
# TIMEOUT: 240

. "$(dirname "$0")/../cli/cli.sh"

# apply IMAGE FILE: copy the ranges that the last command printed
apply() {
	parse '.blockMetadata[] | "\(.byteOffset) \(.sizeBytes)"' |
		while read -r offset size; do
			dd if="$1" of="$2" bs=64K skip="$offset" seek="$offset" count="$size" conv=notrunc \
				iflag=skip_bytes,count_bytes oflag=seek_bytes status=none
		done
}

# changed: print the sum of the ranges that the last command printed
changed() {
	parse '[.blockMetadata[].sizeBytes] | add // 0'
}

fill "$DISK_origin" 1
mounted ext4 "$DISK_origin" mnt
dd if=/dev/urandom of="$SCRATCH/mnt/gone" bs=1M count=6 status=none
need_module
cleanup "shadowadm volume untrack '$DISK_origin' --force >/dev/null 2>&1 || true"
cleanup drop_all

adm 0 create "$SCRATCH/mnt" --keep-base --json
is "$(parse '.shadows[0].base_kept')" true "create --keep-base"
one=$(parse '.shadows[0].uuid')
cp /dev/shadow0 "$SCRATCH/copy"
cp "$SCRATCH/copy" "$SCRATCH/rough"

dd if=/dev/urandom of="$SCRATCH/mnt/new" bs=1M count=5 status=none
rm "$SCRATCH/mnt/gone"
echo more >>"$SCRATCH/mnt/file"
sync -f "$SCRATCH/mnt"
adm 0 create "$SCRATCH/mnt" --json
two=$(parse '.shadows[0].uuid')

adm 0 changes 1 --since 0 --exact --json
is "$(parse '[.shadow, .since, .volumeCapacityBytes, .blockMetadataType] | join(" ")')" \
	"$two $one $((96 << 20)) VARIABLE_LENGTH" "what was asked for"
is "$(changed)" "$(parse .changedBytes)" "the sum is that of the ranges"
exact=$(changed)
apply /dev/shadow1 "$SCRATCH/copy"
check "with --exact a copy of the older image becomes the newer one bit by bit" \
	cmp "$SCRATCH/copy" /dev/shadow1

adm 0 changes 1 --since 0 --json
plain=$(changed)
check "5 MiB were written, and not much more" [ "$plain" -ge $((5 << 20)) -a "$plain" -lt $((8 << 20)) ]
check "what became free makes --exact more" [ "$exact" -ge $((plain + (5 << 20))) ]
apply /dev/shadow1 "$SCRATCH/rough"
is "$(cmp -s "$SCRATCH/rough" /dev/shadow1 && echo same || echo different)" different \
	"without it what became free keeps its old data"
run e2fsck -fn "$SCRATCH/rough"
mkdir "$SCRATCH/a" "$SCRATCH/b"
dd if="$SCRATCH/rough" of="$DISK_copy" bs=1M conv=fsync status=none
run mount -o ro,noload "$DISK_copy" "$SCRATCH/a"
run shadowadm mount 1 "$SCRATCH/b"
check "without it the filesystem is the same" diff -r "$SCRATCH/a" "$SCRATCH/b"
umount "$SCRATCH/a"
run shadowadm umount 1
adm 0 changes 1 --since 0 --skip-free --json
check "without what is free it is no more" [ "$(changed)" -le "$plain" -a "$(changed)" -ge $((5 << 20)) ]

# The table says the same.
adm 0 changes 1 --since 0 --bytes --noheadings
is "$(awk '{ sum += $2 } END { print sum }' <<<"$OUT")" "$plain" "the table has the same ranges"
adm 0 changes 1 --since 0
like "$(tail -n 1 <<<"$OUT")" "^[0-9.]+M in [0-9]+ ranges?: [0-9.]+% of 96M$" "and says how much that is"
adm 0 changes 1 --json
is "$(changed)" "$plain" "without --since: since the first shadow, as tracking began with it"

# The base outlives its shadow.
adm 0 delete 0
adm 0 base list
like "$OUT" "$one" "delete leaves the base"
adm 0 changes 1 --since "${one:0:8}" --json
is "$(changed)" "$plain" "what has changed since is known as before"
echo again >>"$SCRATCH/mnt/file"
adm 0 create "$SCRATCH/mnt" -q
three=$OUT
adm 0 changes "$three" --since "$two" --json
check "an append is few blocks" [ "$(changed)" -gt 0 -a "$(changed)" -lt $((256 << 10)) ]
adm 0 changes "$three" --since "$one" --json
check "two instants together have no more than their sum" [ "$(changed)" -ge "$plain" ]

adm 0 base list "$DISK_origin" --all --json
is "$(parse '[.bases[].kind] | sort | join(" ")')" "base shadow shadow" "base list --all"
check "what changed since is added up" \
	jq -e --arg one "$one" '[.bases[].changed] | add as $sum | add == $sum' <<<"$OUT"
is "$(parse ".bases[] | select(.base == \"$one\").changed_since")" "$(parse '[.bases[].changed] | add')" \
	"up to now"
adm 0 volume tracking "$DISK_origin" --json
is "$(parse '.tracking[0] | [.bases, .reason] | map(tostring) | join(" ")')" "1 began" "volume tracking"

# What is refused.
mistake 1 "is not older.*[Nn]ame the older" changes 1 --since "$three"
mistake 4 "a full backup is needed" changes 1 --since 12345678
adm 0 create "$DISK_other" -q
other=$OUT
mistake 1 "of different volumes" changes "$other" --since 1
adm 0 base drop "$one"
mistake 4 "a full backup is needed" changes "$three" --since "$one"

# A base keeps its volume tracked.
adm 0 base keep "$three"
adm 0 delete 1 "$three"
mistake 1 "bases of .* are kept|bases of it are kept" volume untrack "$DISK_origin"
adm 0 volume list --json
is "$(parse "[.volumes[].volume] | index(\"$(basename "$(readlink -f "$DISK_origin")")\") != null")" true \
	"a volume with a base is tracked without shadows"
adm 0 volume untrack "$DISK_origin" --force
adm 0 base list --json
is "$(parse '.bases | length')" 0 "untrack --force drops its bases"
adm 0 delete -q --all
