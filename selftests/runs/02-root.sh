#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: shadowadm run on /: the command finds what it needs; mounts below are shadows, or as they are
# DISKS: root=64M var=64M srv=64M
# TIMEOUT: 600
# MEM: 2048

# The root of this test is its own: it goes with the namespace.
if [ -z "${INSIDE:-}" ]; then
	INSIDE=yes exec unshare --mount --propagation private -- "$0" "$@"
fi

. "$(dirname "$0")/runs.sh"

# new_root: a machine whose root is an ext4 filesystem on a disk; the programs are mounted there
new_root() {
	local dir

	mkdir "$SCRATCH/root"
	mount "$DISK_root" "$SCRATCH/root"
	cd "$SCRATCH/root"
	mkdir proc sys dev run usr home old srv tmp var etc bin sbin lib lib64 root
	mkdir -p "./$TREE" "./$SCRATCH"
	cp -a /etc/passwd /etc/group /etc/ld.so.cache /etc/shadowcopy /etc/alternatives etc/
	for dir in proc sys dev run usr bin sbin lib lib64 "$TREE"; do
		mount --rbind "/$dir" "./$dir"
	done
	mount --bind "$SCRATCH" "./$SCRATCH"
	mount "$DISK_var" var
	mount "$DISK_srv" srv
	pivot_root . old
	umount -l /old
	cd /
	# as an init makes it
	mount --make-rshared /
}

# inside OPTION... -- COMMAND: the command's words are for a shell
inside() {
	local own=()

	while [ "$1" != -- ]; do
		own+=("$1")
		shift
	done
	timeout 60 shadowadm run "${own[@]}" -- sh -c "$2"
}

# outside_unchanged: nobody else sees anything of it
outside_unchanged() {
	is "$(cat /proc/self/mountinfo)" "$mounts" "the mounts are what they were"
	nothing_left
}

for disk in "$DISK_root" "$DISK_var" "$DISK_srv"; do
	mkfs_on ext4 "$disk"
done
need_module
new_root
mkdir -p /home/here /home/bound /home/on /var/cache /var/lib/in /mnt/again
echo "of the root" >/home/here/file
echo "of srv" >/srv/file
mount --bind /home/here /mnt/again
mount -t tmpfs none /home/on
mounts=$(cat /proc/self/mountinfo)
busy /home /var

cd /home/here
is "$(inside / -- 'pwd; cat file /mnt/again/file /srv/file')" "/home/here
of the root
of the root
of srv" "files are at their paths, and the working directory is what it was"
is "$(inside / -- 'findmnt -nro TARGET,SOURCE | grep /dev/shadow | sort')" "/ /dev/shadow0
/mnt/again /dev/shadow0[/home/here]" "the root is a shadow, and a directory of it that is mounted elsewhere"
# shellcheck disable=SC2016 # for the other shell
is "$(inside / /var -- 'for at in / /var /srv; do findmnt -nro SOURCE $at | tail -n 1; done |
	sed "s|^${SHADOWCOPY_SHADOWS% *}\$|first|; s|^${SHADOWCOPY_SHADOWS#* }\$|second|"')" "first
second
$(readlink -f "$DISK_srv")" "and so is another volume of the set; others are as they are"
is "$(inside / --volumes /var -- 'ls -d /old /proc/self/fd /sys/block /dev/null /run/udev | wc -l')" 5 \
	"devices, processes and what runs are there"
for path in /home/here/new /mnt/again/new /var/new /usr/../new; do
	expect_fail 'Read-only file system' inside / /var -- "touch $path"
done
inside / /var -- 'echo tmp >/tmp/new; echo srv >/srv/new; echo on >/home/on/new; echo >/dev/null'
is "$(cat /tmp/new /srv/new /home/on/new)" "tmp
srv
on" "what is on no volume of the set can be written, and /tmp"
inside / /var --bind /home/bound --bind /var/cache -- 'echo bound >/home/bound/new; echo >/var/cache/new'
check "so can what is told to stay" test -e /home/bound/new -a -e /var/cache/new
expect_fail 'cannot keep /nowhere as it is' inside / --bind /nowhere -- true
is "$(inside /var -- 'for at in / /var; do findmnt -nro SOURCE $at | tail -n 1; done')" "$(readlink -f "$DISK_root")
/dev/shadow0" "the root can stay what it is"
outside_unchanged

# A new mount is seen inside, and an unmount, too.
mkdir /srv/later
inside / --bind /home/bound -- \
	'echo here >/home/bound/up; while [ ! -e /srv/later/file ]; do sleep 0.1; done; echo seen' >/tmp/said &
job=$!
wait_for 30 test -e /home/bound/up
mount -t tmpfs none /srv/later
: >/srv/later/file
wait_for 30 grep -q seen /tmp/said
check "what is mounted meanwhile is seen" wait $job
umount /srv/later

things /home/things
before=$(round /home /var)
if [ -n "$(type -P restic)" ]; then
	export RESTIC_REPOSITORY=/srv/restic RESTIC_PASSWORD=secret
	quietly restic init
	check "restic runs" run_on_shadows /home/things --volumes /,/var --bind /var/cache -- \
		restic --quiet --cache-dir /var/cache/restic backup --one-file-system \
		--exclude /proc --exclude /sys / /var
	check "its cache is there" test -d /var/cache/restic
	check "restic restores" quietly restic --no-cache restore latest --target /srv/to
	check "it is of one instant" one_instant "$before" /srv/to/home /srv/to/var
	check "what was destroyed is there" same_things /srv/to/home/things
	check "what is on no volume of the set is not" test ! -e /srv/to/srv/file -a -d /srv/to/srv
else
	diag "no restic"
fi
outside_unchanged
