// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_file.c - parts of stores in files of local filesystems.
 *
 * The file is what a swap file is to the kernel: its filesystem tells where its
 * blocks are and vouches for it that they stay there (->swap_activate), and while
 * S_SWAPFILE is set the kernel refuses whatever could move or take them: writing,
 * truncating, punching, cloning, defragmenting, deleting, swapping to it, using it for
 * another store.  Then the filesystem is out of it: blocks are read and written by
 * bios to its device, so that it may be frozen, or be waiting for us, as it likes.
 *
 * The filesystem names pages in a row, in the order of the file, without those that
 * do not lie in whole pages on the device; they are our blocks, but for the first
 * SHADOW_STORE_HEAD bytes.  So those of the file, where it says what it is, are left
 * alone.  Where else in the file a block is does not matter: nobody reads it as a file.
 *
 * Before that, nothing of the file may be on its way to the device by another road:
 * pages (an mmap() that could make more is refused), direct writes, a journal that has the
 * file's data in it, and what the filesystem itself had in its blocks before.
 *
 * It grows by what the filesystem itself does for fallocate(): the system call refuses
 * for our sake, not the filesystem.  Then it is mapped anew; the map there was is the
 * beginning of the new one, or the new one is not used.  btrfs would not map it twice.
 */
#include <linux/blkdev.h>
#include <linux/buffer_head.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/stat.h>
#include <linux/swap.h>
#include <linux/shadow_store.h>
#include "store.h"

/**
 * struct file_extent - blocks that are one after another on the device
 * @block: the first one; the extent ends where the next one begins
 * @sector: where it is
 */
struct file_extent {
	u64 block;
	sector_t sector;
};

/**
 * struct file_map - where the blocks are
 * @nr: extents
 * @nr_blocks: blocks in all of them
 * @plain: they are the file's, in order, and all of them
 * @file_size: of the file, when it was mapped
 * @bdev: on which device
 * @head: where the copies of the header of a durable store are
 * @extent: in order of @block
 */
struct file_map {
	unsigned int nr;
	u64 nr_blocks;
	bool plain;
	loff_t file_size;
	struct block_device *bdev;
	sector_t head[SHADOW_DISK_HEADERS];
	struct file_extent extent[];
};

struct file_part {
	struct file *file;
	struct file_map __rcu *map;
};

static dev_t device_of(const struct file *file)
{
	struct block_device *bdev = file_inode(file)->i_sb->s_bdev;

	return bdev ? bdev->bd_dev : 0;
}

static int refuse(const struct file *file, struct shadow_fault *fault, u32 reason, int err)
{
	return shadow_fail(fault, SHADOW_PHASE_STORE, reason, file ? device_of(file) : 0, err);
}

/* --- mapping ------------------------------------------------------------------------ */

static struct swap_extent *first_extent(struct swap_info_struct *sis)
{
	return rb_entry_safe(rb_first(&sis->swap_extent_root), struct swap_extent, rb_node);
}

static struct swap_extent *next_extent(struct swap_extent *se)
{
	return rb_entry_safe(rb_next(&se->rb_node), struct swap_extent, rb_node);
}

static void free_extents(struct swap_info_struct *sis)
{
	struct swap_extent *se;

	while ((se = first_extent(sis))) {
		rb_erase(&se->rb_node, &sis->swap_extent_root);
		kfree(se);
	}
}

/* Where the page of the file is that is at @byte.  It is one of the first ones. */
static sector_t sector_of(struct swap_info_struct *sis, u32 byte)
{
	u64 page = byte >> SHADOW_BLOCK_BITS;
	struct swap_extent *se;

	for (se = first_extent(sis); se; se = next_extent(se)) {
		if (page < se->nr_pages)
			return (se->start_block + page) * SHADOW_BLOCK_SECTORS;
		page -= se->nr_pages;
	}
	return 0;	/* a map without blocks */
}

/* What the filesystem has named, as a map; NULL without memory. */
static struct file_map *map_of(struct swap_info_struct *sis)
{
	u64 skip = SHADOW_STORE_HEAD >> SHADOW_BLOCK_BITS;
	struct swap_extent *se;
	struct file_map *map;
	unsigned int nr = 0, i;

	for (se = first_extent(sis); se; se = next_extent(se))
		nr++;
	map = kvmalloc(struct_size(map, extent, nr), GFP_KERNEL);
	if (!map)
		return NULL;
	map->nr = 0;
	map->nr_blocks = 0;
	map->bdev = sis->bdev;
	for (i = 0; i < SHADOW_DISK_HEADERS; i++)
		map->head[i] = sector_of(sis, SHADOW_DISK_FILE_HEADER +
					 i * SHADOW_DISK_HEADER_STEP);
	for (se = first_extent(sis); se; se = next_extent(se)) {
		u64 from = min_t(u64, skip, se->nr_pages);

		skip -= from;
		if (from == se->nr_pages)
			continue;
		map->extent[map->nr++] = (struct file_extent){
			.block = map->nr_blocks,
			.sector = (se->start_block + from) * SHADOW_BLOCK_SECTORS,
		};
		map->nr_blocks += se->nr_pages - from;
	}
	return map;
}

/* The blocks from @i's first one up to the next extent's. */
static u64 extent_end(const struct file_map *map, unsigned int i)
{
	return i + 1 < map->nr ? map->extent[i + 1].block : map->nr_blocks;
}

/* A filesystem that named what is not there would have us overwrite something else. */
static bool is_sound(const struct file_map *map)
{
	sector_t end = bdev_nr_sectors(map->bdev);
	unsigned int i;

	for (i = 0; i < map->nr; i++) {
		u64 nr = (extent_end(map, i) - map->extent[i].block) * SHADOW_BLOCK_SECTORS;

		if (map->extent[i].sector >= end || nr > end - map->extent[i].sector)
			return false;
	}
	return map->nr;
}

static void forget(struct file *file)
{
	if (file->f_mapping->a_ops->swap_deactivate)
		file->f_mapping->a_ops->swap_deactivate(file);
}

/* Ask the filesystem.  Context: inode_lock. */
static struct file_map *ask(struct file *file)
{
	struct swap_info_struct *sis = kzalloc(sizeof(*sis), GFP_KERNEL);
	struct file_map *map;
	sector_t span;
	int err;

	if (!sis)
		return ERR_PTR(-ENOMEM);
	sis->bdev = file_inode(file)->i_sb->s_bdev;
	sis->swap_file = file;
	sis->max = UINT_MAX;
	sis->swap_extent_root = RB_ROOT;
	err = file->f_mapping->a_ops->swap_activate(sis, file, &span);
	if (err < 0) {
		map = ERR_PTR(err);
		goto free;
	}
	map = map_of(sis);
	if (!map)
		err = -ENOMEM;
	else
		err = map->bdev && is_sound(map) ? 0 : -EIO;
	if (err) {
		forget(file);
		kvfree(map);
		map = ERR_PTR(err);
	}
free:
	free_extents(sis);
	kfree(sis);
	return map;
}

/* --- pinning ------------------------------------------------------------------------ */

/* Those where it was tried: pinning is a promise, and not all filesystems keep it. */
static bool can_pin(const struct file *file)
{
	switch (file_inode(file)->i_sb->s_magic) {
	case EXT4_SUPER_MAGIC:
	case XFS_SUPER_MAGIC:
	case BTRFS_SUPER_MAGIC:
		return file->f_mapping->host == file_inode(file) &&
		       file->f_mapping->a_ops->swap_activate;
	default:
		return false;
	}
}

/* From here on nobody can change the file. */
static int claim(struct file *file)
{
	struct inode *inode = file_inode(file);
	int err = mapping_deny_writable(file->f_mapping);

	if (err)
		return err;
	inode_lock(inode);
	if (IS_SWAPFILE(inode))
		err = -EBUSY;
	else
		inode->i_flags |= S_SWAPFILE;
	inode_unlock(inode);
	if (err)
		mapping_allow_writable(file->f_mapping);
	return err;
}

static void unclaim(struct file *file)
{
	struct inode *inode = file_inode(file);

	inode_lock(inode);
	inode->i_flags &= ~S_SWAPFILE;
	inode_unlock(inode);
	mapping_allow_writable(file->f_mapping);
}

/* See to it that nothing of a claimed file is on its way to the device. */
static int write_out(struct file *file)
{
	sector_t unused = 0;
	int err;

	inode_dio_wait(file_inode(file));
	err = filemap_write_and_wait(file->f_mapping);
	bmap(file_inode(file), &unused);	/* has ext4 empty its journal of the file's data */
	return err;
}

/* ... nor of what was in its blocks before: directories, say, in the device's own cache. */
static void drop_aliases(const struct file_map *map)
{
	unsigned int shift = ilog2(block_size(map->bdev)) - SECTOR_SHIFT;
	unsigned int i;

	for (i = 0; i < map->nr; i++) {
		u64 nr = (extent_end(map, i) - map->extent[i].block) * SHADOW_BLOCK_SECTORS;

		clean_bdev_aliases(map->bdev, map->extent[i].sector >> shift, nr >> shift);
	}
}

static struct file_map *map_claimed(struct file *file, struct shadow_fault *fault)
{
	struct inode *inode = file_inode(file);
	struct file_map *map;
	int err = write_out(file);
	struct kstat stat;
	u64 all;

	if (!err)
		err = vfs_getattr(&file->f_path, &stat, STATX_SIZE | STATX_BLOCKS | STATX_NLINK,
				  AT_STATX_SYNC_AS_STAT);
	if (err)
		return ERR_PTR(refuse(file, fault, SHADOW_REASON_STORE_ERROR, err));
	if ((u64)stat.blocks << SECTOR_SHIFT < stat.size)
		return ERR_PTR(refuse(file, fault, SHADOW_REASON_STORE_HOLES, -EINVAL));
	inode_lock(inode);
	map = ask(file);
	inode_unlock(inode);
	if (!IS_ERR(map)) {
		map->file_size = stat.size;
		all = (stat.size - SHADOW_STORE_HEAD) >> SHADOW_BLOCK_BITS;
		map->plain = stat.nlink && map->nr_blocks == all;
		drop_aliases(map);
		return map;
	}
	switch (PTR_ERR(map)) {
	case -ENOMEM:
		return ERR_PTR(refuse(file, fault, SHADOW_REASON_NO_MEMORY, -ENOMEM));
	case -EBUSY:
		return ERR_PTR(refuse(file, fault, SHADOW_REASON_STORE_IN_USE, -EBUSY));
	case -EIO:
		return ERR_PTR(refuse(file, fault, SHADOW_REASON_STORE_ERROR, -EIO));
	default:
		return ERR_PTR(refuse(file, fault, SHADOW_REASON_STORE_SHARED, -EINVAL));
	}
}

static struct file_map *pin(struct file *file, struct shadow_fault *fault)
{
	struct super_block *sb = file_inode(file)->i_sb;
	struct file_map *map;
	int err;

	/* Mapping may have to write, and who has it frozen may not thaw it for long. */
	if (!sb_start_write_trylock(sb))
		return ERR_PTR(refuse(file, fault, SHADOW_REASON_FROZEN, -EBUSY));
	err = claim(file);
	if (err) {
		map = ERR_PTR(refuse(file, fault, SHADOW_REASON_STORE_IN_USE, err));
		goto end;
	}
	map = map_claimed(file, fault);
	if (IS_ERR(map))
		unclaim(file);
end:
	sb_end_write(sb);
	return map;
}

static void unpin(struct file *file)
{
	struct inode *inode = file_inode(file);

	inode_lock(inode);
	forget(file);
	inode_unlock(inode);
	unclaim(file);
	/* What was read meanwhile is not what is there now. */
	invalidate_inode_pages2(file->f_mapping);
}

/* --- the part ----------------------------------------------------------------------- */

/* A task closes it when it returns to user space, a kernel thread a moment later. */
static void close_file(struct file *file)
{
	if (current->flags & PF_KTHREAD)
		__fput_sync(file);
	else
		fput(file);
}

static bool can_grow(const struct file *file)
{
	return file->f_op->fallocate && file_inode(file)->i_sb->s_magic != BTRFS_SUPER_MAGIC;
}

static int check_file(struct file *file, u64 max_bytes, struct shadow_fault *fault)
{
	struct inode *inode = file_inode(file);

	if (!S_ISREG(inode->i_mode) ||
	    (file->f_mode & (FMODE_READ | FMODE_WRITE)) != (FMODE_READ | FMODE_WRITE))
		return refuse(file, fault, SHADOW_REASON_STORE_FILE, -EINVAL);
	if (!can_pin(file))
		return refuse(file, fault, SHADOW_REASON_STORE_FS, -EOPNOTSUPP);
	if (i_size_read(inode) < SHADOW_STORE_HEAD + SHADOW_STORE_MIN ||
	    (max_bytes && max_bytes < SHADOW_STORE_MIN))
		return refuse(file, fault, SHADOW_REASON_STORE_SIZE, -EINVAL);
	return 0;
}

static int file_open(struct shadow_part *part, struct shadow_fault *fault)
{
	struct file *file = fget(part->spec.fd);
	struct file_part *fp;
	struct file_map *map;
	int err;

	part->spec.fd = 0;
	if (!file)
		return refuse(NULL, fault, SHADOW_REASON_STORE_FILE, -EBADF);
	err = check_file(file, part->spec.max_bytes, fault);
	if (err)
		goto close;
	fp = kzalloc(sizeof(*fp), GFP_KERNEL);
	err = -ENOMEM;
	if (!fp)
		goto close;
	map = pin(file, fault);
	err = PTR_ERR_OR_ZERO(map);
	if (err)
		goto free;
	if (bdev_logical_block_size(map->bdev) > SHADOW_BLOCK_SIZE) {
		err = refuse(file, fault, SHADOW_REASON_BLOCK_SIZE, -EINVAL);
		goto unpin;
	}
	if (part->spec.max_bytes >> SHADOW_BLOCK_BITS > map->nr_blocks && !can_grow(file)) {
		err = refuse(file, fault, SHADOW_REASON_STORE_SIZE, -EINVAL);
		goto unpin;
	}
	fp->file = file;
	RCU_INIT_POINTER(fp->map, map);
	part->private = fp;
	part->bdev = map->bdev;
	part->file = file;
	part->inode = file_inode(file)->i_ino;
	part->spec.dev = shadow_dev_encode(map->bdev->bd_dev);
	part->plain = map->plain;
	part->nr_blocks = map->nr_blocks;
	part->max_blocks = part->nr_blocks;
	if (part->spec.max_bytes)
		part->max_blocks = min_t(u64, part->spec.max_bytes >> SHADOW_BLOCK_BITS,
					 SHADOW_PART_BLOCKS_MAX);
	return 0;

unpin:
	unpin(file);
	kvfree(map);
free:
	kfree(fp);
close:
	close_file(file);
	return err;
}

/* Is @old the beginning of @map? */
static bool continues(const struct file_map *map, const struct file_map *old)
{
	unsigned int i;

	if (map->bdev != old->bdev || map->nr < old->nr || map->nr_blocks < old->nr_blocks)
		return false;
	for (i = 0; i < old->nr; i++)
		if (map->extent[i].block != old->extent[i].block ||
		    map->extent[i].sector != old->extent[i].sector)
			return false;
	return extent_end(map, old->nr - 1) >= old->nr_blocks;
}

static int more_blocks(struct file *file, u64 blocks, struct shadow_fault *fault)
{
	loff_t size = i_size_read(file_inode(file));
	loff_t end = round_up(size, SHADOW_BLOCK_SIZE) + (blocks << SHADOW_BLOCK_BITS);
	long err = -EFBIG;

	if (end <= file_inode(file)->i_sb->s_maxbytes)
		err = file->f_op->fallocate(file, 0, size, end - size);
	switch (err) {
	case 0:
		return 0;
	case -ENOSPC:
	case -EDQUOT:
	case -EFBIG:
		return refuse(file, fault, SHADOW_REASON_STORE_FULL, err);
	case -EOPNOTSUPP:	/* an ext3 file that ext4 has: no extents */
		return refuse(file, fault, SHADOW_REASON_STORE_FS, err);
	default:
		return refuse(file, fault, SHADOW_REASON_STORE_ERROR, err);
	}
}

/* Of how many it really can be made its filesystem says, when it grows. */
static u64 file_room(const struct shadow_part *part)
{
	const struct file_part *fp = part->private;

	return can_grow(fp->file) ? SHADOW_PART_BLOCKS_MAX : part->nr_blocks;
}

/* A failure may leave the file larger all the same, and what it has is used. */
static int file_grow(struct shadow_part *part, u64 blocks, u64 *nr_blocks,
		     struct shadow_fault *fault)
{
	struct file_part *fp = part->private;
	struct file_map *old = rcu_dereference_protected(fp->map, true), *map;
	struct super_block *sb = file_inode(fp->file)->i_sb;
	int err = 0;

	*nr_blocks = old->nr_blocks;
	if (!sb_start_write_trylock(sb))
		return refuse(fp->file, fault, SHADOW_REASON_FROZEN, -EAGAIN);
	if (i_size_read(file_inode(fp->file)) <= old->file_size)
		err = more_blocks(fp->file, blocks, fault);
	if (i_size_read(file_inode(fp->file)) <= old->file_size)
		goto end;
	map = map_claimed(fp->file, err ? NULL : fault);
	if (IS_ERR(map)) {
		err = err ?: PTR_ERR(map);
		goto end;
	}
	if (!continues(map, old)) {
		kvfree(map);
		err = refuse(fp->file, fault, SHADOW_REASON_STORE_SHARED, -EIO);
		goto end;
	}
	rcu_assign_pointer(fp->map, map);
	*nr_blocks = map->nr_blocks;
	synchronize_rcu();
	kvfree(old);
end:
	sb_end_write(sb);
	return err;
}

static void file_close(struct shadow_part *part)
{
	struct file_part *fp = part->private;

	unpin(fp->file);
	close_file(fp->file);
	kvfree(rcu_dereference_protected(fp->map, true));
	kfree(fp);
}

static bool file_is(const struct shadow_part *part, const struct shadow_store_spec *spec)
{
	const struct file_part *fp = part->private;
	struct file *file = fget(spec->fd);
	bool same = file && file_inode(file) == file_inode(fp->file);

	if (file)
		close_file(file);
	return same;
}

static sector_t file_locate(struct shadow_part *part, u64 block, u64 *run)
{
	const struct file_part *fp = part->private;
	unsigned int lo = 0, hi;
	const struct file_map *map;
	sector_t sector;

	rcu_read_lock();
	map = rcu_dereference(fp->map);
	hi = map->nr;
	while (hi - lo > 1) {	/* it begins in extent lo or after, and before extent hi */
		unsigned int mid = lo + (hi - lo) / 2;

		if (map->extent[mid].block <= block)
			lo = mid;
		else
			hi = mid;
	}
	*run = min(*run, extent_end(map, lo) - block);
	sector = map->extent[lo].sector + (block - map->extent[lo].block) * SHADOW_BLOCK_SECTORS;
	rcu_read_unlock();
	return sector;
}

static sector_t file_head(const struct shadow_part *part, u32 byte)
{
	const struct file_part *fp = part->private;
	sector_t sector;

	rcu_read_lock();
	sector = rcu_dereference(fp->map)->head[byte / SHADOW_DISK_HEADER_STEP];
	rcu_read_unlock();
	return sector;
}

static u64 file_extents(const struct shadow_part *part)
{
	const struct file_part *fp = part->private;
	u64 nr;

	rcu_read_lock();
	nr = rcu_dereference(fp->map)->nr;
	rcu_read_unlock();
	return nr;
}

const struct shadow_part_ops shadow_part_file_ops = {
	.open = file_open,
	.grow = file_grow,
	.room = file_room,
	.close = file_close,
	.is = file_is,
	.locate = file_locate,
	.head = file_head,
	.extents = file_extents,
};
