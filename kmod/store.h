/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * store.h - where preserved blocks go: one store per volume, shared by all its
 * shadows, and made of parts.
 */
#ifndef SHADOW_STORE_H
#define SHADOW_STORE_H

#include <linux/bio.h>
#include <linux/list.h>
#include <linux/mempool.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include "shadow.h"
#include "space.h"

#define SHADOW_BATCH_BLOCKS	256u	/* 1 MiB: one bio */
#define SHADOW_STORE_MIN	(4ULL << 20)
/* Left alone at the head of a device or file, which says there what it is. */
#define SHADOW_STORE_HEAD	(1ULL << 20)

/*
 * A location says which part and which block of it: 8 bits and 40, as much as a
 * record has room for.
 */
#define SHADOW_PART_BITS	40
#define SHADOW_PARTS_MAX	256u
#define SHADOW_PART_BLOCKS_MAX	(1ULL << SHADOW_PART_BITS)

#define SHADOW_GROW_LEAST	256u	/* blocks; by less nothing grows */

struct shadow_store;
struct shadow_part;
struct shadow_durable;

/* Whose share of the memory budget a block uses until it is stored. */
enum shadow_account {
	SHADOW_FOR_ORIGIN,	/* old data that a write waits for */
	SHADOW_FOR_IMAGE,	/* what was written to an image */
	SHADOW_NR_ACCOUNTS,
};

/* How many blocks of memory are free again, by account. */
struct shadow_stored {
	unsigned int blocks[SHADOW_NR_ACCOUNTS];
};

/**
 * struct shadow_batch - blocks on their way to the store, adjacent there
 * @rb: in shadow_store.staged, by @loc
 * @node: in one of the store's lists
 * @part: where it goes
 * @loc: place of the first block
 * @nr: blocks filled
 * @nr_for: how many of them for whom
 * @room: blocks allotted from @loc on
 * @status: how the write ended
 * @since: jiffies when memory was first missing to write it; 0: never
 * @group: of the log, which names its blocks; 0: the store has none
 * @freed: blocks whose record went away meanwhile; they are given back when the
 *	write has ended, since it would overwrite a new owner's data otherwise
 * @page: a page for each block; the pages belong to the batch until it is done
 */
struct shadow_batch {
	struct rb_node rb;
	struct list_head node;
	struct shadow_part *part;
	u64 loc;
	unsigned int nr;
	struct shadow_stored nr_for;
	unsigned int room;
	blk_status_t status;
	unsigned long since;
	u64 group;
	DECLARE_BITMAP(freed, SHADOW_BATCH_BLOCKS);
	struct page *page[SHADOW_BATCH_BLOCKS];
};

/**
 * struct shadow_part_ops - a kind of part
 * @open: check the spec, obtain the device or memory; set ->nr_blocks, ->max_blocks,
 *	and ->bdev where there is one; sleeps.  Changes nothing on a device.
 * @grow: obtain @blocks more, or fewer; @nr_blocks is what there is then, after a
 *	failure too; sleeps, for as long as a filesystem likes.  -EAGAIN: it is frozen.
 *	NULL: it has all from the beginning
 * @prepare: make the device ready to be overwritten; may be NULL; sleeps
 * @close: undo it; no I/O is under way
 * @is: is it the one that a spec means?
 * @write: start writing a batch; ends in shadow_store_written(), perhaps at
 *	once.  Does not wait for memory: -EAGAIN asks to be called again after a
 *	while.  NULL: a bio to ->bdev.
 * @page: the page that holds a block, with the store's ->lock held; NULL where
 *	blocks are not kept in memory
 * @locate: where on ->bdev a block is, and in @run how many lie one after another
 *	from there, as far as that is wanted; NULL where @page always answers
 * @head: where on ->bdev a block of the header of a durable store is, of which @byte counts
 *	from its first copy on; NULL: it cannot be one
 * @extents: in how many pieces it lies on ->bdev; NULL: one
 * @room: of how many blocks it could be made at most
 * @discard: the blocks are free again; may be NULL
 */
struct shadow_part_ops {
	int (*open)(struct shadow_part *part, struct shadow_fault *fault);
	int (*grow)(struct shadow_part *part, u64 blocks, u64 *nr_blocks,
		    struct shadow_fault *fault);
	int (*prepare)(struct shadow_part *part, struct shadow_fault *fault);
	void (*close)(struct shadow_part *part);
	bool (*is)(const struct shadow_part *part, const struct shadow_store_spec *spec);
	int (*write)(struct shadow_part *part, struct shadow_batch *batch);
	struct page *(*page)(struct shadow_part *part, u64 block);
	sector_t (*locate)(struct shadow_part *part, u64 block, u64 *run);
	sector_t (*head)(const struct shadow_part *part, u32 byte);
	u64 (*extents)(const struct shadow_part *part);
	u64 (*room)(const struct shadow_part *part);
	void (*discard)(struct shadow_part *part, u64 block, u64 n);
};

extern const struct shadow_part_ops shadow_part_memory_ops;
extern const struct shadow_part_ops shadow_part_device_ops;
extern const struct shadow_part_ops shadow_part_file_ops;

/**
 * struct shadow_part - a part of a store
 * @node: in shadow_store.parts
 * @store: whose it is
 * @ops: its kind; does not change, nor do @id, @spec, @bdev, @file, @inode, @on_volume, @plain,
 *	@bios
 * @id: its place in the store
 * @spec: as asked for, with what was found filled in
 * @bdev: where its blocks are; NULL: in memory
 * @file: the file; NULL: none
 * @inode: its number; 0: none
 * @on_volume: it lies on the volume whose store it is a part of
 * @plain: its blocks follow its head as they do on the device, or in a file that has a name: so
 *	it is found again after a reboot, and can be read by others
 * @bios: where its store bios come from
 * @nr_blocks: blocks that it has; under the epochs' mutate mutex, as is all that follows
 * @max_blocks: what it may become
 * @space: what is in use.  May have fewer blocks than the part, of which the others are
 *	still to be made ready
 * @nr_taken: blocks that @space has had at most, if @on_volume; else 0
 * @grow_again: jiffies before which it is not asked to grow
 * @grow_frozen: ... because its filesystem is frozen, which is no failure
 * @grow_failures: times in a row that it could not
 * @grow_fault: why, enum shadow_reason
 * @private: of @ops
 */
struct shadow_part {
	struct list_head node;
	struct shadow_store *store;
	const struct shadow_part_ops *ops;
	unsigned int id;
	struct shadow_store_spec spec;
	struct block_device *bdev;
	const struct file *file;
	u64 inode;
	bool on_volume;
	bool plain;
	struct bio_set *bios;
	u64 nr_blocks;
	u64 max_blocks;
	struct shadow_space space;
	u64 nr_taken;
	unsigned long grow_again;
	bool grow_frozen;
	unsigned int grow_failures;
	u32 grow_fault;
	void *private;
};

/**
 * struct shadow_store - one volume's store
 * @parts: the parts, oldest first; changed under the epochs' mutate mutex, as are
 *	@part and @filling; a part goes under the registry's lock besides
 * @part: the parts by number
 * @filling: the part that takes blocks now, or NULL
 * @durable: what makes it durable, or NULL: it is gone after a reboot; does not change once
 *	somebody knows the store
 * @mutate: the epochs' mutate mutex; does not change, nor do @pages, @bios, @kick
 * @pages: where pages of batches come from and go to
 * @bios: where store bios come from
 * @kick: called when a batch was written, from any context
 * @kick_arg: its argument
 * @freeing: blocks that are given back when their batches are written; under the
 *	mutate mutex, as are @leaving, @open, @cut and @uncut_blocks
 * @leaving: blocks that were moved elsewhere, and are given back when they are not read
 *	any more; not in use
 * @open: the batch that takes blocks now
 * @growing: the part that is growing now, or NULL; under the mutate mutex, as are the
 *	next three
 * @grow_since: jiffies since which growth is due and somebody waits for it, or now; 0: it is
 *	not due
 * @grow_wanted: when somebody waited last
 * @grow_needs: growth needs room itself, for what has to be preserved first
 * @cut: the part of which blocks are being cleared out, or NULL
 * @uncut_blocks: its ->max_blocks before
 * @reaping: batches whose end is known; the worker's
 * @lock: protects @staged and the pages of parts in memory; taken for reading
 *	while a block is copied
 * @staged: batches that are not written yet
 * @list_lock: protects @unsent, @done; any context
 * @unsent: batches to be written
 * @done: batches whose write has ended
 * @sent: batches being written
 */
struct shadow_store {
	struct list_head parts;
	struct shadow_part *part[SHADOW_PARTS_MAX];
	struct shadow_part *filling;
	struct shadow_durable *durable;
	struct mutex *mutate;		/* the epochs' */
	mempool_t *pages;
	struct bio_set *bios;
	void (*kick)(void *arg);
	void *kick_arg;
	mempool_t batches;

	u64 freeing;
	u64 leaving;
	struct shadow_batch *open;
	struct shadow_part *growing;
	unsigned long grow_since;
	unsigned long grow_wanted;
	bool grow_needs;
	struct shadow_part *cut;
	u64 uncut_blocks;
	struct list_head reaping;

	rwlock_t lock;
	struct rb_root staged;

	spinlock_t list_lock;		/* any context */
	struct list_head unsent;
	struct list_head done;
	atomic_t sent;

	u64 appended;			/* blocks taken so far; under the mutate mutex */
	atomic64_t writes;
	atomic64_t write_bytes;
};

static inline u64 shadow_loc(const struct shadow_part *part, u64 block)
{
	return (u64)part->id << SHADOW_PART_BITS | block;
}

static inline u64 shadow_loc_block(u64 loc)
{
	return loc & (SHADOW_PART_BLOCKS_MAX - 1);
}

static inline struct shadow_part *shadow_loc_part(const struct shadow_store *store, u64 loc)
{
	return store->part[loc >> SHADOW_PART_BITS];
}

/**
 * shadow_store_create() - a store without parts
 * @mutate: the mutate mutex of the epochs whose blocks it takes
 * @pages: pool that batch pages come from
 * @bios: bio set that store writes come from
 * @kick: called whenever a batch was written
 * @kick_arg: for @kick
 *
 * Return: the store, or NULL without memory.
 */
struct shadow_store *shadow_store_create(struct mutex *mutate, mempool_t *pages,
					 struct bio_set *bios, void (*kick)(void *arg),
					 void *kick_arg);

/**
 * shadow_store_destroy() - free a store and its parts
 *
 * Waits for writes under way.  Nobody reads any more.
 */
struct shadow_stored shadow_store_destroy(struct shadow_store *store);

/**
 * shadow_part_open() - obtain what a part is to be made of
 * @store: for which store
 * @spec: what
 * @fault: out: the reason of a failure
 *
 * Return: the part, not in the store yet, or an ERR_PTR().
 */
struct shadow_part *shadow_part_open(struct shadow_store *store,
				     const struct shadow_store_spec *spec,
				     struct shadow_fault *fault);

/**
 * shadow_part_prepare() - make a part ready for use
 *
 * From here on what was on a device is lost: its place has been checked.
 */
int shadow_part_prepare(struct shadow_part *part, struct shadow_fault *fault);

/**
 * shadow_part_allot() - take free blocks of a part in a row, and in one piece on its device
 * @part: the part
 * @want: how many, at most
 * @block: out: the first one
 * @got: out: how many
 *
 * Context: mutate mutex held, unless nobody knows the store yet.
 * Return: 0, -ENOSPC or -ENOMEM.
 */
int shadow_part_allot(struct shadow_part *part, u64 want, u64 *block, unsigned int *got);

/* The counterpart. */
void shadow_part_free(struct shadow_part *part, u64 block, u64 n);

/* Undo shadow_part_open().  Nothing is in it, or nobody wants it any more. */
void shadow_part_close(struct shadow_part *part);

/**
 * shadow_store_attach() - blocks go to a part from now on
 *
 * Context: mutate mutex held, unless nobody knows the store yet.
 * Return: 0, or -ENOSPC when the store has SHADOW_PARTS_MAX parts.
 */
int shadow_store_attach(struct shadow_part *part);

/**
 * shadow_store_cut() - what lies in a part from a block on is to be cleared out
 * @part: the part, of a store of which none is cut
 * @max_blocks: what it is to become; less than it has
 *
 * From now on nothing is stored there, and it does not count as the store's.
 *
 * Context: mutate mutex held.
 */
void shadow_store_cut(struct shadow_part *part, u64 max_blocks);

/*
 * Nothing is cut any more, because there is no room, or somebody gave up.  Return: whether
 * something was, so that there is more room now.  Context: mutate mutex held.
 */
bool shadow_store_uncut(struct shadow_store *store);

/**
 * shadow_store_cut_off() - a part has become smaller
 * @part: the part that is cut, nothing is in use in what is cut off
 * @groups: from shadow_space_groups()
 *
 * Context: mutate mutex held.
 * Return: what was in the place of @groups, for kvfree().
 */
u16 *shadow_store_cut_off(struct shadow_part *part, u16 *groups);

/* Let go of the part that is cut, and of which nothing is in use.  Context: mutate mutex held. */
void shadow_store_detach(struct shadow_part *part);

/**
 * shadow_store_append() - hand over blocks
 * @store: the store
 * @page: each holds a block in its first 4096 bytes; the store's from now on
 * @n: how many, at least one; out: how many were taken
 * @account: who has counted them
 * @loc: out: where the first one will be; the others follow it
 *
 * Context: mutate mutex held.
 * Return: 0, -ENOSPC when the store is full, -ENOMEM.  On failure all pages are
 * still the caller's.
 */
int shadow_store_append(struct shadow_store *store, struct page **page, unsigned int *n,
			enum shadow_account account, u64 *loc);

/*
 * May a block be stored that is not preserved?  Some of a store is for those that are:
 * without it shadows are lost.  Context: mutate mutex held.
 */
bool shadow_store_has_spare(const struct shadow_store *store);

/*
 * Can a part grow now?  The one that is to: the first one that has blocks to be made
 * ready, else the first one that could obtain some; NULL if none.  Context: mutate mutex.
 */
struct shadow_part *shadow_store_growable(const struct shadow_store *store);

/* Can one, now or when its filesystem is not frozen any more?  Context: mutate mutex. */
bool shadow_store_can_grow(const struct shadow_store *store);

/* Can it, but only parts of which the filesystem was just found frozen?  Likewise. */
bool shadow_store_grow_is_frozen(const struct shadow_store *store);

/* Blocks of a part that are to be made ready.  Context: mutate mutex. */
static inline u64 shadow_part_unready(const struct shadow_part *part)
{
	u64 wanted = min(part->nr_blocks, part->max_blocks);

	return wanted - min(wanted, part->space.nr_blocks);
}

/*
 * Is growth under way, so that waiting for it makes sense?  Whoever makes room kicks, also
 * when it has come to nothing.  Context: mutate mutex; shadow_policy_grow() was just called.
 */
bool shadow_store_grows(const struct shadow_store *store);

/* Who waits for growth begins to wait now.  Context: mutate mutex. */
static inline void shadow_store_grow_patience(struct shadow_store *store)
{
	if (store->grow_since)
		store->grow_since = jiffies ?: 1;
}

/* Has growth taken too long?  Context: mutate mutex. */
bool shadow_store_grows_slowly(const struct shadow_store *store);

/* Why the part that failed to grow last did; 0: none has.  Context: mutate mutex. */
u32 shadow_store_grow_fault(const struct shadow_store *store);

/* Let the batch that could take more be written.  Context: mutate mutex held. */
void shadow_store_seal(struct shadow_store *store);

/**
 * shadow_store_send() - start writing the batches that are full or sealed
 *
 * Context: the worker.  Submits bios: may sleep for as long as the device likes.
 * Return: false if some are left for want of memory.
 */
bool shadow_store_send(struct shadow_store *store);

/* Is there a batch that could take more, but holds something? */
bool shadow_store_has_partial(const struct shadow_store *store);

/* Is a batch on its way, so that the end of its write will kick?  Context: mutate mutex. */
bool shadow_store_busy(struct shadow_store *store);

/**
 * shadow_store_collect() - learn how the writes ended that have ended
 * @store: the store
 *
 * Their blocks can still be read from memory, so that after an error the
 * shadows can be declared lost before anybody reads what was not stored.
 *
 * Context: mutate mutex held.
 * Return: 0, or the first error as a negative errno.
 */
int shadow_store_collect(struct shadow_store *store);

/**
 * shadow_store_keep() - write those batches again whose write failed
 * @store: the store
 *
 * After shadow_store_collect(): they are unsent as before.
 *
 * Context: the worker, mutate mutex held.
 */
void shadow_store_keep(struct shadow_store *store);

/**
 * shadow_store_reap() - retire the batches that were collected
 * @store: the store
 *
 * Context: mutate mutex held.
 */
struct shadow_stored shadow_store_reap(struct shadow_store *store);

/* The write of @batch has ended.  Any context. */
void shadow_store_written(struct shadow_batch *batch, blk_status_t status);

/* Give a run of blocks back.  Context: mutate mutex held.  @arg: the store. */
void shadow_store_free(void *arg, u64 loc, u64 len);

/**
 * shadow_store_page() - the page that holds a block, if it is in memory
 *
 * Context: @store->lock held for reading for as long as the page is looked at.
 */
struct page *shadow_store_page(struct shadow_store *store, u64 loc);

/**
 * shadow_store_locate() - where blocks are that are not in memory
 * @store: the store
 * @loc: the first one
 * @run: in: how many are wanted, at least 1; out: how many lie one after another
 * @sector: out: where on the device
 *
 * Return: the device, or NULL: the part keeps its blocks in memory.
 */
struct block_device *shadow_store_locate(const struct shadow_store *store, u64 loc, u64 *run,
					 sector_t *sector);

/*
 * Blocks in use; how many there are, without what is cut; how many there may be, as
 * far as is known; how many can be had now.  Context: mutate mutex held.
 */
u64 shadow_store_used(const struct shadow_store *store);
u64 shadow_store_size(const struct shadow_store *store);
u64 shadow_store_capacity(const struct shadow_store *store);
u64 shadow_store_room(const struct shadow_store *store);

/* Memory for knowing what is in use, bytes.  Context: mutate mutex held. */
size_t shadow_store_bytes(const struct shadow_store *store);

/* Does a part lie in these sectors of a disk? */
bool shadow_part_lies_on(const struct shadow_part *part, struct gendisk *disk, sector_t start,
			 sector_t nr);

#endif /* SHADOW_STORE_H */
