// SPDX-License-Identifier: GPL-2.0-only
/*
 * exposed.c - tests of the units of exposed shadows.
 */
#include "../shadowadm/exposed.h"
#include "test.h"

static void unit_is(const char *directory, const char *wanted)
{
	char unit[NAME_MAX + 1] = "";

	CHECK(exposed_unit_name(directory, unit), directory);
	CHECK_STRING(unit, wanted, "the name of its unit");
}

/* As "systemd-escape --path --suffix=mount" has them. */
void test_exposed(void)
{
	char unit[NAME_MAX + 1], path[PATH_MAX];

	unit_is("/srv", "srv.mount");
	unit_is("/srv/old", "srv-old.mount");
	unit_is("/srv//old/", "srv-old.mount");
	unit_is("/srv/a-b c", "srv-a\\x2db\\x20c.mount");
	unit_is("/.old/.x", "\\x2eold-.x.mount");
	unit_is("/srv/:_1%", "srv-:_1\\x25.mount");
	unit_is("/\xc3\xa4", "\\xc3\\xa4.mount");
	CHECK(!exposed_unit_name("/", unit), "the root has none");
	memset(path, 'x', 249);
	path[0] = '/';
	path[249] = '\0';
	CHECK(exposed_unit_name(path, unit) && strlen(unit) == 254, "a long one");
	strcpy(path + 249, "-----");
	CHECK(!exposed_unit_name(path, unit), "one that is too long");
}
