#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: calls in a wrong order, packets that are none, and users that may not: each has its error (scenario 26)
# DISKS: a=32M
# TIMEOUT: 600

. "$(dirname "$0")/protocol.sh"

need_module
coordinator

# refused CODE CALL...: the last call is answered with this code
refused() {
	local code=$1

	shift
	requester "$@"
	is "$(tail -n 1 "$SCRATCH/answers" | jq -r .error.code)" "$code" "refused with $code: ${*: -1}"
}

volume="add-volume:{\"volume\":\"$DISK_a\"}"
ready=(init-backup gather-metadata start-set "$volume" prepare-backup)
for call in set-context gather-metadata start-set "$volume" prepare-backup create-set \
	backup-complete keep exclude-writer; do
	refused BAD_STATE "$call"
done
refused BAD_STATE init-backup init-backup
refused BAD_STATE init-backup gather-metadata gather-metadata
refused BAD_STATE init-backup gather-metadata set-context
refused BAD_STATE init-backup start-set gather-metadata
refused BAD_STATE init-backup start-set start-set
refused BAD_STATE "${ready[@]}" "$volume"
refused BAD_STATE "${ready[@]}" prepare-backup
refused BAD_STATE "${ready[@]}" create-set create-set
refused BAD_STATE "${ready[@]}" create-set backup-complete backup-complete
refused BAD_STATE "${ready[@]}" abort create-set
refused BAD_STATE nonsense
refused INVALIDARG init-backup 'set-context:{"context":"nonsense"}'
refused INVALIDARG init-backup 'set-context:{"writable":"yes"}'
refused INVALIDARG init-backup 'set-backup-state:{"timeout_ms":1}'
refused INVALIDARG init-backup 'set-context:{"context":"nas-rollback"}' gather-metadata
refused INVALIDARG init-backup start-set add-volume
refused INVALIDARG init-backup start-set create-set
refused OBJECT_NOT_FOUND init-backup start-set 'add-volume:{"volume":"/dev/nothing"}'
refused OBJECT_ALREADY_EXISTS init-backup start-set "$volume" "$volume"
for packet in '' 'x' '[]' '{}' '{"id":1}' '{"id":1,"call":2}' '{"id":1,"call":"status","arguments":[]}' \
	'{"id":1,"id":2,"call":"status"}' "$(printf '{"id":1,"call":"\xff"}')" \
	"{\"id\":1,\"call\":\"$(printf '%070000d' 0)\"}"; do
	[ -n "$packet" ] || continue
	refused INVALIDARG "raw:$packet"
done
is "$(shadow_count) $(volume_count)" "0 0" "nothing of all that is left"

# as nobody: a requester that is hung up on, and a writer that is not believed
as_nobody() {
	setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
}

mkdir -p /etc/shadowcopy
conf=/etc/shadowcopy/access.conf
chmod 755 "$SCRATCH"
python=(python3 -IS "$TREE/selftests/protocol/requester.py" status)
is "$(as_nobody "${python[@]}" 2>&1 | tail -n 1)" "hung up" "nobody is no requester"
for line in "requester user nobody" "requester user 65534" "both group nogroup"; do
	echo "$line" >$conf
	like "$(as_nobody "${python[@]}")" '"state": ?"new"' "unless access.conf says so: $line"
done
as_nobody python3 -IS "$TREE/selftests/protocol/requester.py" init-backup start-set \
	"add-volume:{\"volume\":\"$DISK_a\",\"store\":\"memory\"}" >"$SCRATCH/answers" || :
is "$(answer 3 .error.code)" ACCESSDENIED "only root may name a store"
echo "writer user nobody" >$conf
like "$(as_nobody "${python[@]}")" '"ACCESSDENIED"' "who may only be a writer is told so"
for lines in "requester user nobody\ndeny group nogroup" "requester user nobody\nnonsense"; do
	printf '%b\n' "$lines" >$conf
	is "$(as_nobody "${python[@]}" 2>&1 | tail -n 1)" "hung up" "not with: ${lines//\\n/; }"
done
like "$(python3 -IS "$TREE/selftests/protocol/requester.py" status)" '"state"' "root may all the same"

# writers FILTER: who identifies itself
writers() {
	requester init-backup gather-metadata >&2
	answer 2 "[.result.writers[].name] | join(\" \")"
}
: >$conf
touch "$SCRATCH/told"
chmod 666 "$SCRATCH/told"
bg 60 setpriv --reuid 65534 --regid 65534 --clear-groups "$(type -P shadow-testwriter)" \
	--name alien --log "$SCRATCH/told"
wait_for 20 grep -q "alien registered" "$SCRATCH/told"
is "$(writers)" "" "a writer of nobody is not listened to"
echo "writer user nobody" >$conf
is "$(writers)" alien "unless access.conf says so"
