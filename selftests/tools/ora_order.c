// SPDX-License-Identifier: GPL-2.0-only
/*
 * Numbered records, each made durable on one volume before the next is written
 * on the other; and the proof that two images taken at one instant agree.
 *
 *	ora_order write A B		write records until killed
 *	ora_order check A B		look at records on images of A and B
 *	ora_order sets A B COUNT	write, and meanwhile make, check and delete
 *					COUNT sets of both volumes
 *
 * A and B are devices, or directories, in which each chain has a file.  There
 * are CHAINS chains of records; record n of a chain is on A if n is even, and
 * on B if it is odd, in a ring of RING blocks.  If the newest record that an
 * image pair shows is n, then so are n-1, n-2 ... as far as the rings go back.
 * "sets" also proves that no record is missing that was durable before the set
 * was taken, and that none is there that was begun after it.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <linux/shadow.h>

#define BLOCK 4096
#define CHAINS 4
#define RING 8
#define NOISE 2				/* threads that write elsewhere */
#define NOISE_FROM (CHAINS * RING * BLOCK)
#define MAGIC 0x73686164736574ULL
#define SHOWN 8				/* faults that are told one by one */

struct record {
	uint64_t magic, chain, n, sum;
	uint64_t filler[(BLOCK - 32) / 8];
};

static const char *volume[2];
static atomic_bool stop;
static unsigned int shown;
static atomic_uint_fast64_t begun[CHAINS], durable[CHAINS];

static uint64_t sum_of(const struct record *r)
{
	uint64_t sum = r->magic ^ r->chain * 31 ^ r->n * 0x9e3779b97f4a7c15;

	for (size_t i = 0; i < sizeof(r->filler) / 8; i++)
		sum = sum * 0xbf58476d1ce4e5b9 + r->filler[i];
	return sum;
}

/* Open the place of a chain on a volume; @base: its offset. */
static int open_chain(const char *path, int chain, int flags, off_t *base)
{
	struct stat st;
	char name[4096];
	int fd;

	if (stat(path, &st))
		err(2, "%s", path);
	if (S_ISDIR(st.st_mode)) {
		snprintf(name, sizeof(name), "%s/chain%d", path, chain);
		*base = 0;
	} else {
		snprintf(name, sizeof(name), "%s", path);
		*base = (off_t)chain * RING * BLOCK;
		flags = (flags & ~O_CREAT) | O_DIRECT;
	}
	fd = open(name, flags | O_CLOEXEC, 0600);
	if (fd < 0 && errno != ENOENT)
		err(2, "%s", name);
	return fd;
}

/* --- writing ------------------------------------------------------------ */

static void *write_chain(void *arg)
{
	struct record *r = aligned_alloc(BLOCK, sizeof(*r));
	uint64_t chain = (uintptr_t)arg;
	int fd[2];
	off_t base[2];

	for (int v = 0; v < 2; v++) {
		fd[v] = open_chain(volume[v], chain, O_RDWR | O_CREAT, &base[v]);
		if (fd[v] < 0)
			err(2, "%s", volume[v]);
	}
	for (uint64_t n = 0; !stop; n++) {
		int v = n % 2;

		*r = (struct record){ .magic = MAGIC, .chain = chain, .n = n };
		for (size_t i = 0; i < sizeof(r->filler) / 8; i++)
			r->filler[i] = n * i;
		r->sum = sum_of(r);
		begun[chain] = n;
		if (pwrite(fd[v], r, BLOCK, base[v] + (off_t)(n / 2 % RING) * BLOCK) != BLOCK ||
		    fdatasync(fd[v]))
			err(2, "writing a record");
		durable[chain] = n;
	}
	return NULL;
}

static void *write_noise(void *arg)
{
	uint64_t random = (uintptr_t)arg, size = 16 * BLOCK;
	char *data = aligned_alloc(BLOCK, size);
	struct stat st;
	int v = random % 2, fd;
	off_t end;

	if (stat(volume[v], &st) || !S_ISBLK(st.st_mode))
		return NULL;
	fd = open(volume[v], O_WRONLY | O_DIRECT | O_CLOEXEC);
	if (fd < 0)
		err(2, "%s", volume[v]);
	end = lseek(fd, 0, SEEK_END);
	while (!stop) {
		off_t at;

		random = random * 6364136223846793005 + 1442695040888963407;
		at = NOISE_FROM + (random >> 20) % ((end - NOISE_FROM) / size - 1) * size;
		memset(data, random >> 56, size);
		if (pwrite(fd, data, size, at) != (ssize_t)size)
			err(2, "writing noise");
		usleep(2000);
	}
	return NULL;
}

/* --- looking ------------------------------------------------------------ */

/* Fill @found with the numbers of the records in a chain's ring on a volume. */
static void read_ring(const char *path, int v, int chain, uint64_t *found)
{
	static _Alignas(BLOCK) struct record ring[RING];
	off_t base;
	int fd = open_chain(path, chain, O_RDONLY, &base);
	ssize_t n = 0;

	memset(ring, 0, sizeof(ring));
	if (fd >= 0) {
		n = pread(fd, ring, sizeof(ring), base);
		if (n < 0)
			err(2, "%s: reading", path);
		close(fd);
	}
	for (int i = 0; i < RING; i++) {
		const struct record *r = &ring[i];

		found[i] = UINT64_MAX;
		if (r->magic != MAGIC)
			continue;
		if (r->sum != sum_of(r) || r->chain != (uint64_t)chain ||
		    r->n % 2 != (uint64_t)v || r->n / 2 % RING != (uint64_t)i) {
			printf("# chain %d, image %d, block %d: not a whole record\n", chain, v, i);
			continue;
		}
		found[i] = r->n;
	}
}

/* Return: the newest record, UINT64_MAX for none; counts faults. */
static uint64_t check_chain(const char *const *image, int chain, unsigned int *faults)
{
	uint64_t found[2][RING], newest = UINT64_MAX, back;

	for (int v = 0; v < 2; v++) {
		read_ring(image[v], v, chain, found[v]);
		for (int i = 0; i < RING; i++)
			if (found[v][i] != UINT64_MAX &&
			    (newest == UINT64_MAX || found[v][i] > newest))
				newest = found[v][i];
	}
	if (newest == UINT64_MAX)
		return newest;
	/* One less than the rings hold: the oldest may be about to be overwritten. */
	for (back = 1; back <= newest && back < 2 * RING - 1; back++) {
		uint64_t n = newest - back;

		if (found[n % 2][n / 2 % RING] != n) {
			if (shown++ < SHOWN)
				printf("# chain %d: record %ju is there, %ju is not\n", chain,
				       (uintmax_t)newest, (uintmax_t)n);
			++*faults;
			break;
		}
	}
	return newest;
}

static int check(const char *const *image)
{
	unsigned int faults = 0;

	for (int chain = 0; chain < CHAINS; chain++) {
		uint64_t newest = check_chain(image, chain, &faults);

		if (newest == UINT64_MAX) {
			printf("# chain %d: no record\n", chain);
			faults++;
		} else {
			printf("# chain %d: record %ju\n", chain, (uintmax_t)newest);
		}
	}
	return faults != 0;
}

/* --- sets --------------------------------------------------------------- */

static void fault(const char *what, const struct shadow_fault *f)
{
	err(2, "%s: phase %u, reason %u", what, f->phase, f->reason);
}

static void add(int set, const char *path, struct shadow_uuid *uuid)
{
	struct shadow_set_add add = { .flags = SHADOW_ADD_SHADOW };
	struct stat st;

	if (stat(path, &st))
		err(2, "%s", path);
	add.dev.major = major(st.st_rdev);
	add.dev.minor = minor(st.st_rdev);
	if (ioctl(set, SHADOW_IOC_SET_ADD, &add))
		fault("adding", &add.fault);
	*uuid = add.shadow;
}

static void image_of(int control, const struct shadow_uuid *uuid, char *path, size_t size)
{
	struct shadow_shadow_info info = { 0 };

	while (!ioctl(control, SHADOW_IOC_SHADOW_NEXT, &info)) {
		__u64 cursor = info.cursor;

		if (!memcmp(&info.uuid, uuid, sizeof(*uuid))) {
			snprintf(path, size, "/dev/shadow%u", info.index);
			return;
		}
		memset(&info, 0, sizeof(info));
		info.cursor = cursor;
	}
	errx(2, "a shadow is not in the list");
}

/* Make a set, look, and delete it.  Return: faults. */
static unsigned int one_set(int control)
{
	struct shadow_set_new new = { .timeout_ms = 10000 };	/* goes when closed */
	struct shadow_set_step step = { 0 };
	uint64_t before[CHAINS], after[CHAINS];
	struct shadow_uuid uuid[2];
	unsigned int faults = 0;
	char path[2][32];
	const char *image[2] = { path[0], path[1] };

	if (ioctl(control, SHADOW_IOC_SET_NEW, &new))
		err(2, "SHADOW_IOC_SET_NEW");
	for (int v = 0; v < 2; v++)
		add(new.fd, volume[v], &uuid[v]);
	for (int c = 0; c < CHAINS; c++)
		before[c] = durable[c];
	if (ioctl(new.fd, SHADOW_IOC_SET_TAKE, &step))
		fault("taking", &step.fault);
	for (int c = 0; c < CHAINS; c++)
		after[c] = begun[c];
	for (int v = 0; v < 2; v++)
		image_of(control, &uuid[v], path[v], sizeof(path[v]));
	for (int c = 0; c < CHAINS; c++) {
		uint64_t newest = check_chain(image, c, &faults);

		if (newest < before[c] || newest > after[c]) {
			if (shown++ < SHOWN)
				printf("# chain %d: %ju; durable before %ju, begun after %ju\n",
				       c, (uintmax_t)newest, (uintmax_t)before[c],
				       (uintmax_t)after[c]);
			faults++;
		}
	}
	close(new.fd);
	return faults;
}

static int run_sets(int count)
{
	int control = open("/dev/" SHADOW_CONTROL_NAME, O_RDWR | O_CLOEXEC), bad = 0;
	uint64_t records = 0;

	if (control < 0)
		err(2, "/dev/" SHADOW_CONTROL_NAME);
	for (int c = 0; c < CHAINS; c++)
		while (durable[c] < 2 * RING)
			usleep(1000);
	for (int i = 0; i < count; i++)
		bad += one_set(control) != 0;
	for (int c = 0; c < CHAINS; c++)
		records += durable[c];
	printf("sets=%d records=%ju bad=%d\n", count, (uintmax_t)records, bad);
	return bad != 0;
}

int main(int argc, char **argv)
{
	static pthread_t threads[CHAINS + NOISE];
	int status;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 4)
		errx(2, "usage: ora_order write|check|sets A B [COUNT]");
	volume[0] = argv[2];
	volume[1] = argv[3];
	if (!strcmp(argv[1], "check"))
		return check(volume);
	for (uintptr_t i = 0; i < CHAINS + NOISE; i++)
		if (pthread_create(&threads[i], NULL, i < CHAINS ? write_chain : write_noise,
				   (void *)i))
			errx(2, "threads");
	if (!strcmp(argv[1], "write"))
		for (;;)
			pause();
	status = run_sets(atoi(argv[argc - 1]));
	stop = 1;
	for (int i = 0; i < CHAINS + NOISE; i++)
		pthread_join(threads[i], NULL);
	return status;
}
