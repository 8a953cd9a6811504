#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: block maps, indexes and epochs, in user space against a model
# NATIVE

exec "$(dirname "$0")/run.sh"
