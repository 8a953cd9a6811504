/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * durable_text.h - entries of the log of a durable store in words.  Needs the shim.
 */
#ifndef SHADOWADM_DURABLE_TEXT_H
#define SHADOWADM_DURABLE_TEXT_H

#include "../../kmod/format.h"

#define DURABLE_TEXT 256

char *durable_text(const struct shadow_item *item, char buf[DURABLE_TEXT]);

#endif /* SHADOWADM_DURABLE_TEXT_H */
