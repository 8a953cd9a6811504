// SPDX-License-Identifier: GPL-2.0-only
/*
 * store.c - writes a durable store to standard output, for shell scripts and the fuzzer.
 *
 *	store sample		one that is sound
 *	store damaged		one of which blocks are missing
 *	store blocks		the blocks of the first that count, one after the other
 */
#include <stdio.h>
#include <string.h>

#include "image.h"

static size_t put(const void *bytes, size_t length)
{
	return fwrite(bytes, 1, length, stdout);
}

int main(int argc, char **argv)
{
	struct image image;
	unsigned int i;

	if (argc != 2)
		return 2;
	image_sample(&image);
	if (!strcmp(argv[1], "damaged"))
		image_block(&image, 3)->entry[0].value ^= 1;
	if (strcmp(argv[1], "blocks")) {
		put(image.bytes, IMAGE_BYTES);
	} else {
		for (i = 0; i < SHADOW_DISK_HEADERS; i++)
			put(image_header(&image, i), SHADOW_DISK_BLOCK);
		put(image_block(&image, 0), IMAGE_BLOCKS * SHADOW_DISK_BLOCK);
	}
	image_free(&image);
	return fflush(stdout) ? 1 : 0;
}
