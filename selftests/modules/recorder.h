/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * recorder.h - what /dev/recorder has, for the module and for who reads it.
 *
 * Records follow each other, in the order in which it all happened; each is a struct record and
 * @more bytes, and begins at a multiple of eight.  Numbers are of the machine's byte order.
 */
#ifndef RECORDER_H
#define RECORDER_H

#include <linux/types.h>

enum record_type {
	RECORD_SUBMIT	= 1,	/* a write, discard or flush goes to the disk; then its sums */
	RECORD_DONE	= 2,	/* ... has ended */
	RECORD_BLOCK	= 3,	/* before its SUBMIT: a block of it that a store has written */
	RECORD_MARK	= 4,	/* then its text, with a NUL */
	RECORD_LOST	= 5,	/* there was no memory for more: the last one */
};

/* Flags of a write. */
#define RECORD_FLUSH	(1 << 0)
#define RECORD_FUA	(1 << 1)
#define RECORD_ERASE	(1 << 2)	/* it has no data of its own: discard, zeroes */
#define RECORD_FAILED	(1 << 3)	/* of DONE */
#define RECORD_UNSTABLE	(1 << 4)	/* of DONE: its data has changed meanwhile */

/**
 * struct record - something that has happened
 * @type: enum record_type
 * @flags: RECORD_* bits
 * @id: of the write
 * @at: where: bytes
 * @bytes: how many
 * @more: bytes that follow this struct: of SUBMIT a CRC-32 for each whole, aligned block
 */
struct record {
	__u32 type;
	__u32 flags;
	__u64 id;
	__u64 at;
	__u32 bytes;
	__u32 more;
};

#endif /* RECORDER_H */
