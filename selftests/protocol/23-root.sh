#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the filesystem of the coordinator and its log is frozen, and nothing waits for it (nothing is logged or opened)
# TIMEOUT: 300
# DISKS: a=256M

. "$(dirname "$0")/protocol.sh"

# All that shadowd has is on the volume: its program, libraries, log, configuration.
mkfs_on ext4 "$DISK_a"
mount_at "$DISK_a" "$SCRATCH/root"
root=$SCRATCH/root
mkdir -p "$root"/{usr/sbin,lib64,lib,etc,var,dev,proc,sys,run,tmp}
cp "$(command -v shadowd)" "$root/usr/sbin/"
ldd "$(command -v shadowd)" | grep -o '/[^ ]*' | while read -r library; do
	mkdir -p "$root/${library%/*}"
	cp "$library" "$root/$library"
done
cp /etc/passwd /etc/group /etc/nsswitch.conf "$root/etc/"
mkdir -p "$root/etc/shadowcopy"
cp /etc/shadowcopy/stores.conf "$root/etc/shadowcopy/" 2>/dev/null || echo '* memory' >"$root/etc/shadowcopy/stores.conf"
for libnss in /lib/x86_64-linux-gnu/libnss_files*; do
	[ ! -e "$libnss" ] || cp "$libnss" "$root/lib/x86_64-linux-gnu/"
done
need_module
for directory in dev proc sys run tmp; do
	mount --rbind "/$directory" "$root/$directory"
	cleanup "umount -lR $root/$directory"
done
bg 280 chroot "$root" /usr/sbin/shadowd >"$root/var/log" 2>&1
pid=$!
wait_for 20 grep -q 'is ready' "$root/var/log"
shadowd_pid=$(pgrep -x shadowd | head -n 1)
[ "$pid" ] && [ "$shadowd_pid" ]

# What it calls from the first freeze to the last thaw.
test_writer slow --delay freeze=500 --delay thaw=500 --level system
test_writer fails --fail freeze=retryable --delay freeze=200
bg 200 strace -f -qq -ttt -o "$SCRATCH/trace" -p "$shadowd_pid" \
	-e trace=open,openat,openat2,creat,write,writev,execve,unlink,unlinkat,rename,renameat2,mkdir,stat,newfstatat
sleep 2
before=$(wc -l <"$root/var/log")
requester init-backup 'set-backup-state:{"may_degrade":true,"timeout_ms":60000}' gather-metadata start-set \
	"add-volume:{\"volume\":\"$DISK_a\"}" prepare-backup create-set
diag "$(answer 7 '.result | "\(.consistency) \(.timings_ms)"')"
is "$(answer 7 '.result.degraded')" true "a set with its own filesystem is made, with a writer that fails"
check "what was to be said of it is said afterwards" test "$(wc -l <"$root/var/log")" -gt "$before"
sleep 1
pkill strace
cat >"$SCRATCH/between.py" <<'EOF'
"""Print what was called between the first freeze and the last thaw, but for wake-ups of the loop."""
import re
import sys
import time

offset = time.clock_gettime(time.CLOCK_REALTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)
told = [line.split() for line in open(sys.argv[2])]
times = [float(line[0]) + offset for line in told if line[2] in ("freeze", "thaw")]
seen = 0
for line in open(sys.argv[1]):
    number, when, call = line.rstrip().split(None, 2)
    seen += 1
    if times[0] < float(when) < times[-1] and not re.match(r'write\(\d+, "\\1(\\0){7}", 8\)', call):
        print(call)
print(f"{seen} calls in all, {times[-1] - times[0]:.1f} s")
EOF
python3 "$SCRATCH/between.py" "$SCRATCH/trace" "$SCRATCH/told" >"$SCRATCH/between"
diag "$(tail -n 1 "$SCRATCH/between")"
is "$(sed '$d' "$SCRATCH/between")" "" "nothing is opened or written while something is frozen"
check "and there was something to see" test "$(grep -c open "$SCRATCH/trace")" -gt 3
settle
