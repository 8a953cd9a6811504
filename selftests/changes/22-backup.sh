#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the script of the man page makes a full backup, then what has changed, and a full one where it must
# DISKS: origin=64M
# TIMEOUT: 240

. "$(dirname "$0")/../cli/cli.sh"

mounted ext4 "$DISK_origin" srv
mkdir "$SCRATCH/backup"
need_module
cleanup "shadowadm volume untrack '$DISK_origin' --force >/dev/null 2>&1 || true"
cleanup drop_all

# What is printed for readers is what runs.
sed -n '/^A backup of what has changed/,/^\.Ed/p' "$TREE/Documentation/man/shadowadm.8" |
	sed -e '1,/^\.Bd/d' -e '/^\.Ed/d' -e 's/\\e$/\\/' -e "s|/srv |$SCRATCH/srv |; s|/backup/|$SCRATCH/backup/|g" \
		>"$SCRATCH/script"
# It deletes the shadow at its end; what it has copied is compared before.
# shellcheck disable=SC2016 # variables of the script
sed -i 's|^shadowadm delete -q|cmp "$image" '"$SCRATCH/backup/srv.image"' \&\& echo same\n&|' "$SCRATCH/script"
check "the man page has a script" [ "$(wc -l <"$SCRATCH/script")" -gt 10 ]

# backup: run it; $OUT is what it says, $COPIED the bytes that it had to copy
backup() {
	OUT=$(bash -x "$SCRATCH/script" 2>"$SCRATCH/trace")
	settle
	COPIED=$(sed -n 's/^+ dd .* count=\([0-9]*\)$/\1/p' "$SCRATCH/trace" | awk '{ n += $1 } END { print n + 0 }')
}

dd if=/dev/urandom of="$SCRATCH/srv/a" bs=1M count=8 status=none
backup
is "$OUT $COPIED" "same 0" "the first backup is a full one"
dd if=/dev/urandom of="$SCRATCH/srv/b" bs=1M count=2 status=none
rm "$SCRATCH/srv/a"
backup
is "$OUT" same "the second is the image, too"
check "and had less to copy: $COPIED" [ "$COPIED" -ge $((2 << 20)) -a "$COPIED" -lt $((16 << 20)) ]
backup
is "$OUT" same "a third, of what has hardly changed"
check "copies next to nothing: $COPIED" [ "$COPIED" -lt $((1 << 20)) ]
adm 0 base list --json
is "$(parse '[.bases[] | .base] | join(" ")')" "$(cat "$SCRATCH/backup/srv.base")" "one base is kept"
is "$(shadow_count)" 0 "and no shadow"

# Whatever the reason is that it is not known: a full one.
adm 0 volume untrack "$DISK_origin" --force
echo unseen >"$SCRATCH/srv/c"
backup
is "$OUT $COPIED" "same 0" "what was not tracked is backed up as a whole"
echo seen >"$SCRATCH/srv/d"
backup
is "$OUT" same "and then goes on"
check "with little: $COPIED" [ "$COPIED" -gt 0 -a "$COPIED" -lt $((1 << 20)) ]
