// SPDX-License-Identifier: GPL-2.0-only
/*
 * window_test.c - what preserving ahead does to the usual patterns of writes.
 *
 * Each pattern begins with a new shadow of a volume of 512 MiB and an empty store of
 * that size.  "of raw" is the rate compared with that without a shadow, the store on
 * another disk, where each disk does so many I/Os a second and their size does not
 * matter; "bytes" is what is moved for each byte written; "unused" is what was
 * preserved and not written.  Documentation/window.rst has the table.
 */
#include <stdlib.h>
#include <linux/kernel.h>
#include "test.h"
#include "window.h"

#define MIB		256u		/* blocks */
#define VOLUME		(512 * MIB)

struct sim {
	struct shadow_epochs es;
	u64 writes, written, reads, read, stored;
};

static void no_free(void *arg, u64 loc, u64 len)
{
	(void)arg;
	(void)loc;
	(void)len;
}

static void record(struct sim *sim, struct shadow_range part, struct shadow_range want)
{
	while (part.first < part.end) {
		u64 end = min(part.end, (part.first | (SHADOW_REGION_BLOCKS - 1)) + 1);
		struct shadow_extent extent = { part.first, sim->stored, end - part.first };
		u64 from = clamp(want.first, part.first, end), to = clamp(want.end, from, end);

		CHECK(!shadow_epochs_reserve(&sim->es, extent.block, extent.len, GFP_KERNEL),
		      "no memory");
		shadow_epochs_record(&sim->es, &extent);
		if (from > part.first)
			shadow_epochs_ahead(&sim->es, part.first, from - part.first, GFP_KERNEL);
		if (to < end)
			shadow_epochs_ahead(&sim->es, to, end - to, GFP_KERNEL);
		shadow_epochs_settle(&sim->es, extent.block, extent.len);
		sim->stored += extent.len;
		part.first = end;
	}
}

static void claim(struct sim *sim, struct shadow_range need, struct shadow_range want)
{
	struct shadow_range room = { 0, VOLUME }, all;
	u64 at;

	all = shadow_window(&sim->es, shadow_window_limit(&sim->es, VOLUME, sim->stored), need,
			    room);
	CHECK(all.first <= need.first && all.end >= need.end && all.end <= VOLUME &&
	      all.end - all.first <= 2 * SHADOW_WINDOW_BLOCKS + SHADOW_REGION_BLOCKS, "window");
	sim->reads++;
	sim->read += all.end - all.first;
	for (at = all.first; at < all.end;) {
		bool settled;
		u64 n = shadow_blockmap_run(&sim->es.settled->map, at, all.end - at, &settled);

		CHECK(!settled || (at > all.first && at + n < all.end),
		      "nothing to do at its ends");
		if (!settled)
			record(sim, (struct shadow_range){ at, at + n }, want);
		at += n;
	}
}

static void write_blocks(struct sim *sim, u64 first, u64 n)
{
	struct shadow_range want = { first, first + n };
	u64 at = first;

	sim->writes++;
	sim->written += n;
	while (at < want.end) {
		bool settled;
		u64 run = shadow_blockmap_run(&sim->es.settled->map, at, want.end - at, &settled);

		if (!settled)
			claim(sim, (struct shadow_range){ at, at + min_t(u64, run, 256) }, want);
		else
			at += run;
	}
	shadow_settled_written(sim->es.settled, first, n);
}

/* Numbers 0 to @n - 1 in any order. */
static u32 *shuffled(u32 n)
{
	u32 *order = test_alloc(n, sizeof(*order)), i;

	for (i = 0; i < n; i++) {
		u32 other = rnd(i + 1);

		order[i] = order[other];
		order[other] = i;
	}
	return order;
}

static void begin(struct sim *sim)
{
	struct shadow_epoch *ep = shadow_epoch_alloc(GFP_KERNEL);

	*sim = (struct sim){ 0 };
	shadow_epochs_init(&sim->es, no_free, NULL);
	mutex_lock(&sim->es.mutate);
	ep->number = 1;
	shadow_epochs_flip(&sim->es, ep, shadow_settled_alloc(GFP_KERNEL));
}

/* At least @rate percent, at most @bytes; 0: whatever. */
static void end(struct sim *sim, const char *what, double rate, double bytes)
{
	double of_raw = 100.0 * sim->writes / (sim->writes + sim->reads);
	double moved = 1.0 * (sim->written + sim->read + sim->stored) / sim->written;
	u64 unused = atomic_long_read(&sim->es.settled->nr_ahead);

	note("%-40s %5.1f %% of raw, %6.2f bytes, %6.1f MiB unused", what, of_raw, moved,
	     1.0 * unused / MIB);
	CHECK(of_raw >= rate, "%s: %.1f %%", what, of_raw);
	CHECK(!bytes || moved <= bytes, "%s: %.2f bytes", what, moved);
	CHECK(unused == shadow_blockmap_weight(&sim->es.settled->ahead, 0, VOLUME), "count");
	CHECK(unused <= VOLUME / 16 + (sim->stored - unused) / 2,
	      "%s: %llu unused", what, (unsigned long long)unused);
	mutex_unlock(&sim->es.mutate);
	shadow_epochs_destroy(&sim->es);
}

/* @n writes of @size blocks anywhere in @volume blocks. */
static void sparse(const char *what, u32 n, u32 size, u32 volume, double bytes)
{
	struct sim sim;

	begin(&sim);
	while (n--)
		write_blocks(&sim, rnd(volume / size) * size, size);
	end(&sim, what, 49, bytes);
}

/* @volume blocks, from @at on, all written once, @size at a time, in any order. */
static void dense(const char *what, u32 at, u32 volume, u32 size, double rate)
{
	u32 *order = shuffled(volume / size), i;
	struct sim sim;

	begin(&sim);
	for (i = 0; i < volume / size; i++)
		write_blocks(&sim, at + order[i] * size, size);
	end(&sim, what, rate, 3.2 + (volume > 64 * MIB));
	free(order);
}

/* @size blocks each @stride blocks. */
static void in_order(const char *what, u32 volume, u32 size, u32 stride, double rate,
		     double bytes)
{
	struct sim sim;
	u32 at;

	begin(&sim);
	for (at = 0; at < volume; at += stride)
		write_blocks(&sim, 8 * MIB + at, size);
	end(&sim, what, rate, bytes);
}

/* Some extents are written far more often than others; at random within them. */
static void skewed(const char *what, u32 n)
{
	struct sim sim;

	begin(&sim);
	while (n--) {
		u64 bits = rnd(9);	/* half of 1/9 of all writes goes to one MiB, ... */

		write_blocks(&sim, (rnd(1u << bits) << SHADOW_REGION_BITS) + rnd(MIB), 1);
	}
	end(&sim, what, 49, 0);
}

/* A log, a table that is written densely, and single blocks, at the same time. */
static void mixed(const char *what)
{
	u32 *order = shuffled(16 * MIB), i;
	struct sim sim;

	begin(&sim);
	for (i = 0; i < 16 * MIB; i++) {
		write_blocks(&sim, 300 * MIB + i, 1);
		write_blocks(&sim, 400 * MIB + order[i], 1);
		if (i % 8 == 0)
			write_blocks(&sim, rnd(256 * MIB), 1);
	}
	end(&sim, what, 90, 3.1);
	free(order);
}

void test_window(void)
{
	sparse("sparse random 4K, 0.8% of 256M", 512, 1, 256 * MIB, 3.1);
	sparse("sparse random 4K, 1.6% of 256M", 1024, 1, 256 * MIB, 3.1);
	sparse("random 4K, 5% of 256M", 3277, 1, 256 * MIB, 0);
	sparse("random 4K, 20% of 256M", 13107, 1, 256 * MIB, 0);
	sparse("sparse random 64K, 1.6% of 256M", 64, 16, 256 * MIB, 3.1);
	dense("dense random 4K, 4M", 64 * MIB, 4 * MIB, 1, 94);
	dense("dense random 4K, 16M", 64 * MIB, 16 * MIB, 1, 94);
	dense("dense random 4K, 16M, not aligned", 64 * MIB + 333, 16 * MIB, 1, 94);
	dense("dense random 4K, 256M", 64 * MIB, 256 * MIB, 1, 70);
	dense("dense random 8K, 16M", 64 * MIB, 16 * MIB, 2, 88);
	dense("dense random 64K, 64M", 64 * MIB, 64 * MIB, 16, 60);
	in_order("sequential 4K, 8M", 8 * MIB, 1, 1, 94, 3.1);
	in_order("sequential 64K, 32M", 32 * MIB, 16, 16, 65, 3.1);
	in_order("sequential 1M, 64M", 64 * MIB, 256, 256, 50, 3);
	in_order("4K of each 16K, 64M", 64 * MIB, 1, 4, 0, 0);
	in_order("4K of each 64K, 256M", 256 * MIB, 1, 16, 0, 0);
	skewed("4K, skewed, 256M", 8192);
	mixed("log, dense and sparse at once");
}
