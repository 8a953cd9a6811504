#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the netlink specification has what the header and the module have
# NATIVE

exec python3 "$(dirname "$0")/spec.py"
