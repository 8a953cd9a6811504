#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a bad sector of the origin is an error of the image there, and no loss
# EXPECT_LOG: critical medium error

. "$(dirname "$0")/fault.sh"
. "$(dirname "$0")/bad-disk.sh"

need_module
take "$BAD"
bad_sectors on
expect_fail 'No data available|Input/output error' dd if="$IMAGE" of=/dev/null bs=4k count=1 skip=256 iflag=direct
check "the rest before can be read" dd if="$IMAGE" of=/dev/null bs=4k count=256 iflag=direct status=none
check "and behind" dd if="$IMAGE" of=/dev/null bs=4k skip=257 iflag=direct status=none
is "$(shadow "$IMAGE" state)" created "the shadow is not lost"
bad_sectors off
check "all can be read afterwards" same seed:1 "$IMAGE"
drop "$IMAGE"
unload
