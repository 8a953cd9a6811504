// SPDX-License-Identifier: GPL-2.0-only
/*
 * changes.c - which blocks of a volume were written, from one of its instants to the next.
 *
 * Between two neighbouring *marks* (instants of shadows) there is a map with a bit for each block
 * that was written in between.  What has changed from one mark to any later one is what is
 * set in some map between the two.  Records have no part in this: a block can be
 * written without one (it was free), and recorded without being written (a neighbour).
 *
 * Bits are set in the newest map, by everybody who lets a write through, without a
 * lock.  For this the page of bits has to be there; where it is not the write takes the
 * way through the worker, which allocates it under the mutate mutex.  A write counts as
 * in flight all the while, and a mark comes when none is: so no bit can be late.
 *
 * A mark is its shadow's until that goes; then the volume's, if it was kept as a base.  Else it is
 * merged: what was written after it was written after the mark before it.  That is done page by
 * page, in a work item: the older map's pages move into the newer map, in which bits may be being
 * set, and when none is left the older mark takes over the newer map.  At each moment the
 * maps of the two together have all bits, and nobody can ask for the mark between them.
 *
 * Memory is bounded.  Where a page more would exceed that, or there is none, the oldest mark is
 * forgotten, as often as it takes: of that one, and so of nothing else, it is not known any more
 * what has changed since.
 */
#include <linux/delay.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/uuid.h>
#include "changes.h"
#include "event.h"
#include "volume.h"

#define LIMIT_DEFAULT	(64ULL << 20)
#define MERGE_PAGES	256		/* moved before others get the mutex */
#define MERGE_AGAIN	(HZ / 20)
#define COUNT_PAGES	256		/* likewise, looked at */

void shadow_changes_give_way(const struct shadow_volume *vol)
{
	if (READ_ONCE(vol->gate))	/* the instant polls for the mutex */
		usleep_range(200, 400);
}

static u64 map_bytes(const struct shadow_volume *vol)
{
	return DIV_ROUND_UP_ULL(READ_ONCE(vol->nr_blocks), SHADOW_MAP_BITS) * PAGE_SIZE;
}

int shadow_changes_limit(struct shadow_volume *vol, u64 bytes)
{
	u64 least = map_bytes(vol);

	if (bytes && bytes < least)
		return -ERANGE;
	mutex_lock(&vol->epochs.mutate);
	vol->changes.limit = bytes ?: max(LIMIT_DEFAULT, 2 * least);
	mutex_unlock(&vol->epochs.mutate);
	return 0;
}

/* --- marks ------------------------------------------------------------------------------ */

static void free_map(struct shadow_blockmap *map)
{
	if (map)
		shadow_blockmap_destroy(map);
	kfree(map);
}

struct shadow_mark *shadow_mark_create(void)
{
	struct shadow_mark *mark = kzalloc(sizeof(*mark), GFP_KERNEL);

	if (!mark)
		return NULL;
	mark->written = kmalloc(sizeof(*mark->written), GFP_KERNEL);
	if (!mark->written) {
		kfree(mark);
		return NULL;
	}
	INIT_LIST_HEAD(&mark->node);
	shadow_blockmap_init(mark->written);
	shadow_blockmap_init(&mark->overlay);
	return mark;
}

void shadow_mark_destroy(struct shadow_mark *mark)
{
	if (!mark)
		return;
	free_map(mark->written);
	shadow_blockmap_destroy(&mark->overlay);
	if (!mark->shadow)
		shadow_epoch_free(mark->epoch);
	kfree(mark);
}

static bool is_newest(const struct shadow_changes *ch, const struct shadow_mark *mark)
{
	return list_is_last(&mark->node, &ch->marks);
}

/*
 * What was written since @mark is forgotten; so is the mark, if it is not its shadow's.  It is
 * the oldest one.  Context: mutate mutex; may sleep for a grace period.
 */
static void forget_oldest(struct shadow_volume *vol, struct shadow_mark *mark)
{
	struct shadow_changes *ch = &vol->changes;

	if (is_newest(ch, mark)) {
		rcu_assign_pointer(ch->now, NULL);
		synchronize_rcu();
	}
	list_del_init(&mark->node);
	free_map(mark->written);
	mark->written = NULL;
	shadow_blockmap_destroy(&mark->overlay);	/* the shadow has its own */
	if (!mark->shadow)
		shadow_mark_destroy(mark);
	if (list_empty(&ch->marks))
		memset(&ch->generation, 0, sizeof(ch->generation));
}

/* As forget_oldest(), for who lacks the memory. */
static void give_up_oldest(struct shadow_volume *vol)
{
	struct shadow_changes *ch = &vol->changes;
	struct shadow_mark *mark = list_first_entry(&ch->marks, struct shadow_mark, node);

	if (mark->kept || mark->begin) {
		pr_warn("%s: what has changed since a base is forgotten: memory\n", vol->name);
		shadow_event_send(&(struct shadow_event){
			.event = SHADOW_NL_EV_BASE_LOST, .shadow = &mark->uuid, .dev = vol->dev,
			.name = vol->name, .index = -1, .reason = SHADOW_REASON_NO_MEMORY,
		});
	}
	if (mark->kept || mark->begin || mark->shadow)
		ch->forgotten++;
	forget_oldest(vol, mark);
	if (list_empty(&ch->marks))
		ch->reason = SHADOW_TRACKING_MEMORY;
}

void shadow_changes_forget(struct shadow_volume *vol, u32 reason)
{
	struct shadow_changes *ch = &vol->changes;

	lockdep_assert_held(&vol->epochs.mutate);
	while (!list_empty(&ch->marks))
		forget_oldest(vol, list_first_entry(&ch->marks, struct shadow_mark, node));
	ch->reason = reason;
}

static void number_mark(struct shadow_mark *mark)
{
	static atomic64_t last_id;

	mark->id = atomic64_inc_return(&last_id);
}

/* Context: mutate mutex. */
static void add_mark(struct shadow_volume *vol, struct shadow_mark *mark)
{
	struct shadow_changes *ch = &vol->changes;

	number_mark(mark);
	if (list_empty(&ch->marks)) {
		generate_random_uuid(ch->generation.b);
		ch->began_ns = mark->created_ns;
		ch->first = mark->id;
	}
	list_add_tail(&mark->node, &ch->marks);
	rcu_assign_pointer(ch->now, mark->written);
}

void shadow_changes_begin(struct shadow_volume *vol, struct shadow_mark *mark)
{
	struct shadow_changes *ch = &vol->changes;

	mutex_lock(&vol->epochs.mutate);
	if (list_empty(&ch->marks)) {
		mark->begin = true;
		mark->created_ns = ktime_get_real_ns();
		mark->sectors = READ_ONCE(vol->nr_sectors);
		add_mark(vol, mark);
		mark->uuid = ch->generation;
		mark = NULL;
	}
	mutex_unlock(&vol->epochs.mutate);
	shadow_mark_destroy(mark);
}

void shadow_changes_flip(struct shadow_volume *vol, struct shadow_mark *mark)
{
	lockdep_assert_held(&vol->epochs.mutate);
	mark->shadow = true;
	add_mark(vol, mark);
}

/* --- noting ------------------------------------------------------------------------------- */

bool shadow_changes_note(struct shadow_volume *vol, struct shadow_range range)
{
	struct shadow_blockmap *now;
	bool noted = true;

	rcu_read_lock();
	now = rcu_dereference(vol->changes.now);
	if (now && range.first < range.end)
		noted = shadow_blockmap_note(now, range.first, range.end - range.first);
	rcu_read_unlock();
	return noted;
}

static u64 mark_bytes(const struct shadow_mark *mark)
{
	u64 bytes = shadow_blockmap_bytes(&mark->overlay);

	if (mark->written)
		bytes += shadow_blockmap_bytes(mark->written);
	if (mark->epoch && !mark->shadow)	/* else it counts as the shadow's */
		bytes += shadow_blockmap_bytes(&mark->epoch->free);
	return bytes;
}

static u64 all_bytes(const struct shadow_changes *ch)
{
	const struct shadow_mark *mark;
	u64 bytes = 0;

	list_for_each_entry(mark, &ch->marks, node)
		bytes += mark_bytes(mark);
	return bytes;
}

/* Forget what must be for a page more, but for the newest mark: it has its bit per block. */
static void make_room(struct shadow_volume *vol)
{
	struct shadow_changes *ch = &vol->changes;

	while (!list_empty(&ch->marks) && !list_is_singular(&ch->marks) &&
	       all_bytes(ch) + PAGE_SIZE > ch->limit)
		give_up_oldest(vol);
}

static int reserve(struct shadow_blockmap *map, u64 first, u64 n)
{
	if (!shadow_blockmap_reserve(map, first, n, SHADOW_GFP))
		return 0;
	return shadow_blockmap_reserve(map, first, n, SHADOW_GFP_LAST);
}

/* Blocks of one page that is not there.  Context: mutate mutex. */
static void note_in_new_page(struct shadow_volume *vol, struct shadow_range range)
{
	struct shadow_changes *ch = &vol->changes;
	struct shadow_blockmap *now;

	make_room(vol);
	for (;;) {
		now = rcu_dereference_protected(ch->now, lockdep_is_held(&vol->epochs.mutate));
		if (!now || !reserve(now, range.first, range.end - range.first))
			break;
		give_up_oldest(vol);
	}
	if (now)
		shadow_blockmap_note(now, range.first, range.end - range.first);
}

void shadow_changes_note_locked(struct shadow_volume *vol, struct shadow_range range)
{
	struct shadow_range part = range;

	lockdep_assert_held(&vol->epochs.mutate);
	for (; part.first < range.end; part.first = part.end) {
		part.end = min(range.end, (part.first / SHADOW_MAP_BITS + 1) * SHADOW_MAP_BITS);
		if (!shadow_changes_note(vol, part))
			note_in_new_page(vol, part);
	}
}

void shadow_changes_note_slow(struct shadow_volume *vol, struct shadow_range range)
{
	if (shadow_changes_note(vol, range))
		return;
	mutex_lock(&vol->epochs.mutate);
	shadow_changes_note_locked(vol, range);
	mutex_unlock(&vol->epochs.mutate);
}

void shadow_changes_note_overlay(struct shadow_volume *vol, struct shadow_mark *mark, u64 first,
				 u64 n)
{
	lockdep_assert_held(&vol->epochs.mutate);
	if (list_empty(&mark->node))	/* forgotten */
		return;
	if (!shadow_blockmap_fill(&mark->overlay, first, n, SHADOW_GFP) ||
	    !shadow_blockmap_fill(&mark->overlay, first, n, SHADOW_GFP_LAST))
		return;
	while (!list_empty(&mark->node))
		give_up_oldest(vol);
}

/* --- merging -------------------------------------------------------------------------------- */

/* A mark that nobody wants and that is not the oldest one, or NULL. */
static struct shadow_mark *to_merge(struct shadow_changes *ch)
{
	struct shadow_mark *mark;

	list_for_each_entry(mark, &ch->marks, node)
		if (!shadow_mark_wanted(mark) && !list_is_first(&mark->node, &ch->marks))
			return mark;
	return NULL;
}

/* Move some pages.  Return: 1 when there is more to do, 0, or -ENOMEM.  Context: mutate mutex. */
static int merge_step(struct shadow_volume *vol)
{
	struct shadow_changes *ch = &vol->changes;
	unsigned int n = MERGE_PAGES;
	struct shadow_mark *mark, *older;
	int more = 1;

	while (!list_empty(&ch->marks)) {	/* what is older than all marks is nobody's */
		mark = list_first_entry(&ch->marks, struct shadow_mark, node);
		if (shadow_mark_wanted(mark))
			break;
		forget_oldest(vol, mark);
	}
	mark = to_merge(ch);
	if (!mark)
		return 0;
	older = list_prev_entry(mark, node);
	while (more > 0 && n--)
		more = shadow_blockmap_move(older->written, mark->written, GFP_NOIO);
	if (more)
		return more;
	swap(older->written, mark->written);	/* the other one is empty */
	list_del_init(&mark->node);
	shadow_mark_destroy(mark);
	return 1;
}

static void merge(struct work_struct *work)
{
	struct shadow_changes *ch = container_of(to_delayed_work(work), struct shadow_changes,
						 merge_work);
	struct shadow_volume *vol = container_of(ch, struct shadow_volume, changes);
	int more;

	do {
		mutex_lock(&vol->epochs.mutate);
		more = merge_step(vol);
		mutex_unlock(&vol->epochs.mutate);
		cond_resched();
	} while (more > 0 && !READ_ONCE(vol->gate));	/* the instant polls for the mutex */
	if (more)
		queue_delayed_work(vol->wq, &ch->merge_work, MERGE_AGAIN);
}

bool shadow_changes_release(struct shadow_volume *vol, struct shadow_mark *mark,
			    struct shadow_epoch *epoch)
{
	struct shadow_changes *ch = &vol->changes;

	lockdep_assert_held(&vol->epochs.mutate);
	if (list_empty(&mark->node))
		return false;
	mark->shadow = false;
	mark->epoch = epoch;
	if (!mark->kept)
		queue_delayed_work(vol->wq, &ch->merge_work, 0);
	return true;
}

/* --- bases ---------------------------------------------------------------------------------- */

bool shadow_changes_kept(struct shadow_volume *vol)
{
	struct shadow_mark *mark;
	bool kept = false;

	mutex_lock(&vol->epochs.mutate);
	list_for_each_entry(mark, &vol->changes.marks, node)
		kept |= mark->kept;
	mutex_unlock(&vol->epochs.mutate);
	return kept;
}

struct shadow_mark *shadow_changes_find(struct shadow_volume *vol, const struct shadow_uuid *uuid)
{
	struct shadow_mark *mark;

	lockdep_assert_held(&vol->epochs.mutate);
	list_for_each_entry(mark, &vol->changes.marks, node)
		if (shadow_mark_wanted(mark) && !memcmp(&mark->uuid, uuid, sizeof(*uuid)))
			return mark;
	return NULL;
}

int shadow_changes_change(struct shadow_volume *vol, const struct shadow_uuid *uuid, bool keep)
{
	struct shadow_mark *mark;

	mutex_lock(&vol->epochs.mutate);
	mark = shadow_changes_find(vol, uuid);
	if (mark) {
		mark->kept = keep;
		if (!keep)
			mark->begin = false;
		if (!shadow_mark_wanted(mark))
			queue_delayed_work(vol->wq, &vol->changes.merge_work, 0);
	}
	mutex_unlock(&vol->epochs.mutate);
	return mark ? 0 : -ENOENT;
}

static void fill_base(const struct shadow_volume *vol, const struct shadow_mark *mark,
		      struct shadow_base_info *info)
{
	memset(info, 0, sizeof(*info));
	info->cursor = mark->id;
	info->uuid = mark->uuid;
	info->generation = vol->changes.generation;
	info->volume = shadow_dev_encode(vol->dev);
	info->flags = (mark->kept ? SHADOW_BASE_KEPT : 0) |
		      (mark->shadow ? SHADOW_BASE_SHADOW : 0) |
		      (mark->begin ? SHADOW_BASE_BEGIN : 0);
	info->epoch = mark->number;
	info->bytes = (u64)mark->sectors << SECTOR_SHIFT;
	info->created_ns = mark->created_ns;
	info->memory_bytes = mark_bytes(mark);
	strscpy(info->volume_name, vol->name, sizeof(info->volume_name));
}

bool shadow_changes_next_written(const struct shadow_changes *ch, const struct shadow_mark *mark,
				 u64 *index, unsigned long *bits)
{
	const struct shadow_mark *m = mark;
	u64 found = U64_MAX, next;

	list_for_each_entry_from(m, &ch->marks, node) {
		if (m != mark && shadow_mark_wanted(m))
			break;
		next = *index * SHADOW_MAP_BITS;
		if (shadow_blockmap_next(m->written, &next))
			found = min(found, next / SHADOW_MAP_BITS);
	}
	if (found == U64_MAX)
		return false;
	memset(bits, 0, PAGE_SIZE);
	m = mark;
	list_for_each_entry_from(m, &ch->marks, node) {
		if (m != mark && shadow_mark_wanted(m))
			break;
		shadow_blockmap_gather(m->written, found, bits);
	}
	*index = found;
	return true;
}

bool shadow_changes_next(struct shadow_volume *vol, struct shadow_base_info *info)
{
	struct shadow_mark *mark;
	bool found = false;

	mutex_lock(&vol->epochs.mutate);
	list_for_each_entry(mark, &vol->changes.marks, node) {
		if (mark->id <= info->cursor || !shadow_mark_wanted(mark))
			continue;
		fill_base(vol, mark, info);
		found = true;
		break;
	}
	mutex_unlock(&vol->epochs.mutate);
	return found;
}

/* Count from page @index on, for some pages.  Return: 1 when there are more, 0, or -ENOENT. */
static int count_some(const struct shadow_changes *ch, u64 id, u64 *index, u64 *count,
		      unsigned long *bits)
{
	const struct shadow_mark *mark;
	unsigned int n;

	list_for_each_entry(mark, &ch->marks, node) {
		if (mark->id != id)
			continue;
		for (n = 0; n < COUNT_PAGES; n++, ++*index) {
			if (!shadow_changes_next_written(ch, mark, index, bits))
				return 0;
			*count += bitmap_weight(bits, SHADOW_MAP_BITS);
		}
		return 1;
	}
	return -ENOENT;
}

bool shadow_changes_count(struct shadow_volume *vol, struct shadow_base_info *info,
			  unsigned long *bits)
{
	u64 index = 0, count = 0;
	int more;

	do {
		shadow_changes_give_way(vol);
		mutex_lock(&vol->epochs.mutate);
		more = count_some(&vol->changes, info->cursor, &index, &count, bits);
		mutex_unlock(&vol->epochs.mutate);
		cond_resched();
	} while (more > 0);
	info->changed_bytes = more ? 0 : count << SHADOW_BLOCK_BITS;
	return !more;
}

void shadow_changes_fill_info(struct shadow_volume *vol, struct shadow_tracking_info *info)
{
	const struct shadow_changes *ch = &vol->changes;
	const struct shadow_mark *mark;

	mutex_lock(&vol->epochs.mutate);
	memset(info, 0, sizeof(*info));
	info->cursor = vol->id;
	info->volume = shadow_dev_encode(vol->dev);
	info->generation = ch->generation;
	info->began_ns = list_empty(&ch->marks) ? 0 : ch->began_ns;
	info->reason = list_empty(&ch->marks) && ch->reason == SHADOW_TRACKING_BEGAN ?
		       SHADOW_TRACKING_NONE : ch->reason;
	list_for_each_entry(mark, &ch->marks, node)
		info->bases += mark->kept;
	info->memory_bytes = all_bytes(ch);
	info->memory_limit_bytes = ch->limit;
	info->forgotten = ch->forgotten;
	strscpy(info->volume_name, vol->name, sizeof(info->volume_name));
	mutex_unlock(&vol->epochs.mutate);
}

/* --- what was saved ------------------------------------------------------------------------ */

void shadow_changes_adopt(struct shadow_volume *vol, struct list_head *marks, bool whole)
{
	struct shadow_mark *newest = list_last_entry(marks, struct shadow_mark, node), *mark;
	struct shadow_changes *ch = &vol->changes;

	lockdep_assert_held(&vol->epochs.mutate);
	if (list_empty(&ch->marks))
		rcu_assign_pointer(ch->now, newest->written);
	/* It did not begin there: it is merged, as all that nobody wants. */
	list_for_each_entry(mark, &ch->marks, node)
		mark->begin &= mark->kept;
	list_splice_init(marks, &ch->marks);
	list_for_each_entry(mark, &ch->marks, node)
		number_mark(mark);
	ch->first = whole ? list_first_entry(&ch->marks, struct shadow_mark, node)->id : 0;
}

struct shadow_mark *shadow_changes_claim(struct shadow_volume *vol, const struct shadow_uuid *uuid)
{
	struct shadow_mark *mark;

	lockdep_assert_held(&vol->epochs.mutate);
	list_for_each_entry(mark, &vol->changes.marks, node)
		if (!mark->shadow && !mark->begin && !memcmp(&mark->uuid, uuid, sizeof(*uuid))) {
			shadow_epoch_free(mark->epoch);
			mark->epoch = NULL;
			mark->shadow = true;
			return mark;
		}
	return NULL;
}

void shadow_changes_settle(struct shadow_volume *vol)
{
	queue_delayed_work(vol->wq, &vol->changes.merge_work, 0);
}

/* --- life ----------------------------------------------------------------------------------- */

void shadow_changes_init(struct shadow_volume *vol)
{
	struct shadow_changes *ch = &vol->changes;

	INIT_LIST_HEAD(&ch->marks);
	INIT_DELAYED_WORK(&ch->merge_work, merge);
	ch->reason = SHADOW_TRACKING_BEGAN;
	ch->limit = max(LIMIT_DEFAULT, 2 * map_bytes(vol));
}

void shadow_changes_destroy(struct shadow_volume *vol)
{
	struct shadow_changes *ch = &vol->changes;
	struct shadow_mark *mark, *next;

	list_for_each_entry_safe(mark, next, &ch->marks, node)
		shadow_mark_destroy(mark);
}
