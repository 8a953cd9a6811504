// SPDX-License-Identifier: GPL-2.0-only
/*
 * free_swap.c - swap: all behind its header is worth nothing after the instant (VSS J-19).
 *
 * A swap area that holds the image of a machine at rest has another signature.
 */
#include <fcntl.h>
#include <unistd.h>

#include "free_space.h"

#define SIGNATURE	"SWAPSPACE2"
#define PAGE_MAX	65536

int free_space_swap(struct free_space *space)
{
	static char head[PAGE_MAX];
	const uint32_t *words = (const uint32_t *)(head + 1024);	/* version, last page */
	int fd = open(space->path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : pread(fd, head, sizeof(head), 0);
	size_t page, length = strlen(SIGNATURE);

	if (fd >= 0)
		close(fd);
	for (page = 4096; got >= (ssize_t)page && page <= PAGE_MAX; page *= 2)
		if (!memcmp(head + page - length, SIGNATURE, length)) {
			if (words[0] != 1 || !words[1])
				break;
			return free_space_add(space, page, (uint64_t)words[1] * page);
		}
	return free_space_unknown(space, -EINVAL, "its header is not understood");
}
