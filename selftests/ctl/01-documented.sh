#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: commands and errors in the header, in ioctl.rst and in the tests are the same
# NATIVE

. "$(dirname "$0")/../lib.sh"

document=$TREE/Documentation/uapi/ioctl.rst
header=$TREE/uapi/linux/shadow.h

# documented: print "SECTION ERRNO REASON" of each error in the document
documented() {
	awk '
	function section(name) {
		if (name ~ /^SHADOW_IOC_[A-Z_]+$/)
			return substr(name, 12)
		return name == "Common to all" ? "COMMON" : name == "Set descriptors" ? "STEP" : ""
	}
	/^(===+|---+)$/ && section(before) != "" { name = section(before) }
	/^E[A-Z0-9]+(, E[A-Z0-9]+)*( \([A-Z_, 0-9]+\))?$/ {
		reasons = "NONE"
		errnos = $0
		if (match($0, / \(.*\)$/)) {
			errnos = substr($0, 1, RSTART - 1)
			reasons = substr($0, RSTART + 2, RLENGTH - 3)
		}
		n = split(errnos, errno, ", ")
		m = split(reasons, reason, ", ")
		for (i = 1; i <= n; i++)
			for (j = 1; j <= m; j++)
				print name, errno[i], reason[j]
	}
	{ before = $0 }' "$document" | sort -u
}

# tested WORD: print "SECTION ERRNO REASON" of each row, or comment, that begins so
tested() {
	grep -hoE "$1 ?[A-Z_]+, E[A-Z0-9]+, [A-Z_]+" "$TREE"/selftests/tools/ctl_*.c |
		sed -E "s/^$1 ?//; s/,//g" | sort -u
}

# Whose errors a command can return besides its own and those of COMMON.
parents() {
	case $1 in
	SET_ADD) echo STEP VOLUME_TRACK ;;
	STORE_ADD) echo SET_ADD ;;
	STORE_ATTACH) echo SET_ADD VOLUME_TRACK ;;
	SET_TAKE) echo STEP SET_HOLD ;;
	SET_HOLD | SET_RELEASE | SET_KEEP) echo STEP ;;
	esac
}

mapfile -t errors < <(documented)
mapfile -t cases < <(tested 'CASE\(')
mapfile -t excuses < <(tested 'no case:')
check "the document was understood" [ "${#errors[@]}" -gt 40 ]

missing=$(comm -23 <(printf '%s\n' "${errors[@]}") \
	<(printf '%s\n' "${cases[@]}" "${excuses[@]}" | sort -u))
is "$missing" "" "each documented error has a case, or a comment that says why not"
is "$(comm -12 <(printf '%s\n' "${cases[@]}") <(printf '%s\n' "${excuses[@]}"))" "" \
	"none has both"

for line in "${cases[@]}" "${excuses[@]}"; do
	read -r section error reason <<<"$line"
	found=
	for from in "$section" $(parents "$section"); do
		for known in "${errors[@]}"; do
			[ "$known" != "$from $error $reason" ] || found=yes
		done
	done
	[ -n "$found" ] || not_ok "documented: $line"
done
ok "each case is of a documented error"

mapfile -t commands < <(grep -oE '^#define SHADOW_IOC_[A-Z_]+' "$header" |
	sed 's/^#define //; /_MAGIC$/d' | sort -u)
check "the header was understood" [ ${#commands[@]} -ge 13 ]
is "$(grep -B1 -E '^---+$' "$document" | grep -oE '^SHADOW_IOC_[A-Z_]+$' | sort)" \
	"$(printf '%s\n' "${commands[@]}")" "each command of the header has a section, and no other"
for command in "${commands[@]}"; do
	name=${command#SHADOW_IOC_}
	check "$name is in the table of wrong arguments" grep -qE \
		"\.name = \"$name\"|^	STEP\($name\)|^	TRACK\($name," \
		"$TREE/selftests/tools/ctl_args.c"
done

mapfile -t names < <(grep -oE 'SHADOW_(REASON|PHASE|SET|ADD)_[A-Z0-9_]+' "$document" |
	sort -u)
for name in "${names[@]}"; do
	grep -q "\\b$name\\b" "$header" || not_ok "$name is in the header"
done
for reason in $(printf '%s\n' "${errors[@]}" | awk '{ print $3 }' | sort -u); do
	grep -q "\\bSHADOW_REASON_$reason\\b" "$header" || not_ok "there is a reason $reason"
done
ok "names in the document are those of the header"
