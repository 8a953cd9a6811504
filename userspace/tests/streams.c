// SPDX-License-Identifier: GPL-2.0-only
/*
 * streams.c - makes streams of files, for tests in shell that have no module.
 *
 *	streams IMAGE SHADOW BASE|- LEVEL|none CHUNK TOKEN|- RUN...
 *
 * SHADOW and BASE are one digit, which their UUIDs are made of.  A RUN is d:FIRST:LENGTH, data, or
 * h:FIRST:LENGTH, a hole, in KiB; they are sent from the one in the token on.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../shadowadm/stream.h"

struct image {
	int fd;
	char **runs;
};

static int next_run(void *arg, struct send_run *run)
{
	struct image *image = arg;
	unsigned long long first, length;
	char kind;

	if (!*image->runs)
		return 0;
	if (sscanf(*image->runs++, "%c:%llu:%llu", &kind, &first, &length) != 3)
		return -EINVAL;
	*run = (struct send_run){
		.hole = kind == 'h', .offset = first << 10, .length = length << 10,
	};
	return 1;
}

static int read_image(void *arg, void *buf, size_t length, uint64_t offset)
{
	const struct image *image = arg;

	return pread(image->fd, buf, length, offset) == (ssize_t)length ? 0 : -EIO;
}

static int write_stdout(void *arg, struct iovec *parts, int count)
{
	int i;

	(void)arg;
	for (i = 0; i < count; i++)
		if (fwrite(parts[i].iov_base, 1, parts[i].iov_len, stdout) != parts[i].iov_len)
			return -EIO;
	return 0;
}

static void make_uuid(const char *digit, struct shadow_uuid *uuid)
{
	if (strcmp(digit, "-"))
		memset(uuid, (*digit - '0') * 17, sizeof(*uuid));
}

int main(int argc, char **argv)
{
	struct image image = { .runs = argv + 7 };
	struct send_source source = { .next = next_run, .read = read_image, .arg = &image };
	struct send_options options = { .threads = 2 };
	struct stream_info info = { .id = getpid(), .created_ns = 1, .volume = "/dev/test" };
	struct stream_token token;
	struct send_result result;
	struct stat st;

	if (argc < 7)
		return 2;
	image.fd = open(argv[1], O_RDONLY);
	if (image.fd < 0 || fstat(image.fd, &st) < 0)
		return 1;
	make_uuid(argv[2], &info.shadow);
	make_uuid(argv[3], &info.base);
	make_uuid("9", &info.stream);
	info.bytes = st.st_size;
	info.base_bytes = stream_is_incremental(&info) ? info.bytes : 0;
	options.level = strcmp(argv[4], "none") ? atoi(argv[4]) : STREAM_LEVEL_NONE;
	options.chunk = atoi(argv[5]);
	info.chunk_max = options.chunk;
	stream_begin(&info, &info.from);
	if (strcmp(argv[6], "-")) {
		if (!stream_token_parse(argv[6], &token))
			return 2;
		info.from = token.point;
		info.resumed = true;
	}
	if (stream_send(&info, &source, &options, write_stdout, NULL, NULL, NULL, &result)) {
		fprintf(stderr, "phase %d: %s\n", result.phase, strerror(-result.error));
		return 1;
	}
	return fflush(stdout) ? 1 : 0;
}
