/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * program.h - the program that a command of ours is to run.
 */
#ifndef SHADOWADM_PROGRAM_H
#define SHADOWADM_PROGRAM_H

#include "shadowadm.h"

/* As shells tell it. */
enum {
	PROGRAM_NOT_EXECUTABLE = 126,
	PROGRAM_NOT_FOUND = 127,
};

/*
 * Is there one, as execvp() would look for it?  0, or PROGRAM_*, with *@why a part of a sentence.
 */
int program_check(const char *name, const char **why);

#endif /* SHADOWADM_PROGRAM_H */
