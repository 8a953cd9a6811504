#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# shadow-betest and shadow-testwriter where neither module nor coordinator is: what is wrong on the command
# line, that options and manual pages agree, and what is done at boot.

set -u
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=userspace/tests/ktap.sh
. "$here/ktap.sh"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
state=$scratch/state
data=$scratch/data
mkdir "$state" "$data"

# run ARGUMENT...: sets $out, $err and $status
run() {
	out=$("${BUILD:?}/shadow-betest" "$@" 2>"$scratch/err")
	status=$?
	err=$(cat "$scratch/err")
}

# options TEXT: those that it names
options() {
	grep -oE -- '(^| )(--|Fl -)[a-z]+(-[a-z]+)*' <<<"$1" | sed -E 's/.*(--|Fl -)//' | sort -u
}

echo KTAP version 1

# -- options

for program in betest testwriter; do
	help=$("$BUILD/shadow-$program" --help)
	is $? 0 "shadow-$program --help"
	is "$(options "$(grep -v '^# shadowadm' "$here/../../Documentation/man/shadow-$program.8")")" \
		"$(options "$help" | grep -vxE 'help|version')" "and its manual page have the same options"
done
run --version
like "$status $out" "0 shadow-betest [0-9]" "--version"
run
is "$status" 2 "no command"
for arguments in "frobnicate" "backup" "backup a b" "restore" "boot x" "backup --nonsense x" "backup --custom x y" \
	"restore --store x y" "boot --type full" "backup --type half x" "backup --context nonsense x" \
	"backup --component Data x" "backup --component W:/ x" "backup --backup-options W:/Data x" \
	"restore --new-target /a x" "restore --restore-type half x"; do
	# shellcheck disable=SC2086 # words
	run $arguments
	is "$status" 2 "wrong: $arguments"
	like "$err" '^shadow-betest: .*--help' "and it is said what, and where help is"
done
run restore "$scratch/nothing"
like "$status $err" "1 shadow-betest: cannot read .*/nothing: No such file" "a backup that is not there"
run backup "$scratch/x/y"
like "$status $err" "1 shadow-betest: cannot write the documents to .*x/y" "a place that is not there"

# -- at boot

# staged NAME: a new file beside an old one, on the list
staged() {
	echo new >"$data/.new-$1"
	printf '%s\0%s\0' "$data/.new-$1" "$data/$1" >>"$state/1.list"
}

run boot --state "$scratch/none"
is "$status $out$err" "0 " "nothing was left to the boot"
echo old >"$data/one"
staged one
staged "two words"
run boot --state "$state"
is "$status $(cat "$data/one" "$data/two words" | xargs)" "0 new new" "what was left to it is put in its place"
is "$(find "$state" "$data" -name '.*' -o -name '*.list')" "" "and nothing of it is left"
staged one
mkdir "$data/in the way"
staged "in the way"
staged three
run boot --state "$state"
like "$status $err" "1 shadow-betest: cannot put .*in the way in its place.*next boot" "what cannot be is told"
is "$(cat "$data/one" "$data/three" | xargs)" "new new" "and all others are"
rmdir "$data/in the way"
run boot --state "$state"
is "$status $(cat "$data/in the way")" "0 new" "the next boot goes on with it"
ln -s "$scratch" "$data/link"
printf '%s\0%s\0' "$data/one" "$data/link/out" >"$state/2.list"
run boot --state "$state"
is "$status $(ls "$scratch/out" 2>/dev/null)" "1 " "no link is followed"

# -- files

copied=$("$BUILD/tests/copy" 2>"$scratch/err")
is $? 0 "files are copied"
grep -A 1 '^not ok' <<<"$copied" | sed 's/^/# /'
done_testing
