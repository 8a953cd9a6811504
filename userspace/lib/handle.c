// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * handle.c - the handle: making it, and its connection to the control device.
 */
#include <unistd.h>

#include "private.h"

#define CONTROL_PATH "/dev/" SHADOW_CONTROL_NAME

SC_EXPORT struct shadowcopy *shadowcopy_new(void)
{
	struct shadowcopy *sc = calloc(1, sizeof(*sc));

	if (!sc)
		return NULL;
	sc->fd = -1;
	sc->error = (struct shadowcopy_error){
		.action = "", .object = "", .cause = "", .remedy = "", .text = "",
	};
	return sc;
}

SC_EXPORT void shadowcopy_free(struct shadowcopy *sc)
{
	size_t i;

	if (!sc)
		return;
	if (sc->fd >= 0)
		close(sc->fd);
	for (i = 0; i < ARRAY_SIZE(sc->error_strings); i++)
		free(sc->error_strings[i]);
	free(sc->sysroot);
	sc_providers_free(sc);
	free(sc);
}

SC_EXPORT void shadowcopy_close(struct shadowcopy *sc)
{
	shadowcopy_free(sc);
}

SC_EXPORT int shadowcopy_open(struct shadowcopy **scp)
{
	*scp = shadowcopy_new();
	return *scp ? shadowcopy_connect(*scp) : -ENOMEM;
}

SC_EXPORT int shadowcopy_set_sysroot(struct shadowcopy *sc, const char *dir)
{
	char *copy = strdup(dir);

	if (!copy)
		return SC_FAIL(sc, -ENOMEM, .action = "set the system root");
	free(sc->sysroot);
	sc->sysroot = copy;
	return 0;
}

SC_EXPORT const char *shadowcopy_version(void)
{
	return SHADOWCOPY_VERSION;
}

static int open_failed(struct shadowcopy *sc, int code)
{
	struct sc_failure failure = { .action = "open", .object = CONTROL_PATH };

	switch (-code) {
	case ENOENT:
	case ENXIO:
	case ENODEV:
		failure.cause = "the kernel module \"shadow\" is not loaded";
		failure.remedy = "load it with \"modprobe shadow\"; where that fails, "
				 "\"shadowadm doctor\" tells why";
		break;
	case EACCES:
	case EPERM:
		failure.cause = "only root may control shadow copies";
		failure.remedy = "run it as root, for example with sudo";
		break;
	}
	return sc_fail(sc, code, &failure);
}

SC_EXPORT bool shadowcopy_is_loaded(const struct shadowcopy *sc)
{
	return sc->fd >= 0 || sc_exists(sc, "/sys/module/shadow");
}

SC_EXPORT int shadowcopy_connect(struct shadowcopy *sc)
{
	struct shadow_info info = { 0 };
	int rc;

	if (sc->fd >= 0)
		return 0;
	sc->fd = sc_device_open();
	if (sc->fd < 0) {
		rc = sc->fd;
		sc->fd = -1;
		return open_failed(sc, rc);
	}

	rc = sc_device_ioctl(sc->fd, SHADOW_IOC_INFO, &info);
	if (!rc && info.abi_version >= SHADOW_ABI_VERSION)
		return 0;

	close(sc->fd);
	sc->fd = -1;
	if (rc == -EPERM || rc == -EACCES)
		return open_failed(sc, rc);
	if (rc && rc != -ENOTTY)
		return SC_FAIL(sc, rc, .action = "ask the module for its version on",
			       .object = CONTROL_PATH);
	return SC_FAIL(sc, -EPROTO, .action = "work with the loaded module on",
		       .object = CONTROL_PATH,
		       .cause = "it speaks another version of the interface than this program",
		       .remedy = "install module and tools of the same release, then reload the "
				 "module: \"modprobe -r shadow && modprobe shadow\"");
}

SC_EXPORT int shadowcopy_info(struct shadowcopy *sc, struct shadow_info *info)
{
	int rc = shadowcopy_connect(sc);

	if (rc)
		return rc;
	memset(info, 0, sizeof(*info));
	rc = sc_device_ioctl(sc->fd, SHADOW_IOC_INFO, info);
	if (rc)
		return SC_FAIL(sc, rc, .action = "read the module's properties");
	return 0;
}
