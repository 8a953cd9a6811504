/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * options.h - restore options (VSS l.6), private to the library.
 */
#ifndef SHADOWCOPY_OPTIONS_H
#define SHADOWCOPY_OPTIONS_H

#include "private.h"

/* Are these restore options?  0, -EINVAL or -ENOMEM. */
int sc_options_check(struct shadowcopy *sc, const char *text);

#endif /* SHADOWCOPY_OPTIONS_H */
