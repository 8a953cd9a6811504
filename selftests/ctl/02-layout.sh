#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: structures have no holes and one layout for 32 and 64 bits; the header is C and C++
# NATIVE

. "$(dirname "$0")/../lib.sh"

has gcc g++
header=$TREE/uapi/linux/shadow.h
flags=(-I"$TREE/uapi" -idirafter /usr/include/x86_64-linux-gnu -Wall -Wextra -Werror)

# compile COMPILER OPTION...: standard input, to nothing
compile() {
	"$1" "${flags[@]}" "${@:2}" -fsyntax-only -
}

# members: print "STRUCTURE MEMBER" of all members
members() {
	awk '
	/^struct [a-z_]+ \{/ { name = $2 }
	/^\};/ { name = "" }
	name != "" && /^\t/ && /;/ {
		sub(/;.*/, "")
		sub(/\[.*/, "")
		print name, $NF
	}' "$header"
}

# numbers: print the offsets and sizes, as a program for this machine finds them
numbers() {
	local name member

	{
		echo '#include <linux/shadow.h>'
		echo '#include <stddef.h>'
		echo '#include <stdio.h>'
		echo 'int main(void) {'
		while read -r name member; do
			printf 'printf("%%s %%s %%zu %%zu\\n", "%s", "%s", ' "$name" "$member"
			printf 'offsetof(struct %s, %s), sizeof(struct %s));\n' \
				"$name" "$member" "$name"
		done < <(members)
		echo 'return 0; }'
	} >"$SCRATCH/numbers.c"
	gcc "${flags[@]}" -o "$SCRATCH/numbers" "$SCRATCH/numbers.c"
	"$SCRATCH/numbers"
}

check "there are structures" [ "$(members | wc -l)" -gt 100 ]
for bits in -m64 -m32; do
	check "no holes, $bits" compile gcc $bits -Wpadded -std=c99 -pedantic -xc \
		<<<'#include <linux/shadow.h>'
done
numbers >"$SCRATCH/layout"
{
	echo '#include <linux/shadow.h>'
	echo '#include <stddef.h>'
	while read -r name member offset size; do
		echo "_Static_assert(offsetof(struct $name, $member) == $offset, \"$name.$member\");"
		echo "_Static_assert(sizeof(struct $name) == $size, \"$name\");"
	done <"$SCRATCH/layout"
} >"$SCRATCH/asserts.c"
for bits in -m64 -m32; do
	check "the layout is that of 64 bits, $bits" compile gcc $bits -xc <"$SCRATCH/asserts.c"
done
awk '$4 % 8 && $1 != "shadow_uuid" { print $1 }' "$SCRATCH/layout" | sort -u >"$SCRATCH/odd"
is "$(cat "$SCRATCH/odd")" "" "all sizes are multiples of eight"

# All command numbers are the same, too.
commands=$(grep -oE '^#define SHADOW_IOC_[A-Z_]+' "$header" | sed 's/^#define //; /_MAGIC/d')
{
	echo '#include <linux/shadow.h>'
	echo '#include <stdio.h>'
	echo 'int main(void) {'
	for command in $commands; do
		printf 'printf("%%s %%u\\n", "%s", (unsigned int)%s);\n' "$command" "$command"
	done
	echo 'return 0; }'
} >"$SCRATCH/commands.c"
gcc "${flags[@]}" -o "$SCRATCH/commands" "$SCRATCH/commands.c"
{
	echo '#include <linux/shadow.h>'
	"$SCRATCH/commands" | while read -r command number; do
		echo "_Static_assert((unsigned int)$command == ${number}U, \"$command\");"
	done
} >"$SCRATCH/numbers32.c"
check "commands have the same numbers, -m32" compile gcc -m32 -xc <"$SCRATCH/numbers32.c"
is "$("$SCRATCH/commands" | awk '{ print $2 }' | sort | uniq -d)" "" "no number is used twice"

for standard in c89 c99 c11 c17 gnu17; do
	check "it is $standard" compile gcc -std=$standard -xc <<<'#include <linux/shadow.h>'
done
for standard in c++98 c++11 c++17 c++20; do
	check "it is $standard" compile g++ -std=$standard -xc++ <<<'#include <linux/shadow.h>'
done
if command -v clang >/dev/null; then
	check "no holes for clang" compile clang -Wpadded -xc <<<'#include <linux/shadow.h>'
fi
