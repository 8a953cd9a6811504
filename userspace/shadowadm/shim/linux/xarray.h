/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_XARRAY_H
#define SHIM_LINUX_XARRAY_H

/* A member of what is declared, and not used. */
struct xarray {
	void *nothing;
};

#endif /* SHIM_LINUX_XARRAY_H */
