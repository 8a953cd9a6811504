// SPDX-License-Identifier: GPL-2.0-only
/*
 * hook.c - how writes reach a tracked volume, and how that is undone.
 *
 * An ftrace hook that may change where a function returns to (IPMODIFY) sits on
 * submit_bio_noacct(), which every new bio passes.  The callback only decides:
 * a bio that does not concern a tracked volume goes on into the function; one
 * that does goes to submit() below.  PERMANENT makes sure that nobody switches
 * it off by sysctl.
 *
 * Volumes of one disk are passed in the order in which they are in the hash.
 * A diverted write goes on as a clone from the volume's own bio set, and a bio
 * from that set (or a split remainder of it, which is the same bio) has passed
 * this volume and all before it; it is still a new write for those after it.
 * No flag of the bio and no call chain is needed.  A driver may split our clone
 * and submit a part of it again, to the same disk (raid10 with discards, failover
 * of NVMe paths): it is known by what it is chained to, and must not wait at a
 * gate whose closer waits for the clone.
 *
 * What a volume's store writes to blocks of its own on the volume (own_writes) passes
 * that volume by: it has seen to it that no shadow needs them, and shows zeros for
 * them.  It is a write like all others for the other volumes of the disk, whose clones
 * say where they came from.  Such a bio is only ever made for the volume's own disk, so
 * one that comes there through a stack of devices is never taken for it.
 *
 * Unloading and unregistering: once no volume is in the hash and a grace period
 * is over, the callback diverts nothing.  hook_ref counts the bios between the
 * callback's decision and the end of submit(), which may sleep; it is killed and
 * waited for.  It ends because submit() only submits bios below us.  Tasks
 * preempted in our last instructions, or in the trampoline, are waited for by
 * RCU-tasks.
 */
#include <linux/blkdev.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/ftrace.h>
#include <linux/hash.h>
#include <linux/percpu-refcount.h>
#include <linux/rculist.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include "gate.h"
#include "hook.h"
#include "preserve.h"

#define BUCKET_BITS	6
#define SUBMITTERS	16384		/* tasks in the middle of a submission, waited for */
#define PASS_TIMEOUT	(10 * HZ)

static struct list_head buckets[1 << BUCKET_BITS];
static unsigned long occupied;		/* a bit for each bucket in use */
static unsigned int volumes;
static bool registered;
static struct percpu_ref hook_ref;
static DECLARE_COMPLETION(hook_idle);
static struct gendisk *marker_disk;	/* target of the self-test; never added */
static bio_end_io_t *chain_end;		/* bio_chain()'s, which is not exported */
static bool ftrace_died;		/* and calls us for ever */

static __always_inline unsigned int bucket_of(const struct gendisk *disk)
{
	return hash_ptr((void *)disk, BUCKET_BITS);
}

/* The bio of @set's that it is, or is chained to, which lives as long as the part; or NULL. */
static __always_inline const struct bio *one_of(const struct bio *bio, const struct bio_set *set)
{
	while (bio->bi_pool != set) {
		const struct bio *whole = READ_ONCE(bio->bi_private);

		smp_rmb();	/* some drivers borrow both, this one first */
		if (likely(READ_ONCE(bio->bi_end_io) != chain_end))
			return NULL;
		bio = whole;
	}
	return bio;
}

static __always_inline bool concerns(const struct shadow_volume *vol, sector_t first, sector_t end)
{
	if (unlikely(READ_ONCE(vol->whole_disk)))
		return first < SHADOW_SECTOR_NONE;
	return end > vol->start && first < vol->start + READ_ONCE(vol->nr_sectors);
}

/* The first volume that has yet to see this write.  Context: rcu_read_lock(). */
static __always_inline struct shadow_volume *volume_of(struct bio *bio)
{
	struct gendisk *disk = shadow_bio_disk(bio);
	struct shadow_volume *vol, *found = NULL;
	const struct bio_set *source = NULL;
	sector_t first = shadow_bio_sector(bio);
	sector_t end = first + bio_sectors(bio);
	const struct bio *passed;

	list_for_each_entry_rcu(vol, &buckets[bucket_of(disk)], hash) {
		if (vol->disk != disk)
			continue;
		passed = one_of(bio, &vol->clones);
		if (passed) {
			source = container_of(passed, struct shadow_write_clone, bio)->source;
			found = NULL;
		} else if (!found && !READ_ONCE(vol->leaving) && concerns(vol, first, end) &&
			   source != &vol->own_writes && !one_of(bio, &vol->own_writes)) {
			found = vol;
		}
	}
	return found;
}

/* In the place of submit_bio_noacct(), with hook_ref held. */
static noinline notrace void submit(struct bio *bio)
{
	struct shadow_volume *vol;

	if (unlikely(shadow_bio_disk(bio) == marker_disk)) {
		bio_endio(bio);
		goto out;
	}
	rcu_read_lock();
	vol = volume_of(bio);
	if (vol) {
		shadow_bio_remap(bio);
		shadow_flight_begin(vol);
	}
	rcu_read_unlock();
	if (vol)
		shadow_write(vol, bio);
	else
		submit_bio_noacct(bio);		/* the volume went away just now */
out:
	percpu_ref_put(&hook_ref);
}

THUNK_SUBMIT_BIO(submit)

static void notrace callback(unsigned long ip, unsigned long parent_ip,
			     struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	struct bio *bio = (void *)ftrace_regs_get_argument(fregs, 0);
	struct gendisk *disk;
	bool divert;

	if (!op_is_write(bio->bi_opf) || !bio_sectors(bio))
		return;
	disk = shadow_bio_disk(bio);
	if (!(READ_ONCE(occupied) & BIT(bucket_of(disk))))
		return;
	rcu_read_lock();
	divert = (volume_of(bio) || disk == marker_disk) && percpu_ref_tryget_live(&hook_ref);
	rcu_read_unlock();
	if (divert)
		ftrace_regs_set_instruction_pointer(fregs, (unsigned long)THUNK_SUBMIT(submit));
}

static struct ftrace_ops hook_ops = {
	.func	= callback,
	.flags	= FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_PERMANENT | SHADOW_FTRACE_FLAGS,
};

static void ref_release(struct percpu_ref *ref)
{
	complete(&hook_idle);
}

static void notrace nothing(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			    struct ftrace_regs *fregs)
{
}

/*
 * The kernel answers EBUSY both when another one holds the function and when
 * ftrace is switched off.  In the second case it refuses any hook that is to be
 * permanent, also one that claims nothing.
 */
static bool ftrace_is_off(void)
{
	static struct ftrace_ops probe = {
		.func	= nothing,
		.flags	= FTRACE_OPS_FL_PERMANENT | SHADOW_FTRACE_FLAGS,
	};
	int err = ftrace_set_filter_ip(&probe, (unsigned long)submit_bio_noacct, 0, 0);

	if (err)
		return false;
	err = register_ftrace_function(&probe);
	if (!err)
		unregister_ftrace_function(&probe);
	ftrace_set_filter(&probe, NULL, 0, 1);
	return err == -EBUSY;
}

static int register_hook(struct shadow_fault *fault)
{
	u32 reason = SHADOW_REASON_HOOK_DEAD;
	unsigned int tries = 100;
	int err;

	if (ftrace_died)
		return shadow_fail(fault, SHADOW_PHASE_HOOK, reason, 0, -EIO);
	reinit_completion(&hook_idle);
	err = percpu_ref_init(&hook_ref, ref_release, 0, GFP_KERNEL);
	if (err)
		return shadow_fail(fault, SHADOW_PHASE_HOOK, SHADOW_REASON_NO_MEMORY, 0, err);
	err = ftrace_set_filter_ip(&hook_ops, (unsigned long)submit_bio_noacct, 0, 0);
	if (err)
		goto exit_ref;
	while ((err = register_ftrace_function(&hook_ops)) == -EAGAIN && --tries)
		msleep(20);	/* a BPF program on the function is being changed */
	if (err)
		goto reset_filter;
	WRITE_ONCE(registered, true);
	return 0;

reset_filter:
	ftrace_set_filter(&hook_ops, NULL, 0, 1);
exit_ref:
	percpu_ref_exit(&hook_ref);
	if (err == -EAGAIN)
		reason = SHADOW_REASON_HOOK_BUSY;
	else if (err == -EBUSY)
		reason = ftrace_is_off() ? SHADOW_REASON_FTRACE_OFF : SHADOW_REASON_HOOK_BUSY;
	pr_err("cannot hook submit_bio_noacct(): %d%s\n", err,
	       reason == SHADOW_REASON_FTRACE_OFF ? "; kernel.ftrace_enabled is 0" :
	       reason == SHADOW_REASON_HOOK_BUSY ? "; another module or live patch holds it" : "");
	return shadow_fail(fault, SHADOW_PHASE_HOOK, reason, 0, err);
}

static void unregister_hook(void)
{
	percpu_ref_kill(&hook_ref);
	wait_for_completion(&hook_idle);
	WRITE_ONCE(registered, false);
	if (unregister_ftrace_function(&hook_ops)) {
		/* A bug somewhere has ended ftrace: the callback is called all the same. */
		pr_err("ftrace has died, and the hook cannot be removed\n");
		ftrace_died = true;
		return;
	}
	ftrace_set_filter(&hook_ops, NULL, 0, 1);
	synchronize_rcu_tasks();
	percpu_ref_exit(&hook_ref);
}

bool shadow_hook_registered(void)
{
	return READ_ONCE(registered);
}

static void update_occupied(void)
{
	unsigned long bits = BIT(bucket_of(marker_disk));
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(buckets); i++)
		if (!list_empty(&buckets[i]))
			bits |= BIT(i);
	WRITE_ONCE(occupied, bits);
}

int shadow_hook_add(struct shadow_volume *vol, struct shadow_fault *fault)
{
	int err = volumes ? 0 : register_hook(fault);

	if (err)
		return err;
	err = shadow_hook_verify(fault);
	if (err) {
		if (!volumes)
			unregister_hook();
		return err;
	}
	volumes++;
	list_add_tail_rcu(&vol->hash, &buckets[bucket_of(vol->disk)]);
	update_occupied();
	return 0;
}

/* A task in the middle of something, and what does not change before it is through. */
struct watched {
	struct task_struct *task;
	struct bio_list *list;		/* where it collects bios */
	unsigned long switches;		/* how often it was switched out */
};

static bool submits(struct watched *w)
{
	w->list = READ_ONCE(w->task->bio_list);
	return w->list;
}

static bool still_submits(const struct watched *w)
{
	return READ_ONCE(w->task->bio_list) == w->list;
}

static bool is_switched_out(struct watched *w)
{
	w->switches = READ_ONCE(w->task->nvcsw) + READ_ONCE(w->task->nivcsw);
	return shadow_task_is_preempted(w->task);
}

static bool is_still_switched_out(const struct watched *w)
{
	return !READ_ONCE(w->task->exit_state) && shadow_task_is_preempted(w->task) &&
	       READ_ONCE(w->task->nvcsw) + READ_ONCE(w->task->nivcsw) == w->switches;
}

/* Wait until each task that is in the middle of something now has been seen through. */
static int wait_for_tasks(bool (*is_in)(struct watched *w),
			  bool (*is_still_in)(const struct watched *w), unsigned long end)
{
	struct watched *found = kvmalloc_array(SUBMITTERS, sizeof(*found), GFP_KERNEL);
	struct task_struct *process, *thread;
	unsigned int i, n = 0;
	int err = 0;

	if (!found)
		return -ENOMEM;
	rcu_read_lock();
	for_each_process_thread(process, thread) {
		struct watched w = { .task = thread };

		if (thread == current || !is_in(&w))
			continue;
		if (n == SUBMITTERS) {
			err = -ETIMEDOUT;	/* that many would not be seen to move in time */
			break;
		}
		get_task_struct(thread);
		found[n++] = w;
	}
	rcu_read_unlock();
	for (i = 0; i < n; i++) {
		while (!err && is_still_in(&found[i])) {
			if (time_after(jiffies, end))
				err = -ETIMEDOUT;
			usleep_range(50, 200);
		}
		put_task_struct(found[i].task);
	}
	kvfree(found);
	return err;
}

/*
 * A task may have passed the callback before a volume was there, and not have
 * reached the driver.  On the way it either does not sleep of its own accord
 * (waited for by RCU-tasks), or it is in the middle of a submission with more
 * bios on its list, which can take as long as the driver's queue is full: those
 * are looked for and waited for until they have been seen without that list.
 *
 * In kernels without RCU-tasks its place is taken by RCU, which does not wait for
 * a task that was switched out by might_sleep(), as it happens before a bio is on
 * a list.  There, who is switched out and could run has to have run, and to have
 * gone on from there; twice, because it may be switched out once more at once.
 */
int shadow_hook_pass(void)
{
	unsigned long end = jiffies + PASS_TIMEOUT;
	unsigned int i;
	int err = 0;

	synchronize_rcu_tasks();
	for (i = 0; i < 2 && SHADOW_TASKS_RCU_IS_RCU && !err; i++) {
		err = wait_for_tasks(is_switched_out, is_still_switched_out, end);
		synchronize_rcu();
	}
	return err ?: wait_for_tasks(submits, still_submits, end);
}

void shadow_hook_leave(struct shadow_volume *vol)
{
	WRITE_ONCE(vol->leaving, true);
	synchronize_rcu();
}

void shadow_hook_remove(struct shadow_volume *vol)
{
	list_del_rcu(&vol->hash);
	update_occupied();
	synchronize_rcu();
	if (!--volumes)
		unregister_hook();
}

int shadow_hook_verify(struct shadow_fault *fault)
{
	struct bio *bio = shadow_bio_alloc_disk(marker_disk, REQ_OP_WRITE_ZEROES);
	int err;

	if (!bio)
		return shadow_fail(fault, SHADOW_PHASE_HOOK, SHADOW_REASON_NO_MEMORY, 0, -ENOMEM);
	bio->bi_iter.bi_size = SECTOR_SIZE;
	err = submit_bio_wait(bio);	/* unseen it fails: the disk cannot do that */
	bio_put(bio);
	if (!err)
		return 0;
	pr_err("the hook on submit_bio_noacct() is not called\n");
	return shadow_fail(fault, SHADOW_PHASE_HOOK, SHADOW_REASON_HOOK_DEAD, 0, -EIO);
}

bool shadow_hook_before(const struct shadow_volume *a, const struct shadow_volume *b)
{
	const struct shadow_volume *vol;
	bool before = false;

	rcu_read_lock();
	list_for_each_entry_rcu(vol, &buckets[bucket_of(a->disk)], hash) {
		if (vol == a)
			before = a->disk == b->disk;
		if (vol == a || vol == b)
			break;
	}
	rcu_read_unlock();
	return before;
}

void shadow_hook_for_device(struct device *dev, void (*fn)(struct shadow_volume *vol))
{
	struct shadow_volume *vol;
	unsigned int i;

	rcu_read_lock();
	for (i = 0; i < ARRAY_SIZE(buckets); i++)
		list_for_each_entry_rcu(vol, &buckets[i], hash)
			if (dev->devt == vol->dev || dev == disk_to_dev(vol->disk))
				fn(vol);
	rcu_read_unlock();
}

struct device *shadow_hook_device(void)
{
	return disk_to_dev(marker_disk);
}

static int learn_chain_end(void)
{
	struct bio *part = shadow_bio_alloc_disk(marker_disk, REQ_OP_WRITE_ZEROES);
	struct bio *whole = shadow_bio_alloc_disk(marker_disk, REQ_OP_WRITE_ZEROES);

	if (part && whole) {
		bio_chain(part, whole);
		chain_end = part->bi_end_io;
	}
	if (part)
		bio_put(part);
	if (whole)
		bio_put(whole);
	return chain_end ? 0 : -ENOMEM;
}

int shadow_hook_init(void)
{
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(buckets); i++)
		INIT_LIST_HEAD(&buckets[i]);
	marker_disk = blk_alloc_disk(NULL, NUMA_NO_NODE);
	if (IS_ERR(marker_disk))
		return PTR_ERR(marker_disk);
	err = learn_chain_end();
	if (err)
		put_disk(marker_disk);
	else
		update_occupied();
	return err;
}

void shadow_hook_exit(void)
{
	if (ftrace_died) {
		/* The callback is still called: its text must not go. */
		pr_crit("the module cannot be unloaded any more; restart the machine\n");
		for (;;) {
			set_current_state(TASK_IDLE);
			schedule();
		}
	}
	put_disk(marker_disk);
}
