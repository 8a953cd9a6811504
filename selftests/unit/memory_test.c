// SPDX-License-Identifier: GPL-2.0-only
/*
 * memory_test.c - measures what a preserved block costs, and that it is not more
 * than it may: 12 bytes at random, 1 in sequence.
 *
 * "leaves" is what the code counts; "slab" is all objects, rounded as kmalloc() does;
 * "nodes" are the XArray's (576 bytes for 64 slots); "map" is the settled map.
 */
#include <stdlib.h>
#include <linux/list.h>
#include "block.h"
#include "epochs.h"
#include "test.h"

#define VOLUME	(1u << 19)	/* blocks: 2 GiB */
#define NODE	576

static void no_free(void *arg, u64 loc, u64 len)
{
	(void)arg;
	(void)loc;
	(void)len;
}

/* The nodes of an XArray that has the regions of @ix. */
static size_t nodes_of(const struct shadow_index *ix)
{
	size_t bytes = 0;
	int shift;

	for (shift = 6; shift < 18; shift += 6) {
		u64 region = 0, last = ~0ULL, nodes = 0;

		for (; shadow_index_next_region(ix, &region); region++) {
			nodes += region >> shift != last;
			last = region >> shift;
		}
		bytes += nodes * NODE;
		if (nodes <= 1)
			break;
	}
	return bytes;
}

/* @most: bytes a block that records and their tree may cost; 0: only to know. */
static void report(const char *what, struct shadow_epochs *es, double most)
{
	size_t leaves = 0, nodes = 0, slab = shim.slab_bytes;
	struct shadow_epoch *ep;
	u64 blocks = 0;
	double n;

	list_for_each_entry(ep, &es->list, node) {
		blocks += ep->index.blocks;
		leaves += ep->index.bytes;
		nodes += nodes_of(&ep->index);
	}
	n = blocks ? blocks : 1;
	note("%-38s %7llu blocks: leaves %6.2f, slab %6.2f, nodes %5.2f, map %6.2f bytes/block",
	     what, (unsigned long long)blocks, leaves / n, slab / n, nodes / n,
	     shim.pages * PAGE_SIZE / n);
	CHECK(!most || slab / n + nodes / n <= most, "%.2f bytes a block", slab / n + nodes / n);
}

static void take(struct shadow_epochs *es, u64 number)
{
	struct shadow_epoch *ep = shadow_epoch_alloc(GFP_KERNEL);

	ep->number = number;
	shadow_settled_free(shadow_epochs_flip(es, ep, shadow_settled_alloc(GFP_KERNEL)));
}

/* Preserves @runs runs of @len blocks at random places, or (@runs = 0) all in order. */
static void fill(struct shadow_epochs *es, u64 runs, u64 len, u64 *loc)
{
	u64 i, nr = runs ? runs : VOLUME / len;

	for (i = 0; i < nr; i++) {
		u64 at = (runs ? rnd(VOLUME / len) : i) * len;
		struct shadow_extent ex = { at, *loc, len };

		if (shadow_blockmap_test(&es->settled->map, at, 1)) {
			i -= runs && runs < VOLUME / len;	/* so many different ones */
			continue;
		}
		CHECK(!shadow_epochs_reserve(es, at, len, GFP_KERNEL), "no memory");
		shadow_epochs_record(es, &ex);
		shadow_epochs_settle(es, at, len);
		*loc += len;
	}
}

static void measure(const char *what, u64 runs, u64 len, double most)
{
	struct shadow_epochs es;
	u64 loc = 0;

	shadow_epochs_init(&es, no_free, NULL);
	mutex_lock(&es.mutate);
	take(&es, 1);
	fill(&es, runs, len, &loc);
	report(what, &es, most);
	mutex_unlock(&es.mutate);
	shadow_epochs_destroy(&es);
}

/* What folding makes of leaves: eight shadows, all but the oldest deleted. */
static void measure_folded(void)
{
	struct shadow_epoch *ep;
	struct shadow_epochs es;
	u64 loc = 0, i;

	shadow_epochs_init(&es, no_free, NULL);
	mutex_lock(&es.mutate);
	for (i = 1; i <= 8; i++) {
		take(&es, i);
		fill(&es, VOLUME / 100, 1, &loc);
	}
	report("8 shadows, random 4K, 1% each", &es, 0);
	for (i = 8; i > 1; i--) {
		struct shadow_settled *unused = NULL;
		u64 cursor = 0;

		ep = list_last_entry(&es.list, struct shadow_epoch, node);
		while (shadow_epochs_fold(&es, ep, 0, &cursor, GFP_KERNEL, &unused))
			;
		shadow_epoch_free(ep);
	}
	report("the same, folded into the oldest", &es, 12);
	mutex_unlock(&es.mutate);
	shadow_epochs_destroy(&es);
}

void test_memory(void)
{
	measure("random 4K, 0.1% of the volume", VOLUME / 1000, 1, 0);
	measure("random 4K, 0.4% (one per region)", VOLUME / 256, 1, 0);
	measure("random 4K, 1%", VOLUME / 100, 1, 0);
	measure("random 4K, 5%", VOLUME / 20, 1, 12);
	measure("random 4K, 20%", VOLUME / 5, 1, 12);
	measure("random 4K, 50%", VOLUME / 2, 1, 12);
	measure("random 4K, 80%", VOLUME / 10 * 8, 1, 12);
	measure("random 4K, 99.9%", VOLUME / 1000 * 999, 1, 12);
	measure("random 64K, 10%", VOLUME / 160, 16, 1.5);
	measure("sequential, 4K each", 0, 1, 1);
	measure("sequential, 1M each", 0, 256, 1);
	measure_folded();
}
