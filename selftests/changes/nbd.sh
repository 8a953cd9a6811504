# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What tests of nbdkit's plugin share.

. "$(dirname "$0")/changes.sh"

PLUGIN=$TREE/userspace/build/nbdkit-shadow-plugin.so
[ -e "$PLUGIN" ] || skip "the plugin was not built: no nbdkit-plugin-dev"
has nbdkit nbdinfo nbdcopy qemu-img
/usr/bin/python3 -c 'import nbd' 2>/dev/null || skip "no libnbd for Python"

# serve [PARAMETER...]: a server runs until stop_serving, or the end; $URI is its address
serve() {
	local socket=$SCRATCH/nbd-$RANDOM.socket

	bg 200 nbdkit --foreground -U "$socket" "$PLUGIN" "$@" 2>>"$SCRATCH/nbdkit"
	SERVER=$BG
	SOCKET=$socket
	URI="nbd+unix:///?socket=$socket"
	wait_for 20 [ -S "$socket" ]
}

stop_serving() {
	bg_stop "$SERVER"
}

# export_uri NAME: print the address of an export by its name
export_uri() {
	echo "nbd+unix:///$1?socket=$SOCKET"
}

# extents [URI]: print first byte, bytes and type (0: data, 1: hole, 3: hole and zeros) of each
extents() {
	nbdinfo --map --json "${1:-$URI}" | jq -r '.[] | "\(.offset) \(.length) \(.type)"'
}

# expected SHADOW [SINCE]: the same, of what the module tells
expected() {
	local want=F

	[ $# -eq 1 ] || want=CFW
	delta runs $want "$@" | awk -v since="${2:-}" -v size="$(blockdev --getsize64 "$ORIGIN")" '
		function type(state) {
			free = state ~ /F/
			if (since != "" && state !~ /C/ && free == (state ~ /W/))
				return 1
			return free ? 3 : 0
		}
		function put(first, bytes, kind) {
			if (!bytes)
				return
			if (count && kind == last) {
				length_of += bytes
				return
			}
			if (count++)
				print begin, length_of, last
			begin = first; length_of = bytes; last = kind
		}
		BEGIN { at = 0 }
		{ put(at, $1 - at, type("")); put($1, $2, type($3)); at = $1 + $2 }
		END { put(at, size - at, type("")); print begin, length_of, last }'
}

# bytes_of_type TYPE: print how many bytes of it are in what extents() prints
bytes_of_type() {
	awk -v type="$1" '$3 == type { n += $2 } END { print n + 0 }'
}

# is_image FILE IMAGE: the file is the image, to the last byte
is_image() {
	[ "$(stat -c %s "$1")" = "$(blockdev --getsize64 "$2")" ] && ora_compare "$2" "$1"
}
