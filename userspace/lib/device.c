// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * device.c - the system calls that reach the module.
 *
 * Nothing else in the library opens the control device or calls ioctl() on it,
 * so a program that links its own sc_device_open() and sc_device_ioctl() before
 * the static library talks to a module of its own making; the tests do.
 */
#include <fcntl.h>
#include <sys/ioctl.h>

#include "private.h"

int sc_device_open(void)
{
	int fd = open("/dev/" SHADOW_CONTROL_NAME, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int sc_device_ioctl(int fd, unsigned long request, void *argument)
{
	return ioctl(fd, request, argument) < 0 ? -errno : 0;
}
