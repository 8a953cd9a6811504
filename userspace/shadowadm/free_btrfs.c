// SPDX-License-Identifier: GPL-2.0-only
/*
 * free_btrfs.c - what is free on a btrfs: what its device tree allots to no chunk, and
 * within chunks what its free-space tree says.
 *
 * The image is not mounted for that, since older kernels take it for the original.  The
 * trees are read as the superblock at 64 KiB names them.  A btrfs never writes over what
 * its superblock reaches, so they are true at any instant, frozen or not.  What a log tree
 * (of files written through since the last commit) makes live lies in chunks that are
 * there; where there is one, only what is outside chunks is free.
 *
 * One device, and chunks that lie on it in one piece or in two equal ones; every block of
 * a tree must have the right checksum, place, age and owner, or nothing more is told.
 */
#include <fcntl.h>
#include <unistd.h>

#include "free_space.h"

#define SUPER_OFFSET	(64 << 10)
#define SUPER_SIZE	4096
#define SUPER_MAGIC	"_BHRfS_M"
#define RESERVED	(1 << 20)	/* at the device's beginning: never allotted */
#define HEADER_SIZE	101
#define LEVEL_MAX	7
#define NODE_MAX	65536

#define ROOT_ITEM	132
#define FREE_INFO	198
#define FREE_EXTENT	199
#define FREE_BITMAP	200
#define DEV_EXTENT	204
#define CHUNK_ITEM	228

#define DEV_TREE	4
#define FREE_SPACE_TREE	10

#define RO_FREE_SPACE_VALID	3U	/* it is there and can be trusted */
#define RO_COMPAT_KNOWN		0xfULL
#define INCOMPAT_METADATA_UUID	(1ULL << 10)
#define INCOMPAT_KNOWN		0x10fffULL
#define PROFILES		0x7f8ULL
#define PROFILE_DUP		(1ULL << 5)

/* A chunk of logical space, where it lies on the device. */
struct chunk {
	uint64_t logical, length;
	uint64_t physical[2];	/* of DUP both */
	unsigned int copies;	/* 0: not here, or not in one piece */
};

struct root {
	uint64_t logical, generation;
	unsigned int level;
};

struct btrfs {
	struct free_space *space;
	int fd;
	uint8_t super[SUPER_SIZE];
	uint8_t uuid[16];	/* in each block of a tree */
	uint64_t devid, dev_bytes;
	uint32_t nodesize, sectorsize;
	struct chunk *chunks;
	size_t chunk_count, recent;
	struct root dev_tree, free_tree;
	uint64_t unallotted;	/* how far the device was looked at */
	const struct chunk *group;	/* whose free space comes now; NULL: of none */
};

struct key {
	uint64_t objectid, offset;
	uint8_t type;
};

typedef int item_fn(struct btrfs *fs, const struct key *key, const uint8_t *data, uint32_t size);

static uint16_t get16(const uint8_t *at)
{
	return at[0] | at[1] << 8;
}

static uint32_t get32(const uint8_t *at)
{
	return get16(at) | (uint32_t)get16(at + 2) << 16;
}

static uint64_t get64(const uint8_t *at)
{
	return get32(at) | (uint64_t)get32(at + 4) << 32;
}

static struct key get_key(const uint8_t *at)
{
	return (struct key){ .objectid = get64(at), .type = at[8], .offset = get64(at + 9) };
}

static uint32_t crc32c(const uint8_t *data, size_t size)
{
	static uint32_t table[256];
	uint32_t crc = ~0U, i, bit;

	if (!table[1])
		for (i = 0; i < 256; i++) {
			table[i] = i;
			for (bit = 0; bit < 8; bit++)
				table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0x82f63b78 : 0);
		}
	while (size--)
		crc = crc >> 8 ^ table[(crc ^ *data++) & 0xff];
	return ~crc;
}

static int damaged(struct btrfs *fs, const char *what)
{
	return free_space_unknown(fs->space, -EUCLEAN, "%s is not as it should be", what);
}

/* --- places ------------------------------------------------------------------------ */

/* [@first, @end) of the device is free, but for the superblocks, which no chunk knows of. */
static int add(struct btrfs *fs, uint64_t first, uint64_t end)
{
	static const uint64_t supers[] = { SUPER_OFFSET, 64ULL << 20, 256ULL << 30 };
	uint64_t next;
	size_t i;
	int rc;

	if (first < RESERVED)
		first = RESERVED;
	for (i = 0; i < ARRAY_SIZE(supers) && first < end; i++) {
		if (supers[i] >= end || supers[i] + SUPER_OFFSET <= first)
			continue;
		next = supers[i] + SUPER_OFFSET;
		rc = supers[i] > first ? free_space_add(fs->space, first, supers[i] - first) : 0;
		if (rc)
			return rc;
		first = next;
	}
	return first < end ? free_space_add(fs->space, first, end - first) : 0;
}

/* The chunk that has all of a piece of logical space, or NULL. */
static const struct chunk *chunk_of(struct btrfs *fs, uint64_t logical, uint64_t bytes)
{
	size_t i;

	for (i = 0; i < fs->chunk_count; i++) {	/* mostly it is that of the last time */
		const struct chunk *chunk = &fs->chunks[(fs->recent + i) % fs->chunk_count];

		if (logical >= chunk->logical && logical - chunk->logical < chunk->length &&
		    bytes <= chunk->length - (logical - chunk->logical)) {
			fs->recent = chunk - fs->chunks;
			return chunk;
		}
	}
	return NULL;
}

static int add_logical(struct btrfs *fs, uint64_t logical, uint64_t bytes)
{
	const struct chunk *chunk = chunk_of(fs, logical, bytes);
	unsigned int i;
	int rc = 0;

	if (chunk != fs->group)
		return damaged(fs, "its free-space tree");
	for (i = 0; i < chunk->copies && !rc; i++) {
		uint64_t first = chunk->physical[i] + (logical - chunk->logical);

		rc = add(fs, first, first + bytes);
	}
	return rc;
}

static int note_chunk(struct btrfs *fs, uint64_t logical, const uint8_t *item, uint32_t size)
{
	unsigned int i, stripes = size >= 48 ? get16(item + 44) : 0;
	struct chunk *chunk;
	uint64_t profile;

	if (!stripes || size < 48 + 32 * stripes)
		return damaged(fs, "a chunk");
	if (chunk_of(fs, logical, 1))
		return 0;	/* of those that the superblock has, too */
	chunk = reallocarray(fs->chunks, fs->chunk_count + 1, sizeof(*chunk));
	if (!chunk)
		return -ENOMEM;
	fs->chunks = chunk;
	chunk += fs->chunk_count++;
	*chunk = (struct chunk){ .logical = logical, .length = get64(item) };
	profile = get64(item + 24) & PROFILES;
	if (stripes != 1 && !(stripes == 2 && profile == PROFILE_DUP))
		return 0;
	for (i = 0; i < stripes; i++) {
		if (get64(item + 48 + 32 * i) != fs->devid)
			return damaged(fs, "a chunk");
		chunk->physical[i] = get64(item + 56 + 32 * i);
	}
	chunk->copies = stripes;
	return 0;
}

/* --- trees ------------------------------------------------------------------------- */

static int read_node(struct btrfs *fs, const struct root *root, uint8_t *node)
{
	const struct chunk *chunk = chunk_of(fs, root->logical, fs->nodesize);

	if (!chunk || !chunk->copies)
		return free_space_unknown(fs->space, -EOPNOTSUPP,
					  "its trees lie in chunks of a kind that is not known here");
	if (pread(fs->fd, node, fs->nodesize, chunk->physical[0] + root->logical -
		  chunk->logical) != fs->nodesize)
		return free_space_unknown(fs->space, -EIO, "it cannot be read");
	if (get32(node) != crc32c(node + 32, fs->nodesize - 32) ||
	    memcmp(node + 32, fs->uuid, 16) || get64(node + 48) != root->logical ||
	    get64(node + 80) != root->generation || node[100] != root->level)
		return damaged(fs, "a block of a tree");
	return 0;
}

static int walk_leaf(struct btrfs *fs, const uint8_t *node, uint32_t count, item_fn *fn)
{
	uint32_t i;
	int rc = 0;

	if (count > (fs->nodesize - HEADER_SIZE) / 25)
		return damaged(fs, "a leaf");
	for (i = 0; i < count && !rc; i++) {
		const uint8_t *item = node + HEADER_SIZE + 25 * i;
		uint32_t offset = get32(item + 17), size = get32(item + 21);
		struct key key = get_key(item);

		if (size > fs->nodesize - HEADER_SIZE ||
		    offset > fs->nodesize - HEADER_SIZE - size)
			return damaged(fs, "an item");
		rc = fn(fs, &key, node + HEADER_SIZE + offset, size);
	}
	return rc;
}

/* Call @fn for all items of a tree, in their order. */
static int walk(struct btrfs *fs, const struct root *root, item_fn *fn)
{
	uint8_t *node = malloc(fs->nodesize);
	uint32_t i, count;
	int rc;

	if (!node)
		return -ENOMEM;
	rc = read_node(fs, root, node);
	count = rc ? 0 : get32(node + 96);
	if (!rc && !root->level) {
		rc = walk_leaf(fs, node, count, fn);
	} else if (!rc && count > (fs->nodesize - HEADER_SIZE) / 33) {
		rc = damaged(fs, "a node");
	} else {
		for (i = 0; i < count && !rc; i++) {
			const uint8_t *at = node + HEADER_SIZE + 33 * i;

			rc = walk(fs, &(struct root){ .logical = get64(at + 17),
				  .generation = get64(at + 25), .level = root->level - 1 }, fn);
		}
	}
	free(node);
	return rc;
}

static int chunk_item(struct btrfs *fs, const struct key *key, const uint8_t *data, uint32_t size)
{
	return key->type == CHUNK_ITEM ? note_chunk(fs, key->offset, data, size) : 0;
}

static int root_item(struct btrfs *fs, const struct key *key, const uint8_t *data, uint32_t size)
{
	struct root root;

	if (key->type != ROOT_ITEM ||
	    (key->objectid != DEV_TREE && key->objectid != FREE_SPACE_TREE))
		return 0;
	if (size < 239 || data[238] > LEVEL_MAX)
		return damaged(fs, "the root of a tree");
	root = (struct root){ .logical = get64(data + 176), .generation = get64(data + 160),
			      .level = data[238] };
	*(key->objectid == DEV_TREE ? &fs->dev_tree : &fs->free_tree) = root;
	return 0;
}

/* What lies between two extents of the device is in no chunk. */
static int dev_extent(struct btrfs *fs, const struct key *key, const uint8_t *data, uint32_t size)
{
	int rc = 0;

	if (key->type != DEV_EXTENT || key->objectid != fs->devid)
		return 0;
	if (size < 32 || key->offset < fs->unallotted)
		return damaged(fs, "its device tree");
	if (key->offset > fs->unallotted)
		rc = add(fs, fs->unallotted, key->offset);
	fs->unallotted = key->offset + get64(data + 24);
	return rc;
}

static int free_item(struct btrfs *fs, const struct key *key, const uint8_t *data, uint32_t size)
{
	uint64_t bits = key->offset / fs->sectorsize, from, to;
	int rc = 0;

	/* mkfs leaves what it had of chunks that are gone */
	if (key->type == FREE_INFO) {
		fs->group = chunk_of(fs, key->objectid, key->offset);
		if (fs->group && (fs->group->logical != key->objectid ||
				  fs->group->length != key->offset))
			fs->group = NULL;
	}
	if (!fs->group)
		return 0;
	if (key->type == FREE_EXTENT)
		return add_logical(fs, key->objectid, key->offset);
	if (key->type != FREE_BITMAP)
		return 0;
	if (bits > (uint64_t)size * 8)
		return damaged(fs, "its free-space tree");
	for (from = 0; from < bits && !rc; from = to + 1) {
		while (from < bits && !(data[from / 8] >> from % 8 & 1))
			from++;
		for (to = from; to < bits && data[to / 8] >> to % 8 & 1; to++)
			;
		if (to > from)
			rc = add_logical(fs, key->objectid + from * fs->sectorsize,
					 (to - from) * fs->sectorsize);
	}
	return rc;
}

/* --- all of it --------------------------------------------------------------------- */

static int read_super(struct btrfs *fs)
{
	const uint8_t *super = fs->super;
	uint64_t incompat;

	if (pread(fs->fd, fs->super, SUPER_SIZE, SUPER_OFFSET) != SUPER_SIZE)
		return free_space_unknown(fs->space, -EIO, "it cannot be read");
	if (memcmp(super + 64, SUPER_MAGIC, 8) || get64(super + 48) != SUPER_OFFSET)
		return damaged(fs, "its superblock");
	incompat = get64(super + 188);
	/* what may be read all the same may mean by its trees something else, too */
	if (incompat & ~INCOMPAT_KNOWN || get64(super + 180) & ~RO_COMPAT_KNOWN)
		return free_space_unknown(fs->space, -EOPNOTSUPP,
					  "it has features that are not known here");
	if (get16(super + 196))
		return free_space_unknown(fs->space, -EOPNOTSUPP,
					  "its checksums are of another kind than crc32c");
	if (get32(super) != crc32c(super + 32, SUPER_SIZE - 32))
		return damaged(fs, "its superblock");
	if (get64(super + 136) != 1)
		return free_space_unknown(fs->space, -EOPNOTSUPP, "it has several devices");
	fs->sectorsize = get32(super + 144);
	fs->nodesize = get32(super + 148);
	if (fs->sectorsize < 4096 || fs->sectorsize > NODE_MAX || fs->nodesize < 4096 ||
	    fs->nodesize > NODE_MAX || super[198] > LEVEL_MAX || super[199] > LEVEL_MAX)
		return damaged(fs, "its superblock");
	memcpy(fs->uuid, super + (incompat & INCOMPAT_METADATA_UUID ? 571 : 32), 16);
	fs->devid = get64(super + 201);
	fs->dev_bytes = get64(super + 209);
	return 0;
}

/* The chunks in which the chunk tree lies are in the superblock itself. */
static int system_chunks(struct btrfs *fs)
{
	uint32_t size = get32(fs->super + 160), at = 0, item;
	const uint8_t *array = fs->super + 811;
	int rc = 0;

	if (size > 2048)
		return damaged(fs, "its superblock");
	while (!rc && at < size) {
		if (size - at < 17 + 80)
			return damaged(fs, "its superblock");
		item = 48 + 32 * get16(array + at + 17 + 44);
		if (item > size - at - 17)
			return damaged(fs, "its superblock");
		rc = note_chunk(fs, get_key(array + at).offset, array + at + 17, item);
		at += 17 + item;
	}
	return rc;
}

static int find(struct btrfs *fs)
{
	const uint8_t *super = fs->super;
	bool log, tree;
	int rc = read_super(fs) ?: system_chunks(fs);

	rc = rc ?: walk(fs, &(struct root){ .logical = get64(super + 88),
			.generation = get64(super + 164), .level = super[199] }, chunk_item);
	rc = rc ?: walk(fs, &(struct root){ .logical = get64(super + 80),
			.generation = get64(super + 72), .level = super[198] }, root_item);
	if (!rc && !fs->dev_tree.logical)
		rc = damaged(fs, "its tree of roots");
	rc = rc ?: walk(fs, &fs->dev_tree, dev_extent);
	if (!rc && fs->unallotted < fs->dev_bytes)
		rc = add(fs, fs->unallotted, fs->dev_bytes);
	if (rc)
		return rc;
	log = get64(super + 96);
	tree = (get64(super + 180) & RO_FREE_SPACE_VALID) == RO_FREE_SPACE_VALID;
	if (log)
		return free_space_unknown(fs->space, -EBUSY, "it was not at rest at the instant: "
					  "within its chunks all is kept");
	if (!tree || !fs->free_tree.logical)
		return free_space_unknown(fs->space, -EOPNOTSUPP, "it has no free-space tree: "
					  "within its chunks all is kept");
	return walk(fs, &fs->free_tree, free_item);
}

int free_space_btrfs(struct free_space *space)
{
	struct btrfs fs = { .space = space };
	int rc;

	fs.fd = open(space->path, O_RDONLY | O_CLOEXEC);
	if (fs.fd < 0)
		return free_space_unknown(space, -errno, "%s", strerror(errno));
	rc = find(&fs);
	close(fs.fd);
	free(fs.chunks);
	return rc;
}
