#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the same for ext2, ext3 and ext4 of other layouts
# DISKS: origin=128M
# TIMEOUT: 900

. "$(dirname "$0")/free.sh"

for kind in "ext2 -b 1024" "ext3 -b 2048" "ext4 -b 1024 -O meta_bg,^resize_inode" \
	"ext4 -O bigalloc -C 16384" "ext4 -O ^has_journal" "ext4 -O ^flex_bg,^metadata_csum,uninit_bg"; do
	read -ra options <<<"$kind"
	diag "mkfs.$kind"
	prove "${options[0]}" 24 40 "${options[@]:1}"
done
