// SPDX-License-Identifier: GPL-2.0-only
/*
 * stream_send.c - sends what a volume has: a few threads read ahead, others make records of what
 * was read, and the caller's own writes these in order.
 *
 * Between them is a ring of slots.  Who reads takes the next one and the next chunk at once, so
 * chunks are in the ring in their order; a slot is empty, being read, read, being packed, or ready,
 * and empty again when it was written.  One lock protects the states; nobody holds it while he
 * reads, packs or writes.  Only what is to be sent is asked for under it, as that is one walk.
 *
 * The first error stops all, and the stream gets no end.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "stream.h"

#define READERS		4		/* requests that the disk has at a time */
#define MEMORY_MAX	(256U << 20)
#define SLOTS_MIN	(READERS + 1)
#define THREADS_MAX	64
#define ALIGNMENT	4096		/* for reading past the page cache */

enum slot_state { SLOT_EMPTY, SLOT_READING, SLOT_READ, SLOT_PACKING, SLOT_READY };

struct slot {
	enum slot_state state;
	struct send_run run;
	uint8_t *data, *packed;
	struct stream_piece *pieces;
	size_t count;
};

struct sending {
	const struct send_source *source;
	const struct send_options *options;
	struct send_result *result;
	uint64_t from;			/* what lies before is not sent */

	pthread_mutex_t lock;
	pthread_cond_t changed;		/* a slot, @ended or @failed */
	struct slot *slots;
	size_t count;
	uint64_t head, tail;		/* slots taken so far, and written */
	struct send_run rest;		/* of the run that is being cut in chunks */
	bool ended;			/* nothing more is to be read */
	bool failed;
	uint64_t bytes_read;
};

static struct slot *slot_of(struct sending *sending, uint64_t number)
{
	return &sending->slots[number % sending->count];
}

/* Locked. */
static void fail_locked(struct sending *sending, enum send_phase phase, int error, uint64_t offset)
{
	if (!sending->failed) {
		sending->failed = true;
		sending->result->phase = phase;
		sending->result->error = error;
		sending->result->offset = offset;
	}
	pthread_cond_broadcast(&sending->changed);
}

/* --- reading ----------------------------------------------------------------------------- */

/* Cut off what was sent already. */
static void clip(struct send_run *run, uint64_t from)
{
	uint64_t cut = run->offset < from ? from - run->offset : 0;

	if (cut > run->length)
		cut = run->length;
	run->offset += cut;
	run->length -= cut;
}

/* The next chunk, or hole however long.  1, 0 at the end, or a negative errno.  Locked. */
static int next_chunk(struct sending *sending, struct send_run *chunk)
{
	struct send_run *rest = &sending->rest;
	int rc;

	while (!rest->length) {
		rc = sending->source->next(sending->source->arg, rest);
		if (rc <= 0)
			return rc;
		clip(rest, sending->from);
	}
	*chunk = *rest;
	/* Ends are where they would be if all was one run: zeros are looked for in units. */
	if (!rest->hole && rest->length > sending->options->chunk - rest->offset %
				sending->options->chunk)
		chunk->length = sending->options->chunk - rest->offset % sending->options->chunk;
	rest->offset += chunk->length;
	rest->length -= chunk->length;
	return 1;
}

/* Take the next slot and what is to be read into it; NULL: that was all.  Locked. */
static struct slot *take_slot(struct sending *sending)
{
	struct slot *slot;
	int rc;

	while (!sending->failed && !sending->ended &&
	       sending->head - sending->tail == sending->count)
		pthread_cond_wait(&sending->changed, &sending->lock);
	if (sending->failed || sending->ended)
		return NULL;
	slot = slot_of(sending, sending->head);
	rc = next_chunk(sending, &slot->run);
	if (rc <= 0) {
		sending->ended = true;
		if (rc < 0)
			fail_locked(sending, SEND_RUNS, rc, 0);
		pthread_cond_broadcast(&sending->changed);
		return NULL;
	}
	sending->head++;
	slot->state = SLOT_READING;
	return slot;
}

static void hole_is_ready(struct slot *slot)
{
	slot->pieces[0] = (struct stream_piece){
		.type = STREAM_HOLE, .offset = slot->run.offset, .length = slot->run.length,
	};
	slot->count = 1;
	slot->state = SLOT_READY;
}

static void *read_slots(void *arg)
{
	struct sending *sending = arg;
	struct slot *slot;
	int rc;

	pthread_mutex_lock(&sending->lock);
	while ((slot = take_slot(sending))) {
		if (slot->run.hole) {
			hole_is_ready(slot);
			pthread_cond_broadcast(&sending->changed);
			continue;
		}
		pthread_mutex_unlock(&sending->lock);
		rc = sending->source->read(sending->source->arg, slot->data, slot->run.length,
					   slot->run.offset);
		pthread_mutex_lock(&sending->lock);
		if (rc) {
			fail_locked(sending, SEND_READ, rc, slot->run.offset);
			break;
		}
		sending->bytes_read += slot->run.length;
		slot->state = SLOT_READ;
		pthread_cond_broadcast(&sending->changed);
	}
	pthread_mutex_unlock(&sending->lock);
	return NULL;
}

/* --- packing ----------------------------------------------------------------------------- */

/* The oldest slot that was read; NULL: there will be none.  Locked. */
static struct slot *wait_for_read(struct sending *sending)
{
	uint64_t number;
	bool reading;

	while (!sending->failed) {
		reading = !sending->ended;
		for (number = sending->tail; number < sending->head; number++) {
			struct slot *slot = slot_of(sending, number);

			if (slot->state == SLOT_READ)
				return slot;
			reading |= slot->state == SLOT_READING;
		}
		if (!reading)
			break;
		pthread_cond_wait(&sending->changed, &sending->lock);
	}
	return NULL;
}

static void *pack_slots(void *arg)
{
	struct sending *sending = arg;
	struct stream_packer *packer = stream_packer_new(sending->options->level);
	struct slot *slot;

	pthread_mutex_lock(&sending->lock);
	if (!packer)
		fail_locked(sending, SEND_MEMORY, -ENOMEM, 0);
	while ((slot = wait_for_read(sending))) {
		slot->state = SLOT_PACKING;
		pthread_mutex_unlock(&sending->lock);
		slot->count = stream_pack(packer, slot->data, slot->run.offset, slot->run.length,
					  slot->packed, slot->pieces);
		pthread_mutex_lock(&sending->lock);
		slot->state = SLOT_READY;
		pthread_cond_broadcast(&sending->changed);
	}
	pthread_mutex_unlock(&sending->lock);
	stream_packer_free(packer);
	return NULL;
}

/* --- writing ----------------------------------------------------------------------------- */

/* The next slot in order; NULL: there is none, or all has failed.  Locked. */
static struct slot *wait_for_ready(struct sending *sending)
{
	while (!sending->failed) {
		struct slot *slot = slot_of(sending, sending->tail);

		if (sending->tail < sending->head && slot->state == SLOT_READY)
			return slot;
		if (sending->ended && sending->tail == sending->head)
			break;
		pthread_cond_wait(&sending->changed, &sending->lock);
	}
	return NULL;
}

static int write_pieces(struct stream_writer *writer, const struct slot *slot)
{
	size_t i;
	int rc = 0;

	for (i = 0; !rc && i < slot->count; i++)
		rc = stream_writer_piece(writer, &slot->pieces[i]);
	return rc;
}

static void write_slots(struct sending *sending, struct stream_writer *writer,
			send_progress_fn *progress, void *progress_arg)
{
	uint64_t bytes_read;
	struct slot *slot;
	bool failed;
	int rc;

	pthread_mutex_lock(&sending->lock);
	while ((slot = wait_for_ready(sending))) {
		bytes_read = sending->bytes_read;
		pthread_mutex_unlock(&sending->lock);
		rc = write_pieces(writer, slot);
		if (progress)
			progress(progress_arg, bytes_read, writer->bytes);
		pthread_mutex_lock(&sending->lock);
		slot->state = SLOT_EMPTY;
		sending->tail++;
		if (rc)
			fail_locked(sending, SEND_WRITE, rc, 0);
		pthread_cond_broadcast(&sending->changed);
	}
	failed = sending->failed;
	pthread_mutex_unlock(&sending->lock);
	if (failed)
		return;
	rc = stream_writer_end(writer);
	if (rc) {
		sending->result->phase = SEND_WRITE;
		sending->result->error = rc;
	}
}

/* --- all of it --------------------------------------------------------------------------- */

static bool make_slots(struct sending *sending, unsigned int packers)
{
	uint32_t chunk = sending->options->chunk;
	size_t count = READERS + 2 * packers + 2, most = MEMORY_MAX / 2 / chunk;
	size_t i;

	if (count > most)
		count = most;
	if (count < SLOTS_MIN)
		count = SLOTS_MIN;
	sending->slots = calloc(count, sizeof(*sending->slots));
	if (!sending->slots)
		return false;
	sending->count = count;
	for (i = 0; i < count; i++) {
		struct slot *slot = &sending->slots[i];

		slot->data = aligned_alloc(ALIGNMENT, chunk);
		slot->packed = malloc(chunk);
		slot->pieces = calloc(STREAM_PIECES_MAX(chunk), sizeof(*slot->pieces));
		if (!slot->data || !slot->packed || !slot->pieces)
			return false;
	}
	return true;
}

static void free_slots(struct sending *sending)
{
	size_t i;

	for (i = 0; i < sending->count; i++) {
		free(sending->slots[i].data);
		free(sending->slots[i].packed);
		free(sending->slots[i].pieces);
	}
	free(sending->slots);
}

enum send_phase stream_send(const struct stream_info *info, const struct send_source *source,
			    const struct send_options *options, stream_write_fn *write, void *arg,
			    send_progress_fn *progress, void *progress_arg,
			    struct send_result *result)
{
	unsigned int packers = options->threads < THREADS_MAX ? options->threads : THREADS_MAX;
	struct sending sending = {
		.source = source, .options = options, .result = result, .from = info->from.offset,
		.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER,
	};
	pthread_t threads[READERS + THREADS_MAX];
	struct stream_writer writer;
	size_t running = 0;
	int rc = 0;

	*result = (struct send_result){ .phase = SEND_DONE };
	if (!make_slots(&sending, packers))
		rc = -ENOMEM;
	for (; !rc && running < READERS + packers; running += !rc)
		rc = -pthread_create(&threads[running], NULL,
				     running < READERS ? read_slots : pack_slots, &sending);
	if (rc) {
		pthread_mutex_lock(&sending.lock);
		fail_locked(&sending, SEND_MEMORY, rc, 0);
		pthread_mutex_unlock(&sending.lock);
	}
	rc = stream_writer_begin(&writer, info, write, arg);
	if (rc) {
		pthread_mutex_lock(&sending.lock);
		fail_locked(&sending, SEND_WRITE, rc, 0);
		pthread_mutex_unlock(&sending.lock);
	}
	write_slots(&sending, &writer, progress, progress_arg);
	while (running)
		pthread_join(threads[--running], NULL);
	free_slots(&sending);
	result->bytes_read = sending.bytes_read;
	result->bytes_written = writer.bytes;
	result->point = writer.point;
	return result->phase;
}
