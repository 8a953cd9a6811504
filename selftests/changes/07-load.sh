#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: an instant each second under many writers: each change is between the right two, by the images and by the log below
# DISKS: origin=144M log=3G store=2G
# MEM: 2048
# TIMEOUT: 500

. "$(dirname "$0")/changes.sh"

SECONDS_OF_LOAD=${SECONDS_OF_LOAD:-40}

has fio
log_below "$DISK_origin" "$DISK_log"
need_module
begin
# At the border of two pages of bits, which is at 128 MiB, and in many places, small and large.
fio=(fio --direct=1 --ioengine=libaio --filename="$ORIGIN" --time_based --runtime=200
	--minimal --allow_file_create=0)
cleanup 'kill "${writers[@]}" 2>/dev/null; wait "${writers[@]}" 2>/dev/null || true'
writers=()
"${fio[@]}" --name=border --rw=randwrite --bs=4k --iodepth=8 --numjobs=2 --offset=127m --size=2m \
	--rate_iops=150 >/dev/null &
writers+=($!)
"${fio[@]}" --name=wide --rw=randwrite --bssplit=512/20:4k/20:12k/20:33280/20:64k/20 --iodepth=4 --size=120m \
	--rate=600k >/dev/null &
writers+=($!)
"${fio[@]}" --name=large --rw=write --bs=1m --iodepth=2 --offset=120m --size=24m --rate=1m >/dev/null &
writers+=($!)
"${fio[@]}" --name=trims --rw=randtrim --bs=32k --offset=100m --size=16m --rate_iops=10 >/dev/null &
writers+=($!)
last=1
logged_instant 1 --store "$DISK_store" --no-free-space
end=$((SECONDS + SECONDS_OF_LOAD))
while [ $SECONDS -lt $end ]; do
	sleep 0.5
	last=$((last + 1))
	logged_instant $last --no-free-space
	# Merging beside all that: what stays is 1, every third, and the newest few.
	if [ $last -gt 6 ] && [ $(((last - 4) % 3)) -ne 0 ]; then
		[ $(((last - 4) % 2)) -ne 0 ] || keep $((last - 4))
		gone $((last - 4))
	fi
done
for writer in "${writers[@]}"; do
	check "writer $writer goes on still" kill -0 "$writer"
done
kill "${writers[@]}"
wait "${writers[@]}" 2>/dev/null || true
writers=()
read_log
diag "$last instants, $(wc -l <"$SCRATCH/log") entries in the log: $(bases)"
mapfile -t all < <(bases | tr ' ' '\n' | cut -d: -f1 | tail -n +2)
check "there are enough" [ "${#all[@]}" -ge 6 ]
for ((i = 1; i < ${#all[@]}; i++)); do
	by_log "${all[i - 1]}" "${all[i]}"
done
by_log "${all[0]}" "${all[-1]}"
mapfile -t images < <(bases | tr ' ' '\n' | sed -n 's/:.*S.*//p')
for ((i = 1; i < ${#images[@]}; i++)); do
	differing "${images[i - 1]}" "${images[i]}"
done
is "$(tracking forgotten)" 0 "nothing was forgotten"
drop_all
for i in "${all[@]}"; do
	forgo "$i" 2>/dev/null || true
done
forgo 0
shadowadm volume untrack "$ORIGIN"
