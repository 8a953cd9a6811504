// SPDX-License-Identifier: GPL-2.0-only
/*
 * policy.c - what becomes of shadows and writes when old data cannot be kept.
 *
 * A store that is full and cannot grow leaves three ways out, and each volume has
 * its own:
 *
 *	evict		shadows go, the oldest first, until there is room
 *	throttle	writes wait for room, for a while; then as evict
 *	fail-io		writes end with an error, shadows stay
 *
 * Evicting is deleting, by a work item of the volume, and whoever has a shadow
 * open, or has pinned it, keeps it.  The records go first and the disk last, so
 * that writes get their room without anything that might wait for them: the work
 * item takes no memory that it had to wait for, and its queue has a rescuer.
 * Deletions take turns (vol->fold), and each looks for room again when its turn
 * has come: nothing goes because of room that another deletion is about to make.
 * An epoch hands its records to the next older one and frees those only that the
 * older one has as well, but the oldest frees all: hence oldest first, and hence a
 * pinned old shadow makes the eviction of younger ones worth less.
 *
 * Who wants room is the worker (shadow_policy_wait()).  It leaves the claims as
 * they are, with their data in memory, and tries again; so what waits is bounded
 * by the volume's memory, and writes that need nothing preserved pass.  It begins
 * to evict a little early, with a few MiB left, so that as a rule no write waits.
 * When nothing is found that could go, or no room has come for store_timeout
 * seconds (preserve.c), all shadows are lost: the origin wins.
 *
 * Throttled writes are writes in flight, so an instant waits for them, and before
 * that a freeze, and before that whoever writes filesystems out.  A set in the
 * making therefore ends the wait (shadow_policy_hurry_begin()): the oldest shadow
 * goes for the newest.
 *
 * A store that can grow does so before it is full, by a work item with a queue of its own
 * (grow.c): when there is little room left for the rate at which it fills.  Writes that are
 * faster wait for that, and no shadow goes, for a while.
 *
 * Before it comes to that writers are asked to write less, and told when they may go on
 * (writers.c).  From one to the other there is a gap, so that a store about a mark is one story.
 *
 * A fault is fail-io having struck: all writes of the volume end with an error, not
 * only those that need preserving, so that what is on the volume stays what it was
 * at one moment, and a filesystem finds it as after a power cut.  Claims are thrown
 * away, and nothing is sent to the store: a batch that could not be written stays
 * in memory, from where shadows read it, and is written when the fault is cleared.  Of a durable
 * store nobody reads what is not written yet: it is given up instead, and the log goes on, so that
 * shadows can be deleted.
 */
#include <linux/jiffies.h>
#include <linux/math64.h>
#include <linux/sched/mm.h>
#include "durable.h"
#include "event.h"
#include "gate.h"
#include "policy.h"
#include "writers.h"

#define RESERVE_MAX	((4ULL << 20) >> SHADOW_BLOCK_BITS)
#define RESERVE_PART	16		/* of a small store */
#define RATE_PERIOD	(30 * HZ)	/* over which the filling is averaged */
#define GROW_SECONDS	10		/* of filling, before which the store grows */
#define GROW_MIN	((32ULL << 20) >> SHADOW_BLOCK_BITS)
#define GROW_PART	8		/* of a large store */
#define BACK_OFF_AT	85		/* per cent: writers are told to write less, */
#define BACK_OFF_AGAIN	95		/* once more, */
#define GO_ON_BELOW	70		/* and to go on */
#define WAITED_LATELY	(5 * HZ)	/* who waits for growth asks more often */

static struct shadow_stake *(*take_victim)(struct shadow_volume *vol);
static void (*finish_victim)(struct shadow_stake *stake);

void shadow_policy_init(struct shadow_stake *(*victim)(struct shadow_volume *vol),
			void (*evicted)(struct shadow_stake *stake))
{
	take_victim = victim;
	finish_victim = evicted;
}

/* --- room --------------------------------------------------------------------- */

/* Blocks that can be had, or soon.  What is in use where the store is cut needs a place, too. */
static u64 room_of(const struct shadow_store *store)
{
	u64 used = shadow_store_used(store) - store->freeing;
	u64 size = shadow_store_size(store);

	return size > used ? size - used : 0;
}

static u64 reserve_of(const struct shadow_store *store)
{
	return min(RESERVE_MAX, div_u64(shadow_store_size(store), RESERVE_PART));
}

static bool grow_is_due(const struct shadow_volume *vol, const struct shadow_part *part)
{
	u64 enough = max3(vol->rate * GROW_SECONDS >> SHADOW_BLOCK_BITS, GROW_MIN,
			  div_u64(shadow_store_size(vol->store), GROW_PART));

	if (part && shadow_part_unready(part))
		return true;
	return rcu_access_pointer(vol->epochs.settled) && room_of(vol->store) < enough;
}

/*
 * Take the next step of growth, if there is one to take.  Nobody else says whether growth is
 * due.  @wanted: somebody waits for room, so it is.
 *
 * Patience is used up only while somebody waits, and what a step that takes too long has used
 * up is so until its end.
 */
static void see_to_growth(struct shadow_volume *vol, bool wanted)
{
	struct shadow_store *store = vol->store;
	struct shadow_part *part = shadow_store_growable(store);
	bool waited = store->grow_wanted &&
		      time_before(jiffies, store->grow_wanted + WAITED_LATELY);

	lockdep_assert_held(&vol->epochs.mutate);
	if (wanted)
		store->grow_wanted = jiffies ?: 1;
	if (!waited && !(store->growing && shadow_store_grows_slowly(store)))
		shadow_store_grow_patience(store);
	if (store->growing)
		return;
	if (!shadow_store_can_grow(store) || (!wanted && !waited && !grow_is_due(vol, part))) {
		store->grow_since = 0;
		return;
	}
	if (!store->grow_since)
		store->grow_since = jiffies ?: 1;
	if (part)
		queue_work(vol->grow_wq, &vol->grow_work);
}

void shadow_policy_grow(struct shadow_volume *vol)
{
	see_to_growth(vol, false);
}

bool shadow_policy_want_room(struct shadow_volume *vol)
{
	see_to_growth(vol, true);
	return shadow_store_grows(vol->store);
}

void shadow_policy_told_free(struct shadow_volume *vol)
{
	struct shadow_part *part;

	lockdep_assert_held(&vol->epochs.mutate);
	list_for_each_entry(part, &vol->store->parts, node)
		if (part->grow_fault == SHADOW_REASON_STORE_ON_VOLUME)
			part->grow_again = 0;
	shadow_policy_grow(vol);
}

/* Somebody says that what was wrong is over. */
static void try_again(struct shadow_store *store)
{
	struct shadow_part *part;

	if (!store)
		return;
	list_for_each_entry(part, &store->parts, node)
		part->grow_again = 0;
	shadow_store_grow_patience(store);
}

/*
 * Is room on its way?  What is frozen does not grow; where that is for a set in the making,
 * the oldest shadow goes for the newest.  Writes do not fail for it.
 */
static bool grows(struct shadow_volume *vol)
{
	return shadow_policy_want_room(vol) &&
	       !(atomic_read(&vol->hurry) && vol->policy != SHADOW_POLICY_FAIL_IO &&
		 shadow_store_grow_is_frozen(vol->store));
}

/* Is there little room?  What is being cleared out is rather left in use. */
static bool is_short(struct shadow_store *store)
{
	return !shadow_policy_has_room(store) &&
	       !(shadow_store_uncut(store) && shadow_policy_has_room(store));
}

/* Do writes end with an error, rather than that a shadow goes? */
static bool fails_io(const struct shadow_volume *vol)
{
	return vol->policy == SHADOW_POLICY_FAIL_IO || vol->protected;
}

/* Should a shadow go now? */
static bool wants_room(struct shadow_volume *vol)
{
	lockdep_assert_held(&vol->epochs.mutate);
	if (!vol->store || !rcu_access_pointer(vol->epochs.settled) || fails_io(vol))
		return false;
	if (vol->policy != SHADOW_POLICY_EVICT && (!vol->short_of_room || vol->throttled))
		return false;
	return !shadow_policy_has_room(vol->store) && !grows(vol) && is_short(vol->store);
}

bool shadow_policy_has_room(const struct shadow_store *store)
{
	return room_of(store) >= reserve_of(store);
}

static void evict(struct work_struct *work)
{
	struct shadow_volume *vol = container_of(work, struct shadow_volume, evict_work);
	unsigned int noio = memalloc_noio_save();
	struct shadow_stake *stake = NULL;
	bool more;

	mutex_lock(&vol->fold);
	do {
		mutex_lock(&vol->epochs.mutate);
		more = wants_room(vol);
		mutex_unlock(&vol->epochs.mutate);
		if (!more)
			break;
		stake = take_victim(vol);
		if (!stake)
			break;
		WRITE_ONCE(vol->evicted, vol->evicted + 1);
		shadow_volume_fold(vol, stake->epoch);
		finish_victim(stake);
	} while (more);
	mutex_lock(&vol->epochs.mutate);
	vol->nothing_to_evict = more && vol->short_of_room;
	mutex_unlock(&vol->epochs.mutate);
	mutex_unlock(&vol->fold);
	shadow_volume_kick(vol);
	memalloc_noio_restore(noio);
}

static bool is_throttled(const struct shadow_volume *vol)
{
	return vol->policy == SHADOW_POLICY_THROTTLE && !vol->protected &&
	       !atomic_read(&vol->hurry) &&
	       time_before(jiffies, vol->short_since + msecs_to_jiffies(vol->throttle_ms));
}

bool shadow_policy_wait(struct shadow_volume *vol)
{
	bool was_throttled = vol->throttled;

	lockdep_assert_held(&vol->epochs.mutate);
	if (!vol->short_of_room) {
		vol->short_since = jiffies;
		vol->nothing_to_evict = false;
		WRITE_ONCE(vol->short_of_room, true);
	}
	if (shadow_store_uncut(vol->store)) {
		shadow_volume_kick(vol);
		return true;
	}
	if (grows(vol))
		return true;
	WRITE_ONCE(vol->throttled, is_throttled(vol));
	if (vol->throttled) {
		if (!was_throttled)
			shadow_event_volume(SHADOW_NL_EV_THROTTLED, vol,
					    SHADOW_REASON_STORE_FULL);
		return true;
	}
	if (fails_io(vol) || vol->nothing_to_evict)
		return false;
	queue_work(vol->wq, &vol->evict_work);
	return true;
}

void shadow_policy_relieve(struct shadow_volume *vol)
{
	lockdep_assert_held(&vol->epochs.mutate);
	if (!vol->short_of_room)
		return;
	WRITE_ONCE(vol->short_of_room, false);
	WRITE_ONCE(vol->throttled, false);
	vol->nothing_to_evict = false;
}

void shadow_policy_hurry_begin(struct shadow_volume *vol)
{
	atomic_inc(&vol->hurry);
	shadow_volume_kick(vol);
}

void shadow_policy_hurry_end(struct shadow_volume *vol)
{
	atomic_dec(&vol->hurry);
}

/* --- faults ------------------------------------------------------------------- */

static u32 fault_of(const struct shadow_store *store, u32 reason, int error)
{
	switch (reason) {
	case SHADOW_REASON_STORE_FULL:
		return shadow_store_grows_slowly(store) ? SHADOW_PROTECT_GROW_TOO_SLOW :
		       shadow_store_grow_fault(store) ? SHADOW_PROTECT_GROW_FAILED :
		       SHADOW_PROTECT_STORE_FULL;
	case SHADOW_REASON_STORE_ERROR:
		return error == -ETIMEDOUT ? SHADOW_PROTECT_IO : SHADOW_PROTECT_COW_WRITE;
	case SHADOW_REASON_ORIGIN_ERROR:
		return SHADOW_PROTECT_COW_READ;
	case SHADOW_REASON_NO_MEMORY:
		return SHADOW_PROTECT_NO_MEMORY;
	default:
		return SHADOW_PROTECT_IO;
	}
}

static void send_fault(const struct shadow_volume *vol, u32 event, u32 fault, u32 reason)
{
	shadow_event_send(&(struct shadow_event){
		.event = event, .dev = vol->dev, .name = vol->name, .index = -1,
		.fault = fault, .reason = reason,
	});
}

bool shadow_policy_give_up(struct shadow_volume *vol, u32 reason, int error)
{
	u32 fault = fault_of(vol->store, reason, error);

	lockdep_assert_held(&vol->epochs.mutate);
	if (!fails_io(vol) || reason == SHADOW_REASON_ORIGIN_GONE ||
	    !rcu_access_pointer(vol->epochs.settled)) {
		shadow_volume_lose(vol, U64_MAX, SHADOW_PHASE_PRESERVE, reason, error);
		return false;
	}
	if (vol->protect_fault)
		return true;
	if (vol->store->durable)
		shadow_durable_withdraw(vol->store->durable);
	vol->protect_errno = -error;
	WRITE_ONCE(vol->protect_fault, fault);	/* then writes end with errors */
	pr_err("%s: %s (%d); its shadows are protected: writes to it fail until the fault is cleared\n",
	       vol->name, shadow_reason_text(reason), error);
	send_fault(vol, SHADOW_NL_EV_FAULTED, fault, reason);
	return true;
}

void shadow_policy_refuse(struct shadow_volume *vol, struct bio *bio)
{
	atomic64_inc(&vol->refused);
	bio_io_error(bio);
	shadow_flight_end(vol);
}

/* --- filling ------------------------------------------------------------------ */

/*
 * Average how fast the store takes data, from the first that it took on; what goes
 * again does not count.  Over less than a period all of it weighs the same.
 */
static void follow_rate(struct shadow_volume *vol)
{
	unsigned long now = jiffies, elapsed = now - vol->rate_at, past;
	u64 appended = vol->store->appended;
	s64 latest;

	if (!vol->rate_at || appended < vol->rate_from ||	/* another store */
	    (!vol->rate && appended == vol->rate_from)) {
		vol->rate_at = now ?: 1;
		vol->rate_since = vol->rate_at;
		vol->rate_from = appended;
		vol->rate = 0;
		return;
	}
	if (elapsed < HZ)
		return;
	past = min_t(unsigned long, now - vol->rate_since, RATE_PERIOD);
	latest = div64_u64((appended - vol->rate_from) * HZ << SHADOW_BLOCK_BITS, elapsed);
	if (vol->rate)
		latest = (s64)vol->rate + div64_s64((latest - (s64)vol->rate) *
						    (s64)min(elapsed, past), past);
	vol->rate = latest;
	vol->rate_at = now ?: 1;
	vol->rate_from = appended;
}

/* Seconds until the store is full if it goes on like this; 0: it does not fill. */
static u32 forecast(const struct shadow_volume *vol)
{
	const struct shadow_store *store = vol->store;
	u64 used = shadow_store_used(store) - store->freeing, rate = vol->rate;
	u64 bytes = shadow_store_capacity(store);

	bytes = (bytes > used ? bytes - used : 0) << SHADOW_BLOCK_BITS;

	if (!rate)	/* not for long yet */
		rate = div64_u64((store->appended - vol->rate_from) * HZ << SHADOW_BLOCK_BITS,
				 max(jiffies - vol->rate_at, 1UL));
	return rate ? clamp_t(u64, div64_u64(bytes, rate), 1, U32_MAX) : 0;
}

static void set_strain(struct shadow_volume *vol, u32 step, u32 percent, u32 seconds)
{
	if (step == vol->strained)
		return;
	WRITE_ONCE(vol->strained, step);
	shadow_strain_set(vol->strain, step, percent, seconds);
}

/* Writers write less from the first mark on until there is room again, and nothing waits. */
static void tell_writers(struct shadow_volume *vol, u32 percent)
{
	u32 step = vol->strained;

	if (vol->throttled || percent >= BACK_OFF_AGAIN)
		step = SHADOW_STRAIN_FULL;
	else if (percent >= BACK_OFF_AT)
		step = max_t(u32, step, SHADOW_STRAIN_FILLS);
	else if (percent < GO_ON_BELOW)
		step = SHADOW_STRAIN_NONE;
	set_strain(vol, step, percent, step ? forecast(vol) : 0);
}

void shadow_policy_end_writes(struct shadow_volume *vol)
{
	lockdep_assert_held(&vol->epochs.mutate);
	vol->protect_errno = EROFS;
	WRITE_ONCE(vol->protect_fault, SHADOW_PROTECT_STORE_REMOVED);
	pr_info("%s: its store is detached, and writes to it fail from now on\n", vol->name);
}

void shadow_policy_no_store(struct shadow_volume *vol)
{
	lockdep_assert_held(&vol->epochs.mutate);
	set_strain(vol, SHADOW_STRAIN_NONE, 0, 0);
}

/* Warn when the store passes a mark; again if it has emptied meanwhile. */
static void report_fill(struct shadow_volume *vol)
{
	static const u32 marks[] = { GO_ON_BELOW, BACK_OFF_AT, BACK_OFF_AGAIN };
	u64 capacity = max(shadow_store_capacity(vol->store), 1ULL);
	u64 percent = div64_u64(min(shadow_store_used(vol->store), capacity) * 100, capacity);
	unsigned int step = 0;

	while (step < ARRAY_SIZE(marks) && percent >= marks[step])
		step++;
	if (step > vol->fill_step)
		shadow_event_send(&(struct shadow_event){
			.event = SHADOW_NL_EV_STORE_FILL, .dev = vol->dev, .name = vol->name,
			.index = -1, .percent = percent, .seconds = forecast(vol),
		});
	vol->fill_step = step;
	tell_writers(vol, percent);
}

void shadow_policy_review(struct shadow_volume *vol)
{
	u64 used = shadow_store_used(vol->store);

	lockdep_assert_held(&vol->epochs.mutate);
	follow_rate(vol);
	report_fill(vol);
	shadow_policy_grow(vol);
	if (vol->short_of_room || !wants_room(vol)) {
		vol->look_again_at = 0;
	} else if (used >= vol->look_again_at) {	/* not each time when there is nothing */
		vol->look_again_at = used + SHADOW_BATCH_BLOCKS;
		queue_work(vol->wq, &vol->evict_work);
	}
}

/* --- from outside --------------------------------------------------------------- */

static void clear_fault(struct shadow_volume *vol)
{
	lockdep_assert_held(&vol->epochs.mutate);
	if (!vol->protect_fault)
		return;
	send_fault(vol, SHADOW_NL_EV_CLEARED, vol->protect_fault, SHADOW_REASON_NONE);
	vol->protect_errno = 0;
	WRITE_ONCE(vol->protect_fault, SHADOW_PROTECT_NONE);
	try_again(vol->store);
}

void shadow_policy_resume_writes(struct shadow_volume *vol)
{
	lockdep_assert_held(&vol->epochs.mutate);
	if (vol->protect_fault == SHADOW_PROTECT_STORE_REMOVED)
		clear_fault(vol);
}

void shadow_policy_protect(struct shadow_volume *vol, bool protected)
{
	lockdep_assert_held(&vol->epochs.mutate);
	WRITE_ONCE(vol->protected, protected);
	if (vol->policy != SHADOW_POLICY_FAIL_IO &&
	    vol->protect_fault != SHADOW_PROTECT_STORE_REMOVED)
		clear_fault(vol);
	shadow_volume_kick(vol);
}

u64 shadow_policy_room(const struct shadow_volume *vol)
{
	u64 room = room_of(vol->store), reserve = reserve_of(vol->store);

	lockdep_assert_held(&vol->epochs.mutate);
	return room > reserve ? room - reserve : 0;
}

void shadow_policy_set(struct shadow_volume *vol, const struct shadow_volume_policy *arg)
{
	mutex_lock(&vol->epochs.mutate);
	if (arg->policy) {
		vol->policy = arg->policy;
		vol->throttle_ms = 0;
		if (arg->policy == SHADOW_POLICY_THROTTLE)
			vol->throttle_ms = arg->throttle_ms ?: SHADOW_THROTTLE_DEFAULT_MS;
	}
	if (arg->flags & SHADOW_POLICY_CLEAR_FAULT)
		clear_fault(vol);
	mutex_unlock(&vol->epochs.mutate);
	shadow_volume_kick(vol);	/* writes may have waited under another policy */
}

void shadow_policy_fill_info(struct shadow_volume *vol, struct shadow_volume_info *info)
{
	lockdep_assert_held(&vol->epochs.mutate);
	info->flags |= (vol->protect_fault ? SHADOW_VOLUME_FAULTED : 0) |
		       (vol->throttled ? SHADOW_VOLUME_THROTTLED : 0);
	info->policy = vol->policy;
	info->throttle_ms = vol->throttle_ms;
	info->protect_fault = vol->protect_fault;
	info->protect_errno = vol->protect_errno;
	info->evicted = READ_ONCE(vol->evicted);
	info->bios_refused = atomic64_read(&vol->refused);
	if (vol->store && rcu_access_pointer(vol->epochs.settled)) {
		follow_rate(vol);
		info->full_seconds = forecast(vol);
	}
}

void shadow_policy_begin(struct shadow_volume *vol)
{
	vol->policy = SHADOW_POLICY_EVICT;
	INIT_WORK(&vol->evict_work, evict);
}

void shadow_policy_end(struct shadow_volume *vol)
{
	cancel_work_sync(&vol->evict_work);
}
