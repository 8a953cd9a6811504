#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Dracut runs this when the root filesystem's device is there and nothing was written to it: attach
# the stores of persistent shadows.  A hibernated system was resumed before, if there was one.
# Whatever happens, the boot goes on.

shadowcopy_attach() {
	local text device=${root#block:}

	if ! getargbool 1 shadowcopy.attach; then
		info "shadowcopy: persistent shadows are not attached, as the command line says"
		return
	fi
	modprobe -q shadow
	# The root filesystem's store is waited for; others may come later.
	if [ -b "$device" ] && ! text=$(shadowadm store attach --all --timeout 60 --quiet \
		--volume "$device" --wait 10 2>&1); then
		warn "shadowcopy: $text"
	fi
	text=$(shadowadm store attach --all --timeout 60 2>&1)
	info "shadowcopy: $text"
}

shadowcopy_attach
unset -f shadowcopy_attach
