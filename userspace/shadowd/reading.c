// SPDX-License-Identifier: GPL-2.0-only
/*
 * reading.c - documents that come, read and checked by a thread: one of 16 MiB takes so long
 * that others, who are frozen meanwhile, would notice.
 *
 * What is read is a memfd that its sender can no longer change: anything else could be a
 * file that never ends, or that another machine has.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shadowd.h"

#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

static void refuse(struct reading *reading, int rc, const char *cause, const char *remedy)
{
	reading->rc = rc;
	failure_set(&reading->failure, "INVALIDARG", rc, "document", reading->label, remedy, "%s",
		    cause);
}

static void check(struct reading *reading)
{
	int seals = fcntl(reading->fd, F_GET_SEALS);
	struct stat st;

	if (seals < 0 || (seals & SEALS) != SEALS || fstat(reading->fd, &st) ||
	    lseek(reading->fd, 0, SEEK_SET) < 0)
		refuse(reading, -EINVAL, "it is no memfd that is sealed against writing",
		       "send it as libshadowcopy does");
	else if ((uint64_t)st.st_size > reading->size_max)
		refuse(reading, -EFBIG, "it is too large for this user",
		       "describe files by directories and patterns");
}

static void run(struct work *work)
{
	struct reading *reading = ENTRY(work, struct reading, work);

	check(reading);
	if (reading->rc)
		return;
	if (reading->kind == READING_METADATA)
		reading->rc = shadowcopy_metadata_load_fd(reading->sc, reading->fd, reading->label,
							  0, &reading->metadata);
	else
		reading->rc = shadowcopy_backup_load_fd(reading->sc, reading->fd, reading->label,
							0, &reading->backup);
	if (reading->rc)
		failure_of_document(&reading->failure, reading->sc);
	else if (reading->then)
		reading->then(reading);
}

static void done(struct work *work)
{
	struct reading *reading = ENTRY(work, struct reading, work);

	reading->done(reading);
	shadowcopy_metadata_free(reading->metadata);
	shadowcopy_backup_free(reading->backup);
	shadowcopy_free(reading->sc);
	free(reading->others);
	close(reading->fd);
	free(reading);
}

struct reading *reading_new(enum reading_kind kind, int fd, const char *label)
{
	struct reading *reading = calloc(1, sizeof(*reading));

	if (reading)
		reading->sc = shadowcopy_new();
	if (!reading || !reading->sc) {
		free(reading);
		close(fd);
		return NULL;
	}
	reading->kind = kind;
	reading->fd = fd;
	reading->size_max = SHADOWCOPY_DOCUMENT_SIZE_MAX;
	snprintf(reading->label, sizeof(reading->label), "%s", label);
	return reading;
}

void reading_start(struct reading *reading, uid_t uid)
{
	reading->work.run = run;
	reading->work.done = done;
	work_start_large(&reading->work, uid);
}
