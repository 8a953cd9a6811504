// SPDX-License-Identifier: GPL-2.0-only
/*
 * grow.c - how stores become larger, and what it takes to use blocks of the volume itself.
 *
 * A part grows in steps, before the store is full: policy.c says when it is due, and the
 * volume's grow_work does it.  A step has two halves, and each part has two sizes for them:
 *
 *	obtain	the kind of part gets more blocks (->grow, which a filesystem may make
 *		wait); part->nr_blocks
 *	ready	the blocks are given out from now on; part->space.nr_blocks
 *
 * Whoever waits for room waits for the end of a step, for a bounded time (store.c): the
 * filesystem may have to write something, perhaps to the volume whose writes wait.  After
 * a failure a part is left alone for a while, longer each time.  A filesystem that is
 * frozen is asked again soon, and never waited for.
 *
 * A part may lie on the volume itself.  Then between the two halves each block goes through
 * what a write to it would (shadow_preserve()), until it is settled: the filesystem found it
 * free just now, but a shadow may have it with data in it.  Under the mutate mutex all of
 * a piece is looked at once more, since an epoch may have begun meanwhile.  From then on
 *
 *  - the store's writes to it pass the volume by (hook.c), since nothing is left to preserve;
 *  - each epoch that begins has it settled and free from its first moment on, so it reads as
 *    zeros in the image.  The maps of a shadow are filled in when it is prepared, and again
 *    for each shadow in the making when blocks are made ready, so that the instant itself
 *    allocates nothing.  One whose maps could not be filled is not taken.
 *
 * What is cut off stays the file's, and is treated like that still: nobody writes it, and what
 * the store has left in it is nothing that an image should show.
 *
 * An instant and "ready" exclude each other by the mutate mutex: a block is made ready before
 * the epoch begins, and its maps have it, or after, and it is settled in the new one first.
 *
 * What has to be preserved costs room in the store.  Where that is most of what would be
 * gained, the part does not grow.  That is so until it is told what was free.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/sched/mm.h>
#include "event.h"
#include "grow.h"
#include "policy.h"
#include "preserve.h"

#define STEP_MIN	((64ULL << 20) >> SHADOW_BLOCK_BITS)
#define STEP_MAX	((1ULL << 30) >> SHADOW_BLOCK_BITS)
#define PIECE		((16ULL << 20) >> SHADOW_BLOCK_BITS)	/* made ready at a time */
#define TRIES		20		/* for memory, or because an epoch began */
#define AGAIN_FROZEN	(HZ / 10)
#define AGAIN_FIRST	(5 * HZ)	/* after a failure */
#define AGAIN_LAST	(300 * HZ)

/* --- blocks on the volume itself ------------------------------------------------------ */

/* Where on the volume a run of the part's blocks lies; shortens it to what is in a row. */
static struct shadow_range on_volume(const struct shadow_volume *vol, struct shadow_part *part,
				     u64 block, u64 *run)
{
	sector_t sector = get_start_sect(part->bdev) + part->ops->locate(part, block, run);

	return shadow_range_of(sector, *run * SHADOW_BLOCK_SECTORS, vol->start, vol->nr_sectors);
}

static int preserve(struct shadow_volume *vol, struct shadow_part *part, u64 block, u64 n)
{
	int err = 0;

	while (n && !err) {
		u64 run = n;
		struct shadow_range range = on_volume(vol, part, block, &run);

		err = shadow_preserve(vol, range.first, range.end - range.first);
		block += run;
		n -= run;
	}
	return err;
}

/* How many blocks of the volume are not settled?  Context: mutate mutex. */
static u64 unsettled(struct shadow_volume *vol, struct shadow_part *part, u64 block, u64 n)
{
	u64 count = 0;

	while (n) {
		u64 run = n;
		struct shadow_range range = on_volume(vol, part, block, &run);

		if (range.first < range.end)
			count += shadow_epochs_unsettled(&vol->epochs, range.first,
							 range.end - range.first);
		block += run;
		n -= run;
	}
	return count;
}

/* Context: mutate mutex. */
static int expect(struct shadow_volume *vol, struct shadow_stake *stake,
		  struct shadow_part *part, u64 block, u64 n)
{
	int err = 0;

	while (n && !err) {
		u64 run = n;
		struct shadow_range range = on_volume(vol, part, block, &run);

		if (range.first < range.end)
			err = shadow_epoch_expect(stake->epoch, stake->settled, range.first,
						  range.end - range.first, SHADOW_GFP);
		block += run;
		n -= run;
	}
	return err;
}

/* Context: mutate mutex. */
static int expect_all(struct shadow_volume *vol, struct shadow_stake *stake)
{
	struct shadow_part *part;
	int err;

	list_for_each_entry(part, &vol->store->parts, node) {
		err = expect(vol, stake, part, 0, part->nr_taken);
		if (err)
			return err;
	}
	stake->own = vol->own_changes;
	list_add_tail(&stake->node, &vol->prepared);
	return 0;
}

/* Would a new shadow be one of what the volume never was?  Context: mutate mutex. */
static bool is_reverted(const struct shadow_volume *vol)
{
	switch (vol->revert.state) {
	case SHADOW_REVERT_RUNNING:
	case SHADOW_REVERT_HALF_DONE:
		return true;
	case SHADOW_REVERT_NONE:
		return vol->revert.logged;	/* its store is being attached */
	default:
		return false;
	}
}

int shadow_grow_expect(struct shadow_volume *vol, struct shadow_stake *stake, bool restored)
{
	unsigned int tries = TRIES;
	int err;

	do {
		mutex_lock(&vol->epochs.mutate);
		err = !restored && is_reverted(vol) ? -EBUSY : expect_all(vol, stake);
		mutex_unlock(&vol->epochs.mutate);
		if (err == -ENOMEM)
			msleep(20);
	} while (err == -ENOMEM && --tries);
	return err;
}

/*
 * These blocks have changed: shadows from now on have zeros there, and those that come when
 * the store is gone what it has written, which nobody sees.  Context: mutate mutex.
 */
static void note_own(struct shadow_volume *vol, struct shadow_part *part, u64 block, u64 n)
{
	while (n) {
		u64 run = n;
		struct shadow_range range = on_volume(vol, part, block, &run);

		if (range.first < range.end)
			shadow_changes_note_locked(vol, range);
		block += run;
		n -= run;
	}
}

/*
 * These blocks are the store's from now on.  A store that the volume has no longer is about to
 * give them back to the filesystem: for shadows in the making, which have the next store, they
 * are like all others.  Context: mutate mutex.
 */
static void tell_prepared(struct shadow_volume *vol, struct shadow_part *part, u64 block, u64 n)
{
	struct shadow_stake *stake;

	if (vol->store != part->store)
		return;
	vol->own_changes++;
	list_for_each_entry(stake, &vol->prepared, node)
		if (!expect(vol, stake, part, block, n) && stake->own + 1 == vol->own_changes)
			stake->own = vol->own_changes;
}

/* --- making blocks ready ---------------------------------------------------------------- */

/* Have a look before anything is done: what would it cost to use what is not ready? */
static int weigh(struct shadow_volume *vol, struct shadow_part *part, u64 *n,
		 struct shadow_fault *fault)
{
	u64 from = part->space.nr_blocks, all = shadow_part_unready(part), costs;
	u32 reason = SHADOW_REASON_STORE_FULL;

	*n = all;
	if (vol->store && vol->store != part->store)
		*n = 0;		/* its store is going: the next one preserves nothing for it */
	costs = *n && part->on_volume ? unsettled(vol, part, from, all) : 0;
	if (!costs)
		return 0;
	*n = min(all, PIECE);
	if (costs > all / 2)
		reason = SHADOW_REASON_STORE_ON_VOLUME;
	else if (unsettled(vol, part, from, *n) <= shadow_store_room(part->store))
		return 0;
	return shadow_fail(fault, SHADOW_PHASE_STORE, reason, part->bdev->bd_dev, -ENOSPC);
}

/*
 * Give out @n more blocks of a part, if all of them are settled; or fewer, where it is not to
 * have as many any more.  Context: mutate mutex.
 */
static bool give_out(struct shadow_volume *vol, struct shadow_part *part, u64 from, u64 n,
		     u16 **groups)
{
	n = min(n, shadow_part_unready(part));
	if (part->on_volume) {
		if (unsettled(vol, part, from, n))
			return false;
		note_own(vol, part, from, n);
		tell_prepared(vol, part, from, n);
		part->nr_taken = max(part->nr_taken, from + n);
	}
	*groups = shadow_space_resize(&part->space, from + n, *groups);
	return true;
}

void shadow_grow_take(struct shadow_volume *vol, struct shadow_part *part, u16 **groups)
{
	give_out(vol, part, 0, shadow_part_unready(part), groups);
}

static int no_memory(struct shadow_volume *vol, struct shadow_fault *fault)
{
	return shadow_fail(fault, SHADOW_PHASE_STORE, SHADOW_REASON_NO_MEMORY, vol->dev, -ENOMEM);
}

int shadow_grow_ready(struct shadow_volume *vol, struct shadow_part *part,
		      struct shadow_fault *fault)
{
	unsigned int tries = TRIES;
	int err = 0;

	while (!err) {
		u16 *groups;
		bool given;
		u64 from, n;

		mutex_lock(&vol->epochs.mutate);
		from = part->space.nr_blocks;
		err = weigh(vol, part, &n, fault);
		part->store->grow_needs = !err && n && part->on_volume;
		mutex_unlock(&vol->epochs.mutate);
		if (err || !n)
			break;
		err = part->on_volume ? preserve(vol, part, from, n) : 0;
		if (err) {
			shadow_fail(fault, SHADOW_PHASE_PRESERVE, SHADOW_REASON_STORE_ERROR,
				    vol->dev, err);
			break;
		}
		groups = shadow_space_groups(from + n);
		if (!groups) {
			err = no_memory(vol, fault);
			break;
		}
		mutex_lock(&vol->epochs.mutate);
		given = give_out(vol, part, from, n, &groups);
		if (given)
			shadow_store_grow_patience(part->store);
		mutex_unlock(&vol->epochs.mutate);
		kvfree(groups);
		if (given)
			shadow_volume_kick(vol);	/* writes may wait for it */
		else if (!--tries)
			err = shadow_fail(fault, SHADOW_PHASE_STORE, SHADOW_REASON_BUSY,
					  vol->dev, -EBUSY);
	}
	return err;
}

/* --- steps -------------------------------------------------------------------------------- */

/* Context: mutate mutex. */
static u64 step_of(const struct shadow_part *part)
{
	u64 step = clamp(part->nr_blocks / 4, STEP_MIN, STEP_MAX);

	return min(step, part->max_blocks - min(part->max_blocks, part->nr_blocks));
}

static int obtain(struct shadow_volume *vol, struct shadow_part *part,
		  struct shadow_fault *fault)
{
	u64 blocks, nr_blocks;
	int err;

	mutex_lock(&vol->epochs.mutate);
	blocks = shadow_part_unready(part) ? 0 : step_of(part);
	mutex_unlock(&vol->epochs.mutate);
	if (!blocks)	/* it has some, or may have no more: that has changed just now */
		return 0;
	err = part->ops->grow(part, blocks, &nr_blocks, fault);
	mutex_lock(&vol->epochs.mutate);
	if (!err && nr_blocks <= part->nr_blocks)	/* more than its filesystem can map */
		err = shadow_fail(fault, SHADOW_PHASE_STORE, SHADOW_REASON_STORE_FULL,
				  part->bdev->bd_dev, -ENOSPC);
	part->nr_blocks = nr_blocks;
	mutex_unlock(&vol->epochs.mutate);
	return err;
}

/* The end of a step.  Context: mutate mutex. */
static void end_step(struct shadow_store *store, struct shadow_part *part, int err, u32 reason)
{
	store->growing = NULL;
	store->grow_needs = false;
	part->grow_frozen = err == -EAGAIN && !shadow_store_grows_slowly(store);
	if (part->grow_frozen) {
		part->grow_again = jiffies + AGAIN_FROZEN;
		return;
	}
	part->grow_fault = err ? reason : SHADOW_REASON_NONE;
	part->grow_again = 0;
	if (!err) {
		part->grow_failures = 0;
		store->grow_since = 0;
		return;
	}
	/* Due as before: another part may grow, and the policy knows when none can. */
	if (shadow_store_grows_slowly(store))
		shadow_store_grow_patience(store);	/* that is not the next one's fault */
	part->grow_again = jiffies + min(AGAIN_FIRST << min(part->grow_failures, 10U), AGAIN_LAST);
	part->grow_failures++;
}

static void tell(struct shadow_volume *vol, u64 grown, u64 size, u32 reason)
{
	if (grown)
		shadow_event_send(&(struct shadow_event){
			.event = SHADOW_NL_EV_STORE_GROWN, .dev = vol->dev, .name = vol->name,
			.index = -1, .bytes = size << SHADOW_BLOCK_BITS,
		});
	if (reason)
		shadow_event_volume(SHADOW_NL_EV_GROW_FAILED, vol, reason);
}

static void grow(struct work_struct *work)
{
	struct shadow_volume *vol = container_of(work, struct shadow_volume, grow_work);
	unsigned int noio = memalloc_noio_save();
	struct shadow_fault fault = { 0 };
	struct shadow_part *part = NULL;
	struct shadow_store *store;
	u32 reason, last;
	u64 before, size;
	int err;

	mutex_lock(&vol->epochs.mutate);
	store = vol->store;
	if (store && store->grow_since) {
		part = shadow_store_growable(store);
		store->growing = part;
		before = shadow_store_size(store);
		last = part ? part->grow_fault : 0;
	}
	mutex_unlock(&vol->epochs.mutate);
	if (!part)	/* asked for once more while a step began, and that has ended */
		goto out;

	err = obtain(vol, part, &fault);
	if (!err || err == -ENOSPC)	/* then it may have got some */
		err = shadow_grow_ready(vol, part, &fault) ?: err;

	mutex_lock(&vol->epochs.mutate);
	end_step(store, part, err, fault.reason);
	size = shadow_store_size(store);
	reason = part->grow_fault;
	mutex_unlock(&vol->epochs.mutate);
	tell(vol, size - min(size, before), size, reason == last ? 0 : reason);
out:
	shadow_volume_kick(vol);
	memalloc_noio_restore(noio);
}

void shadow_grow_begin(struct shadow_volume *vol)
{
	INIT_WORK(&vol->grow_work, grow);
}

void shadow_grow_stop(struct shadow_volume *vol)
{
	cancel_work_sync(&vol->grow_work);
}
