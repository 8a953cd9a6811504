// SPDX-License-Identifier: GPL-2.0-only
/*
 * What SHADOW_IOC_MAP says of a shadow, and whether it is true.
 *
 *	delta runs WANT SHADOW [SINCE] [OFFSET]
 *		prints a line for each run: first byte, bytes, and letters of its state: Changed,
 *		Free, Was free, Stored, written to the Image (CFWSI); WANT are such letters
 *	delta check SINCE-IMAGE IMAGE SINCE SHADOW [WRITTEN]
 *		reads both images: every block that differs has changed, or was free at just one of
 *		the two instants; and every block that has changed is in the file WRITTEN, which
 *		has a first byte and a length in each line: 0 if so, 1 if not
 *	delta written SHADOW SINCE LEAST MOST
 *		every block of the file LEAST has changed, and every one that has changed is in
 *		the file MOST, both as WRITTEN above: 0 if so, 1 if not
 *	delta time SHADOW SINCE
 *		prints how many milliseconds it takes to read all changes, and how many runs
 *	delta keep UUID, delta drop UUID
 *		keeps a base, or drops it
 *	delta bases
 *		prints a line for each: UUID, letters (Kept, Shadow, Begin), bytes that were written
 *		until the next one, bytes of the volume, and of memory, name of the volume
 *	delta track MAJOR:MINOR [BYTES]
 *		tracks a volume, with so much memory for what has changed
 *	delta untrack MAJOR:MINOR
 *	delta tracking MAJOR:MINOR
 *		prints what is known of the changes of a volume: reason, bases that are kept,
 *		bytes of memory, how many instants were forgotten, generation, bound of memory
 *
 * SHADOW and SINCE are UUIDs; "-" as SINCE: since tracking began.  2: an error.  SINCE-IMAGE can
 * be a copy of the image.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/shadow.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define BLOCK 4096
#define PIECE (1 << 20)
#define RUNS 300	/* not as many as the module likes to tell at once */

static const char letters[] = "CFWSI";
static int control;

static struct shadow_uuid parse(const char *text)
{
	struct shadow_uuid uuid = { 0 };
	unsigned int n = 0;

	if (!strcmp(text, "-"))
		return uuid;
	for (; *text; text++) {
		char digit[2] = { *text };

		if (*text == '-')
			continue;
		if (n == 32)
			errx(2, "no UUID");
		uuid.b[n / 2] = uuid.b[n / 2] << 4 | strtoul(digit, NULL, 16);
		n++;
	}
	return uuid;
}

static const char *unparse(const struct shadow_uuid *uuid)
{
	static char text[37];
	unsigned int i, n = 0;

	for (i = 0; i < 16; i++)
		n += sprintf(text + n, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
			     uuid->b[i]);
	return text;
}

static void failed(const struct shadow_fault *fault)
{
	fprintf(stderr, "delta: error %d (%s), reason %u\n", errno, strerror(errno),
		fault->reason);
	exit(2);
}

/* Call @fn for each run.  Returns the size of the shadow. */
static uint64_t each_run(const char *shadow, const char *since, uint32_t want, uint64_t offset,
			 void (*fn)(const struct shadow_run *run))
{
	static struct shadow_run run[RUNS];
	struct shadow_map map;
	unsigned int i;

	do {
		map = (struct shadow_map){
			.shadow = parse(shadow), .since = parse(since), .offset = offset,
			.runs = (uintptr_t)run, .count = RUNS, .want = want,
		};
		if (ioctl(control, SHADOW_IOC_MAP, &map) < 0)
			failed(&map.fault);
		for (i = 0; i < map.count; i++)
			fn(&run[i]);
		if (map.offset < offset || (map.offset == offset && offset != map.bytes))
			errx(2, "no progress at %llu", (unsigned long long)offset);
		offset = map.offset;
	} while (offset < map.bytes);
	return map.bytes;
}

static void print(const struct shadow_run *run)
{
	char state[sizeof(letters)] = "";
	unsigned int i, n = 0;

	for (i = 0; letters[i]; i++)
		if (run->state & 1U << i)
			state[n++] = letters[i];
	printf("%llu %llu %s\n", (unsigned long long)run->first, (unsigned long long)run->bytes,
	       state);
}

static uint8_t *state_of, *written;
static uint64_t blocks;
static uint64_t last_end;

static void note(const struct shadow_run *run)
{
	uint64_t block;

	if (run->first < last_end || !run->bytes || run->first % BLOCK)
		errx(1, "run at %llu is not after the one before, or none",
		     (unsigned long long)run->first);
	last_end = run->first + run->bytes;
	for (block = run->first / BLOCK; block * BLOCK < last_end; block++)
		state_of[block] = run->state;
}

static void read_written(const char *name, uint8_t *to)
{
	FILE *file = fopen(name, "r");
	unsigned long long first, bytes, block;

	if (!file)
		err(2, "%s", name);
	while (fscanf(file, "%llu %llu", &first, &bytes) == 2)
		for (block = first / BLOCK; block * BLOCK < first + bytes && block < blocks;
		     block++)
			to[block] = 1;
	fclose(file);
}

static int image_open(const char *name, char **piece)
{
	int fd = open(name, O_RDONLY | O_DIRECT);

	if (fd < 0 && errno == EINVAL)	/* tmpfs */
		fd = open(name, O_RDONLY);
	if (fd < 0)
		err(2, "%s", name);
	*piece = aligned_alloc(BLOCK, PIECE);
	if (!*piece)
		err(2, "memory");
	return fd;
}

/* What of the block at @at is there; less at the end, nothing behind it. */
static int compare_block(const char *a, ssize_t na, const char *b, ssize_t nb, ssize_t at)
{
	ssize_t n = nb - at < BLOCK ? nb - at : BLOCK;

	return na < at + n || memcmp(a + at, b + at, n);
}

static int check(char **argv)
{
	uint32_t want = SHADOW_RUN_CHANGED | SHADOW_RUN_FREE | SHADOW_RUN_WAS_FREE;
	uint64_t differ = 0, changed = 0, missed = 0, too_much = 0, block = 0;
	char *a, *b;
	int fa = image_open(argv[0], &a), fb = image_open(argv[1], &b);
	uint64_t bytes = lseek(fb, 0, SEEK_END), position;

	blocks = (bytes + BLOCK - 1) / BLOCK;
	state_of = calloc(blocks, 1);
	written = calloc(blocks, 1);
	if (!state_of || !written)
		err(2, "memory");
	if (each_run(argv[3], argv[2], want, 0, note) != bytes)
		errx(1, "the size is not that of the image");
	if (last_end > bytes)
		errx(1, "a run ends behind the image");
	if (argv[4])
		read_written(argv[4], written);
	for (position = 0; position < bytes; position += PIECE) {
		ssize_t na = pread(fa, a, PIECE, position), nb = pread(fb, b, PIECE, position), at;

		if (na < 0 || nb <= 0)
			err(2, "reading at %llu", (unsigned long long)position);
		for (at = 0; at < nb; at += BLOCK, block++) {
			bool is_changed = state_of[block] & SHADOW_RUN_CHANGED;
			bool free = state_of[block] & SHADOW_RUN_FREE;
			bool was_free = state_of[block] & SHADOW_RUN_WAS_FREE;

			changed += is_changed;
			if (compare_block(a, na, b, nb, at)) {
				differ++;
				if (!is_changed && free == was_free && !missed++)
					printf("block %llu differs and has not changed\n",
					       (unsigned long long)block);
			}
			if (argv[4] && is_changed && !written[block] && !too_much++)
				printf("block %llu has changed and was not written\n",
				       (unsigned long long)block);
		}
	}
	printf("%llu blocks differ, %llu have changed; missed %llu, too much %llu\n",
	       (unsigned long long)differ, (unsigned long long)changed,
	       (unsigned long long)missed, (unsigned long long)too_much);
	return missed || too_much;
}

/* Makes room for the blocks of a shadow, and looks at what has changed. */
static void look(char **argv, uint8_t **least)
{
	struct shadow_map map = {
		.shadow = parse(argv[0]), .since = parse(argv[1]), .count = 1,
		.want = SHADOW_RUN_CHANGED, .runs = (uintptr_t)&(struct shadow_run){ 0 },
	};

	if (ioctl(control, SHADOW_IOC_MAP, &map) < 0)
		failed(&map.fault);
	blocks = (map.bytes + BLOCK - 1) / BLOCK;
	state_of = calloc(blocks, 1);
	written = calloc(blocks, 1);
	*least = calloc(blocks, 1);
	if (!state_of || !written || !*least)
		err(2, "memory");
	each_run(argv[0], argv[1], SHADOW_RUN_CHANGED, 0, note);
}

static int check_written(char **argv)
{
	uint64_t changed = 0, missed = 0, too_much = 0, block;
	uint8_t *least;

	look(argv, &least);
	read_written(argv[2], least);
	read_written(argv[3], written);
	for (block = 0; block < blocks; block++) {
		changed += state_of[block];
		if (least[block] && !state_of[block] && !missed++)
			printf("block %llu was written and has not changed\n",
			       (unsigned long long)block);
		if (state_of[block] && !written[block] && !too_much++)
			printf("block %llu has changed and was not written\n",
			       (unsigned long long)block);
	}
	printf("%llu have changed; missed %llu, too much %llu\n", (unsigned long long)changed,
	       (unsigned long long)missed, (unsigned long long)too_much);
	return missed || too_much;
}

static uint64_t count;

static void count_run(const struct shadow_run *run)
{
	(void)run;
	count++;
}

static int time_it(char **argv)
{
	struct timespec from, to;

	clock_gettime(CLOCK_MONOTONIC, &from);
	each_run(argv[0], argv[1], SHADOW_RUN_CHANGED, 0, count_run);
	clock_gettime(CLOCK_MONOTONIC, &to);
	printf("%lld %llu\n", (to.tv_sec - from.tv_sec) * 1000LL +
	       (to.tv_nsec - from.tv_nsec) / 1000000, (unsigned long long)count);
	return 0;
}

static int change_base(const char *uuid, uint32_t flags)
{
	struct shadow_base base = { .uuid = parse(uuid), .flags = flags };

	if (ioctl(control, SHADOW_IOC_BASE_CHANGE, &base))
		failed(&base.fault);
	return 0;
}

static int list_bases(void)
{
	struct shadow_base_info info = { 0 };
	uint64_t cursor = 0;

	for (;; cursor = info.cursor) {
		info = (struct shadow_base_info){ .cursor = cursor };
		if (ioctl(control, SHADOW_IOC_BASE_NEXT, &info))
			break;
		printf("%s %s%s%s %llu %llu %llu %s\n", unparse(&info.uuid),
		       info.flags & SHADOW_BASE_KEPT ? "K" : "",
		       info.flags & SHADOW_BASE_SHADOW ? "S" : "",
		       info.flags & SHADOW_BASE_BEGIN ? "B" : "",
		       (unsigned long long)info.changed_bytes, (unsigned long long)info.bytes,
		       (unsigned long long)info.memory_bytes, info.volume_name);
	}
	if (errno != ENOENT)
		err(2, "the list");
	return 0;
}

static struct shadow_dev parse_dev(const char *text)
{
	struct shadow_dev dev = { 0 };

	if (sscanf(text, "%u:%u", &dev.major, &dev.minor) != 2)
		errx(2, "no MAJOR:MINOR");
	return dev;
}

static int track(const char *dev, const char *bytes)
{
	struct shadow_volume_track arg = {
		.dev = parse_dev(dev), .changes_bytes = bytes ? strtoull(bytes, NULL, 0) : 0,
	};

	if (ioctl(control, SHADOW_IOC_VOLUME_TRACK, &arg))
		failed(&arg.fault);
	return 0;
}

static int untrack(const char *dev)
{
	struct shadow_volume_track arg = { .dev = parse_dev(dev) };

	if (ioctl(control, SHADOW_IOC_VOLUME_UNTRACK, &arg))
		failed(&arg.fault);
	return 0;
}

static int tracking(const char *text)
{
	struct shadow_dev dev = parse_dev(text);
	struct shadow_tracking_info info = { 0 };
	uint64_t cursor;

	do {
		cursor = info.cursor;
		info = (struct shadow_tracking_info){ .cursor = cursor };
		if (ioctl(control, SHADOW_IOC_TRACKING_NEXT, &info))
			err(2, "%s", text);
	} while (memcmp(&info.volume, &dev, sizeof(dev)));
	printf("%u %u %llu %llu %s %llu\n", info.reason, info.bases,
	       (unsigned long long)info.memory_bytes, (unsigned long long)info.forgotten,
	       unparse(&info.generation), (unsigned long long)info.memory_limit_bytes);
	return 0;
}

int main(int argc, char **argv)
{
	uint32_t want = 0;
	const char *at;

	if (argc < 2)
		errx(2, "see the head of the source");
	control = open("/dev/" SHADOW_CONTROL_NAME, O_RDWR);
	if (control < 0)
		err(2, "the module");
	if (!strcmp(argv[1], "check") && argc >= 6)
		return check(argv + 2);
	if (!strcmp(argv[1], "written") && argc == 6)
		return check_written(argv + 2);
	if (!strcmp(argv[1], "time") && argc == 4)
		return time_it(argv + 2);
	if (!strcmp(argv[1], "keep") && argc == 3)
		return change_base(argv[2], SHADOW_BASE_KEEP);
	if (!strcmp(argv[1], "drop") && argc == 3)
		return change_base(argv[2], SHADOW_BASE_DROP);
	if (!strcmp(argv[1], "bases"))
		return list_bases();
	if (!strcmp(argv[1], "track") && argc >= 3)
		return track(argv[2], argv[3]);
	if (!strcmp(argv[1], "untrack") && argc == 3)
		return untrack(argv[2]);
	if (!strcmp(argv[1], "tracking") && argc == 3)
		return tracking(argv[2]);
	if (strcmp(argv[1], "runs") || argc < 4)
		errx(2, "see the head of the source");
	for (at = argv[2]; *at; at++) {
		if (!strchr(letters, *at))
			errx(2, "WANT is of %s", letters);
		want |= 1U << (strchr(letters, *at) - letters);
	}
	each_run(argv[3], argc > 4 ? argv[4] : "-", want,
		 argc > 5 ? strtoull(argv[5], NULL, 0) : 0, print);
	return 0;
}
