// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * checksum.c - SHA-256, by nettle.
 */
#include <nettle/sha2.h>
#include <nettle/version.h>

#include "document.h"

void sc_sha256(const void *data, size_t size, char text[SC_SHA256_LEN])
{
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx context;
	size_t i;

	sha256_init(&context);
	sha256_update(&context, size, data);
#if NETTLE_VERSION_MAJOR >= 4
	sha256_digest(&context, digest);
#else
	sha256_digest(&context, sizeof(digest), digest);
#endif
	for (i = 0; i < sizeof(digest); i++)
		sprintf(text + 2 * i, "%02x", digest[i]);
}
