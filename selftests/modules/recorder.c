// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device-mapper target that notes what comes through it, exactly in the order in which it
 * happens:
 *
 *	recorder DEVICE MIB
 *
 * Of each write it is noted when it is submitted, and when it has ended, with a checksum of
 * each of its blocks; of blocks of a durable store's log and header all is.  With that
 * it can be told for sure what was on stable storage when a write was
 * begun.  dm-log-writes cannot: it has what was not flushed in the order of the next flush.
 *
 * /dev/recorder has the records (recorder.h); one target at a time, and MIB of memory for
 * them until the next one is made.  A message "mark TEXT" is a record, too.
 */
#include <linux/blkdev.h>
#include <linux/crc32.h>
#include <linux/device-mapper.h>
#include <linux/highmem.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <linux/shadow_store.h>
#include "recorder.h"

#define BLOCK SHADOW_DISK_BLOCK

struct recorder {
	struct dm_dev *dev;
};

/* Of a write, beside its clone. */
struct pending {
	u64 id;			/* 0: nobody wants to know */
	u32 flags;
	u32 sum;		/* of all its data */
	struct bvec_iter iter;
};

static DEFINE_SPINLOCK(lock);	/* all that follows */
static char *records;
static size_t size, used;
static u64 last_id;
static bool in_use;

/* Context: the lock. */
static void *append(const struct record *record)
{
	size_t n = round_up(sizeof(*record) + record->more, sizeof(u64));
	struct record *to = (void *)(records + used);

	if (size - used < n + sizeof(*record)) {
		if (size - used >= sizeof(*record)) {
			*to = (struct record){ .type = RECORD_LOST };
			used += sizeof(*to);
			size = used;
		}
		return NULL;
	}
	*to = *record;
	used += n;
	return to + 1;
}

static void note(const struct record *record, const void *more)
{
	unsigned long flags;
	void *to;

	spin_lock_irqsave(&lock, flags);
	to = append(record);
	if (to && record->more)
		memcpy(to, more, record->more);
	spin_unlock_irqrestore(&lock, flags);
}

static bool is_store(const void *data)
{
	const struct shadow_disk_log *b = data;

	return b->magic == cpu_to_le32(SHADOW_DISK_LOG_MAGIC) ||
	       !memcmp(data, SHADOW_DISK_MAGIC, sizeof(((struct shadow_disk_header *)0)->magic));
}

/* Sum up one piece of memory.  @sums: NULL, or a place for each whole block. */
static void sum_piece(struct pending *p, const char *data, unsigned int len, u64 at, u64 begin,
		      u64 end, u32 *sums)
{
	unsigned int n;

	for (; len; len -= n, data += n, at += n) {
		u64 block = at & ~(u64)(BLOCK - 1);
		struct record whole = {
			.type = RECORD_BLOCK, .id = p->id, .at = at, .bytes = BLOCK, .more = BLOCK,
		};
		u32 *sum;

		n = min_t(u64, len, block + BLOCK - at);
		p->sum = crc32_le(p->sum, data, n);
		if (!sums || block < begin || block + BLOCK > end)
			continue;
		sum = &sums[(block - round_up(begin, BLOCK)) / BLOCK];
		*sum = ~crc32_le(at == block ? ~0u : ~*sum, data, n);
		if (n == BLOCK && is_store(data))
			note(&whole, data);
	}
}

static void sum_up(struct pending *p, struct bio *bio, u64 begin, u64 end, u32 *sums)
{
	struct bvec_iter iter;
	struct bio_vec bv;
	u64 at = begin;

	p->sum = 0;
	__bio_for_each_segment(bv, bio, iter, p->iter) {
		char *data = kmap_local_page(bv.bv_page);

		sum_piece(p, data + bv.bv_offset, bv.bv_len, at, begin, end, sums);
		kunmap_local(data);
		at += bv.bv_len;
	}
}

static int map(struct dm_target *ti, struct bio *bio)
{
	struct pending *p = dm_per_bio_data(bio, sizeof(*p));
	u64 begin = dm_target_offset(ti, bio->bi_iter.bi_sector) << SECTOR_SHIFT;
	u64 end = begin + bio->bi_iter.bi_size;
	struct recorder *r = ti->private;
	struct record record = { .type = RECORD_SUBMIT, .at = begin };
	unsigned int blocks;
	u32 *sums = NULL;

	p->id = 0;
	bio_set_dev(bio, r->dev->bdev);
	bio->bi_iter.bi_sector = dm_target_offset(ti, bio->bi_iter.bi_sector);
	if (!op_is_write(bio_op(bio)) && !(bio->bi_opf & REQ_PREFLUSH))
		return DM_MAPIO_REMAPPED;

	spin_lock_irq(&lock);
	p->id = ++last_id;
	spin_unlock_irq(&lock);
	p->flags = (bio->bi_opf & REQ_PREFLUSH ? RECORD_FLUSH : 0) |
		   (bio->bi_opf & REQ_FUA ? RECORD_FUA : 0);
	p->iter = bio->bi_iter;
	record.bytes = bio->bi_iter.bi_size;
	if (bio_op(bio) == REQ_OP_WRITE && record.bytes) {
		blocks = round_up(begin, BLOCK) < end ? (end - round_up(begin, BLOCK)) / BLOCK : 0;
		record.more = blocks * sizeof(*sums);
		sums = kmalloc_array(blocks + 1, sizeof(*sums), GFP_NOIO | __GFP_NOFAIL);
		sum_up(p, bio, begin, end, sums);
	} else if (record.bytes) {
		p->flags |= RECORD_ERASE;
	}
	record.id = p->id;
	record.flags = p->flags;
	note(&record, sums);
	kfree(sums);
	return DM_MAPIO_REMAPPED;
}

static int ended(struct dm_target *ti, struct bio *bio, blk_status_t *error)
{
	struct pending *p = dm_per_bio_data(bio, sizeof(*p));
	struct record record = { .type = RECORD_DONE, .id = p->id };
	u32 sum = p->sum;

	if (!p->id)
		return DM_ENDIO_DONE;
	if (p->iter.bi_size && !(p->flags & RECORD_ERASE)) {
		sum_up(p, bio, 0, 0, NULL);
		record.flags |= sum == p->sum ? 0 : RECORD_UNSTABLE;
	}
	record.flags |= *error ? RECORD_FAILED : 0;
	note(&record, NULL);
	return DM_ENDIO_DONE;
}

static int message(struct dm_target *ti, unsigned int argc, char **argv, char *result,
		   unsigned int maxlen)
{
	struct record record = { .type = RECORD_MARK };

	if (argc != 2 || strcmp(argv[0], "mark"))
		return -EINVAL;
	record.more = strlen(argv[1]) + 1;
	note(&record, argv[1]);
	return 0;
}

static int ctr(struct dm_target *ti, unsigned int argc, char **argv)
{
	struct recorder *r;
	unsigned int mib;
	char *memory;
	int err;

	if (argc != 2 || kstrtouint(argv[1], 0, &mib) || !mib || mib > 1024) {
		ti->error = "wanted: a device, and MiB for records";
		return -EINVAL;
	}
	r = kzalloc(sizeof(*r), GFP_KERNEL);
	memory = vmalloc((size_t)mib << 20);
	err = r && memory ? 0 : -ENOMEM;
	if (!err)
		err = dm_get_device(ti, argv[0], dm_table_get_mode(ti->table), &r->dev);
	spin_lock_irq(&lock);
	if (!err && in_use)
		err = -EBUSY;
	if (!err) {
		in_use = true;
		swap(records, memory);
		size = (size_t)mib << 20;
		used = 0;
	}
	spin_unlock_irq(&lock);
	vfree(memory);
	if (err) {
		if (r && r->dev)
			dm_put_device(ti, r->dev);
		kfree(r);
		ti->error = "no memory, no device, or there is a recorder already";
		return err;
	}
	ti->num_flush_bios = 1;
	ti->flush_supported = true;
	ti->num_discard_bios = 1;
	ti->per_io_data_size = sizeof(struct pending);
	ti->private = r;
	return 0;
}

static void dtr(struct dm_target *ti)
{
	struct recorder *r = ti->private;

	dm_put_device(ti, r->dev);
	kfree(r);
	spin_lock_irq(&lock);
	in_use = false;
	spin_unlock_irq(&lock);
}

static int iterate_devices(struct dm_target *ti, iterate_devices_callout_fn fn, void *data)
{
	struct recorder *r = ti->private;

	return fn(ti, r->dev, 0, ti->len, data);
}

static struct target_type target = {
	.name = "recorder",
	.version = { 1, 0, 0 },
	.module = THIS_MODULE,
	.ctr = ctr,
	.dtr = dtr,
	.map = map,
	.end_io = ended,
	.message = message,
	.iterate_devices = iterate_devices,
};

/* Read while no target is there to write: else a part of what follows is seen, or none. */
static ssize_t read(struct file *file, char __user *to, size_t n, loff_t *at)
{
	size_t end = READ_ONCE(used);

	if (*at < 0 || *at >= end || !records)
		return 0;
	n = min_t(size_t, n, end - *at);
	if (copy_to_user(to, records + *at, n))
		return -EFAULT;
	*at += n;
	return n;
}

static const struct file_operations fops = {
	.owner = THIS_MODULE,
	.read = read,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "recorder",
	.fops = &fops,
	.mode = 0400,
};

static int __init recorder_init(void)
{
	int err = misc_register(&device);

	if (err)
		return err;
	err = dm_register_target(&target);
	if (err)
		misc_deregister(&device);
	return err;
}

static void __exit recorder_exit(void)
{
	dm_unregister_target(&target);
	misc_deregister(&device);
	vfree(records);
}

module_init(recorder_init);
module_exit(recorder_exit);
MODULE_DESCRIPTION("Note writes in the order in which they happen");
MODULE_LICENSE("GPL");
