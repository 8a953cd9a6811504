#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The script writer's --check: which hooks it would run, in what order, with what
# arguments, and which not and why.

set -u
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=userspace/tests/ktap.sh
. "$here/ktap.sh"

writer=${BUILD:?}/shadow-writer-script
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
qemu=$scratch/fsfreeze-hook.d
vmware=$scratch/backupScripts.d

# run ARGUMENT...: sets $out, $err and $status
run() {
	out=$("$writer" "$@" 2>"$scratch/err")
	status=$?
	err=$(cat "$scratch/err")
}

# hook PATH [MODE]
hook() {
	printf '#!/bin/sh\n' >"$1"
	chmod "${2:-755}" "$1"
}

# fresh: no hooks, in two directories that are as they should be
fresh() {
	rm -rf "$qemu" "$vmware"
	mkdir -m 755 "$qemu" "$vmware"
}

# section HEADING: what --check printed below it, without the directory
section() {
	sed -n "/^$1/,/^[^ ]/s/^  //p" <<<"$out" | sed "s,$scratch/,,g"
}

echo KTAP version 1

run --help
is "$status $err" "0 " "--help"
like "$out" "Usage: shadow-writer-script .*--qemu.*--vmware.*--check" "--help names the options"
run --version
like "$out" "^shadow-writer-script [0-9]" "--version"
for arguments in "--level middle" "--freeze-ms 999" "--freeze-ms 600001" "--freeze-ms 5s" \
	"--freeze-ms -1" "--name a/b" "--qemu" "--nonsense" "freeze"; do
	# shellcheck disable=SC2086 # words
	run $arguments
	is "$status" 2 "wrong: $arguments"
	like "$err" "shadow-writer-script: .*${arguments##*[ -]}" "and it is said what: $arguments"
done

run --check --no-qemu --no-vmware
is "$status $out" "0 no script would be run" "nowhere to look"
run --check --qemu "$qemu" --no-vmware
like "$status $out" "^0 no script would be run.*$qemu: it is not there" "a directory that is not there yet"

if [ "$(id -u)" -ne 0 ]; then
	fresh
	hook "$qemu/mine"
	run --check --qemu "$qemu" --no-vmware
	like "$status $out" "1 .*belongs to user $(id -u) and not to root" "not root's: refused"
	done_testing
	exit
fi

fresh
run --check --qemu "$qemu" --no-vmware
is "$status $out" "0 no script would be run" "an empty directory"

# --- the rules of QEMU's dispatcher ---

for name in 20-b 10-a B c~ d.bak e.orig f.rpmnew g.rpmorig h.rpmsave i.sample j.dpkg-old \
	k.dpkg-new l.dpkg-tmp m.dpkg-dist n.dpkg-bak o.dpkg-backup p.dpkg-remove .hidden \
	"with space" bak sample.sh; do
	hook "$qemu/$name"
done
hook "$qemu/README" 644
mkdir "$qemu/directory"
ln -s nowhere "$qemu/dangling"
ln -s 10-a "$qemu/link"
run --check --qemu "$qemu" --no-vmware
is "$status" 0 "nothing is refused"
wanted=$(printf 'fsfreeze-hook.d/%s WORD\n' 10-a 20-b B bak link sample.sh "with space")
is "$(section freeze:)" "${wanted//WORD/freeze}" "qemu: what is frozen, in the order of names"
is "$(section thaw:)" "${wanted//WORD/thaw}" "qemu: thawed in the same order"
is "$(section ignored: | wc -l)" 18 "qemu: what is ignored"
like "$(section ignored:)" "README: it is not executable" "qemu: with a reason"
cd "$scratch" || exit
run --check --qemu fsfreeze-hook.d/10-a --no-vmware --vmware-argument unused
is "$(section freeze:)" "fsfreeze-hook.d/10-a freeze" "a single hook, by a relative path"

# --- those of VMware's tools ---

for name in 20-b 10-a c~ .hidden; do
	hook "$vmware/$name"
done
mkdir "$vmware/directory"
run --check --no-qemu --vmware "$vmware" --vmware-argument "some text"
is "$status" 0 "nothing is refused"
is "$(section freeze: | grep backup)" \
	"$(printf 'backupScripts.d/%s freeze some text\n' .hidden 10-a 20-b c~)" \
	"vmware: in the order of names, whatever they are, with the argument"
is "$(section thaw: | grep backup)" \
	"$(printf 'backupScripts.d/%s thaw some text\n' c~ 20-b 10-a .hidden)" \
	"vmware: and back"
run --check --qemu "$qemu/10-a" --vmware "$vmware"
is "$(section freeze: | sed -n '1p;$p')" $'fsfreeze-hook.d/10-a freeze\nbackupScripts.d/c~ freeze' \
	"both: qemu's first"
is "$(section thaw: | sed -n '1p;$p')" $'backupScripts.d/c~ thaw\nfsfreeze-hook.d/10-a thaw' \
	"both: and last"
hook "$vmware/README" 644
run --check --no-qemu --vmware "$vmware"
like "$status $(section refused)" "1 .*README is not executable" \
	"vmware: what its tools would fail to start is refused"

# --- what is refused ---

# refused TEXT DESC: the hook that was made last
refused() {
	run --check --qemu "$qemu" --no-vmware
	like "$status $(section refused)" "1 $1" "refused: $2"
}

fresh
hook "$qemu/10-good"
hook "$qemu/20-bad" 757
refused ".*20-bad can be written by others than root \(mode 0757\)" "writable by all"
is "$(section freeze:)" "fsfreeze-hook.d/10-good freeze" "the other one is not"
chmod 775 "$qemu/20-bad"
refused ".*20-bad can be written" "by a group"
chmod 755 "$qemu/20-bad"
chown 65534 "$qemu/20-bad"
refused ".*20-bad belongs to user 65534 and not to root" "not root's"
rm "$qemu/20-bad"
mkdir "$scratch/open"
hook "$scratch/open/target"
chmod 777 "$scratch/open"
ln -s ../open/target "$qemu/20-bad"
refused ".*open can be written by others" "a link through a directory that is writable by all"
chmod 1777 "$scratch/open"
run --check --qemu "$qemu" --no-vmware
is "$status" 0 "where others cannot touch it, it is not"
ln -sf "$scratch/open/there" "$qemu/20-bad"
ln -s target "$scratch/open/there"
chown -h 65534 "$scratch/open/there"
refused ".*there belongs to user 65534" "through somebody's link"
rm "$qemu/20-bad"
chmod 1777 "$qemu"
refused "fsfreeze-hook.d: .*fsfreeze-hook.d can be written by others" "a directory where all can put hooks"
fresh
ln -s loop "$scratch/loop"
run --check --qemu "$scratch/loop" --no-vmware
is "$status" 1 "refused: a link to itself"

done_testing
