/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_GFP_H
#define SHIM_LINUX_GFP_H

typedef unsigned int gfp_t;

#endif /* SHIM_LINUX_GFP_H */
