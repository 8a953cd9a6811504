// SPDX-License-Identifier: GPL-2.0-only
/*
 * watch.c - the first blocks of a volume, by which it shows whether somebody else has written.
 *
 * Who mounts a volume without this module, or writes to it from another machine, writes
 * blocks of which no shadow gets the old contents.  That cannot be prevented, but it has to
 * be noticed before such a shadow is shown.  Filesystems have their superblock among the
 * first 32 blocks, and write it when they are mounted, or soon after; so does fsck.  So the
 * log of a durable store has the checksum of each of these blocks, and attaching compares.
 *
 * A checksum has to be right at every moment, also after a loss of power in the middle of a
 * write.  Writes to these blocks go one after the other:
 *
 *	WILL	the checksum that the block is going to have goes to the log,
 *	WRITE	when that is committed the block is written, past the cache,
 *	IS	then the log is told that it has it.
 *
 * A block is good if it has the last checksum that it is known to have, or one that it was
 * going to have since.  What is written is our own copy: the writer's page may change while
 * it is on its way.  After an error, and after a discard, a block may be anything.
 *
 * Filesystems write here every few seconds at most, so this may take a while.
 */
#include <linux/blk-crypto.h>
#include <linux/blkdev.h>
#include <linux/crc32.h>
#include <linux/highmem.h>
#include <linux/slab.h>
#include "durable.h"
#include "gate.h"
#include "policy.h"
#include "preserve.h"
#include "watch.h"

enum step {
	STEP_IDLE,
	STEP_TELL,		/* the log is to be told what will be */
	STEP_COMMIT,		/* it is being written */
	STEP_WRITE,		/* the blocks may be */
	STEP_WRITING,
	STEP_WRITTEN,		/* the log is to be told what is */
};

/**
 * struct shadow_watch - the first blocks of a volume, watched
 * @vol: the volume
 * @nr: how many blocks there are
 * @page: what they hold, or will
 * @is: the checksums that they are known to have, as the log says
 * @any: they may be anything; bits
 * @whole: the write that is under way overwrites them as a whole; bits
 * @no_room: it waits for room in the log
 * @queue: writes to them; the worker's, as is all that follows
 * @bio: the one that is under way
 * @step: of it
 * @group: in which the log is told
 * @first: the blocks that it touches
 * @end: ... up to this one
 * @told: of them the log knows already
 * @opaque: what it does to them cannot be foreseen
 * @vec: the parts of our copy that are being written
 * @left: parts of it that are being written
 * @status: how the first one that failed has ended
 */
struct shadow_watch {
	struct shadow_volume *vol;
	unsigned int nr;
	struct page *page[SHADOW_DISK_WATCHED];
	u32 is[SHADOW_DISK_WATCHED];
	unsigned long any;
	unsigned long whole;
	bool no_room;
	struct bio_list queue;
	struct bio *bio;
	enum step step;
	u64 group;
	unsigned int first;
	unsigned int end;
	unsigned int told;
	bool opaque;
	struct bio_vec vec[SHADOW_DISK_WATCHED];
	atomic_t left;
	blk_status_t status;
};

/* --- what a log says ---------------------------------------------------------------- */

void shadow_head_note(struct shadow_head *head, const struct shadow_item *item)
{
	u64 b = item->block;

	switch (item->type) {
	case SHADOW_DISK_HEAD_IS:
		head->nr[b] = 0;
		head->any[b] = false;
		fallthrough;
	case SHADOW_DISK_HEAD_WILL:
		if (head->nr[b] == SHADOW_HEAD_STATES)
			head->any[b] = true;
		else
			head->crc[b][head->nr[b]++] = item->crc;
		break;
	case SHADOW_DISK_HEAD_ANY:
		head->any[b] = true;
		break;
	}
}

static unsigned int block_bytes(u64 sectors, unsigned int b)
{
	u64 bytes = (sectors << SECTOR_SHIFT) - ((u64)b << SHADOW_BLOCK_BITS);

	return min_t(u64, bytes, SHADOW_BLOCK_SIZE);
}

/* Read the block of @bdev; what is not there is zeros. */
static int read_block(struct block_device *bdev, u64 sectors, unsigned int b, struct page *page)
{
	struct bio *bio = bio_alloc_bioset(bdev, 1, REQ_OP_READ, GFP_NOIO, &fs_bio_set);
	int err;

	clear_highpage(page);
	bio->bi_iter.bi_sector = b * SHADOW_BLOCK_SECTORS;
	__bio_add_page(bio, page, block_bytes(sectors, b), 0);
	err = submit_bio_wait(bio);
	bio_put(bio);
	return err;
}

/* Not the checksum that filesystems use themselves, which would hide every change of theirs. */
static u32 crc_of(struct page *page)
{
	return ~crc32_le(~0u, page_address(page), SHADOW_BLOCK_SIZE);
}

static unsigned int watched(u64 sectors)
{
	return min_t(u64, shadow_blocks_of(sectors), SHADOW_DISK_WATCHED);
}

static bool is_good(const struct shadow_head *head, unsigned int b, u32 crc)
{
	unsigned int i;

	for (i = 0; i < head->nr[b]; i++)
		if (head->crc[b][i] == crc)
			return true;
	return head->any[b] || !head->nr[b];
}

int shadow_head_check(const struct shadow_head *head, struct block_device *bdev, u64 sectors,
		      bool *changed)
{
	struct page *page = alloc_page(GFP_NOIO);
	unsigned int b;
	int err = 0;

	if (!page)
		return -ENOMEM;
	for (b = 0; !err && b < SHADOW_DISK_WATCHED; b++) {
		if (b >= watched(sectors)) {
			*changed |= head->nr[b];
			continue;
		}
		err = read_block(bdev, sectors, b, page);
		if (!err && !is_good(head, b, crc_of(page))) {
			pr_warn("%pg: block %u is not as it was left\n", bdev, b);
			*changed = true;
		}
	}
	__free_page(page);
	return err;
}

/* --- writes ------------------------------------------------------------------------------ */

/* Where a write begins, and where it leaves the watched blocks: bytes of the volume. */
static u64 begin_of(const struct shadow_watch *w)
{
	return (shadow_bio_sector(w->bio) - w->vol->start) << SECTOR_SHIFT;
}

static u64 end_of(const struct shadow_watch *w)
{
	return min_t(u64, begin_of(w) + w->bio->bi_iter.bi_size,
		     (u64)w->nr << SHADOW_BLOCK_BITS);
}

/* How much of block @b is written: from @from on, @bytes. */
static void part_of(const struct shadow_watch *w, unsigned int b, unsigned int *from,
		    unsigned int *bytes)
{
	u64 start = (u64)b << SHADOW_BLOCK_BITS;
	u64 first = max(begin_of(w), start), end = min(end_of(w), start + SHADOW_BLOCK_SIZE);

	*from = first - start;
	*bytes = end - first;
}

/* Nor can it be replaced by our copy if it goes with a checksum, or must not be cut in two. */
static bool is_opaque(const struct shadow_watch *w)
{
	return shadow_bio_sector(w->bio) < w->vol->start || bio_has_crypt_ctx(w->bio) ||
	       bio_integrity(w->bio) ||
	       (w->bio->bi_opf & REQ_ATOMIC &&
		end_of(w) - begin_of(w) < w->bio->bi_iter.bi_size) ||
	       (bio_op(w->bio) != REQ_OP_WRITE && bio_op(w->bio) != REQ_OP_WRITE_ZEROES);
}

/* What the write changes in our copy. */
static void copy_data(struct shadow_watch *w)
{
	u64 at = begin_of(w), end = end_of(w);
	struct bvec_iter iter;
	struct bio_vec bv;
	unsigned int n;

	if (bio_op(w->bio) == REQ_OP_WRITE_ZEROES) {
		for (; at < end; at += n) {
			n = min_t(u64, end - at, SHADOW_BLOCK_SIZE - at % SHADOW_BLOCK_SIZE);
			memset(page_address(w->page[at >> SHADOW_BLOCK_BITS]) +
			       at % SHADOW_BLOCK_SIZE, 0, n);
		}
		return;
	}
	bio_for_each_segment(bv, w->bio, iter) {
		unsigned int done;

		for (done = 0; done < bv.bv_len && at < end; done += n, at += n) {
			n = min_t(u64, bv.bv_len - done,
				  SHADOW_BLOCK_SIZE - at % SHADOW_BLOCK_SIZE);
			memcpy_from_page(page_address(w->page[at >> SHADOW_BLOCK_BITS]) +
					 at % SHADOW_BLOCK_SIZE, bv.bv_page, bv.bv_offset + done,
					 n);
		}
	}
}

/* Take the next write up. */
static void take(struct shadow_watch *w)
{
	struct shadow_range range = shadow_volume_range(w->vol, w->bio);
	unsigned int b, from, bytes;

	w->first = range.first;
	w->end = min_t(u64, range.end, w->nr);
	w->told = w->first;
	w->group = 0;
	w->status = BLK_STS_OK;
	w->whole = 0;
	w->opaque = is_opaque(w);
	if (w->opaque)
		return;
	copy_data(w);
	for (b = w->first; b < w->end; b++) {
		part_of(w, b, &from, &bytes);
		if (bytes == block_bytes(w->vol->nr_sectors, b))
			w->whole |= BIT(b);	/* then it is known again */
	}
}

/* Tell the log of each block.  False: not all of them, for want of memory or room. */
static bool tell(struct shadow_watch *w, struct shadow_durable *d, enum shadow_disk_type type)
{
	for (; w->told < w->end; w->told++) {
		unsigned int b = w->told;
		int err;

		if (type == SHADOW_DISK_HEAD_ANY)
			w->any |= BIT(b);
		else if (w->any & ~w->whole & BIT(b))
			continue;
		err = d ? shadow_durable_room(d, 1, false) : -EIO;
		/* Nobody will read it; or nothing is preserved, and no room will be made. */
		if (err == -EIO ||
		    (err == -ENOSPC && !rcu_access_pointer(w->vol->epochs.settled)))
			continue;
		if (err) {
			w->no_room = err == -ENOSPC && w->bio;
			return false;
		}
		w->group = shadow_durable_add(d, type, b, type == SHADOW_DISK_HEAD_ANY ? 0 :
					      crc_of(w->page[b]));
		if (type == SHADOW_DISK_HEAD_IS) {
			w->is[b] = crc_of(w->page[b]);
			w->any &= ~BIT(b);
		}
	}
	return true;
}

static enum shadow_disk_type outcome(const struct shadow_watch *w)
{
	return w->opaque || w->status ? SHADOW_DISK_HEAD_ANY : SHADOW_DISK_HEAD_IS;
}

/* The write is over, for who has submitted it. */
static void end_write(struct shadow_watch *w)
{
	struct shadow_volume *vol = w->vol;
	struct bio *bio = w->bio;

	w->bio = NULL;
	if (w->status)
		bio->bi_status = w->status;
	bio_endio(bio);
	shadow_flight_end(vol);
}

/* It ends with an error, and was not written; but our copy has it. */
static bool give_up(struct shadow_watch *w)
{
	w->status = BLK_STS_IOERR;
	w->told = w->first;
	w->step = STEP_WRITTEN;
	end_write(w);
	return true;
}

/* One step.  False: it has to wait. */
static bool advance(struct shadow_watch *w, struct shadow_durable *d)
{
	switch (w->step) {
	case STEP_IDLE:
		w->bio = bio_list_pop(&w->queue);
		if (!w->bio)
			return false;
		if (shadow_policy_refuses(w->vol)) {
			shadow_policy_refuse(w->vol, w->bio);
			w->bio = NULL;
			return true;
		}
		take(w);
		w->step = STEP_TELL;
		return true;
	case STEP_TELL:
		if (shadow_policy_refuses(w->vol))
			return give_up(w);
		if (!tell(w, d, w->opaque ? SHADOW_DISK_HEAD_ANY : SHADOW_DISK_HEAD_WILL))
			return false;
		w->step = STEP_COMMIT;
		return true;
	case STEP_COMMIT:
		if (shadow_policy_refuses(w->vol))
			return give_up(w);
		if (d && !d->dead && w->group > d->committed)
			return false;
		w->step = STEP_WRITE;
		return false;
	case STEP_WRITE:
		return false;
	case STEP_WRITING:
		if (atomic_read(&w->left))
			return false;
		smp_mb();	/* the count, then the status */
		w->told = w->first;
		w->step = STEP_WRITTEN;
		/* The volume, and we with it, stay for as long as this run lasts. */
		end_write(w);
		return true;
	case STEP_WRITTEN:
		if (!tell(w, d, outcome(w)))
			return false;
		w->step = STEP_IDLE;
		return true;
	}
	return false;
}

void shadow_watch_advance(struct shadow_volume *vol)
{
	struct shadow_watch *w = vol->watch;

	lockdep_assert_held(&vol->epochs.mutate);
	if (!w)
		return;
	w->no_room = false;
	while (advance(w, vol->store ? vol->store->durable : NULL))
		;
	/* As for who has something to preserve. */
	if (w->no_room && !shadow_policy_wait(vol))
		shadow_policy_give_up(vol, SHADOW_REASON_STORE_FULL, -ENOSPC);
}

bool shadow_watch_lacks_room(const struct shadow_volume *vol)
{
	return vol->watch && vol->watch->no_room;
}

void shadow_watch_write(struct shadow_volume *vol, struct bio *bio)
{
	bio_list_add(&vol->watch->queue, bio);
}

static void part_end(struct bio *bio)
{
	struct shadow_write_clone *clone = container_of(bio, struct shadow_write_clone, bio);
	struct shadow_volume *vol = clone->vol;
	struct shadow_watch *w = vol->watch;

	if (bio->bi_status)
		WRITE_ONCE(w->status, bio->bi_status);
	bio_put(bio);
	/* The write is in flight until the worker ends it, so the volume stays. */
	if (atomic_dec_and_test(&w->left))
		shadow_volume_kick(vol);
}

/* Make a clone a write of our copy. */
static void write_copy(struct shadow_watch *w, struct bio *bio)
{
	unsigned int b, n = 0;

	for (b = w->first; b < w->end; b++, n++) {
		w->vec[n].bv_page = w->page[b];
		part_of(w, b, &w->vec[n].bv_offset, &w->vec[n].bv_len);
	}
	bio->bi_io_vec = w->vec;
	bio->bi_vcnt = n;
	bio->bi_iter.bi_size = end_of(w) - begin_of(w);
	bio->bi_iter.bi_idx = 0;
	bio->bi_iter.bi_bvec_done = 0;
	if (bio_op(bio) == REQ_OP_WRITE_ZEROES)
		bio->bi_opf = REQ_OP_WRITE | REQ_SYNC | REQ_IDLE;
	bio->bi_opf |= REQ_FUA;
}

bool shadow_watch_send(struct shadow_volume *vol)
{
	struct shadow_watch *w = vol->watch;
	struct bio *part, *rest = NULL;
	unsigned int bytes;

	if (!w || w->step != STEP_WRITE)
		return true;
	part = shadow_write_clone(vol, w->bio);
	if (!part)
		return false;
	bytes = w->opaque ? part->bi_iter.bi_size : end_of(w) - begin_of(w);
	if (bytes < part->bi_iter.bi_size) {
		rest = shadow_write_clone(vol, w->bio);
		if (!rest) {
			bio_put(part);
			return false;
		}
		bio_advance(rest, bytes);
		rest->bi_end_io = part_end;
	}
	if (!w->opaque)
		write_copy(w, part);
	part->bi_end_io = part_end;
	atomic_set(&w->left, rest ? 2 : 1);
	w->step = STEP_WRITING;
	submit_bio_noacct(part);
	if (rest)
		submit_bio_noacct(rest);
	return true;
}

/* --- life ---------------------------------------------------------------------------------- */

static struct shadow_watch *watch_alloc(struct shadow_volume *vol)
{
	struct shadow_watch *w = kzalloc(sizeof(*w), GFP_KERNEL);
	unsigned int b;

	if (!w)
		return NULL;
	w->vol = vol;
	bio_list_init(&w->queue);
	for (b = 0; b < SHADOW_DISK_WATCHED; b++) {
		w->page[b] = alloc_page(GFP_KERNEL);
		if (!w->page[b]) {
			while (b--)
				__free_page(w->page[b]);
			kfree(w);
			return NULL;
		}
	}
	return w;
}

int shadow_watch_begin(struct shadow_volume *vol, struct shadow_durable *durable)
{
	struct shadow_watch *w = vol->watch ?: watch_alloc(vol);
	unsigned int b;
	int err = 0;

	lockdep_assert_held(&vol->epochs.mutate);
	if (!w)
		return -ENOMEM;
	vol->watch = w;
	w->nr = watched(vol->nr_sectors);
	w->any = 0;
	for (b = 0; !err && b < w->nr; b++) {
		err = read_block(vol->bdev, vol->nr_sectors, b, w->page[b]) ?:
		      shadow_durable_room(durable, 1, false);
		if (err)
			break;
		w->is[b] = crc_of(w->page[b]);
		shadow_durable_add(durable, SHADOW_DISK_HEAD_IS, b, w->is[b]);
	}
	if (!err)
		WRITE_ONCE(vol->watching, true);
	return err;
}

void shadow_watch_snapshot(struct shadow_volume *vol, struct shadow_head *head)
{
	const struct shadow_watch *w = vol->watch;
	unsigned int b;

	for (b = 0; b < w->nr; b++) {
		head->any[b] = w->any & BIT(b);
		head->crc[b][head->nr[b]++] = w->is[b];
		if (w->step != STEP_IDLE && !w->opaque && b >= w->first && b < w->end)
			head->crc[b][head->nr[b]++] = crc_of(w->page[b]);
	}
}

void shadow_watch_end(struct shadow_volume *vol)
{
	lockdep_assert_held(&vol->epochs.mutate);
	WRITE_ONCE(vol->watching, false);
}

void shadow_watch_free(struct shadow_volume *vol)
{
	unsigned int b;

	for (b = 0; vol->watch && b < SHADOW_DISK_WATCHED; b++)
		__free_page(vol->watch->page[b]);
	kfree(vol->watch);
}
