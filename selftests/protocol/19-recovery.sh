#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: writers recover in the shadow while it can be written to, and what need not be in it is deleted (D-06, A-30)
# TIMEOUT: 300
# DISKS: a=64M b=96M

. "$(dirname "$0")/protocol.sh"
. "$(dirname "$0")/documents.sh"

mkfs_on ext4 "$DISK_a"
mount_at "$DISK_a" "$SCRATCH/a"
mkfs_on xfs "$DISK_b" 2>/dev/null || mkfs_on ext4 "$DISK_b"
mount_at "$DISK_b" "$SCRATCH/b"
mkdir -p "$SCRATCH/a/data/deep" "$SCRATCH/b/data" "$SCRATCH/b/cache/deeper"
for file in a/data/keep a/data/x.tmp a/data/deep/y.tmp a/data/deep/keep b/data/keep b/cache/one b/cache/deeper/two; do
	echo "$file" >"$SCRATCH/$file"
done
# a link in the volume leads to where nothing may be deleted
mkdir "$SCRATCH/outside"
touch "$SCRATCH/outside/z.tmp"
ln -s "$SCRATCH/outside" "$SCRATCH/a/data/away"
metadata r "$SCRATCH/a/data" "\"shadow_excludes\": [{\"path\": \"$SCRATCH/a/data\", \"spec\": \"*.tmp\", \"recursive\": true}]" \
	'"flags": ["backup-recovery"]'
need_module
coordinator
recover="mkdir -p $SCRATCH/r && mount -o rw,nosuid \$SHADOW $SCRATCH/r && { echo recovered >$SCRATCH/r/data/keep; done=\$?; umount $SCRATCH/r; exit \$done; }"
test_writer r --metadata "$SCRATCH/r.json" --path "$SCRATCH/a/data" --run "post-snapshot:$recover"

# look N: shadow N of the last set at $SCRATCH/look
look() {
	mkdir -p "$SCRATCH/look"
	device=$(answer "$1" ".result.shadows[$2].device")
	mount -o ro,nouuid,norecovery "$device" "$SCRATCH/look" 2>/dev/null ||
		mount -o ro,noload "$device" "$SCRATCH/look"
}

set_of_both=(start-set "add-volume:{\"volume\":\"$SCRATCH/a\"}" "add-volume:{\"volume\":\"$SCRATCH/b\"}" \
	prepare-backup create-set)
requester init-backup 'set-context:{"keep":true}' gather-metadata "${set_of_both[@]}"
diag "$(answer 8 '.result | "\(.consistency) \(.trimmed) \(.timings_ms)"')"
is "$(answer 8 '.result.consistency')" application "a set with a writer that recovers"
is "$(answer 8 '.result.trimmed | "\(.files) \(.problem)"')" "2 " "two files are deleted in its shadow"
look 8 0
is "$(cat "$SCRATCH/look/data/keep")" recovered "the writer has changed a file in it"
is "$(cd "$SCRATCH/look/data" && find . -type f | sort | xargs)" "./deep/keep ./keep" "what it excludes is gone"
is "$(readlink "$SCRATCH/look/data/away")" "$SCRATCH/outside" "a link is what it was"
check "and nothing behind it was touched" test -e "$SCRATCH/outside/z.tmp"
umount "$SCRATCH/look"
is "$(cat "$SCRATCH/a/data/keep" "$SCRATCH/a/data/x.tmp" | xargs)" "a/data/keep a/data/x.tmp" "the volume is as it was"
check "the shadow can no longer be written to" eval "! dd if=/dev/zero of=$(answer 8 '.result.shadows[0].device') bs=4k count=1 conv=notrunc 2>/dev/null"
drop_all

# What the machine need not have in its shadows, without any writer.
mkdir -p /etc/shadowcopy/trim.d
cleanup "rm -r /etc/shadowcopy/trim.d"
echo "$SCRATCH/b/cache/**/*" >/etc/shadowcopy/trim.d/cache.conf
requester init-backup 'set-context:{"context":"file-share-backup","keep":true}' "${set_of_both[@]}"
is "$(answer 7 '.result.trimmed | "\(.files) \(.problem)"')" "2 " "the machine's own list counts in a context without writers, too"
look 7 1
is "$(cd "$SCRATCH/look" && find . -type f)" "./data/keep" "what it names is gone, and nothing else"
umount "$SCRATCH/look"
drop_all

# Nothing of that where nobody may change the shadow.
requester init-backup 'set-context:{"no_autorecovery":true,"keep":true}' gather-metadata \
	"${set_of_both[@]}"
is "$(answer 8 '.result | "\(.degraded) \(.writers[0].state) \(.writers[0].failure.at)"')" "true failed post-snapshot" \
	"in a shadow that is read-only at once nobody can recover, and that is told"
drop_all
writers_stop
requester init-backup 'set-context:{"no_autorecovery":true,"keep":true}' gather-metadata \
	"${set_of_both[@]}"
is "$(answer 8 '.result.trimmed')" null "and nothing is deleted in it"
look 8 1
is "$(cd "$SCRATCH/look" && find . -type f | wc -l)" 3 "all of it is there"
umount "$SCRATCH/look"
drop_all

# A line that cannot be meant is no reason to delete something else.
echo "not a path" >/etc/shadowcopy/trim.d/wrong.conf
requester init-backup 'set-context:{"context":"file-share-backup"}' "${set_of_both[@]}"
check "a mistake in the list is told, with its place" grep -q 'wrong.conf' <(answer 7 '.error.object + .error.cause')

# Contexts (h).
requester init-backup 'set-context:{"context":"client-accessible","writable":true}' \
	'set-context:{"context":"nas-rollback"}' 'set-context:{"context":"backup"}' gather-metadata
is "$(answer 2 '.error.code')" INVALIDARG "shadows that users see are not writable"
is "$(answer 3 '.result | length')" 0 "a context is set"
is "$(answer 4 '.error.code')" INVALIDARG "... once"
is "$(answer 5 '.error.code')" INVALIDARG "and one without writers has none to gather"
settle
