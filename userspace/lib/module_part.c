// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * module_part.c - the parts of stores, as the module has them.
 */
#include "private.h"

SC_EXPORT int shadowcopy_part_next(struct shadowcopy *sc, struct shadow_store_info *info)
{
	struct shadow_store_info next = { .cursor = info->cursor };
	int rc = shadowcopy_connect(sc);

	if (rc)
		return rc;
	rc = sc_device_ioctl(sc->fd, SHADOW_IOC_STORE_NEXT, &next);
	if (rc == -ENOENT)
		return 0;
	if (rc)
		return SC_FAIL(sc, rc, .action = "list the parts of stores");
	*info = next;
	return 1;
}
