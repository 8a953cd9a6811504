// SPDX-License-Identifier: GPL-2.0-only
/*
 * gate.c - writes in flight, and the gate that holds new ones.
 *
 * Counting is per CPU and has no shared cache line: "started" and "finished"
 * only grow.  With the gate closed, a sum of all "finished" that equals a sum
 * of all "started" taken after it means that nothing is in flight: every finish
 * that was counted has its start counted as well, so equality leaves no start
 * over.  A write that was missed by the sum of starts had its count raised after
 * the gate was closed, and looks at the gate after that (shadow_flight_begin()):
 * it goes behind the gate.
 *
 * Why the wait for writes in flight ends: they are clones below us, or parked
 * with the worker, whose reads are below us and whose memory comes back from
 * store writes below us.  "Below us" can mean another tracked volume; its gate
 * is closed later than ours (set.c orders them).  What does not end by itself
 * (a device that hangs) is ended by the hold's timer.
 */
#include <linux/cpumask.h>
#include <linux/sched/signal.h>
#include "gate.h"

static unsigned long sum_of(const struct shadow_volume *vol, size_t member)
{
	unsigned long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(*(unsigned long *)((char *)per_cpu_ptr(vol->flight, cpu) +
						    member));
	return sum;
}

bool shadow_flight_none(const struct shadow_volume *vol)
{
	unsigned long finished = sum_of(vol, offsetof(struct shadow_flight, finished));

	smp_mb();	/* finished first: see above */
	return finished == sum_of(vol, offsetof(struct shadow_flight, started));
}

void shadow_flight_end(struct shadow_volume *vol)
{
	/* The grace period keeps the volume while we look at it after the count. */
	rcu_read_lock();
	this_cpu_inc(vol->flight->finished);
	smp_mb();	/* count, then look; pairs with the waiter's setting of gate or starved */
	if (unlikely(READ_ONCE(vol->gate)))
		wake_up(&vol->drain_wait);
	if (unlikely(READ_ONCE(vol->starved)))
		shadow_volume_kick(vol);
	rcu_read_unlock();
}

bool shadow_gate_park(struct shadow_volume *vol, struct bio *bio)
{
	unsigned long flags;
	bool closed;

	/* The gate, then the map of settled blocks; pairs with shadow_gate_open(). */
	if (likely(!smp_load_acquire(&vol->gate)))
		return false;
	spin_lock_irqsave(&vol->lock, flags);
	closed = vol->gate;
	if (closed) {
		bio->bi_opf &= ~REQ_NOWAIT;	/* the worker will submit it, and may wait */
		bio_list_add(&vol->gated, bio);
	}
	spin_unlock_irqrestore(&vol->lock, flags);
	if (closed) {
		this_cpu_inc(vol->flight->gated);
		shadow_flight_end(vol);
	}
	return closed;
}

void shadow_gate_close(struct shadow_volume *vol)
{
	spin_lock_irq(&vol->lock);
	vol->gate_holders++;
	WRITE_ONCE(vol->gate, true);
	spin_unlock_irq(&vol->lock);
	smp_mb();	/* close, then count; pairs with shadow_flight_begin() */
}

int shadow_gate_drain(struct shadow_volume *vol, const bool *give_up)
{
	int err = wait_event_killable(vol->drain_wait,
				      shadow_flight_none(vol) || READ_ONCE(*give_up));

	if (err)
		return -EINTR;
	return READ_ONCE(*give_up) ? -ETIMEDOUT : 0;
}

void shadow_gate_open(struct shadow_volume *vol)
{
	struct bio *bio;
	unsigned long n = 0;

	spin_lock_irq(&vol->lock);
	if (--vol->gate_holders) {
		spin_unlock_irq(&vol->lock);
		return;
	}
	bio_list_for_each(bio, &vol->gated)
		n++;
	/* In flight again before anybody can take the gate for open. */
	this_cpu_add(vol->flight->started, n);
	bio_list_merge(&vol->todo, &vol->gated);
	bio_list_init(&vol->gated);
	smp_store_release(&vol->gate, false);	/* the new map, then the gate */
	spin_unlock_irq(&vol->lock);
	shadow_volume_kick(vol);
}
