// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * wipe.c - makes a device forget what was on it, and remember it again.
 *
 * Only the signatures are overwritten, all that libblkid finds, as wipefs does: the
 * module zeroes the head of a store, but some are at the end of a device.  What is
 * overwritten, by either, is kept in memory, so that it can be put back when the device
 * is not to be a store after all.
 */
#include <blkid.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "private.h"

#define PIECES_STEP	64
#define PIECES_MAX	4096	/* a ZFS pool has some hundreds */
#define SIGNATURE_BYTES	4096	/* kept around each: more than the longest one */
#define RELEASE_MS	5000	/* how long a look at the device by udev may take */

struct piece {
	uint64_t offset;
	size_t length;
	unsigned char *bytes;
};

struct sc_wiped {
	size_t count;
	struct piece *pieces;	/* the first one is the head */
};

/* Room for one more. */
static int more_pieces(struct sc_wiped *wiped)
{
	struct piece *pieces;

	if (wiped->count % PIECES_STEP)
		return 0;
	if (wiped->count == PIECES_MAX)
		return -E2BIG;
	pieces = reallocarray(wiped->pieces, wiped->count + PIECES_STEP, sizeof(*pieces));
	if (!pieces)
		return -ENOMEM;
	wiped->pieces = pieces;
	return 0;
}

/* Return: how many bytes were read, fewer only where the device ends; or a negative errno. */
static ssize_t read_at(int fd, uint64_t offset, unsigned char *bytes, size_t length)
{
	size_t done = 0;
	ssize_t got;

	do {
		got = pread(fd, bytes + done, length - done, offset + done);
		if (got < 0)
			return -errno;
		done += got;
	} while (got && done < length);
	return done;
}

static int remember(struct sc_wiped *wiped, int fd, uint64_t offset, size_t length)
{
	struct piece piece = { .offset = offset };
	int rc = more_pieces(wiped);
	ssize_t got;

	if (rc)
		return rc;
	piece.bytes = malloc(length);
	if (!piece.bytes)
		return -ENOMEM;
	got = read_at(fd, offset, piece.bytes, length);
	if (got < 0) {
		free(piece.bytes);
		return got;
	}
	piece.length = got;
	wiped->pieces[wiped->count++] = piece;
	return 0;
}

static int put_back(const struct piece *piece, int fd)
{
	ssize_t length = piece->length;
	unsigned char *now;
	bool same;

	if (pwrite(fd, piece->bytes, length, piece->offset) == length)
		return 0;
	/* Where nobody can write, as to what is set read-only, nobody has. */
	now = malloc(length);
	same = now && read_at(fd, piece->offset, now, length) == length &&
	       !memcmp(now, piece->bytes, length);
	free(now);
	return same ? 0 : -EIO;
}

/* Where the signature is that was found.  False: libblkid does not tell. */
static bool offset_of(blkid_probe probe, uint64_t *offset)
{
	const char *text;

	if (blkid_probe_lookup_value(probe, "SBMAGIC_OFFSET", &text, NULL) &&
	    blkid_probe_lookup_value(probe, "PTMAGIC_OFFSET", &text, NULL))
		return false;
	*offset = strtoull(text, NULL, 10);
	return true;
}

static int wipe(blkid_probe probe, int fd, struct sc_wiped *wiped)
{
	uint64_t offset;
	int rc = 0;

	blkid_probe_enable_superblocks(probe, 1);
	blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_MAGIC | BLKID_SUBLKS_BADCSUM);
	blkid_probe_enable_partitions(probe, 1);
	blkid_probe_set_partitions_flags(probe, BLKID_PARTS_MAGIC | BLKID_PARTS_FORCE_GPT);
	while (!rc && !blkid_do_probe(probe)) {
		if (offset_of(probe, &offset))
			rc = remember(wiped, fd, offset, SIGNATURE_BYTES);
		if (!rc && blkid_do_wipe(probe, 0))
			rc = -EIO;
	}
	return rc ? rc : fsync(fd) < 0 ? -errno : 0;
}

int sc_wipe(struct shadowcopy *sc, struct shadow_dev dev, bool signatures,
	    struct sc_wiped **wipedp)
{
	struct shadowcopy_volume volume;
	struct sc_wiped *wiped;
	blkid_probe probe = NULL;
	int fd, rc;

	*wipedp = NULL;
	if (sc->sysroot)
		return 0;
	shadowcopy_describe(sc, dev, &volume);
	fd = open(volume.path, O_RDWR | O_EXCL | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	wiped = calloc(1, sizeof(*wiped));
	rc = wiped ? remember(wiped, fd, 0, SC_HEAD) : -ENOMEM;
	if (!rc && signatures) {
		probe = blkid_new_probe();
		rc = probe && !blkid_probe_set_device(probe, fd, 0, 0) ?
		     wipe(probe, fd, wiped) : -EIO;
	}
	if (probe)
		blkid_free_probe(probe);
	close(fd);
	*wipedp = wiped;
	if (rc)
		sc_unwipe(sc, dev, wipedp);
	return rc;
}

/* Nobody else may have the device: what the module or another has is not ours any more. */
static int open_again(struct shadowcopy *sc, struct shadow_dev dev)
{
	struct timespec moment = { .tv_nsec = 100 * 1000 * 1000 };
	struct shadowcopy_volume volume;
	int fd, waited;

	shadowcopy_describe(sc, dev, &volume);
	for (waited = 0; ; waited += 100) {
		fd = open(volume.path, O_RDWR | O_EXCL | O_CLOEXEC);
		if (fd >= 0 || errno != EBUSY || waited >= RELEASE_MS)
			return fd;
		nanosleep(&moment, NULL);
	}
}

int sc_unwipe(struct shadowcopy *sc, struct shadow_dev dev, struct sc_wiped **wipedp)
{
	struct sc_wiped *wiped = *wipedp;
	int fd, rc = 0;

	if (!wiped)
		return 0;
	fd = open_again(sc, dev);
	if (fd < 0)
		rc = -errno;
	/* From the last one on: where two overlap, the first has what was there. */
	for (size_t i = wiped->count; fd >= 0 && i--; )
		if (put_back(&wiped->pieces[i], fd))
			rc = -EIO;	/* the others all the same */
	if (fd >= 0 && fsync(fd) < 0)
		rc = -EIO;
	if (fd >= 0)
		close(fd);
	sc_wiped_free(wipedp);
	return rc;
}

void sc_wiped_free(struct sc_wiped **wipedp)
{
	struct sc_wiped *wiped = *wipedp;

	for (size_t i = 0; wiped && i < wiped->count; i++)
		free(wiped->pieces[i].bytes);
	if (wiped)
		free(wiped->pieces);
	free(wiped);
	*wipedp = NULL;
}
