/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * gate.h - writes in flight, and the gate that holds new ones.
 */
#ifndef SHADOW_GATE_H
#define SHADOW_GATE_H

#include "volume.h"

/*
 * A write is in flight from shadow_flight_begin() to shadow_flight_end(): while
 * it is parked with the worker and while its clone is below us, but not while
 * it is behind the gate.
 */

/* Context: rcu_read_lock(), under which the volume was found. */
static inline void shadow_flight_begin(struct shadow_volume *vol)
{
	this_cpu_inc(vol->flight->started);
	smp_mb();	/* count, then look at the gate; pairs with shadow_gate_close() */
}

/* Any context.  The volume may be freed as soon as this returns. */
void shadow_flight_end(struct shadow_volume *vol);

/* No write is in flight.  Means something while no new one can begin. */
bool shadow_flight_none(const struct shadow_volume *vol);

/**
 * shadow_gate_park() - put a write behind the gate if it is closed
 * @vol: the volume
 * @bio: a write in flight
 *
 * Context: any.
 * Return: true: the gate was closed and has the write now, which is no longer
 * in flight.
 */
bool shadow_gate_park(struct shadow_volume *vol, struct bio *bio);

/* From now on new writes are held.  Each call needs a shadow_gate_open(). */
void shadow_gate_close(struct shadow_volume *vol);

/**
 * shadow_gate_drain() - wait until no write is in flight
 * @vol: the volume, its gate closed
 * @give_up: read again and again; true ends the wait.  Whoever sets it wakes
 *	@vol->drain_wait.
 *
 * Return: 0, -ETIMEDOUT when @give_up ended it, -EINTR on a fatal signal.
 */
int shadow_gate_drain(struct shadow_volume *vol, const bool *give_up);

/* The last holder lets go what is behind the gate, in the order in which it came. */
void shadow_gate_open(struct shadow_volume *vol);

#endif /* SHADOW_GATE_H */
