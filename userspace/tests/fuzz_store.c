// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_store.c - what looks at durable stores, fed by libFuzzer.
 *
 * The input is the two headers and the blocks, one after the other: most of the first MiB of a
 * store is nothing, and what is behind the input is zeros; so the beginning of a larger store will
 * do.  It is looked at twice, the second time with right checksums, and numbers of chunks, which no
 * fuzzer finds.
 */
#include <stdlib.h>
#include <string.h>

#include "../shadowadm/durable.h"
#include "image.h"

#define STORE_BYTES	(64 << 20)
#define HEADERS_BYTES	((size_t)SHADOW_DISK_HEADERS * SHADOW_DISK_BLOCK)

struct input {
	u8 *bytes;
	size_t size;
};

static void must(bool good)
{
	if (!good)
		__builtin_trap();
}

static void copy(const struct input *input, u64 from, u8 *to, size_t length)
{
	size_t have = from < input->size ? input->size - from : 0;

	memset(to, 0, length);
	memcpy(to, input->bytes + (have ? from : 0), have < length ? have : length);
}

static int read_input(void *arg, uint64_t offset, void *buf, size_t length)
{
	if (offset >= SHADOW_DISK_HEAD)
		copy(arg, HEADERS_BYTES + offset - SHADOW_DISK_HEAD, buf, length);
	else
		copy(arg, offset / SHADOW_DISK_HEADER_STEP * SHADOW_DISK_BLOCK, buf, length);
	return 0;
}

static void tell(void *arg, const struct durable_place *place, const char *text)
{
	(void)arg;
	must(place->entry && (place->saved || place->entry <= SHADOW_DISK_LOG_ENTRIES) &&
	     strlen(text) > 5);
}

static void try(struct input *input)
{
	struct durable_source source = {
		.read = read_input, .arg = input, .bytes = STORE_BYTES, .with_saved = true,
	};
	struct durable d;
	size_t i;

	durable_check(&source, tell, NULL, &d);
	must(!d.problem == (d.verdict == DURABLE_SOUND));
	if (d.verdict == DURABLE_SOUND)
		must(d.records_bytes + d.log.bytes + d.dump.bytes <= d.bytes && d.counts >= 0);
	for (i = 1; i < d.count; i++)
		must(d.shadows[i - 1].epoch < d.shadows[i].epoch);
	must(!d.saved.problem == (d.saved.state != DURABLE_SAVED_DAMAGED));
	must(d.saved.bases <= d.saved.count && d.saved.bytes <= d.bytes);
	durable_clear(&d);
}

/* The chunks that this header names. */
static void seal_saved(const struct input *input, const struct shadow_disk_header *h)
{
	u64 loc = le64_to_cpu(h->saved_loc), seq;
	u32 blocks = le32_to_cpu(h->saved_blocks);
	struct shadow_disk_saved *chunk;
	size_t at;

	for (seq = 1; seq < 20 && blocks && blocks <= SHADOW_DISK_SAVED_BLOCKS; seq++) {
		at = HEADERS_BYTES + loc * SHADOW_DISK_BLOCK;
		if (loc >= input->size || at + (size_t)blocks * SHADOW_DISK_BLOCK > input->size)
			break;
		chunk = (void *)(input->bytes + at);
		chunk->id = h->saved_id;
		chunk->seq = cpu_to_le64(seq);
		shadow_saved_seal(chunk, blocks);
		loc = le64_to_cpu(chunk->next_loc);
		blocks = le32_to_cpu(chunk->next_blocks);
	}
}

static void seal(struct input *input)
{
	size_t at;

	for (at = 0; at + SHADOW_DISK_BLOCK <= input->size; at += SHADOW_DISK_BLOCK)
		if (at < HEADERS_BYTES)
			shadow_header_seal((void *)(input->bytes + at));
		else
			shadow_log_seal((void *)(input->bytes + at));
	for (at = 0; at < HEADERS_BYTES && at + SHADOW_DISK_BLOCK <= input->size;
	     at += SHADOW_DISK_BLOCK)
		seal_saved(input, (void *)(input->bytes + at));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { .bytes = malloc(size + 1), .size = size };

	must(input.bytes);
	memcpy(input.bytes, data, size);
	try(&input);
	seal(&input);
	try(&input);
	free(input.bytes);
	return 0;
}
