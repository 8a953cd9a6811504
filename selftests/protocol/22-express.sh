#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: writers that are files: they take part where they have data, and what is wrong with one is told (A-19, C-15)
# TIMEOUT: 240
# DISKS: a=64M b=64M

. "$(dirname "$0")/protocol.sh"
. "$(dirname "$0")/documents.sh"

mkfs_on ext4 "$DISK_a"
mount_at "$DISK_a" "$SCRATCH/a"
mkfs_on ext4 "$DISK_b"
mount_at "$DISK_b" "$SCRATCH/b"
mkdir "$SCRATCH/a/data" "$SCRATCH/b/data"

# express NAME DIRECTORY NUMBER [MEMBERS]: such a writer, in /etc
express() {
	metadata "$1" "$2" "${4:-}"
	sed -e 's/"always"/"never"/' -e "s/\"name\": \"x\"/\"name\": \"$1\"/" \
		-e "s/\"instance_id\": \"7e57e57e/\"instance_id\": \"7e57000$3/" "$SCRATCH/$1.json" \
		>"/etc/shadowcopy/writers.d/$1.json"
}

mkdir -p /etc/shadowcopy/writers.d /usr/lib/shadowcopy/writers.d
cleanup "rm -r /etc/shadowcopy/writers.d /usr/lib/shadowcopy/writers.d"
express here "$SCRATCH/a/data" 1
express there "$SCRATCH/b/data" 2
express wrong "$SCRATCH/a/data" 3 '"schema": ["copy", "incremental"]'
express open "$SCRATCH/a/data" 4
sed "s|/srv/wiki|$SCRATCH/b/data|" "$TREE/userspace/examples/express.json" >/etc/shadowcopy/writers.d/example.json
chmod 666 /etc/shadowcopy/writers.d/open.json
express twice "$SCRATCH/a" 1
echo '{' >/etc/shadowcopy/writers.d/broken.json
echo 'no JSON' >/etc/shadowcopy/writers.d/README
cp /etc/shadowcopy/writers.d/here.json /usr/lib/shadowcopy/writers.d/gone.json
ln -s /dev/null /etc/shadowcopy/writers.d/gone.json
need_module
coordinator
requester init-backup gather-metadata start-set "add-volume:{\"volume\":\"$SCRATCH/a\"}" prepare-backup \
	create-set "get-document>$SCRATCH/bcd" backup-complete
diag "$(answer 2 .result.problems)"
is "$(answer 2 '[.result.writers[] | "\(.name) \(.pid)"] | sort | join(", ")')" "Wiki 0, here 0, there 0" \
	"who is in a good file is a writer without a process"
for name in wrong open broken twice; do
	check "$name is none, and that is told" test "$(answer 2 ".result.problems[] | select(test(\"$name\"))")"
done
is "$(answer 2 '.result.problems | length')" 4 "and nothing else is"
is "$(answer 5 '.result.writers[] | select(.name == "there").part')" no-data "one without data takes no part"
is "$(answer 5 '.result.writers[] | select(.name == "Wiki").part')" no-data "neither does the example"
is "$(answer 6 '.result | "\(.consistency) \(.degraded)"')" "filesystem false" "the set is made with the other one, and nobody was at rest for it"
is "$(document "$SCRATCH/bcd" '.writers[] | "\(.name) \(.components[0].name)"')" "here Data-here" \
	"which is in the document"
is "$(answer 8 .result.failed)" 0 "and has nothing to do at the end"
settle
