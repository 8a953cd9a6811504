#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: documents that climb, are huge, deep, double, no UTF-8 or no memfd: each has its error (scenario 26)
# TIMEOUT: 400
# MEM: 2048
# DISKS: a=64M

. "$(dirname "$0")/protocol.sh"
. "$(dirname "$0")/documents.sh"

mkfs_on ext4 "$DISK_a"
mount_at "$DISK_a" "$SCRATCH/a"
mkdir "$SCRATCH/a/data"
need_module
coordinator
metadata good "$SCRATCH/a/data"
test_writer good --metadata "$SCRATCH/good.json"
requester init-backup gather-metadata start-set "add-volume:{\"volume\":\"$SCRATCH/a\"}" prepare-backup \
	create-set "get-document>$SCRATCH/bcd"
python3 "$TREE/selftests/protocol/hostile.py" "$SCRATCH/bcd" >"$SCRATCH/said"
diag "$(cut -c1-200 "$SCRATCH/said")"
while read -r name code; do
	is "$(awk -v name="$name" '$1 == name { print $2 }' "$SCRATCH/said")" "$code" "$name"
done <<EOF
empty INVALID_XML_DOCUMENT
zeros INVALID_XML_DOCUMENT
large INVALIDARG
deep INVALIDARG
many INVALIDARG
twice INVALID_XML_DOCUMENT
bad-utf8 INVALID_XML_DOCUMENT
surrogate INVALID_XML_DOCUMENT
checksum INVALID_XML_DOCUMENT
climbs INVALIDARG
relative INVALIDARG
nul INVALID_XML_DOCUMENT
version INVALID_XML_DOCUMENT
unsealed INVALIDARG
shrinkable INVALIDARG
pipe INVALIDARG
directory INVALIDARG
path-only INVALIDARG
file INVALIDARG
socket INVALIDARG
none INVALIDARG
two taken
EOF
pid=$(pgrep -x shadowd)
check "shadowd is the one that it was" test "$(grep -c 'is ready' "$SCRATCH/shadowd")" = 1
is "$(find "/proc/$pid/fd" -lname '*hostile*' | wc -l)" 0 "none of the descriptors stays with it"
diag "$(grep -E 'VmHWM|VmRSS' "/proc/$pid/status" | xargs)"
rss=$(awk '/VmRSS/ { print $2 }' "/proc/$pid/status")
check "nor their memory" test "$rss" -lt 200000

# Metadata: of another writer, in another session, by another user.
for fault in '.components[0].files[0].path = "/srv/../etc"' '.components[0].files[0].path = "etc"' \
	'.components[0].files[0].spec = "../*"' '.components[0].name = "a/b"' '.components = []' \
	'.excludes = [{"path": "/a\u0000b", "spec": "*"}]'; do
	jq "$fault" "$SCRATCH/good.json" >"$SCRATCH/bad.json"
	test_writer bad --class 7e57e57e-0000-4000-8000-7e57e57e57e6 --metadata "$SCRATCH/bad.json"
	requester init-backup gather-metadata
	is "$(answer 2 '.result.writers[] | select(.name == "bad") | "\(.part) \(.metadata)"')" "absent false" \
		"its metadata is not taken: $fault"
	bg_stop "$BG"
done
requester init-backup gather-metadata
instance=$(answer 2 '.result.writers[0].instance')
requester init-backup gather-metadata \
	"writer-metadata<$SCRATCH/good.json:{\"session\":\"$instance\",\"instance\":\"$instance\"}" \
	"writer-document:{\"session\":\"$instance\",\"instance\":\"$instance\"}" writer-update writer-nonsense
for n in 3 4 5 6; do
	is "$(answer $n .error.code)" OBJECT_NOT_FOUND "who is told nothing has no document to read or change ($n)"
done
settle
