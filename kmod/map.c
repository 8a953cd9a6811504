// SPDX-License-Identifier: GPL-2.0-only
/*
 * map.c - what is so of the blocks of a shadow, told in runs; and the instants to compare it with.
 *
 * One page of bits, that is SHADOW_MAP_BITS blocks, after the other: what was written between the
 * two marks is put together into a page, from all maps between them; with that, and what else is
 * known of blocks, one run after the other is found.  A few pages at a time, or as many runs as
 * there is room for; then locks are given up, and the runs go to the user.  So marks may go in
 * between, which ends it with an error.  What is told does not change otherwise: what was written
 * between two instants is written, and what is told to be free later only adds to that.
 */
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "changes.h"
#include "map.h"
#include "registry.h"

#define CHUNK_RUNS	512	/* told before locks are given up */
#define CHUNK_PAGES	64	/* ... or looked at */
#define CALL_PAGES	8192	/* in one command: 1 TiB */

/**
 * struct view - a walk
 * @arg: what was asked for
 * @vol: the volume
 * @mark: of the shadow
 * @since: the mark to begin with; NULL: it does not matter
 * @blocks: of the shadow
 * @grown_from: blocks from here on there were none at @since
 * @at: the next block
 * @stored: a run that is in the store; empty: none up to its end
 * @bits: what was written in between, of the page with @at
 * @run: the runs
 * @nr: how many
 */
struct view {
	struct shadow_map *arg;
	struct shadow_volume *vol;
	struct shadow_mark *mark;
	struct shadow_mark *since;
	u64 blocks;
	u64 grown_from;
	u64 at;
	struct shadow_range stored;
	unsigned long *bits;
	struct shadow_run *run;
	unsigned int nr;
};

static bool is_null(const struct shadow_uuid *uuid)
{
	return !memchr_inv(uuid, 0, sizeof(*uuid));
}

static int unknown(struct view *v, u32 reason, int err)
{
	return shadow_fail(&v->arg->fault, SHADOW_PHASE_ARGUMENTS, reason, v->vol->dev, err);
}

/* The mark of a shadow of which no changes are known, or NULL. */
static struct shadow_mark *find_shadow(struct shadow_volume *vol, const struct shadow_uuid *uuid)
{
	struct shadow_stake *stake;
	struct shadow_mark *found = NULL;

	spin_lock(&vol->stakes_lock);
	list_for_each_entry(stake, &vol->stakes, node)
		if (!memcmp(&stake->mark->uuid, uuid, sizeof(*uuid)))
			found = stake->mark;
	spin_unlock(&vol->stakes_lock);
	return found;
}

static struct shadow_mark *find_any(struct shadow_volume *vol, const struct shadow_uuid *uuid)
{
	return shadow_changes_find(vol, uuid) ?: find_shadow(vol, uuid);
}

static bool is_known(const struct shadow_mark *mark)
{
	return !list_empty(&mark->node);
}

/* Where the changes are to begin.  Context: mutate mutex. */
static int find_since(struct view *v)
{
	struct shadow_changes *ch = &v->vol->changes;
	const struct shadow_uuid *uuid = &v->arg->since;
	struct shadow_mark *since;

	if (!(v->arg->want & (SHADOW_RUN_CHANGED | SHADOW_RUN_WAS_FREE)))
		return 0;
	if (is_null(uuid)) {
		since = list_first_entry_or_null(&ch->marks, struct shadow_mark, node);
		/* Since tracking began, and not since it is known. */
		if (!since || since->id != ch->first || since == v->mark ||
		    !shadow_changes_find(v->vol, &since->uuid))
			return unknown(v, SHADOW_REASON_CHANGES_UNKNOWN, -ENODATA);
	} else {
		since = find_any(v->vol, uuid);
		if (!since)
			return -ENOENT;
	}
	if (!is_known(since) || !is_known(v->mark))
		return unknown(v, SHADOW_REASON_CHANGES_UNKNOWN, -ENODATA);
	if (since->id >= v->mark->id)
		return unknown(v, SHADOW_REASON_CHANGES_ORDER, -EINVAL);
	v->since = since;
	return 0;
}

/* What was written in between, of the page at @index. */
static void gather(struct view *v, unsigned long index)
{
	const struct shadow_mark *m = v->since;

	memset(v->bits, 0, PAGE_SIZE);
	list_for_each_entry_from(m, &v->vol->changes.marks, node) {
		if (m == v->mark)
			break;
		shadow_blockmap_gather(m->written, index, v->bits);
	}
	shadow_blockmap_gather(&v->since->overlay, index, v->bits);
	shadow_blockmap_gather(&v->mark->overlay, index, v->bits);
}

/* Was @block written to the image?  The answer is good for @len blocks, which becomes less. */
static bool in_overlay(const struct shadow_mark *mark, u64 block, u64 *len)
{
	bool set;

	if (!is_known(mark))	/* then it has no more than its shadow */
		return shadow_index_has(&mark->epoch->overlay, block, *len, len);
	*len = shadow_blockmap_run(&mark->overlay, block, *len, &set);
	return set;
}

static bool was_free(const struct shadow_mark *mark, u64 block, u64 *len)
{
	bool set;

	if (!mark->epoch)
		return false;
	*len = shadow_blockmap_run(&mark->epoch->free, block, *len, &set);
	return set && !in_overlay(mark, block, len);
}

static bool is_changed(const struct view *v, u64 block, u64 *len)
{
	unsigned int at = block % SHADOW_MAP_BITS, next;
	bool set;

	if (block >= v->grown_from)
		return true;
	*len = min(*len, v->grown_from - block);
	set = test_bit(at, v->bits);
	next = set ? find_next_zero_bit(v->bits, SHADOW_MAP_BITS, at) :
		     find_next_bit(v->bits, SHADOW_MAP_BITS, at);
	*len = min_t(u64, *len, next - at);
	return set;
}

static bool is_stored(struct view *v, u64 block, u64 *len)
{
	const struct shadow_epoch *ep = v->mark->epoch;
	struct shadow_range *stored = &v->stored;

	/* One that is going is in no list any more. */
	if (!v->mark->shadow || list_empty(&ep->node))
		return false;
	while (stored->end <= block) {
		u64 from = max(stored->end, block), n;
		u64 end = min(v->blocks, (block / SHADOW_MAP_BITS + 1) * SHADOW_MAP_BITS);

		n = shadow_epochs_next_stored(&v->vol->epochs, ep, &from, end);
		*stored = (struct shadow_range){ from, from + n };
		if (from >= end)
			break;
	}
	if (block < stored->first) {
		*len = min(*len, stored->first - block);
		return false;
	}
	*len = min(*len, stored->end - block);
	return block < stored->end;
}

/* State of @block, and of how many from there on, up to @len. */
static u32 state_of(struct view *v, u64 block, u64 *len)
{
	u32 want = v->arg->want, state = 0;

	if (want & SHADOW_RUN_CHANGED && is_changed(v, block, len))
		state |= SHADOW_RUN_CHANGED;
	if (want & SHADOW_RUN_FREE && was_free(v->mark, block, len))
		state |= SHADOW_RUN_FREE;
	if (want & SHADOW_RUN_WAS_FREE && block < v->grown_from &&
	    was_free(v->since, block, len))
		state |= SHADOW_RUN_WAS_FREE;
	if (want & SHADOW_RUN_WRITTEN && v->mark->epoch && in_overlay(v->mark, block, len))
		state |= SHADOW_RUN_WRITTEN;
	if (want & SHADOW_RUN_STORED && is_stored(v, block, len) &&
	    !(state & (SHADOW_RUN_FREE | SHADOW_RUN_WRITTEN)))
		state |= SHADOW_RUN_STORED;
	return state;
}

/* False: there is no room for one more. */
static bool put_run(struct view *v, u64 block, u64 len, u32 state)
{
	struct shadow_run *run = v->nr ? &v->run[v->nr - 1] : NULL;
	u64 first = block << SHADOW_BLOCK_BITS, end = (block + len) << SHADOW_BLOCK_BITS;

	end = min(end, (u64)v->mark->sectors << SECTOR_SHIFT);
	if (run && run->state == state && run->first + run->bytes == first) {
		run->bytes = end - run->first;
		return true;
	}
	if (v->nr == min_t(u32, CHUNK_RUNS, v->arg->count))
		return false;
	v->run[v->nr++] = (struct shadow_run){
		.first = first, .bytes = end - first, .state = state,
	};
	return true;
}

/* The runs of the page with @v->at.  False: there is no room for all of them. */
static bool tell_page(struct view *v)
{
	u64 end = min(v->blocks, (v->at / SHADOW_MAP_BITS + 1) * SHADOW_MAP_BITS), len;

	if (v->since)
		gather(v, v->at / SHADOW_MAP_BITS);
	for (; v->at < end; v->at += len) {
		u32 state;

		len = end - v->at;
		state = state_of(v, v->at, &len);
		if (state && !put_run(v, v->at, len, state))
			return false;
	}
	return true;
}

/* Context: registry_lock.  Return: 0: another volume's; 1: done; or a negative errno. */
static int tell_chunk(struct shadow_volume *vol, void *data)
{
	struct view *v = data;
	unsigned int pages = 0;
	int err = 0;

	shadow_changes_give_way(vol);
	mutex_lock(&vol->epochs.mutate);
	v->vol = vol;
	v->since = NULL;
	if (v->arg->want & (SHADOW_RUN_CHANGED | SHADOW_RUN_WAS_FREE))
		v->mark = find_any(vol, &v->arg->shadow);
	else
		v->mark = find_shadow(vol, &v->arg->shadow) ?:
			  shadow_changes_find(vol, &v->arg->shadow);
	if (!v->mark)
		goto unlock;
	err = find_since(v);
	if (err)
		goto unlock;
	v->arg->bytes = (u64)v->mark->sectors << SECTOR_SHIFT;
	if (v->since)
		v->arg->generation = vol->changes.generation;
	v->blocks = shadow_blocks_of(v->mark->sectors);
	v->grown_from = v->since && v->since->sectors < v->mark->sectors ?
			v->since->sectors / SHADOW_BLOCK_SECTORS : U64_MAX;
	v->stored = (struct shadow_range){ 0 };
	v->nr = 0;
	while (v->at < v->blocks && pages++ < CHUNK_PAGES && tell_page(v))
		;
	err = 1;
unlock:
	mutex_unlock(&vol->epochs.mutate);
	return err;
}

static int has_mark(struct shadow_volume *vol, void *uuid)
{
	bool found;

	mutex_lock(&vol->epochs.mutate);
	found = find_any(vol, uuid);
	mutex_unlock(&vol->epochs.mutate);
	return found;
}

/* One of the two is not there, or they are of different volumes. */
static int not_found(struct shadow_map *arg)
{
	if (!is_null(&arg->since) && shadow_registry_each(has_mark, &arg->since) &&
	    shadow_registry_each(has_mark, &arg->shadow))
		return shadow_fail(&arg->fault, SHADOW_PHASE_ARGUMENTS, SHADOW_REASON_OTHER_VOLUME,
				   0, -EXDEV);
	return -ENOENT;
}

int shadow_map_tell(struct shadow_map *arg)
{
	struct shadow_run __user *user = u64_to_user_ptr(arg->runs);
	struct view v = { .arg = arg, .at = arg->offset >> SHADOW_BLOCK_BITS };
	u32 room = arg->count, told = 0;
	unsigned int pages = 0;
	int err;

	v.run = kvmalloc_array(CHUNK_RUNS, sizeof(*v.run), GFP_KERNEL);
	v.bits = (void *)__get_free_page(GFP_KERNEL);
	err = v.run && v.bits ? 0 : -ENOMEM;
	while (!err) {
		arg->count = room - told;
		err = shadow_registry_each(tell_chunk, &v);
		if (err <= 0) {
			err = !err || err == -ENOENT ? not_found(arg) : err;
			break;
		}
		err = 0;
		if (copy_to_user(user + told, v.run, v.nr * sizeof(*v.run)))
			err = -EFAULT;
		told += v.nr;
		pages += CHUNK_PAGES;
		if (v.at >= v.blocks || told == room || pages >= CALL_PAGES ||
		    signal_pending(current))
			break;
		cond_resched();
	}
	free_page((unsigned long)v.bits);
	kvfree(v.run);
	arg->count = err ? 0 : told;
	if (!err)
		arg->offset = v.at >= v.blocks ? arg->bytes : v.at << SHADOW_BLOCK_BITS;
	if (err == -ENOMEM)
		shadow_fail(&arg->fault, SHADOW_PHASE_NONE, SHADOW_REASON_NO_MEMORY, 0, err);
	return err;
}

/* --- bases ----------------------------------------------------------------------------- */

/**
 * struct next_base - a walk over the marks of all volumes
 * @cursor: the one before
 * @best: the next one, of those that were seen
 * @bits: a page to count with
 */
struct next_base {
	u64 cursor;
	struct shadow_base_info best;
	unsigned long *bits;
};

/* Marks of volumes come in any order of each other: the one with the lowest id. */
static int next_of(struct shadow_volume *vol, void *data)
{
	struct next_base *next = data;
	struct shadow_base_info info = { .cursor = next->cursor };

	if (shadow_changes_next(vol, &info) &&
	    (!next->best.cursor || info.cursor < next->best.cursor))
		next->best = info;
	return 0;
}

static int count_of(struct shadow_volume *vol, void *data)
{
	struct next_base *next = data;

	return shadow_changes_count(vol, &next->best, next->bits);
}

int shadow_map_next_base(struct shadow_base_info *info)
{
	struct next_base next = { .cursor = info->cursor };

	next.bits = (void *)__get_free_page(GFP_KERNEL);
	if (!next.bits)
		return -ENOMEM;
	shadow_registry_each(next_of, &next);
	if (next.best.cursor)
		shadow_registry_each(count_of, &next);	/* it may be gone by now */
	free_page((unsigned long)next.bits);
	if (!next.best.cursor)
		return -ENOENT;
	*info = next.best;
	return 0;
}

/* Context: registry_lock. */
static int change_of(struct shadow_volume *vol, void *data)
{
	struct shadow_base *arg = data;
	bool keep = arg->flags & SHADOW_BASE_KEEP;
	int err = shadow_changes_change(vol, &arg->uuid, keep);

	if (err == -ENOENT && keep && has_mark(vol, &arg->uuid))	/* a shadow's */
		return shadow_fail(&arg->fault, SHADOW_PHASE_ARGUMENTS,
				   SHADOW_REASON_CHANGES_UNKNOWN, vol->dev, -ENODATA);
	if (err)
		return 0;
	if (keep)
		shadow_registry_keep_bases(vol, NULL);
	return 1;
}

int shadow_map_change_base(struct shadow_base *arg)
{
	int err = shadow_registry_each(change_of, arg);

	if (err > 0 && arg->flags & SHADOW_BASE_DROP)
		shadow_registry_release_stores();
	return err > 0 ? 0 : err ?: -ENOENT;
}

static int tracking_of(struct shadow_volume *vol, void *data)
{
	struct shadow_tracking_info *info = data;

	if (vol->id <= info->cursor)
		return 0;
	shadow_changes_fill_info(vol, info);
	return 1;
}

int shadow_map_next_tracking(struct shadow_tracking_info *info)
{
	return shadow_registry_each(tracking_of, info) ? 0 : -ENOENT;
}
