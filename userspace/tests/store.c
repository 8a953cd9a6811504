// SPDX-License-Identifier: GPL-2.0-only
/*
 * store.c - writes a durable store to standard output, for shell scripts and the fuzzer.
 *
 *	store sample		one that is sound
 *	store damaged		one of which blocks are missing
 *	store failed		one that could not be written for a while
 *	store dump		one with a dump
 *	store saved		one in which it is saved what has changed
 *	store spoilt		the same, damaged
 *	store blocks KIND	the blocks of such a one that count, one after the other
 */
#include <stdio.h>
#include <string.h>

#include "image.h"

static size_t put(const void *bytes, size_t length)
{
	return fwrite(bytes, 1, length, stdout);
}

static void fail(struct image *image)
{
	unsigned int i;

	for (i = 0; i < SHADOW_DISK_HEADERS; i++)
		image_header(image, i)->flags = cpu_to_le32(SHADOW_DISK_FAILED);
	image_seal(image);
}

static void dump(struct image *image)
{
	image_new(image);
	image_dump(image, 40);
	image_epoch(image, 1, SHADOW_DISK_PERSISTENT);
	image_entry(image, SHADOW_DISK_COMPLETE, 0, 1);
	image_entry(image, SHADOW_DISK_AT, 0, 1);
	image_extent(image, 10, 4, 20);
	image_end(image, true);
	image_dump_end(image);
	image_entry(image, SHADOW_DISK_AT, 0, 1);
	image_extent(image, 10, 4, 20);
	image_extent(image, 20, 1, 24);
	image_end(image, true);
}

int main(int argc, char **argv)
{
	bool blocks = argc == 3 && !strcmp(argv[1], "blocks");
	const char *kind = argv[argc - 1];
	struct image image;
	unsigned int i;

	if (argc != 2 && !blocks)
		return 2;
	if (!strcmp(kind, "dump"))
		dump(&image);
	else if (!strcmp(kind, "saved") || !strcmp(kind, "spoilt"))
		image_saved_sample(&image);
	else
		image_sample(&image);
	if (!strcmp(kind, "damaged"))
		image_block(&image, 3)->entry[0].value ^= 1;
	else if (!strcmp(kind, "failed"))
		fail(&image);
	else if (!strcmp(kind, "spoilt"))
		image.chunk->reserved ^= 1;
	if (!blocks) {
		put(image.bytes, IMAGE_BYTES);
	} else {
		for (i = 0; i < SHADOW_DISK_HEADERS; i++)
			put(image_header(&image, i), SHADOW_DISK_BLOCK);
		put(image_block(&image, 0), IMAGE_BLOCKS * SHADOW_DISK_BLOCK);
	}
	image_free(&image);
	return fflush(stdout) ? 1 : 0;
}
