// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many shadows of one volume, each with an oracle of its own.
 *
 *	ora_many DEVICE STORE COUNT [SEED]
 *
 * STORE is "memory" or a device.  Each block of the volume is filled with what
 * depends on its number and a generation; what a shadow must show is then one
 * generation for each block, written down when it is taken.  The program
 *
 *	takes COUNT shadows, with writes at random places between them,
 *	shows how one more fails, if COUNT is all that a volume can have,
 *	checks all of them,
 *	overwrites blocks, and counts how many were preserved: each one once,
 *	and none when they are overwritten again,
 *	deletes the shadows in random order, with writes between; looks at one
 *	of the others each time, and at all of them now and then.
 *
 * Prints what it did.  Exit status: 0, 1 if something was not as it must be.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>
#include <linux/shadow.h>

#define BLOCK 4096
#define WORDS (BLOCK / 8)
#define CHUNK 256		/* blocks read or filled at a time */
#define BETWEEN 16		/* writes between two shadows */
#define COUNTED 300		/* blocks overwritten to be counted */
#define FULL_CHECKS 2		/* while the shadows are deleted */

struct oracle {
	struct shadow_uuid uuid;
	unsigned int index;
	uint32_t *generation;	/* of each block */
};

static int control, device;
static struct shadow_dev dev;
static struct shadow_store_spec store;
static uint32_t blocks, *current, generation;
static uint64_t random_state;
static uint64_t *data;
static unsigned int faults;

static uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

static uint64_t rnd(void)
{
	return mix(random_state += 0x9e3779b97f4a7c15);
}

static double seconds(void)
{
	static struct timespec start;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!start.tv_sec)
		start = now;
	return now.tv_sec - start.tv_sec + (now.tv_nsec - start.tv_nsec) / 1e9;
}

static struct shadow_dev dev_of(const char *path)
{
	struct stat st;

	if (stat(path, &st) || !S_ISBLK(st.st_mode))
		err(2, "%s", path);
	return (struct shadow_dev){ major(st.st_rdev), minor(st.st_rdev) };
}

/* --- contents ----------------------------------------------------------- */

static uint64_t word_of(uint32_t block, uint32_t gen)
{
	return mix((uint64_t)gen << 32 | block) | 1;
}

static void make_block(uint64_t *to, uint32_t block, uint32_t gen)
{
	uint64_t word = word_of(block, gen);

	for (int i = 0; i < WORDS; i++)
		to[i] = word * (i + 1);
}

static bool is_block(const uint64_t *from, uint32_t block, uint32_t gen)
{
	uint64_t word = word_of(block, gen);

	for (int i = 0; i < WORDS; i++)
		if (from[i] != word * (i + 1))
			return false;
	return true;
}

static void overwrite(uint32_t block)
{
	current[block] = ++generation;
	make_block(data, block, generation);
	if (pwrite(device, data, BLOCK, (off_t)block * BLOCK) != BLOCK)
		err(2, "writing block %u", block);
}

static void fill(void)
{
	generation++;
	for (uint32_t block = 0; block < blocks; block += CHUNK) {
		uint32_t n = blocks - block < CHUNK ? blocks - block : CHUNK;

		for (uint32_t i = 0; i < n; i++) {
			current[block + i] = generation;
			make_block(data + i * WORDS, block + i, generation);
		}
		if (pwrite(device, data, n * BLOCK, (off_t)block * BLOCK) != n * BLOCK)
			err(2, "filling");
	}
}

/* Compare a device with what it must show. */
static void look(int fd, const char *name, const uint32_t *must)
{
	for (uint32_t block = 0; block < blocks; block += CHUNK) {
		uint32_t n = blocks - block < CHUNK ? blocks - block : CHUNK;

		if (pread(fd, data, n * BLOCK, (off_t)block * BLOCK) != n * BLOCK)
			err(2, "reading %s", name);
		for (uint32_t i = 0; i < n; i++) {
			if (is_block(data + i * WORDS, block + i, must[block + i]))
				continue;
			if (faults++ < 8)
				printf("# %s: block %u is not of generation %u\n", name, block + i,
				       must[block + i]);
		}
	}
}

static void look_at(const struct oracle *o)
{
	char name[32];
	int fd;

	snprintf(name, sizeof(name), "/dev/shadow%u", o->index);
	fd = open(name, O_RDONLY | O_DIRECT | O_CLOEXEC);
	if (fd < 0)
		err(2, "%s", name);
	look(fd, name, o->generation);
	close(fd);
}

static void look_at_all(const struct oracle *o, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		look_at(&o[i]);
	look(device, "the volume", current);
	printf("# %u shadows looked at, %.1f s\n", count, seconds());
}

/* --- shadows ------------------------------------------------------------ */

static void take(struct oracle *o)
{
	struct shadow_set_new new = { .flags = SHADOW_SET_NO_AUTO_RELEASE };
	struct shadow_set_add add = {
		.flags = SHADOW_ADD_SHADOW, .dev = dev, .store = store,
	};
	struct shadow_set_step step = { 0 };
	struct shadow_shadow_info info = { 0 };
	static uint64_t last;		/* cursor; new ones come last */

	if (ioctl(control, SHADOW_IOC_SET_NEW, &new))
		err(2, "SHADOW_IOC_SET_NEW");
	if (ioctl(new.fd, SHADOW_IOC_SET_ADD, &add))
		err(2, "adding: phase %u, reason %u", add.fault.phase, add.fault.reason);
	if (ioctl(new.fd, SHADOW_IOC_SET_TAKE, &step))
		err(2, "taking: phase %u, reason %u", step.fault.phase, step.fault.reason);
	close(new.fd);
	info.cursor = last;
	if (ioctl(control, SHADOW_IOC_SHADOW_NEXT, &info) ||
	    memcmp(&info.uuid, &add.shadow, sizeof(info.uuid)))
		errx(2, "the new shadow is not the last of the list");
	last = info.cursor;
	o->uuid = add.shadow;
	o->index = info.index;
	o->generation = malloc(blocks * sizeof(*o->generation));
	if (!o->generation)
		err(2, "memory");
	memcpy(o->generation, current, blocks * sizeof(*o->generation));
}

/* A volume has no more than SHADOW_MAX_VOLUME_SHADOWS; say how one more fails. */
static void one_too_many(void)
{
	struct shadow_set_new new = { 0 };
	struct shadow_set_add add = { .flags = SHADOW_ADD_SHADOW, .dev = dev, .store = store };

	if (ioctl(control, SHADOW_IOC_SET_NEW, &new))
		err(2, "SHADOW_IOC_SET_NEW");
	if (!ioctl(new.fd, SHADOW_IOC_SET_ADD, &add)) {
		printf("# one more than %u was not refused\n", SHADOW_MAX_VOLUME_SHADOWS);
		faults++;
	} else {
		printf("refused: error=%s phase=%u reason=%u\n", strerrorname_np(errno),
		       add.fault.phase, add.fault.reason);
	}
	close(new.fd);
}

/* udev may be looking at it. */
static void delete(struct oracle *o)
{
	for (int tries = 0;; tries++) {
		struct shadow_delete del = { .uuid = o->uuid, .kind = SHADOW_KIND_SHADOW };

		if (!ioctl(control, SHADOW_IOC_DELETE, &del))
			break;
		if (errno != EBUSY || tries == 500)
			err(2, "deleting /dev/shadow%u", o->index);
		usleep(20000);
	}
	free(o->generation);
}

static uint64_t preserved(void)
{
	struct shadow_volume_info info = { 0 };

	while (!ioctl(control, SHADOW_IOC_VOLUME_NEXT, &info)) {
		__u64 cursor = info.cursor;

		if (info.dev.major == dev.major && info.dev.minor == dev.minor)
			return info.blocks_preserved;
		memset(&info, 0, sizeof(info));
		info.cursor = cursor;
	}
	errx(2, "the volume is not tracked");
}

/* Overwrite blocks, all different, that must be preserved; and once more. */
static void count_preserved(unsigned int shadows)
{
	uint64_t before = preserved(), once, twice;
	uint32_t step = blocks / COUNTED;

	for (uint32_t i = 0; i < COUNTED; i++)
		overwrite((i * 7 % COUNTED) * step);
	once = preserved() - before;
	for (uint32_t i = 0; i < COUNTED; i++)
		overwrite(i * step);
	twice = preserved() - before;
	printf("shadows=%u overwritten=%u preserved=%ju again=%ju\n", shadows, COUNTED,
	       (uintmax_t)once, (uintmax_t)(twice - once));
	if (once != COUNTED || twice != once)
		faults++;
}

int main(int argc, char **argv)
{
	struct oracle *oracles;
	unsigned int count, left;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 4 || argc > 5)
		errx(2, "usage: ora_many DEVICE STORE COUNT [SEED]");
	dev = dev_of(argv[1]);
	store.type = SHADOW_STORE_MEMORY;
	if (strcmp(argv[2], "memory")) {
		store.type = SHADOW_STORE_DEVICE;
		store.dev = dev_of(argv[2]);
	}
	count = atoi(argv[3]);
	random_state = argc == 5 ? strtoull(argv[4], NULL, 0) : 1;
	control = open("/dev/" SHADOW_CONTROL_NAME, O_RDWR | O_CLOEXEC);
	if (control < 0)
		err(2, "/dev/" SHADOW_CONTROL_NAME);
	device = open(argv[1], O_RDWR | O_DIRECT | O_CLOEXEC);
	if (device < 0)
		err(2, "%s", argv[1]);
	blocks = lseek(device, 0, SEEK_END) / BLOCK;
	current = calloc(blocks, sizeof(*current));
	data = aligned_alloc(BLOCK, CHUNK * BLOCK);
	oracles = calloc(count, sizeof(*oracles));
	if (!current || !data || !oracles)
		err(2, "memory");

	seconds();
	fill();
	for (unsigned int i = 0; i < count; i++) {
		take(&oracles[i]);
		for (int j = 0; i < count - 1 && j < BETWEEN; j++)
			overwrite(rnd() % blocks);
	}
	printf("# %u shadows taken, %.1f s\n", count, seconds());
	if (count == SHADOW_MAX_VOLUME_SHADOWS)
		one_too_many();
	count_preserved(count);
	look_at_all(oracles, count);

	for (left = count; left > 1;) {
		unsigned int i = rnd() % left;

		delete(&oracles[i]);
		oracles[i] = oracles[--left];
		for (int j = 0; j < BETWEEN / 4; j++)
			overwrite(rnd() % blocks);
		if (left % (count / 256 + 1) == 0)
			look_at(&oracles[rnd() % left]);
		if (left % (count / FULL_CHECKS + 1) == 0)
			look_at_all(oracles, left);
	}
	look_at_all(oracles, left);
	delete(&oracles[0]);
	look_at_all(oracles, 0);
	printf("faults=%u\n", faults);
	return faults != 0;
}
