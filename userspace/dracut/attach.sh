#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Dracut runs this when the root filesystem's device is there and nothing was written to it:
# attach the stores of persistent shadows.  A hibernated system was resumed before, if there was
# one.  Whatever happens, the boot goes on.

shadowcopy_attach() {
	shadowadm store attach --all --no-wait --timeout 60 "$@" 2>&1
}

shadowcopy_boot() {
	if ! getargbool 1 shadowcopy.attach; then
		info "shadowcopy: persistent shadows are not attached, as the command line says"
		return
	fi
	# The module is loaded only where it is needed.  Without stores.conf nothing will be
	# waited for.
	if [ ! -e /etc/shadowcopy/stores.conf ] &&
		[ "$(shadowcopy_attach)" = "there is no store to attach" ]; then
		return
	fi
	modprobe -q shadow
	# The root filesystem's store is waited for; others may come later.
	if [ -b "${root#block:}" ] &&
		! shadowcopy_text=$(shadowcopy_attach --quiet --volume "${root#block:}" --wait 10); then
		warn "shadowcopy: $shadowcopy_text"
	fi
	shadowcopy_text=$(shadowcopy_attach)
	info "shadowcopy: $shadowcopy_text"
	# What is being reverted can be mounted only when that is done.
	case $(shadowadm revert --status --json 2>/dev/null) in
	*'"running"'*)
		warn "shadowcopy: a volume is being reverted: the boot goes on when that is done"
		shadowadm store attach --all
		;;
	esac
}

shadowcopy_boot
unset -f shadowcopy_attach shadowcopy_boot
unset shadowcopy_text
