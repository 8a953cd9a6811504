#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: structures have no holes and one layout for 32 and 64 bits; the headers are C and C++
# NATIVE

. "$(dirname "$0")/../lib.sh"

has gcc g++
header=$TREE/uapi/linux/shadow.h
headers=("$header" "$TREE/uapi/linux/shadow_store.h")
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
	}' "${headers[@]}"
}

# includes: print the lines that include the headers
includes() {
	printf '#include <linux/%s>\n' "${headers[@]##*/}"
}

# numbers: print the offsets and sizes, as a program for this machine finds them
numbers() {
	local name member

	{
		includes
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
	check "no holes, $bits" compile gcc $bits -Wpadded -std=c99 -pedantic -xc < <(includes)
done
numbers >"$SCRATCH/layout"
{
	includes
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
is "$(awk '$1 ~ /_disk_(header|log)$/ { print $4 }' "$SCRATCH/layout" | sort -u)" 4096 \
	"what lies on devices has the size of a block"
check "a shadow takes as many entries as are said" compile gcc -xc <<-'END'
	#include <linux/shadow_store.h>
	_Static_assert(sizeof(struct shadow_disk_epoch) ==
		       SHADOW_DISK_EPOCH_ENTRIES * sizeof(struct shadow_disk_entry), "entries");
END

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
	check "they are $standard" compile gcc -std=$standard -xc < <(includes)
done
for standard in c++98 c++11 c++17 c++20; do
	check "they are $standard" compile g++ -std=$standard -xc++ < <(includes)
done
if command -v clang >/dev/null; then
	check "no holes for clang" compile clang -Wpadded -xc < <(includes)
fi
