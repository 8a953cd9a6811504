// SPDX-License-Identifier: GPL-2.0-only
/*
 * Write 4 KiB blocks by io_uring, all in flight at once as far as the ring goes,
 * and say what became of them and how long their submitter was kept.
 *
 *	uring [--nowait] [--poll] [--depth N] [--stride BLOCKS] DEVICE FIRST COUNT SEED
 *
 * Block FIRST + i * STRIDE gets data that depends on its position and SEED.  With
 * --nowait each is submitted with RWF_NOWAIT, and those that are answered EAGAIN
 * are written again without, at the end.  Prints
 *
 *	done=N eagain=N errors=N submit_ms=N total_ms=N
 *
 * where submit_ms is the longest single io_uring_enter() that did not wait.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <liburing.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BLOCK 4096

static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static void make(char *block, uint64_t seed, uint64_t offset)
{
	uint64_t *words = (uint64_t *)block;
	size_t i;

	for (i = 0; i < BLOCK / 8; i++)
		words[i] = mix(mix(seed) ^ (offset + i * 8));
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "nowait", no_argument, NULL, 'n' },
		{ "poll", no_argument, NULL, 'p' },
		{ "depth", required_argument, NULL, 'd' },
		{ "stride", required_argument, NULL, 's' },
		{ 0 }
	};
	unsigned int depth = 64, inflight = 0, done = 0, eagain = 0, errors = 0;
	uint64_t first, count, seed, stride = 1, next = 0, i;
	int option, nowait = 0, poll = 0, fd, rc;
	double begin, longest = 0;
	struct io_uring ring;
	unsigned char *again;
	char *data;

	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1)
		switch (option) {
		case 'n':
			nowait = 1;
			break;
		case 'p':
			poll = 1;
			break;
		case 'd':
			depth = atoi(optarg);
			break;
		case 's':
			stride = strtoull(optarg, NULL, 0);
			break;
		default:
			return 2;
		}
	if (argc - optind != 4)
		errx(2, "usage: uring [OPTION...] DEVICE FIRST COUNT SEED");
	first = strtoull(argv[optind + 1], NULL, 0);
	count = strtoull(argv[optind + 2], NULL, 0);
	seed = strtoull(argv[optind + 3], NULL, 0);
	fd = open(argv[optind], O_RDWR | O_DIRECT);
	if (fd < 0)
		err(1, "%s", argv[optind]);
	data = aligned_alloc(BLOCK, count * BLOCK);
	again = calloc(count, 1);
	if (!data || !again)
		err(1, "memory");
	rc = io_uring_queue_init(depth, &ring, poll ? IORING_SETUP_IOPOLL : 0);
	if (rc)
		errx(1, "io_uring: %s", strerror(-rc));

	begin = now_ms();
	while (next < count || inflight) {
		struct io_uring_cqe *cqe;
		double start;

		while (next < count && inflight < depth) {
			uint64_t offset = (first + next * stride) * BLOCK;
			struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

			make(data + next * BLOCK, seed, offset);
			io_uring_prep_write(sqe, fd, data + next * BLOCK, BLOCK, offset);
			sqe->rw_flags = nowait ? RWF_NOWAIT : 0;
			io_uring_sqe_set_data64(sqe, next);
			next++;
			inflight++;
			start = now_ms();
			rc = io_uring_submit(&ring);
			if (rc < 0)
				errx(1, "submit: %s", strerror(-rc));
			if (now_ms() - start > longest)
				longest = now_ms() - start;
		}
		rc = io_uring_wait_cqe(&ring, &cqe);
		if (rc == -EINTR || rc == -EAGAIN)
			continue;
		if (rc)
			errx(1, "wait: %s", strerror(-rc));
		if (cqe->res == BLOCK) {
			done++;
		} else if (cqe->res == -EAGAIN) {
			eagain++;
			again[io_uring_cqe_get_data64(cqe)] = 1;
		} else {
			errors++;
			fprintf(stderr, "write: %s\n", strerror(-cqe->res));
		}
		io_uring_cqe_seen(&ring, cqe);
		inflight--;
	}
	printf("done=%u eagain=%u errors=%u submit_ms=%.0f total_ms=%.0f\n", done, eagain, errors,
	       longest, now_ms() - begin);
	for (i = 0; i < count; i++)
		if (again[i] && pwrite(fd, data + i * BLOCK, BLOCK,
				       (first + i * stride) * BLOCK) != BLOCK)
			err(1, "writing again");
	return errors ? 1 : 0;
}
