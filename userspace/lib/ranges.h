/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ranges.h - parts of files (VSS F-40), private to the library.
 */
#ifndef SHADOWCOPY_RANGES_H
#define SHADOWCOPY_RANGES_H

#include "private.h"

#define SC_RANGES_MAX	65536	/* in a document; a file may have more */

/* What is wrong with "offset:length,...", or NULL. */
const char *sc_ranges_fault(const char *text);

/*
 * What is wrong with two lists of ranges that belong together, or NULL; nothing is said
 * of files with ranges.
 */
const char *sc_ranges_pair_fault(const char *source, const char *destination);

#endif /* SHADOWCOPY_RANGES_H */
