/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * store.h - where preserved blocks go: one store per volume, shared by all its
 * shadows.
 */
#ifndef SHADOW_STORE_H
#define SHADOW_STORE_H

#include <linux/bio.h>
#include <linux/list.h>
#include <linux/mempool.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include <linux/xarray.h>
#include "blockmap.h"
#include "shadow.h"

#define SHADOW_BATCH_BLOCKS	256u	/* 1 MiB: one bio */
#define SHADOW_STORE_MIN	(4ULL << 20)
/* Kept free at the head of a store device for the header of durable stores. */
#define SHADOW_STORE_HEAD	(1ULL << 20)

struct shadow_store;

/**
 * struct shadow_batch - blocks on their way to the store, adjacent there
 * @rb: in shadow_store.staged, by @loc
 * @node: in one of the store's lists
 * @store: whose it is
 * @loc: place of the first block
 * @nr: blocks filled
 * @room: blocks allotted from @loc on
 * @status: how the write ended
 * @since: jiffies when memory was first missing to write it; 0: never
 * @freed: blocks whose record went away meanwhile; they are given back when the
 *	write has ended, since it would overwrite a new owner's data otherwise
 * @page: a page for each block; the pages belong to the batch until it is done
 */
struct shadow_batch {
	struct rb_node rb;
	struct list_head node;
	struct shadow_store *store;
	u64 loc;
	unsigned int nr;
	unsigned int room;
	blk_status_t status;
	unsigned long since;
	DECLARE_BITMAP(freed, SHADOW_BATCH_BLOCKS);
	struct page *page[SHADOW_BATCH_BLOCKS];
};

/**
 * struct shadow_store_ops - a kind of store
 * @open: check the spec, obtain the device or memory, set ->nr_blocks; sleeps.
 *	Changes nothing on a device.
 * @prepare: make the device ready to be overwritten; may be NULL; sleeps
 * @close: undo it; no I/O is under way
 * @write: start writing a batch; ends in shadow_store_written(), perhaps at
 *	once.  Does not wait for memory: -EAGAIN asks to be called again after a
 *	while.
 * @page: the page that holds a block, with ->lock held; NULL where blocks are
 *	not kept in memory
 * @locate: where to read a block; NULL where @page always answers
 * @discard: the blocks are free again; may be NULL
 */
struct shadow_store_ops {
	int (*open)(struct shadow_store *store, struct shadow_fault *fault);
	int (*prepare)(struct shadow_store *store, struct shadow_fault *fault);
	void (*close)(struct shadow_store *store);
	int (*write)(struct shadow_store *store, struct shadow_batch *batch);
	struct page *(*page)(struct shadow_store *store, u64 loc);
	struct block_device *(*locate)(struct shadow_store *store, u64 loc, sector_t *sector);
	void (*discard)(struct shadow_store *store, u64 loc, u64 len);
};

extern const struct shadow_store_ops shadow_store_memory_ops;
extern const struct shadow_store_ops shadow_store_device_ops;

/**
 * struct shadow_store - one volume's store
 * @ops: its kind; does not change, nor do @spec, @nr_blocks, @pages, @kick
 * @spec: as asked for, with what was found filled in
 * @nr_blocks: its size
 * @pages: where pages of batches come from and go to
 * @kick: called when a batch was written, from any context
 * @kick_arg: its argument
 * @used: a bit per block in use or allotted; changed under the epochs' mutate
 *	mutex, as are @used_blocks, @freeing, @cursor
 * @freeing: blocks that are given back when their batches are written
 * @cursor: where to look for free blocks next
 * @open: the batch that takes blocks now; the worker's, under the mutate mutex
 * @unsent: batches to be written; the worker's
 * @reaping: batches whose end is known
 * @lock: protects @staged and, of a memory store, the pages; taken for reading
 *	while a block is copied
 * @staged: batches that are not written yet
 * @done_lock: protects @done; any context
 * @done: batches whose write has ended
 * @sent: batches being written
 */
struct shadow_store {
	const struct shadow_store_ops *ops;
	struct shadow_store_spec spec;
	u64 nr_blocks;
	mempool_t *pages;
	void (*kick)(void *arg);
	void *kick_arg;
	mempool_t batches;
	struct bio_set bios;
	void *private;

	struct shadow_blockmap used;
	u64 used_blocks;
	u64 freeing;
	u64 cursor;
	struct shadow_batch *open;
	struct list_head unsent;
	struct list_head reaping;

	rwlock_t lock;
	struct rb_root staged;

	spinlock_t done_lock;		/* any context */
	struct list_head done;
	atomic_t sent;

	atomic64_t writes;
	atomic64_t write_bytes;
};

/**
 * shadow_store_create() - set up a store
 * @spec: which
 * @pages: pool that batch pages come from
 * @kick: called whenever a batch was written
 * @kick_arg: for @kick
 * @fault: out: the reason of a failure
 *
 * Return: the store or an ERR_PTR().
 */
struct shadow_store *shadow_store_create(const struct shadow_store_spec *spec, mempool_t *pages,
					 void (*kick)(void *arg), void *kick_arg,
					 struct shadow_fault *fault);

/**
 * shadow_store_prepare() - make a store ready for use
 *
 * From here on what was on a device is lost: its place has been checked.
 */
int shadow_store_prepare(struct shadow_store *store, struct shadow_fault *fault);

/**
 * shadow_store_destroy() - free a store
 *
 * Waits for writes under way.  Nobody reads any more.
 *
 * Return: how many blocks of memory that made free.
 */
unsigned int shadow_store_destroy(struct shadow_store *store);

/**
 * shadow_store_append() - hand over a block
 * @store: the store
 * @page: holds the block in its first 4096 bytes; the store's from now on
 * @loc: out: where the block will be
 *
 * Context: mutate mutex held.
 * Return: 0, -ENOSPC when the store is full, -ENOMEM.  On failure @page is
 * still the caller's.
 */
int shadow_store_append(struct shadow_store *store, struct page *page, u64 *loc);

/* Let the batch that could take more be written.  Context: the worker, mutate mutex held. */
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
bool shadow_store_busy(const struct shadow_store *store);

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
 * shadow_store_reap() - retire the batches that were collected
 * @store: the store
 *
 * Context: mutate mutex held.
 * Return: how many blocks of memory that made free.
 */
unsigned int shadow_store_reap(struct shadow_store *store);

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

/* Logical block size of a store on a device, bytes. */
unsigned int shadow_store_block_size(const struct shadow_store *store);

/* Does the store lie in these sectors of a disk? */
bool shadow_store_lies_on(const struct shadow_store *store, struct gendisk *disk,
			  sector_t start, sector_t nr);

#endif /* SHADOW_STORE_H */
