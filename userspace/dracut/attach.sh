#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Dracut runs this when the root filesystem's device is there and nothing was written to it: attach
# the stores of persistent shadows.  A hibernated system was resumed before, if there was one.
# Whatever happens, the boot goes on.

shadowcopy_attach() {
	if ! getargbool 1 shadowcopy.attach; then
		info "shadowcopy: persistent shadows are not attached, as the command line says"
		return
	fi
	modprobe -q shadow
	# The root filesystem's store is waited for; others may come later.
	if [ -b "${root#block:}" ] && ! shadowcopy_text=$(shadowadm store attach --all --timeout 60 --quiet \
		--volume "${root#block:}" --wait 10 2>&1); then
		warn "shadowcopy: $shadowcopy_text"
	fi
	shadowcopy_text=$(shadowadm store attach --all --timeout 60 2>&1)
	info "shadowcopy: $shadowcopy_text"
}

shadowcopy_attach
unset -f shadowcopy_attach
unset shadowcopy_text
