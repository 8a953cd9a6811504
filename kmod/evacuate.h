/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * evacuate.h - clearing out what is cut off of a part of a store.
 */
#ifndef SHADOW_EVACUATE_H
#define SHADOW_EVACUATE_H

#include "volume.h"

/**
 * shadow_evacuate() - move what lies in the cut-off blocks of a part to the rest of the store
 * @part: the part, after shadow_store_cut()
 * @vol: the volume, pinned and its store in use
 * @moved: out: blocks that were moved, also after an error
 * @fault: out: the reason of a failure
 *
 * Context: a task, no lock held.  Any signal ends it.
 * Return: 0: nothing is in use there, and nobody reads there any more.  -ENOSPC: there is no
 * room, or the cut was given up because others needed it; -EINTR; -EIO when what lies there
 * cannot be read, or writes to the volume end with an error; -ENOMEM.  After an error nobody
 * reads what was moved where it was, so that its place can be used again.
 */
int shadow_evacuate(struct shadow_volume *vol, struct shadow_part *part, u64 *moved,
		    struct shadow_fault *fault);

#endif /* SHADOW_EVACUATE_H */
