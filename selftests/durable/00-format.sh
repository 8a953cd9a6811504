#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the document of the format of durable stores, and the header, say the same
# NATIVE

. "$(dirname "$0")/../lib.sh"

has gcc
document=$TREE/Documentation/store-format.rst
header=$TREE/uapi/linux/shadow_store.h

# said: print "STRUCTURE MEMBER OFFSET BYTES" of all members in the document
said() {
	awk '
	match($0, /^`*struct shadow_disk_[a-z]+`*|`+struct shadow_disk_[a-z]+`+/) {
		name = substr($0, RSTART, RLENGTH)
		gsub(/`|struct /, "", name)
	}
	/^[0-9]+ +[0-9]+ +``[a-z_0-9]+``/ {
		gsub(/`/, "", $3)
		print name, $3, $1, $2
	}' "$document"
}

# members: print "STRUCTURE MEMBER" of all members in the header
members() {
	awk '
	/^struct shadow_disk_[a-z]+ \{/ { name = $2 }
	/^\};/ { name = "" }
	name != "" && name != "shadow_disk_entry" && /^\t/ && /;/ {
		sub(/;.*/, "")
		sub(/\[.*/, "")
		print name, $NF
	}' "$header"
}

# meant: as said(), by the compiler
meant() {
	local name member

	{
		echo '#include <linux/shadow_store.h>'
		echo '#include <stddef.h>'
		echo '#include <stdio.h>'
		echo 'int main(void) {'
		while read -r name member; do
			printf 'printf("%%s %%s %%zu %%zu\\n", "%s", "%s", ' "$name" "$member"
			printf 'offsetof(struct %s, %s), sizeof((*(struct %s *)0).%s));\n' \
				"$name" "$member" "$name" "$member"
		done < <(members)
		echo 'return 0; }'
	} >"$SCRATCH/meant.c"
	gcc -I"$TREE/uapi" -o "$SCRATCH/meant" "$SCRATCH/meant.c"
	"$SCRATCH/meant"
}

# constant NAME: print what it is in the header
constant() {
	printf '#include <linux/shadow_store.h>\n#include <stdio.h>\n%s\n' \
		"int main(void) { printf(\"%llu\\n\", (unsigned long long)($1)); return 0; }" |
		gcc -I"$TREE/uapi" -xc -o "$SCRATCH/constant" -
	"$SCRATCH/constant"
}

check "the document was understood" [ "$(said | wc -l)" -gt 30 ]
is "$(said | sort)" "$(meant | sort)" "members, their offsets and sizes are the same"
is "$(awk '/^[0-9]+ +[A-Z_]+ /{ print $2, $1 }' "$document")" \
	"$(sed -n '/^enum shadow_disk_type/,/^}/s/^\tSHADOW_DISK_\([A-Z_]*\)\t*= \([0-9]*\),.*/\1 \2/p' "$header")" \
	"types of entries are the same"
is "$(sed -n 's/^\([0-9]\{5,\}\) .*/\1/p' "$document" | xargs)" \
	"$(constant SHADOW_DISK_HEADER_STEP) $(constant SHADOW_DISK_HEAD)" \
	"second header and block 0 are at the same place"
check "the magic" grep -q "\"$(sed -n 's/^#define SHADOW_DISK_MAGIC\t*"\(.*\)".*/\1/p' "$header")\"" "$document"
check "the number of entries" grep -q "at most $(constant SHADOW_DISK_LOG_ENTRIES)$" "$document"
check "the magic of the log" grep -qi "$(printf %x "$(constant SHADOW_DISK_LOG_MAGIC)")" "$document"
is "$(constant 'SHADOW_DISK_COMPAT | SHADOW_DISK_RO_COMPAT | SHADOW_DISK_INCOMPAT')" 0 \
	"no feature is known, as it says"
