#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: takes for ever, and will not be told to stop
# MEM: 384
# TIMEOUT: 2

trap '' TERM
while :; do
	sleep 1
done
