// SPDX-License-Identifier: GPL-2.0-only
/*
 * free_ext.c - what is free on an ext2, ext3 or ext4: its block bitmaps, by libext2fs.
 *
 * The bitmaps on the device are complete when the journal is empty, which freezing and
 * unmounting see to (the superblock says "needs recovery" otherwise), and when the
 * filesystem was frozen or unmounted, if it has no journal.  The blocks of an empty
 * journal are as good as free: whoever mounts it begins a new one there.
 *
 * Complete is not right: one without a journal can be mounted after a crash without having
 * been checked, and then calls blocks free that are parts of files.  It is not marked as
 * clean while it is mounted, whether it was or not.  So where that mark is missing, all
 * blocks of all files are looked up, as e2fsck would do, and none of them is free.
 */
#include <ext2fs/ext2fs.h>

#include "free_space.h"

#define JOURNAL_MAGIC	0xc03b3998U	/* jbd2; big-endian, as the rest */
#define JOURNAL_FIRST	5		/* words of its superblock: where the log begins */
#define JOURNAL_START	7		/* its first transaction; 0: none */

static int failed(struct free_space *space, errcode_t error, const char *what)
{
	return free_space_unknown(space, -EIO, "%s: %s", what, error_message(error));
}

static int check_state(struct free_space *space, ext2_filsys fs)
{
	if (ext2fs_has_feature_journal_needs_recovery(fs->super))
		return free_space_unknown(space, -EBUSY,
					  "its journal was not empty at the instant, so the "
					  "filesystem was not frozen");
	if (fs->super->s_state & EXT2_ERROR_FS)
		return free_space_unknown(space, -EUCLEAN, "the filesystem has had errors: check "
					  "it with e2fsck");
	if (!space->frozen && !(fs->super->s_state & EXT2_VALID_FS))
		return free_space_unknown(space, -EBUSY, "the filesystem was in use, and not "
					  "frozen");
	/* Bitmaps may mean something else with a feature that nobody here knows. */
	if (fs->super->s_feature_ro_compat & ~EXT2_LIB_FEATURE_RO_COMPAT_SUPP)
		return free_space_unknown(space, -EOPNOTSUPP, "it has features that libext2fs %s "
					  "does not know", EXT2FS_VERSION);
	return 0;
}

static int mark_block(ext2_filsys fs, blk64_t *block, e2_blkcnt_t number, blk64_t ref,
		      int ref_offset, void *data)
{
	(void)number;
	(void)ref;
	(void)ref_offset;
	(void)data;
	if (*block >= fs->super->s_first_data_block && *block < ext2fs_blocks_count(fs->super))
		ext2fs_mark_block_bitmap2(fs->block_map, *block);
	return 0;
}

static errcode_t mark_file(ext2_filsys fs, ext2_ino_t number, struct ext2_inode *inode)
{
	blk64_t attributes = ext2fs_file_acl_block(fs, inode);

	if (attributes)
		mark_block(fs, &attributes, 0, 0, 0, NULL);
	if (!ext2fs_inode_has_valid_blocks2(fs, inode))
		return 0;
	return ext2fs_block_iterate3(fs, number, BLOCK_FLAG_READ_ONLY, NULL, mark_block, NULL);
}

/* Mark as used what files have, whatever the bitmaps say. */
static int mark_files(struct free_space *space, ext2_filsys fs)
{
	struct ext2_inode inode;
	ext2_inode_scan scan;
	ext2_ino_t number;
	errcode_t error;

	error = ext2fs_open_inode_scan(fs, 0, &scan);
	if (error)
		return failed(space, error, "libext2fs cannot read its inodes");
	/* what a group says about inodes that were never used can be as wrong */
	ext2fs_inode_scan_flags(scan, 0, EXT2_SF_DO_LAZY);
	do {
		error = ext2fs_get_next_inode(scan, &number, &inode);
		if (!error && number && inode.i_links_count)
			error = mark_file(fs, number, &inode);
	} while (!error && number);
	ext2fs_close_inode_scan(scan);
	return error ? failed(space, error, "libext2fs cannot read its files") : 0;
}

static int add_free(struct free_space *space, ext2_filsys fs)
{
	blk64_t at = fs->super->s_first_data_block, last = ext2fs_blocks_count(fs->super) - 1;
	blk64_t first, end;
	int rc;

	for (; at <= last; at = end) {
		if (ext2fs_find_first_zero_block_bitmap2(fs->block_map, at, last, &first))
			break;
		if (ext2fs_find_first_set_block_bitmap2(fs->block_map, first, last, &end))
			end = last + 1;
		rc = free_space_add(space, first * fs->blocksize, (end - first) * fs->blocksize);
		if (rc)
			return rc;
	}
	return 0;
}

struct journal {
	struct free_space *space;
	blk64_t first;		/* of the journal's blocks: below that is its superblock */
	blk64_t run, len;
	int rc;
};

static void end_run(struct journal *journal, unsigned int blocksize)
{
	if (journal->len && !journal->rc)
		journal->rc = free_space_add(journal->space, journal->run * blocksize,
					     journal->len * blocksize);
	journal->len = 0;
}

static int journal_block(ext2_filsys fs, blk64_t *block, e2_blkcnt_t number, blk64_t ref,
			 int ref_offset, void *data)
{
	struct journal *journal = data;
	__u32 *words;

	(void)ref;
	(void)ref_offset;
	if (number == 0) {
		if (ext2fs_get_mem(fs->blocksize, &words))
			return BLOCK_ABORT;
		if (!io_channel_read_blk64(fs->io, *block, 1, words) &&
		    ext2fs_be32_to_cpu(words[0]) == JOURNAL_MAGIC && !words[JOURNAL_START])
			journal->first = ext2fs_be32_to_cpu(words[JOURNAL_FIRST]);
		ext2fs_free_mem(&words);
	}
	if (!journal->first)
		return BLOCK_ABORT;
	if (number < (e2_blkcnt_t)journal->first)
		return 0;
	if (journal->len && journal->run + journal->len == *block) {
		journal->len++;
	} else {
		end_run(journal, fs->blocksize);
		journal->run = *block;
		journal->len = 1;
	}
	return journal->rc ? BLOCK_ABORT : 0;
}

/* That it is not as expected is no reason to say anything: it is preserved then. */
static int add_journal(struct free_space *space, ext2_filsys fs)
{
	struct journal journal = { .space = space };

	if (!ext2fs_has_feature_journal(fs->super) || !fs->super->s_journal_inum)
		return 0;
	ext2fs_block_iterate3(fs, fs->super->s_journal_inum,
			      BLOCK_FLAG_READ_ONLY | BLOCK_FLAG_DATA_ONLY, NULL, journal_block,
			      &journal);
	end_run(&journal, fs->blocksize);
	return journal.rc;
}

int free_space_ext(struct free_space *space)
{
	errcode_t error;
	ext2_filsys fs;
	int rc;

	initialize_ext2_error_table();
	error = ext2fs_open(space->path, EXT2_FLAG_64BITS, 0, 0, unix_io_manager, &fs);
	if (error)
		return failed(space, error, "libext2fs cannot open it");
	rc = check_state(space, fs);
	if (!rc) {
		error = ext2fs_read_block_bitmap(fs);
		if (error)
			rc = failed(space, error, "libext2fs cannot read its bitmaps");
	}
	if (!rc && !(fs->super->s_state & EXT2_VALID_FS))
		rc = mark_files(space, fs);
	if (!rc)
		rc = add_free(space, fs);
	if (!rc)
		rc = add_journal(space, fs);
	ext2fs_free(fs);
	return rc;
}
