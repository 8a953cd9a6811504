// SPDX-License-Identifier: GPL-2.0-only
/*
 * stream_token.c - where a transfer is to go on, as text that can be copied: base64 of the
 * numbers, with a checksum.
 */
#include <endian.h>
#include <nettle/base64.h>
#include <string.h>

#include "stream.h"

struct packed_token {
	struct shadow_uuid shadow;
	struct shadow_uuid base;
	struct stream_disk_point point;
	__le32 crc;
};

#define PACKED	(offsetof(struct packed_token, crc) + sizeof(__le32))

_Static_assert(BASE64_ENCODE_RAW_LENGTH(PACKED) < STREAM_TOKEN_LEN, "it fits");

static __le32 crc_of(const struct packed_token *packed)
{
	return htole32(stream_crc(packed, offsetof(struct packed_token, crc)));
}

char *stream_token_format(const struct stream_token *token, char buf[STREAM_TOKEN_LEN])
{
	struct packed_token packed = {
		.shadow = token->shadow, .base = token->base,
		.point = {
			.offset = htole64(token->point.offset),
			.records = htole64(token->point.records),
			.data_bytes = htole64(token->point.data_bytes),
			.hole_bytes = htole64(token->point.hole_bytes),
		},
	};

	memcpy(packed.point.sum, token->point.sum, STREAM_SUM);
	packed.crc = crc_of(&packed);
	base64_encode_raw(buf, PACKED, (const uint8_t *)&packed);
	buf[BASE64_ENCODE_RAW_LENGTH(PACKED)] = '\0';
	return buf;
}

bool stream_token_parse(const char *text, struct stream_token *token)
{
	uint8_t bytes[BASE64_DECODE_LENGTH(STREAM_TOKEN_LEN)];
	struct base64_decode_ctx context;
	struct packed_token packed = { 0 };
	size_t length = strlen(text), got = sizeof(bytes);

	if (length != BASE64_ENCODE_RAW_LENGTH(PACKED))
		return false;
	base64_decode_init(&context);
	if (!base64_decode_update(&context, &got, bytes, length, text) ||
	    !base64_decode_final(&context) || got != PACKED)
		return false;
	memcpy(&packed, bytes, PACKED);
	if (packed.crc != crc_of(&packed))
		return false;
	token->shadow = packed.shadow;
	token->base = packed.base;
	token->point = (struct stream_point){
		.offset = le64toh(packed.point.offset),
		.records = le64toh(packed.point.records),
		.data_bytes = le64toh(packed.point.data_bytes),
		.hole_bytes = le64toh(packed.point.hole_bytes),
	};
	memcpy(token->point.sum, packed.point.sum, STREAM_SUM);
	return true;
}
