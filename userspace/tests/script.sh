#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# shadowadm script, writer and what has to do with documents, as far as they need no
# coordinator: how lines are read, what may come when, and what is refused before anything runs.

set -u
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=userspace/tests/ktap.sh
. "$here/ktap.sh"
# shellcheck source=userspace/tests/machine.sh
. "$here/machine.sh"

shadowadm=${BUILD:?}/tests/shadowadm-fake
document=$BUILD/tests/document
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export FAKE_SYSROOT=$scratch/machine FAKE_STATE=$scratch/state TZ=UTC LC_ALL=C.UTF-8

machine_new "$FAKE_SYSROOT"
disk vda 254:0
partition vda vda1 254:1
partition vda vda2 254:2
mounted vda1 / ext4
mounted vda2 /home ext4
echo '* memory' >"$FAKE_SYSROOT/etc/shadowcopy/stores.conf"

# run ARGUMENT...: sets $out, $err and $status
run() {
	out=$("$shadowadm" "$@" 2>"$scratch/err" </dev/null)
	status=$?
	err=$(cat "$scratch/err")
}

# lines OPTION... -- LINE...: the same of a script
lines() {
	local options=()

	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	printf '%s\n' "$@" >"$scratch/script"
	run script "$scratch/script" "${options[@]}"
	err=${err//$scratch\/script/SCRIPT}
	out=${out//$scratch\/script/SCRIPT}
}

# wrong MESSAGE LINE...: nothing is run, and the message says it
wrong() {
	local message=$1

	shift
	lines -- "$@"
	like "$status $err" "^2 .*$message" "refused: ${*: -1}"
}

# parse FILTER: of the JSON that the last command printed, a document for each line
parse() {
	jq -r "$1" <<<"$out"
}

echo KTAP version 1

# --- how lines are read ---

run script "$scratch/none"
like "$status $err" "1 .*cannot read .*/none: No such file" "a script that is not there"
run script a b
is "$status" 2 "two scripts"
lines --dry-run -- '# a comment' '' '  rem another' 'REM' $'set\tcontext volatile # and one more' \
	'ADD Volume "/home" Alias "data"' 'add alias with_blanks "a  ""b"" 100%%"' 'exec "/bin/echo" a"b c"d #e'
is "$status" 0 "--dry-run of what is right"
is "$out" 'SCRIPT:5: set context volatile
SCRIPT:6: add volume /home Alias data
SCRIPT:7: add alias with_blanks "a  ""b"" 100%%"
SCRIPT:8: exec /bin/echo "ab cd"' "comments, blanks, quotes, percent signs, any case of letters"
lines --dry-run --json -- 'exec /bin/echo %HOME%' exit
is "$(parse '"\(.line) \(.command) \(.text)"')" $'1 exec exec /bin/echo %HOME%\n2 exit exit' \
	"with --json a line each"
printf '\xef\xbb\xbfset verbose on\r\nexit\r\n' >"$scratch/windows"
run script "$scratch/windows" --dry-run
is "$status $(wc -l <<<"$out")" "0 2" "a file from Windows"
printf 'exit' >"$scratch/short"
run script "$scratch/short" --dry-run
is "$status $(wc -l <<<"$out")" "0 1" "a last line without an end"
printf 'ex\0it\n' >"$scratch/zero"
run script "$scratch/zero"
like "$status $err" "2 .*:1: character 3 is a control character" "a file that is no text"
out=$(printf 'set verbose on\n' | "$shadowadm" script - --dry-run)
is "$? $out" "0 standard input:1: set verbose on" "standard input"
out=$("$shadowadm" script --dry-run </dev/null)
is "$? $out" "0 " "nothing at all"

# --- mistakes, each before anything is run ---

wrong 'SCRIPT:2: "crate": there is no such command; did you mean "create"' 'set verbose on' crate
wrong '"frobnicate": there is no such command; "help" lists' frobnicate
wrong '"begin": there is no such command; there is "begin backup", "begin restore"' begin
wrong '"add volme": there is no such command; there is "add volume"' 'add volme /'
wrong '"/x": the quote has no end' 'exec "/x'
wrong 'behind "50%" there is no name of a variable.*A percent sign is written %%' 'exec /bin/true 50%'
wrong 'no variable "nothing" has a value here' 'exec /bin/true %nothing%'
wrong 'no variable "data" has a value here.*aliases of volumes get theirs by "create"' \
	'add volume / alias data' 'exec /bin/true %data%' create
wrong 'a word is missing: it is "add volume VOLUME' 'add volume'
wrong '"x": there is a word too many: it is "create"' 'add volume /' 'create x'
wrong '"volatil": a context is "volatile' 'set context volatil'
wrong '"nowriter": a context is' 'set context persistent nowriter'
wrong '"nowriters": a context is' 'set context clientaccessible nowriters'
wrong '"noautorecover": it does not go with' 'set option rollbackrecover noautorecover'
wrong '"plex": whole copies' 'set option plex'
wrong '"transportable": .*to other machines' 'set option differential transportable'
wrong '"quick": an option is' 'set option quick'
wrong '"maybe": it is "on" or "off"' 'set verbose maybe'
wrong '"alais": behind a volume there is' 'add volume / alais data'
wrong '"alias": the word behind it is missing' 'add volume / alias'
wrong '"1st": a name has letters' 'add volume / alias 1st'
wrong '"a-b": a name has letters' 'add alias a-b c'
wrong '"by": behind a volume there is' 'add volume / by native'
wrong '"Mail:/": it is the name, the class or the instance' 'writer exclude Mail:/'
wrong '"all": there is a word too many' 'delete shadows all /'
wrong '"oldest": the word behind it is missing' 'delete shadows oldest'
wrong '"some": it is "delete shadows all' 'delete shadows some'
wrong '"set": the identity behind it is missing' 'list shadows set'
wrong '"everything": it is "list writers' 'list writers everything'
wrong '"P:": a shadow is exposed on a directory' 'add volume /' create 'expose %VSS_SHADOW_1% P:'
wrong '"//server/share": a shadow is exposed on a directory' 'expose 0 //server/share'
for command in resync "break writable 0" import "mask 0"; do
	wrong "\"${command%% *}\": .*(this version|not there yet|of the module)" "$command"
done

wrong '"create": it cannot come here: "add volume" comes before' create
wrong '"create": it cannot come here.*"reset" before a second' 'add volume /' create create
wrong '"add volume": it cannot come here: it is said before "create"' 'add volume /' create 'add volume /home'
wrong '"set context": it cannot come here' 'add volume /' create 'set context volatile'
wrong '"end backup": it cannot come here: "begin backup"' 'add volume /' create 'end backup'
wrong '"begin backup": it cannot come here' 'begin backup' 'begin backup'
wrong '"end backup": it cannot come here' 'begin backup' 'add volume /' create 'end backup' 'end backup'
wrong '"begin restore": it cannot come here: "load metadata"' 'begin restore'
wrong '"end restore": it cannot come here' 'load metadata /x' 'end restore'
wrong '"simulate restore": it cannot come here' 'add volume /' create 'simulate restore'
wrong 'no variable "data" has a value' 'add volume / alias data' create reset 'exec /bin/true %data%'
lines --dry-run -- 'load metadata /x' 'exec /bin/true %whatever%' 'begin restore' 'end restore' reset \
	'begin backup' 'add volume / alias DATA' create 'exec /bin/true %data% %data_device% %vss_shadow_set%' 'end backup'
is "$status $err" "0 " "a restore, and after reset a backup; names in any case of letters"
lines --dry-run -- 'begin backup' 'add volume /' create
like "$status $err" '^0 .*warning: "begin backup" has no "end backup"' "a backup without an end is said"

lines -- crate 'add volume / alias 1' "exec /bin/touch $scratch/ran" 'frobnicate'
is "$status $(wc -l <<<"$err")" "2 4" "all mistakes are said"
like "$err" "SCRIPT: 3 mistakes; nothing was run" "and counted"
is "$([ -e "$scratch/ran" ] && echo it was)" "" "and nothing was run"
lines --json -- crate
is "$(parse '"\(.line) \(.error.word) \(.error.message)"')" \
	'1 crate there is no such command; did you mean "create"?' "mistakes in JSON"

# --- running ---

# shellcheck disable=SC2016 # for the shell that is run
lines -- 'add alias Name "a  b"' 'exec /bin/sh -c "echo ""$Name"" %HOME% 100%%"' 'exec true'
is "$status $out" "0 a  b $HOME 100%" "a program has the names, and its words have their values"
lines -- 'exec /bin/sh -c "exit 7"' "exec /bin/touch $scratch/ran"
like "$status $err" "1 .*SCRIPT:1: /bin/sh has failed, with exit status 7.*failed in line 1\." \
	"a program that fails ends the script"
is "$([ -e "$scratch/ran" ] && echo it was)" "" "what is behind it is not run"
# shellcheck disable=SC2016
lines -- 'exec /bin/sh -c "kill -9 $$"'
like "$status $err" "1 .*was ended by signal 9" "one that is killed"
lines -- "exec $scratch/no/program"
like "$status $err" "1 .*warning: exec $scratch/no/program: No such.*cannot run" "one that is not there"
printf 'exec /bin/sh -c "touch %s/runs; exec sleep 100"\nexec /bin/touch %s/ran\n' "$scratch" "$scratch" >"$scratch/long"
"$shadowadm" script "$scratch/long" 2>"$scratch/err" &
long=$!
for ((i = 0; i < 200; i++)); do
	[ -e "$scratch/runs" ] && break
	sleep 0.1
done
kill -TERM $long
wait $long
like "$? $(cat "$scratch/err")" "1 .*ended by signal 15.*the script was ended by a signal in line 1\." \
	"a signal ends the program and the script"
lines -- exit "exec /bin/touch $scratch/ran"
is "$status $([ -e "$scratch/ran" ] && echo it was)" "0 " "exit"
lines --json -- 'add alias a b' add 'exec /bin/echo out'
is "$status $(parse '"\(.line) \(.command) \(.status)"' | paste -sd,)" "0 1 add alias 0,2 add 0,3 exec 0" \
	"--json: a line for each command"
is "$(parse 'select(.command == "add").result.names.a') $(parse 'select(.command == "exec").result.exit_status')" "b 0" \
	"with what it says"
is "$err" out "and what programs print is elsewhere"
lines --json -- 'exec /bin/false'
is "$status $(parse '"\(.status) \(.error.message)"')" "1 1 /bin/false has failed, with exit status 1" \
	"--json: a failure"
lines -- help
like "$out" "add volume VOLUME \[alias NAME\].*not there: shadows are not written over other disks" "help"
lines -- 'help delete' 'help frob'
like "$out" "^  delete shadows.*there is no command \"frob\"" "help of one command"
lines -- set 'set context persistent nowriters' 'set option noautorecover' 'set verbose on' set
like "$status $out $err" "0 context   backup.*context   nas-rollback.*noautorecover" "set shows what is set"
lines -- 'add volume /nowhere/at/all'
like "$status $err" "1 .*SCRIPT:1: .*Name the mount point" "a volume that is none"
lines -- 'add volume /' 'add volume /dev/vda1'
like "$status $err" "1 .*SCRIPT:2: \"/dev/vda1\": the volume is in the set already, as /" "one twice"
lines -- 'add volume / alias x' 'add volume /home alias X'
like "$status $err" "1 .*\"X\": the name is that of / already" "a name twice"
lines -- 'add volume / alias x' 'add volume /home' add
is "$out" $'volume / (/dev/vda1), alias x\nvolume /home (/dev/vda2), alias VSS_SHADOW_2' "add shows the volumes"
lines -- 'add volume /' create
like "$status $err" "1 .*SCRIPT:2: .*shadowd does not run.*failed in line 2\.$" "without a coordinator nothing is made"
lines -- "set metadata $scratch/script"
like "$status $err" "1 .*cannot write the documents to .*Name a directory" "documents where there is a file"
lines -- "load metadata $scratch/none"
like "$status $err" "1 .*cannot read $scratch/none: No such file.*documents of a backup" "no documents"
lines -- "load metadata $scratch"
like "$status $err" "1 .*backup-components.json: No such file" "a directory without documents"

# --- what shadowadm can do anyway ---

"$shadowadm" create / /home --quiet >"$scratch/made"
"$shadowadm" create / --quiet >>"$scratch/made"
lines -- 'list shadows'
is "$status $(wc -l <<<"$out")" "0 4" "list shadows"
set=$("$shadowadm" list --json -o SET | jq -r '.shadows[0].set')
lines -- "add alias it $set" 'list shadows set {%it%}'
is "$status $(grep -c ^DEVICE <<<"$out")" "0 2" "list shadows set, by a name, in braces"
lines --json -- 'list shadows id 2' 'list providers'
is "$(parse 'select(.line == 1).result.shadows[0].index')" 2 "list shadows id, as JSON"
is "$(parse 'select(.line == 2).result.providers[-1] | "\(.name) \(.type)"')" "native system" "list providers"
lines -- 'list shadows id 77'
like "$status $err" "1 .*SCRIPT:1: .*no shadow and no set has this name" "one that is not there"
lines -- "expose $set $scratch"
like "$status $err" "1 .*it is a set" "a set cannot be exposed"
lines -- "expose 0 $scratch/nowhere"
like "$status $err" "1 .*SCRIPT:1: cannot mount on .*Make the directory first" "on a directory that is not there"
lines -- "unexpose $scratch"
like "$status $err" "1 .*no shadow is mounted on or in" "unexpose of nothing"
lines -- "delete shadows exposed $scratch"
like "$status $err" "1 .*no shadow is mounted there" "delete of what is exposed nowhere"
lines -- 'delete shadows oldest /' 'list shadows'
is "$status $(wc -l <<<"$out")" "0 3" "delete shadows oldest"
lines --json -- 'delete shadows volume /' 'delete shadows id 0'
is "$status $(parse '.result.deleted | length' | paste -sd' ')" "0 1 1" "delete shadows by volume and identity"
"$shadowadm" create / --quiet >>"$scratch/made"
lines -- 'delete shadows all' 'list shadows'
is "$status $out" "0 " "delete shadows all"

# --- writer ---

run writer
is "$status" 2 "writer without a verb"
run writer stattus
like "$status $err" '2 .*there is no "writer stattus"; did you mean "status"' "with a wrong one"
run writer status
like "$status $err" "1 .*shadowd does not run" "writer status without a coordinator"
run writer status now
is "$status" 2 "writer status takes no argument"
run writer check
is "$status" 2 "writer check of nothing"
"$document" sample metadata >"$scratch/good.json"
jq 'del(.sha256, .shadow_excludes) | .instance_id = "c1a50500-0000-0000-0000-000000000001" |
	.instance_name = "other" | .components[].name += "2" | .components[1].path += "2" |
	.participation = "never" | .schema = ["copy"] | .mappings = []' "$scratch/good.json" >"$scratch/unsigned.json"
jq '.name = "changed"' "$scratch/good.json" >"$scratch/changed.json"
jq 'del(.sha256) | .components[0].selectable = "yes"' "$scratch/good.json" >"$scratch/wrong.json"
run writer check --program "$scratch/good.json" "$scratch/unsigned.json"
is "$status $(grep -c 'good: writer Mail, components: 2, sets of files: 3' <<<"$out")" "0 2" \
	"writer check: good ones, with and without a checksum"
"$shadowadm" writer check "$scratch/unsigned.json" >/dev/null
is $? 0 "a writer that is nothing but its file"
run writer check "$scratch/good.json"
like "$status $err" "1 .*good.json: .*participation is not \"never\"" "what would be a program's to do"
run writer check --program "$scratch/good.json" "$scratch/wrong.json" "$scratch/changed.json" "$scratch/none" --json
is "$status $(parse '[.files[].good] | tostring')" "1 [true,false,false,false]" "and others"
like "$(parse '.files[1].message')" "wrong.json.*selectable.* is no boolean" "what is wrong, and where"
like "$(parse '.files[2].message')" "checksum does not fit" "a checksum has to fit"
run writer check --program "$scratch/good.json" "$scratch/good.json"
is "$status" 1 "two documents of one writer"

# --- create --document ---

run create / --document "$scratch/"
like "$status $err" "2 .*--document goes with --writers" "--document without writers"
run create / --writers --document "$scratch/no/where/"
like "$status $err" "1 .*cannot write the documents to .*no/where/: No such file" "where there is no directory"
run create / --writers --document "$scratch/good.json/x"
like "$status $err" "1 .*cannot write the documents to" "below a file"
run create / --writers --document "$scratch/made/"
like "$status $err" "1 .*cannot write the documents to" "a file as a directory"
run create / --writers --document "$scratch/new/"
is "$status $([ -d "$scratch/new" ] && echo made)" "1 made" "a directory is made if need be"

done_testing
