/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * policy.h - what becomes of shadows and writes when old data cannot be kept.
 */
#ifndef SHADOW_POLICY_H
#define SHADOW_POLICY_H

#include "volume.h"

/**
 * shadow_policy_init() - how a shadow is evicted
 * @victim: takes the volume's oldest shadow that nobody needs out of everybody's
 *	reach and hands its stake out, which is in no list then; NULL: there is
 *	none.  Called with the volume's fold mutex held; sleeps.
 * @evicted: its records are gone; what remains to be done may free it at once.
 *	The volume stays for as long as this file's work item runs
 */
void shadow_policy_init(struct shadow_stake *(*victim)(struct shadow_volume *vol),
			void (*evicted)(struct shadow_stake *stake));

/* Prepare a new volume.  Policy: evict. */
void shadow_policy_begin(struct shadow_volume *vol);

/* The counterpart.  The volume has no store any more. */
void shadow_policy_end(struct shadow_volume *vol);

/* As SHADOW_IOC_VOLUME_POLICY; the arguments have been checked. */
void shadow_policy_set(struct shadow_volume *vol, const struct shadow_volume_policy *arg);

/* The members of @info that this file knows.  Context: epochs.mutate held. */
void shadow_policy_fill_info(struct shadow_volume *vol, struct shadow_volume_info *info);

/**
 * shadow_policy_wait() - the store is full: do writes wait for room?
 * @vol: the volume
 *
 * Sees to it that room is made, if it can be.  What waits is to be tried again
 * when the worker runs, which is when there may be room, and soon in any case.
 *
 * Context: the worker; epochs.mutate held.
 * Return: false if waiting makes no sense: see shadow_policy_give_up().
 */
bool shadow_policy_wait(struct shadow_volume *vol);

/*
 * Let the store grow if that is due: it has little room left, or blocks to be made ready.
 * Context: epochs.mutate held.
 */
void shadow_policy_grow(struct shadow_volume *vol);

/*
 * There is no room for what somebody has: let the store grow.  Context: epochs.mutate held.
 * Return: true if room is on its way: kick the worker, and try again in a while.
 */
bool shadow_policy_want_room(struct shadow_volume *vol);

/* More is known to be free: let the store grow, if that is what it lacked.  Likewise. */
void shadow_policy_told_free(struct shadow_volume *vol);

/* Is there as much room in a store that nothing need go?  Context: epochs.mutate held. */
bool shadow_policy_has_room(const struct shadow_store *store);

/* Nobody waits for room any more.  Context: the worker; epochs.mutate held. */
void shadow_policy_relieve(struct shadow_volume *vol);

/**
 * shadow_policy_give_up() - old data cannot be preserved
 * @vol: the volume
 * @reason: enum shadow_reason
 * @error: the errno behind it, negative
 *
 * Either all shadows are lost, or from now on all writes to the volume end with an
 * error (shadow_policy_refuses()).
 *
 * Context: epochs.mutate held; sleeps for a grace period.
 * Return: true if the shadows live.
 */
bool shadow_policy_give_up(struct shadow_volume *vol, u32 reason, int error);

/* Do all writes to the volume end with an error now?  Any context. */
static inline bool shadow_policy_refuses(const struct shadow_volume *vol)
{
	return unlikely(READ_ONCE(vol->protect_fault));
}

/* End such a write.  Any context. */
void shadow_policy_refuse(struct shadow_volume *vol, struct bio *bio);

/* The volume has no store any more: nothing fills.  Context: epochs.mutate held. */
void shadow_policy_no_store(struct shadow_volume *vol);

/* Writes to the volume end with an error from now on.  Context: mutate mutex. */
void shadow_policy_end_writes(struct shadow_volume *vol);

/* They do not any more, if that was why: it has its store again.  Context: mutate mutex. */
void shadow_policy_resume_writes(struct shadow_volume *vol);

/* Look after the store once the worker has recorded.  Context: epochs.mutate held. */
void shadow_policy_review(struct shadow_volume *vol);

/**
 * shadow_policy_protect() - no shadow goes for a write, whatever the policy is
 * @vol: the volume
 * @protected: from now on; or no longer
 *
 * Meanwhile it is as with fail-io.  An earlier fault is cleared, unless that is the policy.
 *
 * Context: epochs.mutate held.
 */
void shadow_policy_protect(struct shadow_volume *vol, bool protected);

/* Blocks of the store that can be had before a shadow would go.  Context: epochs.mutate held. */
u64 shadow_policy_room(const struct shadow_volume *vol);

/*
 * From begin to end no write of the volume is throttled: somebody who counts the
 * seconds waits for them.
 */
void shadow_policy_hurry_begin(struct shadow_volume *vol);
void shadow_policy_hurry_end(struct shadow_volume *vol);

#endif /* SHADOW_POLICY_H */
