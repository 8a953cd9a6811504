// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * crc32c.c - CRC-32C: by the processor's own instruction where it has one, else half a byte at a
 * time, which is fast enough for the log of a store, and small.
 */
#include <string.h>

#include "crc32c.h"

/* Of the numbers 0 to 15, by the polynomial 0x1edc6f41, lowest bit first. */
static const uint32_t table[16] = {
	0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362,
	0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab,
	0xe330a81a, 0xf36e6f75,
};

static uint32_t by_table(uint32_t crc, const unsigned char *p, size_t length)
{
	while (length--) {
		crc ^= *p++;
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return crc;
}

#ifdef __x86_64__
__attribute__((target("sse4.2")))
static uint32_t by_instruction(uint32_t crc, const unsigned char *p, size_t length)
{
	uint64_t word;

	for (; length >= sizeof(word); length -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		crc = __builtin_ia32_crc32di(crc, word);
	}
	while (length--)
		crc = __builtin_ia32_crc32qi(crc, *p++);
	return crc;
}

static int has_instruction(void)
{
	return __builtin_cpu_supports("sse4.2");
}
#else
#define by_instruction by_table
#define has_instruction() 0
#endif

uint32_t sc_crc32c(uint32_t crc, const void *data, size_t length)
{
	return has_instruction() ? by_instruction(crc, data, length) : by_table(crc, data, length);
}
