#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What "make demo" shows.  Runs in the virtual machine.

set -eu

uname -a
