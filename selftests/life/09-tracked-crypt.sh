#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: an encrypted volume that is only tracked can be closed
# DISKS: a=32M

. "$(dirname "$0")/life.sh"

only_disk() {
	[ "$(volume_count)" = 1 ]
}

has cryptsetup
need_module
open_it() {
	echo secret | cryptsetup open --type plain --cipher aes-cbc-essiv:sha256 --key-size 256 \
		--hash sha256 "$DISK_a" secret
}
open_it
cleanup 'dm_remove secret'
shadowadm volume track /dev/mapper/secret "$DISK_a"
fill /dev/mapper/secret 1
check "cryptsetup close" cryptsetup close secret
wait_for 10 only_disk
ok "it is no longer tracked"
open_it
take /dev/mapper/secret
devio /dev/mapper/secret write:0:1m
check "the image is as it was" same seed:1 "$IMAGE"
drop "$IMAGE"
check "cryptsetup close after a shadow" cryptsetup close secret
unload
