/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * volume.h - the verbs of "shadowadm volume" that have a table of their own.
 */
#ifndef SHADOWADM_VOLUME_H
#define SHADOWADM_VOLUME_H

#include "shadowadm.h"

extern const struct command volume_candidates, volume_find, volume_tracking;

#endif /* SHADOWADM_VOLUME_H */
