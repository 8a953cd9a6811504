/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * edit.h - what the test writer does with its part of the session's document.
 */
#ifndef TESTWRITER_EDIT_H
#define TESTWRITER_EDIT_H

#include "libshadowcopy-writer.h"

/* "PROPERTY=TEXT", of all components: 0 or a negative errno, which the library explains. */
int edit_set(struct shadowcopy *sc, struct shadowcopy_backup *backup, const char *text);

/* A line of words with tabs between, see the manual page; @component is for those that follow. */
int edit_line(struct shadowcopy *sc, struct shadowcopy_backup *backup, char *line,
	      const char **component);

/* What the document says into the environment; NULL: there is none. */
void edit_environment(const struct shadowcopy_backup *backup, uint32_t level);

#endif /* TESTWRITER_EDIT_H */
