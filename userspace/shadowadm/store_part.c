// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_part.c - parts of stores that are in use: which one a user means, and changing its
 * size while somebody watches.
 *
 * The module moves what is in the way before its command returns, which can take long.  A
 * thread with a handle of its own shows meanwhile how far it is.  A signal ends the command;
 * one that came just before it began is sent again by the thread.
 */
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "store.h"
#include "stores.h"

#define PAUSE_NS 250000000L

/* --- which part ---------------------------------------------------------------------- */

/* Without the module nothing is in use. */
static bool is_away(int rc)
{
	return rc == -ENOENT || rc == -ENXIO || rc == -ENODEV;
}

static bool is_number(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text);
}

static int find_number(struct context *context, const struct shadowcopy_volume *volume,
		       const char *text, struct store_target *target)
{
	unsigned long number = strtoul(text, NULL, 10);
	struct shadow_store_info info = { 0 };
	int rc;

	while ((rc = shadowcopy_part_next(context->sc, &info)) > 0)
		if (volume && dev_equal(info.volume, volume->dev) && info.part == number) {
			target->part = info;
			target->live = true;
			if (shadowcopy_part_describe(context->sc, &info, &target->store))
				return fail_library(context);
			return STATUS_OK;
		}
	if (rc < 0 && !is_away(rc))
		return fail_library(context);
	return fail(context, "the store of %s has no part %s: \"shadowadm store list\" shows those "
		    "that there are", volume ? volume->path : "*", text);
}

int target_find(struct context *context, const struct shadowcopy_volume *volume,
		const char *text, struct store_target *target)
{
	int rc, status;

	memset(target, 0, sizeof(*target));
	if (is_number(text)) {
		status = find_number(context, volume, text, target);
	} else {
		status = store_parse(context, text, &target->store);
		if (!status && volume) {
			rc = shadowcopy_part_find(context->sc, volume->dev, &target->store,
						  &target->part);
			if (rc && !is_away(rc))
				return fail_library(context);
			target->live = !rc;
		}
	}
	store_label(&target->store, target->name, sizeof(target->name));
	if (!*target->name)	/* its filesystem cannot be seen from here */
		snprintf(target->name, sizeof(target->name), "%s", text);
	return status;
}

int store_in_use(struct context *context, const struct shadowcopy_volume *volume, bool *in_use)
{
	struct shadow_store_info info = { 0 };
	int rc;

	*in_use = false;
	while ((rc = shadowcopy_part_next(context->sc, &info)) > 0)
		if (dev_equal(info.volume, volume->dev))
			*in_use = true;
	return rc && !is_away(rc) ? fail_library(context) : STATUS_OK;
}

ssize_t association_of(struct context *context, struct shadowcopy_stores *stores,
		       const struct shadowcopy_volume *volume, const struct store_target *target)
{
	ssize_t index = association_find(context, stores, volume, &target->store);
	const struct shadowcopy_association *entry;
	struct shadowcopy_store store;
	size_t next = 0;

	/* another directory of the filesystem that the part is on is the same, too */
	while (index < 0 && target->live &&
	       (entry = shadowcopy_stores_next(stores, volume->dev, &next)))
		if (!shadowcopy_store_parse(context->sc, entry->store, &store) &&
		    shadowcopy_part_is(context->sc, &target->part, &store) > 0)
			index = next - 1;
	return index;
}

/* --- changing its size ------------------------------------------------------------------ */

struct watch {
	const struct context *context;
	const struct store_target *target;
	bool clearing;
	bool show;			/* there is a terminal, and nobody asked for silence */
	pthread_t worker;		/* who waits for the module */
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool end;			/* under the lock */
};

static _Atomic int interrupted;	/* lock-free: a handler may set it */

static void interrupt(int signal)
{
	interrupted = signal;
}

static void show(const struct watch *watch, struct shadowcopy *sc)
{
	const struct shadow_store_info *part = &watch->target->part;
	struct shadow_store_info info = { 0 };
	char used[16], all[16];

	while (shadowcopy_part_next(sc, &info) > 0) {
		if (!dev_equal(info.volume, part->volume) || info.part != part->part)
			continue;
		size_format(info.used_bytes, used);
		if (watch->clearing)
			fprintf(stderr, "\r\033[K%s: %s of %s left", watch->target->name, used,
				size_format(part->used_bytes, all));
		else
			fprintf(stderr, "\r\033[K%s: %s in it", watch->target->name, used);
		fflush(stderr);
		return;
	}
}

static void *watch_it(void *data)
{
	struct shadowcopy *sc = shadowcopy_new();
	struct watch *watch = data;
	struct timespec until;

	pthread_mutex_lock(&watch->lock);
	while (!watch->end) {
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += PAUSE_NS;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&watch->ended, &watch->lock, &until);
		if (watch->end)
			break;
		if (interrupted)
			pthread_kill(watch->worker, interrupted);
		if (watch->show && sc)
			show(watch, sc);
	}
	pthread_mutex_unlock(&watch->lock);
	if (watch->show)
		fputs("\r\033[K", stderr);
	shadowcopy_free(sc);
	return NULL;
}

static bool start_watching(struct watch *watch, pthread_t *thread)
{
	sigset_t all, old;
	int rc;

	watch->worker = pthread_self();
	pthread_mutex_init(&watch->lock, NULL);
	pthread_cond_init(&watch->ended, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	rc = pthread_create(thread, NULL, watch_it, watch);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return !rc;
}

static void stop_watching(struct watch *watch, pthread_t thread)
{
	pthread_mutex_lock(&watch->lock);
	watch->end = true;
	pthread_cond_signal(&watch->ended);
	pthread_mutex_unlock(&watch->lock);
	pthread_join(thread, NULL);
}

int target_resize(struct context *context, const struct store_target *target, uint64_t max_bytes,
		  uint64_t *moved)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = interrupt }, old[ARRAY_SIZE(signals)];
	struct watch watch = {
		.context = context, .target = target, .clearing = !max_bytes,
		.show = !context->quiet && !context->json && isatty(STDERR_FILENO),
	};
	bool watched;
	pthread_t thread;
	size_t i;
	int rc;

	interrupted = 0;
	/* one that is ignored stays so */
	for (i = 0; i < ARRAY_SIZE(signals); i++)
		if (!sigaction(signals[i], NULL, &old[i]) && old[i].sa_handler != SIG_IGN)
			sigaction(signals[i], &action, NULL);
	watched = start_watching(&watch, &thread);
	rc = shadowcopy_part_resize(context->sc, target->part.volume, target->part.part, max_bytes,
				    moved);
	if (watched)
		stop_watching(&watch, thread);
	for (i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &old[i], NULL);
	return rc ? fail_library(context) : STATUS_OK;
}

/* --- files that nobody needs any more ------------------------------------------------------ */

static void note(void *data, const struct shadowcopy_leftover *leftover)
{
	*(bool *)data |= !*leftover->kept;
}

bool store_file_delete(struct context *context, const struct shadowcopy_store *store)
{
	bool deleted = false;

	if (store->type == SHADOW_STORE_FILE && !(store->flags & SHADOWCOPY_STORE_UNNAMED))
		shadowcopy_gc(context->sc, 0, store->path, note, &deleted);
	return deleted;
}
