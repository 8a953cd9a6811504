#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a whole backup; writers freeze front-end, back-end, system, and thaw in reverse (scenarios 5, 6)
# DISKS: a=64M b=64M
# CORE

. "$(dirname "$0")/protocol.sh"

mkfs_on ext4 "$DISK_a"
mount_at "$DISK_a" "$SCRATCH/mnt"
need_module
coordinator
# in another order than that of the levels
test_writer sys --level system
test_writer front --level front-end
test_writer back --level back-end
requester init-backup 'set-context:{"keep":true}' gather-metadata start-set \
	"add-volume:{\"volume\":\"$SCRATCH/mnt\"}" "add-volume:{\"volume\":\"$DISK_b\"}" \
	prepare-backup create-set status backup-complete
diag "$(answer 8 .)"
is "$(answer 3 '[.result.writers[] | "\(.name) \(.level)"] | sort | join(", ")')" \
	"back back-end, front front-end, sys system" "three writers identify themselves"
is "$(answer 8 '.result | "\(.consistency) \(.degraded) \(.shadows | length)"')" \
	"application false 2" "the set is as consistent as its applications"
is "$(answer 9 '[.result.writers[].state] | unique | join(" ")')" waiting-for-backup-complete \
	"the writers wait for the end of the backup"
is "$(answer 10 '.result | "\(.failed) \(.writers[0].state)"')" "0 stable" "and hear of it"
wait_for 20 eval '[ "$(heard | grep -c backup-shutdown)" = 3 ]'
for event in identify prepare-backup prepare-snapshot post-snapshot backup-complete \
	backup-shutdown; do
	is "$(heard | grep -c " $event$")" 3 "all three hear $event, once"
done
is "$(heard | grep freeze | xargs)" "front freeze back freeze sys freeze" "the order of freezing"
is "$(heard | grep thaw | xargs)" "sys thaw back thaw front thaw" "and that of thawing"
is "$(heard | grep ^back | cut -d' ' -f2 | xargs)" \
	"identify prepare-backup prepare-snapshot freeze thaw post-snapshot backup-complete backup-shutdown" \
	"what one of them hears, in order"
is "$(shadow_count)" 2 "the shadows stay"
settle
drop_all
