/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stream.h - streams that shadows are sent in: the format, its reader and its writer.
 *
 * Documentation/stream-format.rst has the format in words.  A stream is a header and records;
 * each record has a head of fixed size, and those with data the data behind it.  A *point* is how
 * far a transfer has come; it can go on from there in another stream.
 */
#ifndef SHADOWADM_STREAM_H
#define SHADOWADM_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <linux/shadow.h>
#include <linux/types.h>

/* --- on the wire ------------------------------------------------------------------------- */

#define STREAM_MAGIC		"shadowcopystream"	/* without its NUL */
#define STREAM_RECORD_MAGIC	"sRec"
#define STREAM_VERSION		1
#define STREAM_BLOCK		4096
#define STREAM_CHUNK_MIN	STREAM_BLOCK
#define STREAM_CHUNK_MAX	(16U << 20)
#define STREAM_SUM		32	/* SHA-256 */
#define STREAM_BYTES_MAX	(1ULL << 62)

/* Bits of incompat. */
#define STREAM_INCOMPAT_RESUMED	(1U << 0)	/* it begins in the middle of a transfer */

struct stream_disk_point {
	__le64	offset;
	__le64	records;
	__le64	data_bytes;
	__le64	hole_bytes;
	__u8	sum[STREAM_SUM];
} __attribute__((packed));

struct stream_disk_header {
	__u8	magic[16];
	__le32	crc;
	__le32	version;
	__le32	compat;
	__le32	ro_compat;
	__le32	incompat;
	__le32	flags;
	__le32	block_size;
	__le32	chunk_max;
	__u8	stream[16];
	__u8	shadow[16];
	__u8	set[16];
	__u8	base[16];
	__u8	generation[16];
	__le64	bytes;
	__le64	base_bytes;
	__le64	created_ns;
	__le64	sent_ns;
	__le64	id;
	struct stream_disk_point from;
	__le64	reserved0;
	__u8	volume[64];
	__u8	label[128];
	__u8	reserved[80];
} __attribute__((packed));

enum stream_type {
	STREAM_DATA		= 1,
	STREAM_HOLE		= 2,
	STREAM_CHECKPOINT	= 3,
	STREAM_END		= 4,
	STREAM_OPTIONAL		= 0x8000,	/* from here on: can be passed over */
};

enum stream_encoding {
	STREAM_RAW	= 0,
	STREAM_ZSTD	= 1,
};

struct stream_disk_record {
	__u8	magic[4];
	__le32	crc;
	__le32	type;
	__le32	encoding;
	__le64	id;
	__le64	seq;
	__le64	offset;
	__le64	length;
	__le32	payload;
	__le32	payload_crc;
	__le64	reserved0;
	__u8	sum[STREAM_SUM];
	__le64	records;
	__le64	data_bytes;
	__le64	hole_bytes;
	__le64	reserved1;
} __attribute__((packed));

_Static_assert(sizeof(struct stream_disk_header) == 512, "the format's");
_Static_assert(sizeof(struct stream_disk_record) == 128, "the format's");

/* --- in memory --------------------------------------------------------------------------- */

/* How far a transfer has come: all before @offset is described. */
struct stream_point {
	uint64_t offset;
	uint64_t records;
	uint64_t data_bytes;
	uint64_t hole_bytes;
	uint8_t sum[STREAM_SUM];
};

/* What a header says. */
struct stream_info {
	struct shadow_uuid stream;
	struct shadow_uuid shadow;
	struct shadow_uuid set;
	struct shadow_uuid base;		/* all zero: there is none */
	struct shadow_uuid generation;
	uint64_t bytes;
	uint64_t base_bytes;
	int64_t created_ns;
	int64_t sent_ns;
	uint64_t id;
	uint32_t chunk_max;
	bool resumed;
	struct stream_point from;		/* where it begins */
	char volume[64];
	char label[128];
};

/* A record as the reader gives it. */
struct stream_record {
	enum stream_type type;
	uint64_t offset;
	uint64_t length;
	const uint8_t *data;		/* of STREAM_DATA; until the next one is read */
	uint8_t sum[STREAM_SUM];	/* of the data */
};

static inline bool stream_is_incremental(const struct stream_info *info)
{
	static const struct shadow_uuid none;

	return __builtin_memcmp(&info->base, &none, sizeof(none));
}

/* --- stream_format.c: bytes and what they mean ------------------------------------------- */

enum stream_verdict {
	STREAM_SOUND,
	STREAM_FOREIGN,		/* no stream at all */
	STREAM_NEWER,		/* of a version or with a feature that is not known */
	STREAM_DAMAGED,
	STREAM_CUT,		/* ends before its end */
	STREAM_TRAILING,	/* something follows its end */
	STREAM_UNREADABLE,	/* reading it failed */
	STREAM_NO_MEMORY,
};

/* The point at which a transfer begins that is no continuation. */
void stream_begin(const struct stream_info *info, struct stream_point *point);

/* Go on with a record of data or of a hole; @sum is that of the data, NULL for a hole. */
void stream_advance(struct stream_point *point, enum stream_type type, uint64_t offset,
		    uint64_t length, const uint8_t *sum);

bool stream_point_equal(const struct stream_point *a, const struct stream_point *b);

void stream_sum(const void *data, size_t length, uint8_t sum[STREAM_SUM]);
uint32_t stream_crc(const void *data, size_t length);

/* With the right checksum in it. */
void stream_header_encode(const struct stream_info *info, struct stream_disk_header *header);

/* @problem: out: what is wrong with it, a part of a sentence. */
enum stream_verdict stream_header_decode(const struct stream_disk_header *header,
					 struct stream_info *info, const char **problem);

/* Put the right checksums in; for tests, too. */
void stream_header_seal(struct stream_disk_header *header);
void stream_record_seal(struct stream_disk_record *record);

/* Can a transfer of this stream be at this point? */
bool stream_point_is_possible(const struct stream_info *info, const struct stream_point *point);

/* --- stream_read.c: a stream that others have written ------------------------------------ */

struct stream_reader;

/* Bytes that were read, 0 at the end, or a negative errno. */
typedef ssize_t stream_read_fn(void *arg, void *buf, size_t length);

/*
 * Reads the header.  Memory is bounded by the size of a chunk, whatever is read.  @readerp: out:
 * NULL only where memory is short; to be closed even if it is refused.
 */
enum stream_verdict stream_reader_open(stream_read_fn *read, void *arg,
				       struct stream_reader **readerp);
void stream_reader_close(struct stream_reader *reader);

const struct stream_info *stream_reader_info(const struct stream_reader *reader);

/*
 * The next record of data, a hole, or a checkpoint; all that it says has been checked.
 *
 * Return: 1 with @record filled, 0: that was all, it is whole, and nothing follows, or -1: see
 * stream_reader_verdict().
 */
int stream_reader_next(struct stream_reader *reader, struct stream_record *record);

/* How far the transfer has come with the last record that was good. */
const struct stream_point *stream_reader_point(const struct stream_reader *reader);

enum stream_verdict stream_reader_verdict(const struct stream_reader *reader);

/* What is wrong, a part of a sentence: "record 7 is damaged (its checksum is wrong)". */
const char *stream_reader_problem(const struct stream_reader *reader);
int stream_reader_errno(const struct stream_reader *reader);
uint64_t stream_reader_bytes(const struct stream_reader *reader);

/* --- stream_pack.c: data becomes records ------------------------------------------------- */

#define STREAM_LEVEL_NONE	INT32_MIN	/* do not compress */

/* A piece of a chunk: what one record is to say. */
struct stream_piece {
	enum stream_type type;
	enum stream_encoding encoding;
	uint64_t offset;
	uint64_t length;
	const uint8_t *payload;
	uint32_t payload_bytes;
	uint32_t payload_crc;
	uint8_t sum[STREAM_SUM];
};

/* Runs of zeros of this length become holes, where they are aligned to it. */
#define STREAM_ZEROS	(64U << 10)
#define STREAM_PIECES_MAX(chunk) ((chunk) / STREAM_ZEROS + 2)

struct stream_packer;

/* One for each thread.  NULL: memory is short. */
struct stream_packer *stream_packer_new(int level);
void stream_packer_free(struct stream_packer *packer);

/*
 * @data: what is at @offset of the volume; @packed: room for as much.  @pieces: room for
 * STREAM_PIECES_MAX() of the length; they point into @data and @packed.  Return: how many.
 */
size_t stream_pack(struct stream_packer *packer, const uint8_t *data, uint64_t offset,
		   size_t length, uint8_t *packed, struct stream_piece *pieces);

/* --- stream_write.c: a stream is written ------------------------------------------------- */

/* All of it, or a negative errno. */
typedef int stream_write_fn(void *arg, struct iovec *parts, int count);

struct stream_writer {
	const struct stream_info *info;
	stream_write_fn *write;
	void *arg;
	struct stream_point point;
	struct stream_point checkpoint;	/* where the last one was */
	uint64_t seq;
	uint64_t bytes;			/* written */
	uint64_t hole_offset;		/* not written yet: more of it may come */
	uint64_t hole_length;
};

/* Each returns 0 or what the callback has. */
int stream_writer_begin(struct stream_writer *writer, const struct stream_info *info,
			stream_write_fn *write, void *arg);
int stream_writer_piece(struct stream_writer *writer, const struct stream_piece *piece);
int stream_writer_end(struct stream_writer *writer);

/* --- stream_send.c: reading, compressing and writing at the same time -------------------- */

/* A run of the volume that is to be sent. */
struct send_run {
	bool hole;
	uint64_t offset;
	uint64_t length;
};

struct send_source {
	int (*next)(void *arg, struct send_run *run);	/* 1, 0 at the end, negative errno */
	int (*read)(void *arg, void *buf, size_t length, uint64_t offset);	/* all, or errno */
	void *arg;
};

struct send_options {
	int level;		/* of zstd, or STREAM_LEVEL_NONE */
	unsigned int threads;	/* that compress */
	uint32_t chunk;
};

enum send_phase {
	SEND_DONE,
	SEND_RUNS,	/* what is to be sent could not be learned */
	SEND_READ,	/* the shadow could not be read */
	SEND_WRITE,	/* the stream could not be written */
	SEND_MEMORY,
};

/* What was done, whether it has succeeded or not. */
struct send_result {
	enum send_phase phase;
	int error;			/* negative errno */
	uint64_t offset;		/* of the volume, with SEND_READ */
	uint64_t bytes_read;
	uint64_t bytes_written;
	struct stream_point point;
};

typedef void send_progress_fn(void *arg, uint64_t bytes_read, uint64_t bytes_written);

/*
 * Send what @source has, from @info->from on.  @progress is called by this thread, now and then.
 * Without an error the stream has its end record.
 */
enum send_phase stream_send(const struct stream_info *info, const struct send_source *source,
			    const struct send_options *options, stream_write_fn *write, void *arg,
			    send_progress_fn *progress, void *progress_arg,
			    struct send_result *result);

/* --- stream_token.c: where to go on, as text --------------------------------------------- */

#define STREAM_TOKEN_LEN	160

struct stream_token {
	struct shadow_uuid shadow;
	struct shadow_uuid base;
	struct stream_point point;
};

char *stream_token_format(const struct stream_token *token, char buf[STREAM_TOKEN_LEN]);

/* False: it is none. */
bool stream_token_parse(const char *text, struct stream_token *token);

#endif /* SHADOWADM_STREAM_H */
