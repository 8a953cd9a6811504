/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * making.h - the steps of a set that may block.
 */
#ifndef SHADOWD_MAKING_H
#define SHADOWD_MAKING_H

#include "shadowd.h"

/* In this order; a failure is in making->failure, with making->rc not 0. */
void making_plan(struct work *work);
void making_sync(struct work *work);
void making_take(struct work *work);
void making_list(struct work *work);
void making_trim(struct work *work);
void making_seal(struct work *work);
void making_finish(struct work *work);

/* After any of them. */
void making_release(struct work *work);

#endif /* SHADOWD_MAKING_H */
