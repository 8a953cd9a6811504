// SPDX-License-Identifier: GPL-2.0-only
/*
 * text.c - what writers and others say, made fit for JSON: valid UTF-8 as RFC 3629 has
 * it, and nothing that moves a cursor.
 */
#include "shadowd.h"

void text_clean(char *text)
{
	unsigned char *at = (unsigned char *)text;
	size_t length, i;

	while (*at) {
		if (*at < 0x80) {
			if (*at < ' ' || *at == 0x7f)
				*at = '?';
			at++;
			continue;
		}
		length = *at >= 0xc2 && *at < 0xe0 ? 2 : *at >= 0xe0 && *at < 0xf0 ? 3 :
			 *at >= 0xf0 && *at < 0xf5 ? 4 : 0;
		for (i = 1; i < length && (at[i] & 0xc0) == 0x80; i++)
			;
		/* overlong ones, surrogates, and what is above U+10FFFF */
		if (!length || i < length || (*at == 0xe0 && at[1] < 0xa0) ||
		    (*at == 0xed && at[1] > 0x9f) || (*at == 0xf0 && at[1] < 0x90) ||
		    (*at == 0xf4 && at[1] > 0x8f)) {
			*at++ = '?';
			continue;
		}
		at += length;
	}
}
