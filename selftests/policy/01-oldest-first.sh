#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a full store costs the oldest shadows, one after the other; those that stay are right (J-15)
# DISKS: origin=24M
# TIMEOUT: 240

. "$(dirname "$0")/policy.sh"

evicted() {
	[ "$(volume "$DISK_origin" evicted)" -ge "$1" ]
}

fill "$DISK_origin" 1
need_module
listen
track "$DISK_origin"
fio_under "$DISK_origin" --size=1M --rate_iops=200
for at in 4 6 8 10 12; do
	shot "$DISK_origin" $((20 << 20))
	devio "$DISK_origin" "write:${at}m:2m"
done
mapfile -t uuid < <(uuids "${SHOTS[@]}")
is "$(images)" "${SHOTS[*]}" "five shadows"
check "the writer of what does not fit sees no error" devio "$DISK_origin" write:14m:8m
wait_for 20 evicted 1
fio_ends

gone=$(volume "$DISK_origin" evicted)
diag "$gone went"
check "not all of them" [ "$gone" -lt 5 ]
is "$(images)" "${SHOTS[*]:gone}" "those that went were the oldest"
is_right "${SHOTS[@]:gone}"
is "$(volume "$DISK_origin" lost)" 0 "none was lost"
wait_for 10 event evicted store-full
is "$(of evicted .shadow)" "$(printf '%s\n' "${uuid[@]:0:gone}")" "events told of each, in order"
is "$(of deleted .shadow | sort)" "$(printf '%s\n' "${uuid[@]:0:gone}" | sort)" \
	"and that they are gone"
check "and so are their devices" [ ! -e "${SHOTS[0]}" ]
take "$DISK_origin"
drop_all
is "$(volume "$DISK_origin" store)" none "and with the last one the store"
