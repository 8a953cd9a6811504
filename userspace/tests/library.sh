#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The library as others see it: header, exported symbols, documentation, and the
# agreement of help, completion and man page.

set -u
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=userspace/tests/ktap.sh
. "$here/ktap.sh"

: "${BUILD:?}"
userspace=$here/..
library=$(echo "$BUILD"/libshadowcopy.so.*.*)
man=$userspace/../Documentation/man/shadowadm.8
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# good COMMAND... DESC: it succeeds, and if not its output is shown
good() {
	local desc=${*: -1} text

	text=$("${@:1:$#-1}" 2>&1)
	result $? "$desc"
	[ -z "$text" ] || diag "$text"
}

echo KTAP version 1

# --- header ---

for header in channel document requester writer; do
	echo "#include <libshadowcopy-$header.h>"
done >"$scratch/c.c"
cp "$scratch/c.c" "$scratch/cc.cc"
includes=(-I"$userspace/include" -I"$userspace/../uapi")
for standard in c99 c11 gnu17; do
	good cc -std=$standard -Wall -Wextra -Wpedantic -Werror -fsyntax-only "${includes[@]}" \
		"$scratch/c.c" "the headers compile alone as $standard"
done
for standard in c++11 c++17; do
	good c++ -std=$standard -Wall -Wextra -Werror -fsyntax-only "${includes[@]}" \
		"$scratch/cc.cc" "the headers compile alone as $standard"
done

# --- symbols ---

exported=$(nm -D --defined-only "$library" | awk '$2 == "T" { sub(/@.*/, "", $3); print $3 }' |
	grep -v '^__\(asan\|odr\|ubsan\)' | sort)
declared=$(cc -E "${includes[@]}" "$scratch/c.c" | tr '\n' ' ' |
	grep -oE '(typedef int )?shadowcopy_[a-z_]* *\(' | grep -v ^typedef | tr -d ' (' | sort -u)
mapped=$(sed -n 's/^\t\(shadowcopy_[a-z_]*\);$/\1/p' "$userspace/lib/libshadowcopy.map" | sort)
is "$(grep -v '^shadowcopy_' <<<"$exported")" "" "only shadowcopy_ symbols are exported"
is "$exported" "$declared" "what is exported is what the headers declare"
is "$exported" "$mapped" "and what the map lists"
is "$(nm -D --defined-only "$library" | grep ' T shadowcopy_' | grep -vc '@@SHADOWCOPY_0.1$')" 0 \
	"every symbol has a version"
is "$(readelf -d "$library" | sed -n 's/.*soname: \[\(.*\)\]/\1/p')" libshadowcopy.so.1 \
	"the name of the library has its version"
is "$(nm "$BUILD/libshadowcopy.a" | awk '$2 == "T" { print $3 }' |
	grep -v '^\(shadowcopy_\|sc_\)')" "" "non-static symbols have one of two prefixes"
# The library never prints and never exits.
is "$(nm -u "$BUILD/libshadowcopy.a" | grep -wE 'printf|puts|putchar|perror|exit|_exit|abort|system|popen|fork|execve?|stdout|stderr')" \
	"" "the library prints nothing, exits nowhere, starts nothing"

# jansson and json-c have two names in common, and a program may be linked with both.
is "$(nm -u "$BUILD/libshadowcopy.a" | grep -wE 'json_object_get|json_object_iter_next')" "" \
	"the library calls nothing of jansson that json-c has, too"

# --- man pages of the library ---

# What they call a function, and what they call a structure.
pages=("${man%/*}"/libshadowcopy*.3)
documented=$(grep -ohE '(Fn|Fo) shadowcopy_[a-z_]+' "${pages[@]}" | cut -d' ' -f2 | sort -u)
structures=$(cat "$userspace"/include/*.h | sed -nE 's/^(struct shadowcopy[a-z_]*)( \{|;)$/\1/p' |
	sort -u)
is "$(comm -23 <(echo "$mapped") <(echo "$documented"))" "" "every symbol is in a man page"
is "$(comm -13 <(echo "$mapped") <(echo "$documented"))" shadowcopy_writer_handler \
	"and they have no other, but for a type"
is "$(comm -23 <(echo "$structures") \
	<(grep -ohE 'struct shadowcopy[a-z_]*' "${pages[@]}" | sort -u))" "" "so is every structure"

# --- help, completion, man page ---

export FAKE_STATE=$scratch/state
shadowadm=$BUILD/tests/shadowadm-fake
completion=$userspace/shadowadm/completion.bash
commands=$("$shadowadm" help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
for command in $commands; do
	options=$("$shadowadm" "$command" --help | sed '/^Columns/,$d' | grep -oE -- '--[a-z-]+' |
		sort -u)
	missing=
	for option in $options; do
		grep -qE -- "^\.(It|Op|Fl|Ic).*Fl \\\\?-${option#--}\b|Fl -${option#--}\b" "$man" ||
			missing+=" man:$option"
		grep -qe "$option" "$completion" || missing+=" completion:$option"
	done
	grep -qE "^\.Ss .*\b$command\b" "$man" || missing+=" man:$command"
	grep -qw "$command" "$completion" || missing+=" completion:$command"
	is "$missing" "" "$command: help, man page and completion agree"
done
verbs=$("$shadowadm" store --help | sed -n '/^Usage:/,/^$/s/^  shadowadm store \[*\([a-z]*\).*/store \1/p'
	"$shadowadm" writer --help | sed -n '/^Usage:/,/^$/s/^  shadowadm writer \([a-z]*\).*/writer \1/p')
while read -r command verb; do
	options=$("$shadowadm" "$command" "$verb" --help | sed '/^Columns/,$d' | grep -oE -- '--[a-z-]+' |
		sort -u)
	missing=
	for option in $options; do
		grep -qE -- "Fl -${option#--}\b" "$man" || missing+=" man:$option"
		grep -qe "$option" "$completion" || missing+=" completion:$option"
	done
	grep -qE "^\.Ss $command \[?$verb\b" "$man" || missing+=" man:$verb"
	grep -qw "$verb" "$completion" || missing+=" completion:$verb"
	is "$missing" "" "$command $verb: help, man page and completion agree"
done <<<"$verbs"
if command -v mandoc >/dev/null; then
	good mandoc -T lint -W warning "${man%/*}/stores.conf.5" "the man page of stores.conf is clean"
	good mandoc -T lint -W warning "$man" "the man page is clean"
	good mandoc -T lint -W warning "${pages[@]}" "those of the library too"
fi
good bash -n "$completion" "the completion is bash"
: >"$scratch/srv.store"
words=$(bash -c '. "$1"; COMP_WORDS=(shadowadm store attach /srv --store "$2"); COMP_CWORD=5; _shadowadm
	echo "${COMPREPLY[@]}"' - "$completion" "$scratch/srv")
is "$words" "$scratch/srv.store" "store attach --store completes files"

# completes WORDS...: what is offered for the last one, on a machine with one shadow
completes() {
	bash -c '. "$1"; shift
		shadowadm() { echo "${*: -1}"; }
		COMP_WORDS=(shadowadm "$@"); COMP_CWORD=$#; _shadowadm
		echo "${COMPREPLY[@]}"' - "$completion" "$@"
}

is "$(cd "$scratch" && completes expose '')" "DEVICE" "expose completes shadows only"
mkdir -p "$scratch/srv.dir"
is "$(completes expose /dev/shadow0 "$scratch/srv.d")" "$scratch/srv.dir" "... then a directory"
is "$(completes help store att)" "attach" "help completes verbs"
is "$(completes help volume f)" "find" "... of volume, too"

# --- install ---

good make -s -C "$userspace" install SAN=1 O="$BUILD" DESTDIR="$scratch/root" PREFIX=/usr "make install"
good env PKG_CONFIG_PATH="$scratch/root/usr/lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$scratch/root" \
	pkg-config --exists libshadowcopy "pkg-config finds the library"

# Examples are what others build: with what is installed, and nothing else.
flags=$(PKG_CONFIG_PATH=$scratch/root/usr/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$scratch/root \
	pkg-config --define-variable=prefix=/usr --cflags --libs libshadowcopy)
for example in "$userspace"/examples/*.c; do
	name=${example##*/}
	# shellcheck disable=SC2086 # words
	good cc -Wall -Wextra -Werror -fsanitize=address,undefined -o "$scratch/${name%.c}" \
		"$example" $flags "the example $name builds with what is installed"
done
is "$(($(grep -c . "$userspace/examples/writer.c") <= 60))" 1 "a writer has sixty lines"
good make -s -C "$userspace" uninstall SAN=1 O="$BUILD" DESTDIR="$scratch/root" PREFIX=/usr \
	"make uninstall"
is "$(find "$scratch/root" -type f -o -type l)" "" "nothing is left"

done_testing
