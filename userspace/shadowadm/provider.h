/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * provider.h - the verbs of "shadowadm provider".
 */
#ifndef SHADOWADM_PROVIDER_H
#define SHADOWADM_PROVIDER_H

#include "table.h"

extern const struct table provider_list_table;
extern const struct command provider_list;

#endif /* SHADOWADM_PROVIDER_H */
