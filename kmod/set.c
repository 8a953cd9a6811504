// SPDX-License-Identifier: GPL-2.0-only
/*
 * set.c - shadows of several volumes at one instant, and volumes at rest for others
 * that copy them.
 *
 *	NEW ------ hold ------> HELD ------ take ------> FLIPPED -- release --> TAKEN
 *	 ^                       |
 *	 +------- release -------+
 *
 * A failure on the way, the timer or a fatal signal undo the hold and end in
 * FAILED; nothing but closing the set leads on from there.  Everything that
 * needs memory or long waits is done before the hold (add) or after it (release
 * makes the disks).
 *
 * The hold:
 *   1. buffered data is written out, untimed;
 *   2. one set at a time has the instant; others queue for it;
 *   3. the timer starts; filesystems are frozen in the order of addition (what
 *      is stacked first);
 *   4. gate after gate is closed and its writes in flight are waited for.  A gate
 *      below another is closed after it, so that what comes out of the upper one
 *      can finish: that is the order of addition, corrected where two volumes
 *      share a disk or one's store lies on the other, which only we know.
 * Then every volume is at rest at once, until release.
 *
 * A volume may be only held, with no shadow made of it: then somebody else copies it
 * before release, and needs to know whether it was at rest for all of that time.  The
 * instant of a shadow is over with take, so a timer that comes after it does no harm;
 * with a volume that is only held it fails the set at any time before release.
 *
 * Who ends a hold: take or release by the owner, a failure, the closing of the
 * descriptor, or the timer.  All come to end_hold() under hold_lock, which looks
 * whether there is still something to end.  hold_lock is never kept during a
 * freeze or a drain, so the timer always gets through.  What was frozen while the
 * timer ended the hold is thawed by whoever froze it.
 *
 * Between the first freeze and the last thaw nothing is allocated with waiting,
 * nothing is copied from or to user space, and nothing is opened.
 */
#include <linux/blkdev.h>
#include <linux/delay.h>
#include <linux/slab.h>
#include <linux/semaphore.h>
#include <linux/suspend.h>
#include <linux/uuid.h>
#include "event.h"
#include "gate.h"
#include "grow.h"
#include "hook.h"
#include "image.h"
#include "policy.h"
#include "registry.h"
#include "set.h"

/**
 * struct set_entry - a device of a set
 * @dev: its number
 * @flags: SHADOW_ADD_* bits
 * @bdev_file: open, to freeze it
 * @frozen: by us; under hold_lock
 * @gated: by us; under hold_lock
 * @vol: with SHADOW_ADD_SHADOW or SHADOW_ADD_HOLD
 * @sh: the shadow, if one is made: the volume's pin is its; else it is ours
 */
struct set_entry {
	dev_t dev;
	u32 flags;
	struct file *bdev_file;
	bool frozen;
	bool gated;
	struct shadow_volume *vol;
	struct shadow *sh;
};

/**
 * struct shadow_set - a set
 * @uuid: identity
 * @flags: SHADOW_SET_* bits
 * @timeout_ms: longest hold
 * @context: as given
 * @lock: one command at a time; outermost
 * @nr: entries
 * @nr_volumes: of which are held; also read without the lock
 * @nr_shadows: of which with a shadow
 * @index: the entries that are held
 * @order: indexes into @index, as the gates are closed
 * @entry: in order of addition
 * @hold_lock: protects the rest
 * @state: enum shadow_set_state
 * @held: something is frozen or gated, or about to be; we have the instant; also read
 *	without the lock
 * @expired: the timer ended the hold; also read without the lock
 * @fault: why the set failed
 * @hold_start: before the first freeze
 * @hold_end: after the last thaw
 * @gate_start: before the first gate is closed
 * @gate_end: after the last gate is opened
 * @timer: the longest hold's end
 */
struct shadow_set {
	struct shadow_uuid uuid;
	u32 flags;
	u32 timeout_ms;
	u32 context;

	struct mutex lock;		/* one command at a time */
	unsigned int nr;
	unsigned int nr_volumes;
	unsigned int nr_shadows;
	u8 order[SHADOW_MAX_SET_VOLUMES];
	u16 index[SHADOW_MAX_SET_VOLUMES];
	struct set_entry entry[SHADOW_MAX_FREEZE];

	struct mutex hold_lock;		/* protects the rest */
	u32 state;
	bool held;
	bool expired;
	struct shadow_fault fault;
	ktime_t hold_start, hold_end;
	ktime_t gate_start, gate_end;
	struct delayed_work timer;
};

static struct semaphore instant;	/* one set is held at a time */
static atomic_t holds;
static bool suspending;
static struct workqueue_struct *timer_wq;

static int fail_set(struct shadow_set *set, u32 phase, u32 reason, dev_t dev, int err)
{
	mutex_lock(&set->hold_lock);
	if (set->state != SHADOW_SET_FAILED) {
		shadow_fail(&set->fault, phase, reason, dev, err);
		set->state = SHADOW_SET_FAILED;
	} else {
		err = -(int)set->fault.error;	/* the timer was first */
	}
	mutex_unlock(&set->hold_lock);
	return err;
}

static u32 state_of(struct shadow_set *set)
{
	u32 state;

	mutex_lock(&set->hold_lock);	/* the timer changes it */
	state = set->state;
	mutex_unlock(&set->hold_lock);
	return state;
}

static void send_event(const struct shadow_set *set, u32 event, u32 reason)
{
	shadow_event_send(&(struct shadow_event){
		.event = event, .set = &set->uuid, .index = -1, .reason = reason,
	});
}

/* --- the end of a hold ------------------------------------------------------------ */

/* Would the hold end too early, if it ended now and not by its owner? */
static bool must_last(const struct shadow_set *set)
{
	lockdep_assert_held(&set->hold_lock);
	switch (set->state) {
	case SHADOW_SET_HOLDING:
	case SHADOW_SET_HELD:
		return true;
	case SHADOW_SET_FLIPPED:	/* the shadows are good, others copy still */
		return set->nr_volumes > set->nr_shadows;
	default:
		return false;
	}
}

/* Gates in reverse, then filesystems in reverse.  Context: hold_lock. */
static void end_hold(struct shadow_set *set)
{
	unsigned int i;
	int err;

	lockdep_assert_held(&set->hold_lock);
	if (!set->held)
		return;
	for (i = set->nr_volumes; i--;) {
		struct set_entry *e = &set->entry[set->index[set->order[i]]];

		if (!e->gated)
			continue;
		shadow_gate_open(e->vol);
		e->gated = false;
	}
	set->gate_end = ktime_get();
	for (i = set->nr; i--;) {
		struct set_entry *e = &set->entry[i];

		if (!e->frozen)
			continue;
		err = shadow_bdev_thaw(file_bdev(e->bdev_file));
		e->frozen = false;
		if (!err)
			continue;
		pr_err("%pg: thawing failed: %d\n", file_bdev(e->bdev_file), err);
		if (must_last(set)) {
			shadow_fail(&set->fault, SHADOW_PHASE_FREEZE,
				    SHADOW_REASON_FREEZE_FAILED, e->dev, err);
			set->state = SHADOW_SET_FAILED;
		}
	}
	set->hold_end = ktime_get();
	WRITE_ONCE(set->held, false);
	for (i = 0; i < set->nr; i++)
		if (set->entry[i].vol)
			WRITE_ONCE(set->entry[i].vol->hold_ns,
				   ktime_to_ns(ktime_sub(set->gate_end, set->gate_start)));
	atomic_dec(&holds);
	up(&instant);
}

static void timer_fn(struct work_struct *work)
{
	struct shadow_set *set = container_of(to_delayed_work(work), struct shadow_set, timer);
	unsigned int i;

	mutex_lock(&set->hold_lock);
	if (set->held) {
		WRITE_ONCE(set->expired, true);
		if (must_last(set)) {
			shadow_fail(&set->fault, SHADOW_PHASE_HOLD, SHADOW_REASON_TIMEOUT, 0,
				    -ETIMEDOUT);
			set->state = SHADOW_SET_FAILED;
		}
		end_hold(set);
		for (i = 0; i < set->nr; i++)
			if (set->entry[i].vol)
				wake_up(&set->entry[i].vol->drain_wait);
		pr_warn("a set was held for %u ms: opened and thawed\n", set->timeout_ms);
		send_event(set, SHADOW_NL_EV_EXPIRED, SHADOW_REASON_TIMEOUT);
	}
	mutex_unlock(&set->hold_lock);
}

static void stop_hold(struct shadow_set *set)
{
	cancel_delayed_work_sync(&set->timer);
	mutex_lock(&set->hold_lock);
	if (set->held) {
		end_hold(set);
		send_event(set, SHADOW_NL_EV_RELEASED, SHADOW_REASON_NONE);
	}
	mutex_unlock(&set->hold_lock);
}

/* --- the hold ------------------------------------------------------------------------ */

/* Must @a's gate be closed before @b's? */
static bool precedes(struct shadow_volume *a, const struct shadow_volume *b)
{
	return shadow_hook_before(a, b) || shadow_registry_depends(a, b);
}

static struct shadow_volume *nth_volume(struct shadow_set *set, unsigned int n)
{
	return set->entry[set->index[n]].vol;
}

/* The order of addition, with each volume after those that must precede it. */
static void sort_gates(struct shadow_set *set)
{
	DECLARE_BITMAP(done, SHADOW_MAX_SET_VOLUMES);
	unsigned int n, i, j;

	bitmap_zero(done, SHADOW_MAX_SET_VOLUMES);
	for (n = 0; n < set->nr_volumes; n++) {
		unsigned int pick = find_first_zero_bit(done, set->nr_volumes);

		for (i = pick; i < set->nr_volumes; i++) {
			bool blocked = test_bit(i, done);

			for (j = 0; !blocked && j < set->nr_volumes; j++)
				blocked = j != i && !test_bit(j, done) &&
					  precedes(nth_volume(set, j), nth_volume(set, i));
			if (!blocked) {
				pick = i;
				break;
			}
		}
		set->order[n] = pick;
		__set_bit(pick, done);
	}
}

static int freeze_one(struct shadow_set *set, struct set_entry *e)
{
	unsigned int tries = 50;
	bool held;
	int err;

	/* From 6.8 on EINVAL means that somebody is just unmounting it, or mounting. */
	while ((err = shadow_bdev_freeze(file_bdev(e->bdev_file))) == -EINVAL && --tries)
		msleep(20);
	if (err)
		return fail_set(set, SHADOW_PHASE_FREEZE,
				err == -EBUSY ? SHADOW_REASON_FROZEN :
				SHADOW_REASON_FREEZE_FAILED, e->dev, err);
	mutex_lock(&set->hold_lock);
	held = set->held;
	e->frozen = held;		/* from here on the timer may thaw it */
	mutex_unlock(&set->hold_lock);
	if (held)
		return 0;
	shadow_bdev_thaw(file_bdev(e->bdev_file));
	/* the timer ended the hold meanwhile; say for whom it was waited */
	mutex_lock(&set->hold_lock);
	err = shadow_fail(&set->fault, SHADOW_PHASE_FREEZE, SHADOW_REASON_TIMEOUT, e->dev,
			  -ETIMEDOUT);
	mutex_unlock(&set->hold_lock);
	return err;
}

static int gate_one(struct shadow_set *set, struct set_entry *e)
{
	ktime_t start = ktime_get();
	bool held;
	int err;

	mutex_lock(&set->hold_lock);
	held = set->held;
	if (held) {
		shadow_gate_close(e->vol);
		e->gated = true;
	}
	mutex_unlock(&set->hold_lock);
	if (!held)
		return -ETIMEDOUT;
	err = shadow_gate_drain(e->vol, &set->expired);
	WRITE_ONCE(e->vol->drain_ns, ktime_to_ns(ktime_sub(ktime_get(), start)));
	if (err == -EINTR)
		return fail_set(set, SHADOW_PHASE_HOLD, SHADOW_REASON_INTERRUPTED, e->dev, err);
	if (err) {	/* the timer said so; say for whom it was waited */
		mutex_lock(&set->hold_lock);
		shadow_fail(&set->fault, SHADOW_PHASE_HOLD, SHADOW_REASON_DRAIN, e->dev, err);
		mutex_unlock(&set->hold_lock);
	}
	return err;
}

static int begin_hold(struct shadow_set *set)
{
	if (down_killable(&instant))
		return fail_set(set, SHADOW_PHASE_HOLD, SHADOW_REASON_INTERRUPTED, 0, -EINTR);
	atomic_inc(&holds);
	smp_mb__after_atomic();		/* pairs with the one in pm_event() */
	if (READ_ONCE(suspending)) {
		atomic_dec(&holds);
		up(&instant);
		return fail_set(set, SHADOW_PHASE_HOLD, SHADOW_REASON_SUSPEND, 0, -EAGAIN);
	}
	mutex_lock(&set->hold_lock);
	WRITE_ONCE(set->held, true);
	set->state = SHADOW_SET_HOLDING;
	set->hold_start = ktime_get();
	set->gate_start = set->hold_start;
	mutex_unlock(&set->hold_lock);
	queue_delayed_work(timer_wq, &set->timer, msecs_to_jiffies(set->timeout_ms));
	return 0;
}

/* Refuse a step that has nothing to do; the state stays. */
static int check_empty(struct shadow_set *set, unsigned int nr)
{
	int err = 0;

	mutex_lock(&set->hold_lock);
	if (set->state == SHADOW_SET_FAILED)
		err = -(int)set->fault.error;	/* by the timer, just now */
	else if (nr)
		memset(&set->fault, 0, sizeof(set->fault));
	else
		err = shadow_fail(&set->fault, SHADOW_PHASE_ARGUMENTS, SHADOW_REASON_EMPTY, 0,
				  -EINVAL);
	mutex_unlock(&set->hold_lock);
	return err;
}

/* A shadow keeps the size that its volume had; what is only held is held as a whole. */
static int follow_growth(struct shadow_set *set)
{
	unsigned int i;
	int err;

	for (i = 0; i < set->nr; i++) {
		struct set_entry *e = &set->entry[i];

		err = e->vol && !e->sh ? shadow_registry_follow(e->vol) : 0;
		if (err)
			return fail_set(set, SHADOW_PHASE_ATTACH,
					err == -ENOMEM ? SHADOW_REASON_NO_MEMORY :
					SHADOW_REASON_DRAIN, e->dev, err);
	}
	return 0;
}

/* Context: set->lock, state NEW. */
static int hold(struct shadow_set *set)
{
	struct shadow_fault fault = { 0 };
	unsigned int i;
	int err = check_empty(set, set->nr_volumes);

	if (err)
		return err;
	err = shadow_hook_verify(&fault);
	if (err)
		return fail_set(set, fault.phase, fault.reason, 0, err);
	err = follow_growth(set);
	if (err)
		return err;
	for (i = 0; i < set->nr; i++)
		sync_blockdev(file_bdev(set->entry[i].bdev_file));
	sort_gates(set);
	err = begin_hold(set);
	if (err)
		return err;
	for (i = 0; !err && i < set->nr; i++)
		if (set->entry[i].flags & SHADOW_ADD_FREEZE)
			err = freeze_one(set, &set->entry[i]);
	if (!err)
		set->gate_start = ktime_get();
	for (i = 0; !err && i < set->nr_volumes; i++)
		err = gate_one(set, &set->entry[set->index[set->order[i]]]);
	if (!err) {
		mutex_lock(&set->hold_lock);
		if (set->held)
			set->state = SHADOW_SET_HELD;
		else
			err = -ETIMEDOUT;
		mutex_unlock(&set->hold_lock);
	}
	if (err)
		stop_hold(set);
	else
		send_event(set, SHADOW_NL_EV_HELD, SHADOW_REASON_NONE);
	return err;
}

/* Context: set->lock, state HELD. */
static int flip(struct shadow_set *set)
{
	bool begun = false;
	unsigned int i;
	int err = 0;

	mutex_lock(&set->hold_lock);
	if (!set->held) {
		err = -ETIMEDOUT;
		goto out;
	}
	for (i = 0; i < set->nr; i++) {
		struct set_entry *e = &set->entry[i];

		if (e->vol && READ_ONCE(e->vol->gone)) {
			err = shadow_fail(&set->fault, SHADOW_PHASE_TAKE,
					  SHADOW_REASON_ORIGIN_GONE, e->dev, -ENODEV);
			set->state = SHADOW_SET_FAILED;
			goto out;
		}
		if (e->sh && shadow_policy_refuses(e->vol)) {
			err = shadow_fail(&set->fault, SHADOW_PHASE_TAKE, SHADOW_REASON_FAULTED,
					  e->dev, -EIO);
			set->state = SHADOW_SET_FAILED;
			goto out;
		}
	}
	for (i = 0; i < set->nr; i++) {
		struct set_entry *e = &set->entry[i];

		if (!e->sh)
			continue;
		e->sh->set_count = set->nr_shadows;
		/* hold_lock must not wait for it: the timer needs that one. */
		while (!mutex_trylock(&e->vol->epochs.mutate)) {
			mutex_unlock(&set->hold_lock);
			usleep_range(50, 200);
			mutex_lock(&set->hold_lock);
			if (!set->held) {
				err = -ETIMEDOUT;
				if (begun)	/* with gates open: stores may have data of it */
					set->fault.phase = SHADOW_PHASE_TAKE;
				goto out;
			}
		}
		if (!shadow_grow_expected(e->vol, &e->sh->stake))
			err = shadow_fail(&set->fault, SHADOW_PHASE_TAKE,
					  SHADOW_REASON_NO_MEMORY, e->dev, -ENOMEM);
		else
			shadow_flip(e->sh);
		begun = true;
		mutex_unlock(&e->vol->epochs.mutate);
		if (err) {
			set->state = SHADOW_SET_FAILED;
			goto out;
		}
	}
	set->state = SHADOW_SET_FLIPPED;
out:
	mutex_unlock(&set->hold_lock);
	return err;
}

/* Give an entry's things back; deletes its shadow. */
static void drop_entry(struct shadow_set *set, struct set_entry *e)
{
	if (e->vol)
		shadow_policy_hurry_end(e->vol);
	if (e->sh)
		shadow_discard(e->sh);	/* and with it pin and store */
	else if (e->vol)
		shadow_registry_unpin(e->vol);
	e->sh = NULL;
	e->vol = NULL;
}

/* A set that failed flipped, or half: what was flipped would go on preserving. */
static void undo_flip(struct shadow_set *set)
{
	unsigned int i;

	for (i = set->nr; i--;)
		drop_entry(set, &set->entry[i]);
}

/*
 * Let durable stores say that there are the shadows, then that there are all.  Of a set that
 * goes with its descriptor they say that when it is kept: who makes it may still give it up, or
 * die with the machine.
 */
static int commit(struct shadow_set *set, struct shadow_fault *fault)
{
	unsigned int rounds = set->flags & SHADOW_SET_NO_AUTO_RELEASE ? 2 : 1, i;
	int err = 0;

	for (i = 0; !err && i < rounds * set->nr; i++) {
		struct set_entry *e = &set->entry[i % set->nr];

		if (e->sh && shadow_commit(e->sh, i >= set->nr))
			err = shadow_fail(fault, SHADOW_PHASE_TAKE, SHADOW_REASON_STORE_ERROR,
					  e->dev, -EIO);
	}
	return err;
}

/* Make the disks of a flipped set, after its hold; all or none. */
static int surface(struct shadow_set *set)
{
	struct shadow_fault fault = { 0 };
	unsigned int i;
	int err = commit(set, &fault);

	for (i = 0; !err && i < set->nr; i++)
		if (set->entry[i].sh)
			err = shadow_surface(set->entry[i].sh, &fault);
	if (err) {
		undo_flip(set);
		return fail_set(set, fault.phase, fault.reason,
				MKDEV(fault.dev.major, fault.dev.minor), err);
	}
	for (i = 0; i < set->nr; i++)
		if (set->entry[i].sh)
			shadow_policy_hurry_end(set->entry[i].vol);
	shadow_publish_set(&set->uuid);	/* from here on they can go */
	for (i = 0; i < set->nr; i++) {
		struct set_entry *e = &set->entry[i];

		if (e->sh) {
			e->sh = NULL;		/* the list's now */
			e->vol = NULL;
		}
		drop_entry(set, e);
		shadow_bdev_fput(e->bdev_file);
	}
	set->nr = 0;
	mutex_lock(&set->hold_lock);
	set->state = SHADOW_SET_TAKEN;
	mutex_unlock(&set->hold_lock);
	return 0;
}

static int wrong_state(struct shadow_set *set)
{
	int err = -EBADFD;

	mutex_lock(&set->hold_lock);
	if (set->state == SHADOW_SET_FAILED)
		err = -(int)set->fault.error;
	mutex_unlock(&set->hold_lock);
	return err;
}

/*
 * The owner ends the hold: of a set that was flipped the shadows appear, any other
 * is as it was before the hold.  Fails where something that had to last did not.
 * Context: set->lock, state HELD or FLIPPED, or FAILED by the timer just now.
 */
static int let_go(struct shadow_set *set)
{
	unsigned int i;
	int err = 0;

	stop_hold(set);
	for (i = 0; !err && i < set->nr; i++) {
		struct set_entry *e = &set->entry[i];

		if (e->vol && !e->sh && READ_ONCE(e->vol->gone))
			err = fail_set(set, SHADOW_PHASE_HOLD, SHADOW_REASON_ORIGIN_GONE,
				       e->dev, -ENODEV);
	}
	if (!err && state_of(set) == SHADOW_SET_FLIPPED)
		return surface(set);
	mutex_lock(&set->hold_lock);
	if (set->state == SHADOW_SET_HELD) {
		set->state = SHADOW_SET_NEW;
		memset(&set->fault, 0, sizeof(set->fault));	/* of a step that was refused */
	} else {
		err = -(int)set->fault.error;
	}
	mutex_unlock(&set->hold_lock);
	if (err)
		undo_flip(set);
	return err;
}

int shadow_set_hold(struct shadow_set *set)
{
	int err;

	if (mutex_lock_killable(&set->lock))
		return -EINTR;
	err = state_of(set) == SHADOW_SET_NEW ? hold(set) : wrong_state(set);
	mutex_unlock(&set->lock);
	return err;
}

int shadow_set_take(struct shadow_set *set)
{
	int err = 0;
	u32 state;

	if (mutex_lock_killable(&set->lock))
		return -EINTR;
	state = state_of(set);
	if (state != SHADOW_SET_NEW && state != SHADOW_SET_HELD)
		err = wrong_state(set);
	else
		err = check_empty(set, set->nr_shadows);
	if (err)
		goto unlock;
	err = state == SHADOW_SET_NEW ? hold(set) : 0;
	err = err ?: flip(set);
	if (err) {
		stop_hold(set);
		undo_flip(set);
	} else if (state == SHADOW_SET_NEW) {
		err = let_go(set);
	}
unlock:
	mutex_unlock(&set->lock);
	return err;
}

int shadow_set_release(struct shadow_set *set)
{
	int err = 0;
	u32 state;

	if (mutex_lock_killable(&set->lock))
		return -EINTR;
	state = state_of(set);
	if (state == SHADOW_SET_HELD || state == SHADOW_SET_FLIPPED) {
		err = let_go(set);
	} else {
		err = wrong_state(set);
		if (state == SHADOW_SET_FAILED && set->nr_volumes > set->nr_shadows)
			undo_flip(set);		/* the timer, which was first, cannot */
	}
	mutex_unlock(&set->lock);
	return err;
}

int shadow_set_keep(struct shadow_set *set)
{
	int err = 0;

	if (mutex_lock_killable(&set->lock))
		return -EINTR;
	if (state_of(set) == SHADOW_SET_TAKEN) {
		err = shadow_keep_set(&set->uuid);
		mutex_lock(&set->hold_lock);
		if (err)
			shadow_fail(&set->fault, SHADOW_PHASE_TAKE, SHADOW_REASON_STORE_ERROR, 0,
				    err);
		else
			set->flags |= SHADOW_SET_NO_AUTO_RELEASE;
		mutex_unlock(&set->hold_lock);
	} else {
		err = wrong_state(set);
	}
	mutex_unlock(&set->lock);
	return err;
}

void shadow_set_status(struct shadow_set *set, struct shadow_set_step *step)
{
	ktime_t now = ktime_get();

	mutex_lock(&set->hold_lock);
	memset(step, 0, sizeof(*step));
	step->state = set->state;
	step->set = set->uuid;
	step->volumes = READ_ONCE(set->nr_volumes);
	step->held = set->held;
	step->hold_ns = ktime_to_ns(ktime_sub(set->held ? now : set->hold_end, set->hold_start));
	step->gate_ns = ktime_to_ns(ktime_sub(set->held ? now : set->gate_end, set->gate_start));
	step->fault = set->fault;
	mutex_unlock(&set->hold_lock);
}

bool shadow_set_held(struct shadow_set *set)
{
	return READ_ONCE(set->held);
}

/* --- adding -------------------------------------------------------------------------------- */

/* A durable store has no place for what is written to images. */
static int check_writable(const struct shadow_set *set, const struct set_entry *e, bool durable,
			  struct shadow_fault *fault)
{
	if (!durable || !(set->flags & SHADOW_SET_WRITABLE))
		return 0;
	return shadow_fail(fault, SHADOW_PHASE_STORE, SHADOW_REASON_STORE_DURABLE, e->dev,
			   -EOPNOTSUPP);
}

static int add_shadow(struct shadow_set *set, struct set_entry *e, struct shadow_set_add *add)
{
	bool durable = set->flags & SHADOW_SET_PERSISTENT;
	struct shadow_volume *vol = e->vol;
	struct shadow *sh;
	int err;

	if (shadow_policy_refuses(vol))
		return shadow_fail(&add->fault, SHADOW_PHASE_ARGUMENTS, SHADOW_REASON_FAULTED,
				   e->dev, -EIO);
	/* Before a store is made, which costs a device all that is on it. */
	err = check_writable(set, e, durable, &add->fault) ?:
	      shadow_registry_use_store(vol, &add->store, durable, &add->fault);
	if (err)
		return err;
	err = check_writable(set, e, vol->store->durable, &add->fault);
	sh = err ? ERR_PTR(err) : shadow_prepare(vol, set->flags, &add->fault);
	if (IS_ERR(sh)) {
		shadow_registry_unuse_store(vol);
		return PTR_ERR(sh);
	}
	sh->set = set->uuid;
	sh->context = set->context;
	add->shadow = sh->uuid;
	e->sh = sh;
	return 0;
}

static int add_volume(struct shadow_set *set, struct set_entry *e, struct shadow_set_add *add)
{
	int err = 0;

	e->vol = shadow_registry_pin(e->dev, &add->fault);
	if (IS_ERR(e->vol))
		return PTR_ERR(e->vol);
	if (add->flags & SHADOW_ADD_SHADOW)
		err = add_shadow(set, e, add);
	if (err)
		shadow_registry_unpin(e->vol);
	else
		shadow_policy_hurry_begin(e->vol);
	return err;
}

/* Context: set->lock. */
static int add_entry(struct shadow_set *set, struct shadow_set_add *add)
{
	dev_t dev = MKDEV(add->dev.major, add->dev.minor);
	bool volume = add->flags & (SHADOW_ADD_SHADOW | SHADOW_ADD_HOLD);
	struct set_entry *e = &set->entry[set->nr];
	unsigned int i;
	int err;

	if (state_of(set) != SHADOW_SET_NEW)
		return shadow_fail(&add->fault, SHADOW_PHASE_ARGUMENTS, SHADOW_REASON_STATE, dev,
				   wrong_state(set));
	for (i = 0; i < set->nr; i++)
		if (set->entry[i].dev == dev)
			return shadow_fail(&add->fault, SHADOW_PHASE_ARGUMENTS,
					   SHADOW_REASON_DUPLICATE, dev, -EEXIST);
	if (set->nr == SHADOW_MAX_FREEZE ||
	    (volume && set->nr_volumes == SHADOW_MAX_SET_VOLUMES))
		return shadow_fail(&add->fault, SHADOW_PHASE_ARGUMENTS, SHADOW_REASON_SET_FULL,
				   dev, -E2BIG);
	memset(e, 0, sizeof(*e));
	e->dev = dev;
	e->flags = add->flags;
	e->bdev_file = bdev_file_open_by_dev(dev, BLK_OPEN_READ, NULL, NULL);
	if (IS_ERR(e->bdev_file))
		return shadow_fail(&add->fault, SHADOW_PHASE_OPEN, SHADOW_REASON_NO_DEVICE, dev,
				   PTR_ERR(e->bdev_file));
	if (volume) {
		err = add_volume(set, e, add);
		if (err) {
			shadow_bdev_fput(e->bdev_file);
			return err;
		}
		set->index[set->nr_volumes] = set->nr;
		WRITE_ONCE(set->nr_volumes, set->nr_volumes + 1);
		if (e->sh)
			set->nr_shadows++;
	}
	set->nr++;
	return 0;
}

int shadow_set_add(struct shadow_set *set, struct shadow_set_add *add)
{
	int err;

	if (mutex_lock_killable(&set->lock))
		return -EINTR;
	err = add_entry(set, add);
	mutex_unlock(&set->lock);
	return err;
}

/* --- life ------------------------------------------------------------------------------------ */

struct shadow_set *shadow_set_create(u32 flags, u32 timeout_ms, u32 context)
{
	struct shadow_set *set = kvzalloc(sizeof(*set), GFP_KERNEL);

	if (!set)
		return ERR_PTR(-ENOMEM);
	generate_random_uuid(set->uuid.b);
	set->flags = flags;
	set->timeout_ms = timeout_ms ?: SHADOW_TIMEOUT_DEFAULT_MS;
	set->context = context;
	set->state = SHADOW_SET_NEW;
	mutex_init(&set->lock);
	mutex_init(&set->hold_lock);
	INIT_DELAYED_WORK(&set->timer, timer_fn);
	return set;
}

void shadow_set_destroy(struct shadow_set *set)
{
	bool taken = state_of(set) == SHADOW_SET_TAKEN;
	struct shadow_uuid uuid;
	unsigned int i;
	u64 id = 0;

	stop_hold(set);
	for (i = set->nr; i--;) {
		drop_entry(set, &set->entry[i]);
		shadow_bdev_fput(set->entry[i].bdev_file);
	}
	while (taken && !(set->flags & SHADOW_SET_NO_AUTO_RELEASE) &&
	       shadow_of_set(&set->uuid, &id, &uuid))
		shadow_delete(&uuid, true, NULL);
	kvfree(set);
}

const struct shadow_uuid *shadow_set_uuid(const struct shadow_set *set)
{
	return &set->uuid;
}

/* The machine does not go to sleep with volumes held, and none are held while it does. */
static int pm_event(struct notifier_block *nb, unsigned long action, void *data)
{
	switch (action) {
	case PM_SUSPEND_PREPARE:
	case PM_HIBERNATION_PREPARE:
		WRITE_ONCE(suspending, true);
		smp_mb();	/* pairs with the one in begin_hold() */
		if (!atomic_read(&holds))
			return NOTIFY_OK;
		WRITE_ONCE(suspending, false);
		return NOTIFY_BAD;
	case PM_POST_SUSPEND:
	case PM_POST_HIBERNATION:
		WRITE_ONCE(suspending, false);
		return NOTIFY_OK;
	default:
		return NOTIFY_DONE;
	}
}

static struct notifier_block pm_notifier = { .notifier_call = pm_event };

int shadow_set_init(void)
{
	int err;

	sema_init(&instant, 1);
	timer_wq = alloc_workqueue("shadow-timer", WQ_MEM_RECLAIM | WQ_UNBOUND, 0);
	if (!timer_wq)
		return -ENOMEM;
	err = register_pm_notifier(&pm_notifier);
	if (err)
		destroy_workqueue(timer_wq);
	return err;
}

void shadow_set_exit(void)
{
	unregister_pm_notifier(&pm_notifier);
	destroy_workqueue(timer_wq);
}
