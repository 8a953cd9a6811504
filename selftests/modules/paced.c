// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/paced0, /dev/paced1...: disks in memory of which each operation takes a known
 * time, for measurements.
 *
 * A disk does one operation after the other, in the order in which they came; each
 * takes 1/iops seconds, or the time of its bytes at kib KiB/s, whichever is longer.
 * There are no bursts and no favours, so what a disk can do at best is known, and
 * in a machine whose clock counts instructions each run is like the other.  With both
 * limits at 0 an operation is done when its submission returns; limits can be changed
 * at any time and hold for the operations that come then.
 *
 * As on other disks up to 128 operations can be under way and the block layer merges
 * neighbours while they wait.  Data is copied when an operation comes, which nobody can
 * tell from when it ends: the order is the same.  There is no volatile cache, so
 * there is nothing to flush.
 */
#include <linux/blkdev.h>
#include <linux/highmem.h>
#include <linux/hrtimer.h>
#include <linux/module.h>
#include <linux/xarray.h>
#include "paced_compat.h"

#define DISKS	8
#define DEPTH	128

static unsigned int mib[DISKS];
static unsigned int nr_disks;
module_param_array(mib, uint, &nr_disks, 0444);
MODULE_PARM_DESC(mib, "sizes of the disks, MiB");

static unsigned int iops[DISKS];
module_param_array(iops, uint, NULL, 0644);
MODULE_PARM_DESC(iops, "operations a second; 0: no limit");

static unsigned int kib[DISKS];
module_param_array(kib, uint, NULL, 0644);
MODULE_PARM_DESC(kib, "KiB a second; 0: no limit");

/* An operation under way, behind its request. */
struct operation {
	struct list_head node;
	u64 end;
};

struct paced {
	struct gendisk *disk;
	struct blk_mq_tag_set tags;
	unsigned int index;
	spinlock_t data_lock;		/* one transfer at a time */
	struct xarray pages;		/* what was written */
	spinlock_t lock;		/* the rest; taken by the timer's interrupt */
	struct list_head operations;	/* in the order of their ends */
	u64 idle_at;			/* when all are done */
	bool armed;
	struct hrtimer timer;
};

static struct paced paced[DISKS];
static int major;

/* The page at a position, which is made for a write. */
static struct page *page_at(struct paced *pd, size_t at, bool make)
{
	struct page *page = xa_load(&pd->pages, at >> PAGE_SHIFT);

	if (page || !make)
		return page;
	page = alloc_page(GFP_ATOMIC | __GFP_ZERO | __GFP_NOWARN);
	if (page && xa_err(xa_store(&pd->pages, at >> PAGE_SHIFT, page,
				    GFP_ATOMIC | __GFP_NOWARN))) {
		__free_page(page);
		page = NULL;
	}
	return page;
}

static bool copy(struct paced *pd, size_t at, char *buffer, size_t len, bool write)
{
	while (len) {
		size_t offset = offset_in_page(at), n = min(len, PAGE_SIZE - offset);
		struct page *page = page_at(pd, at, write);

		if (!page && write)
			return false;
		if (!page)
			memset(buffer, 0, n);
		else if (write)
			memcpy(page_address(page) + offset, buffer, n);
		else
			memcpy(buffer, page_address(page) + offset, n);
		at += n;
		buffer += n;
		len -= n;
	}
	return true;
}

/* From now on it reads as zeros. */
static void clear(struct paced *pd, size_t at, size_t len)
{
	while (len) {
		size_t offset = offset_in_page(at), n = min(len, PAGE_SIZE - offset);
		struct page *page = page_at(pd, at, false);

		if (page && n < PAGE_SIZE) {
			memset(page_address(page) + offset, 0, n);
		} else if (page) {
			xa_erase(&pd->pages, at >> PAGE_SHIFT);
			__free_page(page);
		}
		at += n;
		len -= n;
	}
}

/* False: no memory at the moment; can be done again from the beginning. */
static bool transfer(struct paced *pd, struct request *rq)
{
	size_t at = (size_t)blk_rq_pos(rq) << SECTOR_SHIFT;
	struct req_iterator iter;
	struct bio_vec bv;
	bool done = true;

	switch (req_op(rq)) {
	case REQ_OP_READ:
	case REQ_OP_WRITE:
		rq_for_each_segment(bv, rq, iter) {
			char *buffer = kmap_local_page(bv.bv_page);

			done = copy(pd, at, buffer + bv.bv_offset, bv.bv_len,
				    req_op(rq) == REQ_OP_WRITE);
			kunmap_local(buffer);
			if (!done)
				return false;
			at += bv.bv_len;
		}
		return true;
	case REQ_OP_DISCARD:
	case REQ_OP_WRITE_ZEROES:
		clear(pd, at, blk_rq_bytes(rq));
		return true;
	default:
		return true;
	}
}

static u64 nanoseconds(const struct paced *pd, struct request *rq)
{
	unsigned int per_second = READ_ONCE(iops[pd->index]);
	unsigned int rate = READ_ONCE(kib[pd->index]);
	u64 ns = per_second ? NSEC_PER_SEC / per_second : 0;

	/* A discard has no data to move. */
	if (rate && req_op(rq) != REQ_OP_DISCARD && req_op(rq) != REQ_OP_WRITE_ZEROES)
		ns = max(ns, (u64)blk_rq_bytes(rq) * (NSEC_PER_SEC >> 9) / ((u64)rate << 1));
	return ns;
}

static blk_status_t queue_rq(struct blk_mq_hw_ctx *hctx, const struct blk_mq_queue_data *bd)
{
	struct operation *op = blk_mq_rq_to_pdu(bd->rq);
	struct paced *pd = hctx->queue->queuedata;
	u64 ns = nanoseconds(pd, bd->rq);
	unsigned long flags;
	bool done;

	spin_lock(&pd->data_lock);
	done = transfer(pd, bd->rq);
	spin_unlock(&pd->data_lock);
	if (!done)
		return BLK_STS_RESOURCE;	/* to be tried again */
	blk_mq_start_request(bd->rq);
	spin_lock_irqsave(&pd->lock, flags);
	if (!ns && list_empty(&pd->operations)) {
		spin_unlock_irqrestore(&pd->lock, flags);
		blk_mq_end_request(bd->rq, BLK_STS_OK);
		return BLK_STS_OK;
	}
	op->end = max(pd->idle_at, (u64)ktime_get_ns()) + ns;
	pd->idle_at = op->end;
	list_add_tail(&op->node, &pd->operations);
	if (!pd->armed) {
		pd->armed = true;
		hrtimer_start(&pd->timer, ns_to_ktime(op->end), HRTIMER_MODE_ABS);
	}
	spin_unlock_irqrestore(&pd->lock, flags);
	return BLK_STS_OK;
}

static enum hrtimer_restart tick(struct hrtimer *timer)
{
	struct paced *pd = container_of(timer, struct paced, timer);
	struct operation *op, *next;
	unsigned long flags;
	LIST_HEAD(ended);
	bool more;

	spin_lock_irqsave(&pd->lock, flags);
	list_for_each_entry_safe(op, next, &pd->operations, node) {
		if (op->end > ktime_get_ns())
			break;
		list_move_tail(&op->node, &ended);
	}
	more = !list_empty(&pd->operations);
	if (more)
		hrtimer_set_expires(timer, ns_to_ktime(op->end));
	pd->armed = more;
	spin_unlock_irqrestore(&pd->lock, flags);
	list_for_each_entry_safe(op, next, &ended, node)
		blk_mq_end_request(blk_mq_rq_from_pdu(op), BLK_STS_OK);
	return more ? HRTIMER_RESTART : HRTIMER_NORESTART;
}

static const struct blk_mq_ops queue_ops = {
	.queue_rq = queue_rq,
};

static const struct block_device_operations disk_ops = {
	.owner = THIS_MODULE,
};

static void remove(struct paced *pd)
{
	unsigned long index;
	struct page *page;

	if (pd->disk) {
		del_gendisk(pd->disk);
		put_disk(pd->disk);
		hrtimer_cancel(&pd->timer);
		blk_mq_free_tag_set(&pd->tags);
	}
	xa_for_each(&pd->pages, index, page)
		__free_page(page);
	xa_destroy(&pd->pages);
}

static int add(unsigned int index)
{
	struct paced *pd = &paced[index];
	struct gendisk *disk;
	int err;

	pd->index = index;
	xa_init(&pd->pages);
	spin_lock_init(&pd->data_lock);
	spin_lock_init(&pd->lock);
	INIT_LIST_HEAD(&pd->operations);
	hrtimer_setup(&pd->timer, tick, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
	pd->tags.ops = &queue_ops;
	pd->tags.nr_hw_queues = 1;
	pd->tags.queue_depth = DEPTH;
	pd->tags.numa_node = NUMA_NO_NODE;
	pd->tags.cmd_size = sizeof(struct operation);
	pd->tags.flags = BLK_MQ_F_SHOULD_MERGE;
	err = blk_mq_alloc_tag_set(&pd->tags);
	if (err)
		return err;
	disk = paced_alloc_disk(&pd->tags, pd);
	if (IS_ERR(disk)) {
		blk_mq_free_tag_set(&pd->tags);
		return PTR_ERR(disk);
	}
	disk->major = major;
	disk->first_minor = index << 4;
	disk->minors = 1 << 4;
	disk->fops = &disk_ops;
	snprintf(disk->disk_name, DISK_NAME_LEN, "paced%u", index);
	set_capacity(disk, (sector_t)mib[index] << (20 - SECTOR_SHIFT));
	err = add_disk(disk);
	if (err) {
		put_disk(disk);
		blk_mq_free_tag_set(&pd->tags);
		return err;
	}
	pd->disk = disk;
	return 0;
}

static int __init paced_init(void)
{
	unsigned int i;
	int err = 0;

	major = register_blkdev(0, "paced");
	if (major < 0)
		return major;
	for (i = 0; !err && i < nr_disks; i++)
		err = add(i);
	if (!err)
		return 0;
	while (i--)
		remove(&paced[i]);
	unregister_blkdev(major, "paced");
	return err;
}

static void __exit paced_exit(void)
{
	unsigned int i;

	for (i = 0; i < nr_disks; i++)
		remove(&paced[i]);
	unregister_blkdev(major, "paced");
}

module_init(paced_init);
module_exit(paced_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Disks that take a known time, for measurements");
