#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: shadowd is started by the socket, and with --idle ends when nobody needs it (A-04)
# TIMEOUT: 200

. "$(dirname "$0")/protocol.sh"

need_module
export SHADOWD_SOCKET=$SCRATCH/socket
bg 180 systemd-socket-activate --seqpacket --listen="$SHADOWD_SOCKET" "$(command -v shadowd)" --idle 12 \
	>"$SCRATCH/shadowd" 2>&1
wait_for 20 test -S "$SHADOWD_SOCKET"
is "$(pgrep -cx shadowd)" 0 "it does not run before somebody connects"
requester init-backup status
is "$(answer 2 .result.state)" initialised "somebody connects, and is answered"
mkfifo "$SCRATCH/fifo"
bg 60 bash -c "exec python3 -IS '$TREE/selftests/protocol/requester.py' init-backup hold <'$SCRATCH/fifo'" >/dev/null
exec 9>"$SCRATCH/fifo"
sleep 30
is "$(pgrep -cx shadowd)" 1 "it stays while a session is open"
exec 9>&-
wait_for 40 eval '! pgrep -x shadowd >/dev/null'
ok "and ends when nobody was there for a while"
check_refusal() {
	local status=0 said

	said=$(shadowd "$@" 2>&1) || status=$?
	is "$status" 2 "refused: $*"
	diag "$said"
}
check_refusal --idle 4
check_refusal --idle x
check_refusal --idle 999999
