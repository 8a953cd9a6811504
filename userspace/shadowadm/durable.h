/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * durable.h - what a durable store says of itself, read without the module and without
 * changing anything.
 */
#ifndef SHADOWADM_DURABLE_H
#define SHADOWADM_DURABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DURABLE_HEADERS	2
#define DURABLE_WATCHED	32	/* first blocks of the volume */
#define DURABLE_STATES	16	/* that each may be in */

/* Of a header, and of the store. */
enum durable_verdict {
	DURABLE_SOUND,
	DURABLE_FOREIGN,	/* it is something else */
	DURABLE_DAMAGED,
	DURABLE_NEWER,		/* ... than what is known here */
	DURABLE_UNREADABLE,
	DURABLE_NO_MEMORY,	/* to tell */
};

/* Where the bytes come from. */
struct durable_source {
	/* Return: 0 or a negative errno. */
	int (*read)(void *arg, uint64_t offset, void *buf, size_t length);
	void *arg;
	uint64_t bytes;		/* how many there are */
	uint64_t header;	/* where the first copy of the header is */
	bool with_saved;	/* what is saved of changes is wanted, too, which may be much */
};

/**
 * struct durable_place - where in the log, or in the dump, or in what was saved of changes
 * @dump: in the dump
 * @saved: in what was saved
 * @block: number of the block of that; where it was saved, of the chunk
 * @group: number of its group; 0 where it was saved
 * @byte: where it lies on the device, or in the file
 * @entry: number of the entry in it, from 1 on; 0: the block as a whole; or of the record, of all
 */
struct durable_place {
	bool dump;
	bool saved;
	uint64_t block;
	uint64_t group;
	uint64_t byte;
	unsigned int entry;
};

/**
 * struct durable_shadow - a shadow in the store
 * @uuid: identity
 * @set: identity of its set
 * @epoch: number of its epoch
 * @created_ns: the instant
 * @bytes: size of the volume then
 * @context: of the set
 * @set_count: shadows in the set
 * @persistent: it is there again when the store is attached
 * @pinned: it is never evicted
 * @complete: its set was made
 * @lost: why, enum shadow_reason
 * @error: and by which errno, positive; 0: it is not lost
 * @record_bytes: what is stored for it
 * @free_bytes: what was free at the instant
 */
struct durable_shadow {
	uint8_t uuid[16];
	uint8_t set[16];
	uint64_t epoch;
	int64_t created_ns;
	uint64_t bytes;
	uint32_t context;
	uint32_t set_count;
	bool persistent;
	bool pinned;
	bool complete;
	uint32_t lost;
	uint32_t error;
	uint64_t record_bytes;
	uint64_t free_bytes;
};

/**
 * struct durable_chain - what was read of the log, or of the dump
 * @segments: that it has
 * @bytes: their lengths
 * @groups: whole ones
 * @blocks: blocks of these
 * @entries: entries of these
 */
struct durable_chain {
	uint64_t segments;
	uint64_t bytes;
	uint64_t groups;
	uint64_t blocks;
	uint64_t entries;
};

/**
 * struct durable_head - what the first blocks of the volume may be
 * @crc: their checksums
 * @nr: how many each has; 0: nothing was said of it
 * @any: it may be anything
 */
struct durable_head {
	uint32_t crc[DURABLE_WATCHED][DURABLE_STATES];
	uint8_t nr[DURABLE_WATCHED];
	bool any[DURABLE_WATCHED];
};

/* What is saved of the changes of the volume; after the next attaching... */
enum durable_saved_state {
	DURABLE_SAVED_NONE,	/* nothing is known, as it was before */
	DURABLE_SAVED_ALL,
	DURABLE_SAVED_NO_ROOM,	/* ... it is not: it could not be saved */
	DURABLE_SAVED_UNCLEAN,	/* ... it is not: the store was not detached */
	DURABLE_SAVED_DAMAGED,	/* ... it is not: it cannot be read, or be right */
};

/**
 * struct durable_mark - an instant since which changes are known
 * @uuid: identity, of its shadow
 * @epoch: number of the epoch that it ended
 * @created_ns: the instant
 * @bytes: size of the volume then
 * @kept: it is a base
 * @begin: tracking began, without a shadow
 * @changed_bytes: written from then to the next one
 * @image_bytes: written to the image of its shadow
 * @free_bytes: what was free then, if the log does not say that
 */
struct durable_mark {
	uint8_t uuid[16];
	uint64_t epoch;
	int64_t created_ns;
	uint64_t bytes;
	bool kept;
	bool begin;
	uint64_t changed_bytes;
	uint64_t image_bytes;
	uint64_t free_bytes;
};

/**
 * struct durable_saved - what is saved of the changes of the volume
 * @state: what is so
 * @problem: what is damaged, or NULL; @error: the errno behind it, positive, or 0
 * @chunk: number of the chunk that was read last, and @byte where in it
 * @chunks: that it has
 * @bytes: of records in them
 * @generation: identity of what is known without a gap
 * @began_ns: when it began
 * @reason: why nothing older is known, enum shadow_tracking_reason
 * @whole: the first instant is the one that it began with
 * @marks: the instants, oldest first
 * @count: how many
 * @bases: of these
 */
struct durable_saved {
	enum durable_saved_state state;
	const char *problem;
	int error;
	uint64_t chunk;
	uint64_t byte;
	uint64_t chunks;
	uint64_t bytes;
	uint8_t generation[16];
	int64_t began_ns;
	uint32_t reason;
	bool whole;
	struct durable_mark *marks;
	size_t count;
	size_t bases;
};

/**
 * struct durable - a store
 * @verdict: what it is
 * @problem: what is wrong with it, or NULL; @error: the errno behind it, positive, or 0
 * @place: where in log or dump that is, if @in_log; the end of the log if all is well
 * @headers: the two copies of the header
 * @counts: which of them counts, or -1: all that follows is nothing then
 * @read_only: it has features that only allow reading it, so it is not attached
 * @failed: it could not be written for a while, so its shadows will be lost
 * @dump_blocks: that the dump has to have; 0: there is none
 * @log_end: number of the block that the log has to end before, or 0
 * @dump: the dump
 * @log: the log
 * @deleted: shadows that were deleted
 * @rest_blocks: of a group at the end that is not whole: the machine stopped while it was written
 * @head: the first blocks of the volume
 * @watched: those whose contents are known
 * @unknown: ... of which they are not
 * @revert: whether the volume is to be what it was, enum shadow_disk_revert, and at the instant of
 *	which shadow: @revert_epoch
 * @records_bytes: what is stored for all shadows
 * @shadows: what is in it, oldest first
 * @count: how many
 * @saved: what is saved of changes, if the store is sound and that is wanted
 */
struct durable {
	enum durable_verdict verdict;
	const char *problem;
	int error;
	bool in_log;
	struct durable_place place;

	enum durable_verdict headers[DURABLE_HEADERS];
	int counts;
	bool read_only;
	bool failed;
	uint8_t store[16];
	uint8_t part[16];
	uint64_t seq;
	uint32_t version;
	uint32_t compat;
	uint32_t ro_compat;
	uint32_t incompat;
	uint64_t bytes;
	uint64_t volume_bytes;
	char volume[65];
	int64_t created;
	uint32_t dump_blocks;
	uint64_t log_end;

	struct durable_chain dump;
	struct durable_chain log;
	uint64_t deleted;
	unsigned int rest_blocks;
	struct durable_head head;
	unsigned int watched;
	unsigned int unknown;
	uint32_t revert;
	uint64_t revert_epoch;
	uint64_t records_bytes;
	struct durable_shadow *shadows;
	size_t count;
	struct durable_saved saved;
};

typedef void durable_tell(void *arg, const struct durable_place *place, const char *text);

/**
 * durable_check() - read a store from its beginning to its end
 * @source: where from
 * @tell: called for each entry of dump and log, and for each record, with what it says; may be NULL
 * @arg: for @tell
 * @durable: out; to be cleared in any case
 *
 * Nothing that was read is believed.  It is read by the rules by which the module attaches it,
 * and what is damaged here is refused there.
 */
void durable_check(const struct durable_source *source, durable_tell *tell, void *arg,
		   struct durable *durable);

void durable_clear(struct durable *durable);

/* --- durable_head.c ------------------------------------------------------------------- */

/* Can a store be of a volume? */
enum durable_fit {
	DURABLE_FITS,
	DURABLE_UNPROVED,	/* nothing speaks against it, but for it neither */
	DURABLE_DIFFERS,
};

/**
 * durable_fits() - is a volume as a store says that it was left?
 * @durable: the store, sound
 * @volume: the volume
 * @fit: out
 *
 * It is by the rule by which the module decides: nobody has written to the volume's first blocks,
 * and no shadow is larger than it.  What is all zeros, or not known, is no proof.
 *
 * Return: 0 or a negative errno: the volume cannot be read.
 */
int durable_fits(const struct durable *durable, const struct durable_source *volume,
		 enum durable_fit *fit);

#endif /* SHADOWADM_DURABLE_H */
