// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * writer.c - "writer DIRECTORY", for data that is changed under "flock -s DIRECTORY ..." only
 */
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>
#include <libshadowcopy-writer.h>

static struct shadowcopy *sc;
static int dir;
static struct shadow_uuid holder, none;		/* the session that has the data at rest */

static int identify(struct shadowcopy_writer_event *event, void *path)
{
	struct shadowcopy_metadata *own;
	struct shadowcopy_component *data;

	return shadowcopy_writer_event_metadata(event, &own) ?:
	       shadowcopy_metadata_set_usage(sc, own, SHADOWCOPY_USAGE_USER_DATA,
					     SHADOWCOPY_SOURCE_OTHER) ?:
	       shadowcopy_metadata_set_restore(sc, own, SHADOWCOPY_RESTORE_IF_CAN_REPLACE, NULL,
					       SHADOWCOPY_PARTICIPATION_ALWAYS, false) ?:
	       shadowcopy_metadata_add_component(sc, own, SHADOWCOPY_COMPONENT_FILE_GROUP, NULL,
						 "Data", NULL, true, true, 0, &data) ?:
	       shadowcopy_component_add_files(sc, data, path, "*", true, NULL,
					      SHADOWCOPY_NEEDED_DEFAULT);
}

static int told(struct shadowcopy_writer_event *event, void *path)
{
	uint32_t tell = shadowcopy_writer_event_tell(event), tries = 0;

	printf("%s: %s\n", (char *)path, shadowcopy_tell_name(tell));
	if (tell == SHADOW_NL_TELL_PREPARE_SNAPSHOT) {
		sync();		/* the long part, while the application goes on */
	} else if (tell == SHADOW_NL_TELL_FREEZE || tell == SHADOW_NL_TELL_PRE_RESTORE) {
		while (!shadowcopy_uuid_equal(&holder, &none) || flock(dir, LOCK_EX | LOCK_NB))
			if (usleep(100000) || ++tries == 50)	/* a freeze has ten seconds */
				return shadowcopy_writer_event_fail(event, SHADOW_NL_STATUS_TIMEOUT,
								    0, "in use: %s", (char *)path);
		holder = *shadowcopy_writer_event_session(event);
	} else if (shadowcopy_uuid_equal(&holder, shadowcopy_writer_event_session(event))) {
		flock(dir, LOCK_UN);	/* thawed, aborted, or over; sessions overlap */
		holder = none;
	}
	return 0;
}

int main(int argc, char **argv)
{
	const struct shadowcopy_writer_ops ops = {
		.identify = identify, .prepare_snapshot = told, .freeze = told, .thaw = told,
		.abort = told, .pre_restore = told, .post_restore = told, .backup_shutdown = told,
	};
	struct shadowcopy_writer_spec spec = { .name = "Example" };
	struct shadowcopy_writer *writer;

	shadowcopy_uuid_parse("6bb0cc61-3a0e-4c7a-b8a5-0d3e8f1c2a97", &spec.class_id);
	dir = open(argc > 1 ? argv[1] : "", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	sc = shadowcopy_new();
	if (dir >= 0 && !shadowcopy_writer_open(sc, &spec, &ops, argv[1], &writer))
		while (shadowcopy_writer_wait(writer, -1) >= 0)
			fflush(stdout);
	fprintf(stderr, "%s\n", dir < 0 ? "usage: writer DIR" : shadowcopy_last_error(sc)->text);
	return 1;
}
