// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_attach_all.c - shadowadm store attach --all: the persistent shadows of all volumes that
 * are there, as at boot.
 *
 * Of the devices that a store can be of, the one whose first blocks are as it says is its volume.
 * Where several are so, the one that was asked for is taken, or the one that stores.conf
 * associates, or the one with the kernel name in the header.  Where none is so these last two are
 * tried, and the module says why it refuses.
 *
 * A store may lie on a volume that has a store itself.  What is written to the first one
 * has to be preserved in the second one, so that is attached before.
 *
 * A file is known by stores.conf only, so the volume is that one; one that is not there is on a
 * filesystem that is not mounted yet.  It comes last, as it may lie on a volume that has a store.
 *
 * What is not there yet is waited for, as long as is wanted.  A device that does not answer cannot
 * be waited for in the same process, which the kernel would not let go; so with a time limit all
 * is done by a child.  Not so the wait for a revert that has begun by that, which has no limit:
 * while it goes on, nobody can have the volume.
 */
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "find_durable.h"
#include "reverts.h"
#include "store.h"
#include "stores.h"

#define LOOK_AGAIN_MS 250

enum outcome {
	OUTCOME_NONE,		/* not yet */
	OUTCOME_ATTACHED,
	OUTCOME_THERE,		/* the module has it already */
	OUTCOME_EMPTY,
	OUTCOME_FAILED,
};

/**
 * struct result - what becomes of a store
 * @dev: the device that it is on; 0:0 for a file
 * @node: its name
 * @durable: what the store says; only while it is dealt with
 * @volume: whose it is, if @chosen
 * @chosen: that is known
 * @proved: by the volume's first blocks
 * @outcome: of it all
 * @error: why it failed, to be freed
 * @elsewhere: ... since its volume is not here
 * @attached: what is there again
 * @cause: why shadows are lost
 */
struct result {
	struct shadow_dev dev;
	char node[SHADOWCOPY_STORE_PATH_MAX];
	const struct durable *durable;
	struct shadowcopy_volume volume;
	bool chosen;
	bool proved;
	enum outcome outcome;
	char *error;
	bool elsewhere;
	struct shadowcopy_attached attached;
	const char *cause;
};

/**
 * struct attaching - all of them
 * @options: what is wanted
 * @only: the volume that was named, if it is there
 * @has_only: it is
 * @conf: stores.conf, or NULL
 * @machine: the devices, as they were looked at last
 * @last: they are not looked at once more
 * @missing: something is not there yet
 * @results: the stores
 * @count: how many
 */
struct attaching {
	struct context *context;
	const struct attach_all *options;
	struct shadowcopy_volume only;
	bool has_only;
	struct shadowcopy_stores *conf;
	struct machine machine;
	bool last;
	bool missing;
	struct result *results;
	size_t count;
};

/* --- outcomes --------------------------------------------------------------------------- */

PRINTF(2, 3) static void failed(struct result *result, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (vasprintf(&result->error, format, args) < 0)
		result->error = NULL;
	va_end(args);
	result->outcome = OUTCOME_FAILED;
}

static const char *outcome_name(enum outcome outcome)
{
	static const char *const names[] = {
		[OUTCOME_NONE] = "pending", [OUTCOME_ATTACHED] = "attached",
		[OUTCOME_THERE] = "there", [OUTCOME_EMPTY] = "empty", [OUTCOME_FAILED] = "failed",
	};

	return names[outcome];
}

/* What attaching has begun; NULL where that is nothing. */
static const char *revert_name(const struct context *context, const struct result *result)
{
	struct shadow_revert_info revert;

	if (result->outcome != OUTCOME_ATTACHED ||
	    shadowcopy_revert_status(context->sc, result->volume.dev, &revert) || !revert.state)
		return NULL;
	return shadowcopy_revert_state_name(revert.state);
}

static json_t *result_json(const struct context *context, const struct result *result)
{
	json_t *object = attach_json(&result->volume, result->node, &result->attached,
				     result->cause);

	if (!result->chosen)
		json_text(object, "volume", NULL);
	json_text(object, "revert", revert_name(context, result));
	json_text(object, "state", outcome_name(result->outcome));
	json_text(object, "error", result->outcome != OUTCOME_FAILED ? NULL :
		  result->error ?: "there is not enough memory");
	return object;
}

static void result_say(const struct context *context, const struct result *result)
{
	if (result->outcome == OUTCOME_FAILED) {
		fprintf(stderr, "shadowadm %s: %s: %s.\n", context->command->name, result->node,
			result->error ?: "there is not enough memory");
		return;
	}
	if (context->quiet)
		return;
	printf("%s: ", result->node);
	if (result->outcome == OUTCOME_ATTACHED)
		attach_say(&result->volume, &result->attached, result->cause);
	else if (result->outcome == OUTCOME_THERE)
		printf("%u shadow%s of %s, attached already\n", result->attached.shadows,
		       result->attached.shadows == 1 ? "" : "s", result->volume.path);
	else
		printf("the store has no shadow that survives\n");
}

static int results_say(const struct attaching *a)
{
	struct context *context = a->context;
	int status = STATUS_OK;
	json_t *array = json_array(), *document = json_object();
	size_t i;

	for (i = 0; i < a->count; i++) {
		const struct result *result = &a->results[i];

		if (result->outcome == OUTCOME_FAILED)
			status = STATUS_FAILED;
		else if (result->attached.lost && !status)
			status = STATUS_DEGRADED;
		if (context->json)
			json_array_append_new(array, result_json(a->context, result));
		else
			result_say(context, result);
	}
	json_value(document, "stores", array);
	if (context->json)
		return json_print(document) ?: status;
	json_decref(document);
	if (!a->count && !context->quiet)
		puts("there is no store to attach");
	return fflush(stdout) ? STATUS_FAILED : status;
}

/* --- what speaks for a volume ------------------------------------------------------------- */

static void read_associations(struct attaching *a)
{
	if (!shadowcopy_stores_open(a->context->sc, 0, &a->conf))
		return;
	warn(a->context, "%s", shadowcopy_last_error(a->context->sc)->text);
	a->conf = NULL;
}

/* The volume that stores.conf has for a device. */
static bool associated(const struct attaching *a, struct shadow_dev dev,
		       struct shadowcopy_volume *volume)
{
	const struct shadowcopy_association *entry;
	struct shadowcopy_store store;
	size_t i;

	for (i = 0; a->conf && (entry = shadowcopy_stores_entry(a->conf, i)); i++)
		if (!shadowcopy_store_parse(a->context->sc, entry->store, &store) &&
		    store.type == SHADOW_STORE_DEVICE && dev_equal(store.dev, dev) &&
		    !shadowcopy_resolve(a->context->sc, entry->volume, volume))
			return true;
	return false;
}

/* Not of a file, nor of what will be mounted there. */
static bool is_device_name(const char *name)
{
	return *name == '/' ? !strncmp(name, "/dev/", 5) : !!strchr(name, '=');
}

/*
 * Is one of two that are associated here, and the other one not?  Where one volume is asked for,
 * it is the store that may be missing.
 */
static bool has_half(const struct attaching *a)
{
	const struct shadowcopy_association *entry;
	struct shadowcopy_volume volume;
	struct shadowcopy_store store;
	size_t i;

	for (i = 0; a->conf && (entry = shadowcopy_stores_entry(a->conf, i)); i++) {
		bool has_volume, has_store;

		if (!is_device_name(entry->volume) || !is_device_name(entry->store))
			continue;
		has_volume = !shadowcopy_resolve(a->context->sc, entry->volume, &volume);
		has_store = !shadowcopy_store_parse(a->context->sc, entry->store, &store);
		if (a->options->volume &&
		    !(has_volume && a->has_only && dev_equal(volume.dev, a->only.dev)))
			continue;
		if (has_volume != has_store)
			return true;
	}
	return false;
}

/* Has somebody else the volume: another store, for sure? */
static bool is_taken(const struct attaching *a, const struct result *self, struct shadow_dev dev)
{
	struct shadow_store_info part = { 0 };
	size_t i;

	for (i = 0; i < a->count; i++)
		if (&a->results[i] != self && a->results[i].proved &&
		    dev_equal(a->results[i].volume.dev, dev))
			return true;
	while (shadowcopy_part_next(a->context->sc, &part) > 0)
		if (dev_equal(part.volume, dev))
			return true;
	return false;
}

/* --- choosing ------------------------------------------------------------------------------ */

struct choice {
	const struct device **devices;	/* that fit */
	size_t count;
	const struct device *only;	/* of these, the one that was asked for */
	const struct device *associated;
	const struct device *by_name;
};

static void choice_add(struct choice *choice, const struct device *device,
		       const struct attaching *a, const struct result *result,
		       const struct shadowcopy_volume *associated_one)
{
	choice->devices[choice->count++] = device;
	if (a->has_only && dev_equal(a->only.dev, device->volume.dev))
		choice->only = device;
	if (associated_one && dev_equal(associated_one->dev, device->volume.dev))
		choice->associated = device;
	if (!strcmp(result->durable->volume, device->volume.name))
		choice->by_name = device;
}

/* That a volume is asked for does not make it the store's. */
static const struct device *best(const struct choice *choice, bool proved)
{
	return (proved ? choice->only : NULL) ?: choice->associated ?: choice->by_name;
}

static void take(struct result *result, const struct device *device, bool proved)
{
	result->volume = device->volume;
	result->chosen = true;
	result->proved = proved;
}

static void fail_several(struct result *result, const struct choice *choice)
{
	char list[512] = "";
	size_t i, length = 0;

	for (i = 0; i < choice->count && length < sizeof(list); i++)
		length += snprintf(list + length, sizeof(list) - length, "%s%s", i ? ", " : "",
				   choice->devices[i]->volume.path);
	failed(result, "it can be the store of %zu volumes, which begin alike: %s. Say which one "
	       "with \"shadowadm store attach VOLUME --store %s\", and for the next time with "
	       "\"shadowadm store add VOLUME %s\"", choice->count, list, result->node,
	       result->node);
}

static void fail_nobody(struct result *result)
{
	char size[16];

	result->elsewhere = true;
	failed(result, "no device here is the volume that it is the store of; that was %s, of %s. "
	       "It is not there, or somebody else has written to it since; if it is there, "
	       "\"shadowadm store attach VOLUME --store %s\" tells", result->durable->volume,
	       size_format(result->durable->volume_bytes, size), result->node);
}

static bool device_fits(const struct attaching *a, const struct result *result, size_t i,
			enum durable_fit wanted)
{
	const struct device *device = &a->machine.devices[i];

	return !dev_equal(device->volume.dev, result->dev) &&
	       machine_fits(device, result->durable) == wanted;
}

/* One that another device is made of counts where nobody else does: the module says why not. */
static void choose_among(struct attaching *a, struct result *result, struct choice *proved,
			 struct choice *others)
{
	struct shadowcopy_volume volume;
	bool has = associated(a, result->dev, &volume);
	size_t i, held;

	for (held = 0; held < 2 && !proved->count; held++)
		for (i = 0; i < a->machine.device_count; i++)
			if (a->machine.devices[i].held == held &&
			    device_fits(a, result, i, DURABLE_FITS))
				choice_add(proved, &a->machine.devices[i], a, result,
					   has ? &volume : NULL);
	if (proved->count)
		return;
	for (i = 0; i < a->machine.device_count; i++)
		if (a->last || device_fits(a, result, i, DURABLE_UNPROVED))
			choice_add(others, &a->machine.devices[i], a, result, has ? &volume : NULL);
}

static void choose(struct attaching *a, struct result *result)
{
	size_t room = a->machine.device_count + 1;
	struct choice proved = { .devices = calloc(room, sizeof(*proved.devices)) };
	struct choice others = { .devices = calloc(room, sizeof(*others.devices)) };
	const struct device *device;

	if (!proved.devices || !others.devices) {
		failed(result, "there is not enough memory");
	} else {
		choose_among(a, result, &proved, &others);
		device = proved.count == 1 ? proved.devices[0] :
			 proved.count ? best(&proved, true) : best(&others, false);
		if (proved.count && !device)
			fail_several(result, &proved);
		else if (device && (proved.count || !is_taken(a, result, device->volume.dev)))
			take(result, device, proved.count);
		else if (a->last)
			fail_nobody(result);
	}
	free(proved.devices);
	free(others.devices);
}

/* --- looking -------------------------------------------------------------------------------- */

static bool survives(const struct durable *durable)
{
	size_t i;

	for (i = 0; i < durable->count; i++)
		if (durable->shadows[i].complete && durable->shadows[i].persistent)
			return true;
	return false;
}

static struct result *result_of(const struct attaching *a, struct shadow_dev dev)
{
	size_t i;

	for (i = 0; i < a->count; i++)
		if (dev_equal(a->results[i].dev, dev))
			return &a->results[i];
	return NULL;
}

/* The same store on two devices: one is a copy of the other, and nobody knows which. */
static const struct device *copy_of(const struct attaching *a, const struct durable_found *found)
{
	const struct durable_found *other;
	size_t i;

	for (i = 0; i < a->machine.store_count; i++) {
		other = &a->machine.stores[i];
		if (other != found && other->durable.counts >= 0 &&
		    !memcmp(other->durable.store, found->durable.store,
			    sizeof(found->durable.store)))
			return &a->machine.devices[other->device];
	}
	return NULL;
}

/* What the module has, and has had from the start or got since. */
static void take_there(struct attaching *a, struct result *result, struct shadow_dev volume)
{
	struct shadow_shadow_info info = { 0 };

	result->outcome = OUTCOME_THERE;
	result->chosen = true;
	result->proved = true;
	shadowcopy_describe(a->context->sc, volume, &result->volume);
	while (shadowcopy_shadow_next(a->context->sc, &info) > 0) {
		if (!dev_equal(info.volume, volume))
			continue;
		result->attached.shadows++;
		if (info.state != SHADOW_STATE_LOST)
			continue;
		result->attached.lost++;
		result->cause = result->cause ?: shadowcopy_reason_cause(info.fault.reason);
	}
}

static void judge(struct attaching *a, struct result *result, const struct durable_found *found)
{
	const struct durable *durable = &found->durable;
	const struct device *copy;

	result->durable = durable;
	if (found->in_use) {
		take_there(a, result, found->volume);
		return;
	}
	copy = durable->counts >= 0 ? copy_of(a, found) : NULL;
	if (durable->verdict != DURABLE_SOUND)
		failed(result, "the store cannot be attached: %s; \"shadowadm store check %s\" "
		       "tells more", durable->problem, result->node);
	else if (!survives(durable))
		result->outcome = OUTCOME_EMPTY;
	else if (copy)
		failed(result, "the same store is on %s as well: one of them is a copy. Take the "
		       "copy away, or say which one counts with \"shadowadm store attach VOLUME "
		       "--store DEVICE\"", copy->node);
	else
		choose(a, result);
	if (result->outcome == OUTCOME_NONE && !result->chosen)
		a->missing = true;
}

/* Stores that were found and not dealt with before. */
static int judge_all(struct attaching *a)
{
	struct result *results;
	size_t i;

	results = reallocarray(a->results, a->count + a->machine.store_count + 1,
			       sizeof(*results));
	if (!results)
		return -ENOMEM;
	a->results = results;
	for (i = 0; i < a->machine.store_count; i++) {
		const struct durable_found *found = &a->machine.stores[i];
		const struct device *device = &a->machine.devices[found->device];
		struct result *result = result_of(a, device->volume.dev);

		if (!result) {
			result = &a->results[a->count++];
			memset(result, 0, sizeof(*result));
			result->dev = device->volume.dev;
			snprintf(result->node, sizeof(result->node), "%s", device->node);
		}
		if (result->outcome == OUTCOME_NONE)
			judge(a, result, found);
	}
	return 0;
}

/* --- attaching ------------------------------------------------------------------------------ */

static bool is_wanted(const struct attaching *a, const struct result *result)
{
	return !a->options->volume ||
	       (a->has_only && result->chosen && dev_equal(result->volume.dev, a->only.dev));
}

/* The store lies on this volume, or is a part of it, or the other way round. */
static bool lies_on(const struct attaching *a, const struct result *result,
		    const struct shadowcopy_volume *volume)
{
	struct shadowcopy_store store = { .type = SHADOW_STORE_DEVICE, .dev = result->dev };
	struct shadowcopy_store other = { .type = SHADOW_STORE_DEVICE, .dev = volume->dev };

	return shadowcopy_stores_overlap(a->context->sc, &store, &other) == 1;
}

/* The one whose volume the store lies on, and whose store is not attached. */
static const struct result *before(const struct attaching *a, const struct result *result)
{
	size_t i;

	for (i = 0; i < a->count; i++) {
		const struct result *other = &a->results[i];

		if (other != result && other->proved &&
		    (other->outcome == OUTCOME_NONE || other->outcome == OUTCOME_FAILED) &&
		    lies_on(a, result, &other->volume))
			return other;
	}
	return NULL;
}

static void attach(struct attaching *a, struct result *result,
		   const struct shadowcopy_store *store)
{
	struct shadowcopy *sc = a->context->sc;
	const char *text;

	if (shadowcopy_store_attach(sc, result->volume.dev, store, 0, &result->attached)) {
		text = shadowcopy_last_error(sc)->text;
		failed(result, "%s", text);
		return;
	}
	result->outcome = OUTCOME_ATTACHED;
	attach_look(a->context, &result->volume, &result->cause);
}

static void attach_what_can_be(struct attaching *a)
{
	struct shadowcopy_store store = { .type = SHADOW_STORE_DEVICE };
	bool more = true;
	size_t i;

	while (more) {
		more = false;
		for (i = 0; i < a->count; i++) {
			struct result *result = &a->results[i];

			if (result->outcome != OUTCOME_NONE || !result->chosen ||
			    !is_wanted(a, result) || before(a, result))
				continue;
			store.dev = result->dev;
			attach(a, result, &store);
			more = true;
		}
	}
	for (i = 0; i < a->count; i++) {
		struct result *result = &a->results[i];

		if (result->outcome == OUTCOME_NONE && result->chosen && is_wanted(a, result))
			failed(result, "it lies on %s, whose own store is not attached: what is "
			       "written to the one would be missing in the shadows of the other",
			       before(a, result)->volume.path);
	}
}

/* Has the module a store for this volume, be it this one or another one? */
static bool has_store(const struct attaching *a, struct shadow_dev volume)
{
	struct shadow_store_info part = { 0 };

	while (shadowcopy_part_next(a->context->sc, &part) > 0)
		if (dev_equal(part.volume, volume))
			return true;
	return false;
}

/* Room for one more, which is cleared; NULL without memory. */
static struct result *add_result(struct attaching *a)
{
	struct result *results = reallocarray(a->results, a->count + 1, sizeof(*results));

	if (!results)
		return NULL;
	a->results = results;
	return memset(&results[a->count++], 0, sizeof(*results));
}

/* A file that stores.conf has, if there is a durable store in it that is wanted and not in use. */
static void attach_file(struct attaching *a, const struct shadowcopy_association *entry)
{
	struct shadowcopy_volume volume;
	struct shadowcopy_store store;
	struct result *result;

	if (shadowcopy_store_parse(a->context->sc, entry->store, &store) ||
	    store.type != SHADOW_STORE_FILE || store.flags & SHADOWCOPY_STORE_UNNAMED ||
	    !durable_in_file(store.path) ||
	    shadowcopy_resolve(a->context->sc, entry->volume, &volume) ||
	    has_store(a, volume.dev))
		return;
	if (a->options->volume && !(a->has_only && dev_equal(volume.dev, a->only.dev)))
		return;
	result = add_result(a);
	if (!result)
		return;
	snprintf(result->node, sizeof(result->node), "%s", store.path);
	result->volume = volume;
	result->chosen = true;
	attach(a, result, &store);
}

static bool has_log(const struct attaching *a, struct shadow_dev volume)
{
	struct shadow_volume_info info = { 0 };

	while (shadowcopy_volume_next(a->context->sc, &info) > 0)
		if (dev_equal(info.dev, volume))
			return info.log_blocks;
	return false;
}

/* Files that are attached already: the module knows them, whatever they are called now. */
static void note_files_there(struct attaching *a)
{
	struct shadow_store_info part = { 0 };
	struct shadowcopy_store store;
	struct result *result;
	int named;

	if (!shadowcopy_is_loaded(a->context->sc))	/* and not for this */
		return;
	while (shadowcopy_part_next(a->context->sc, &part) > 0) {
		if (part.type != SHADOW_STORE_FILE || !has_log(a, part.volume))
			continue;
		named = part_name(a->context, a->conf, &part, &store);
		if (named < 0)
			continue;
		result = add_result(a);
		if (!result)
			return;
		if (!named)
			snprintf(result->node, sizeof(result->node), "file %" PRIu64 " in %.512s",
				 (uint64_t)part.inode, store.path);
		else
			snprintf(result->node, sizeof(result->node), "%s", store.path);
		take_there(a, result, part.volume);
	}
}

static void attach_files(struct attaching *a)
{
	const struct shadowcopy_association *entry;
	size_t i;

	for (i = 0; a->conf && (entry = shadowcopy_stores_entry(a->conf, i)); i++)
		attach_file(a, entry);
}

static void find_only(struct attaching *a)
{
	a->has_only = a->options->volume &&
		      !shadowcopy_resolve(a->context->sc, a->options->volume, &a->only);
}

static int look(struct attaching *a)
{
	int rc;

	a->missing = false;
	find_only(a);
	rc = machine_read(a->context, &a->machine);
	if (!rc)
		rc = judge_all(a);
	if (rc)
		return fail(a->context, "cannot look for stores: %s", strerror(-rc));
	if (a->options->volume)		/* a store without a volume may be another one's */
		a->missing = !a->has_only;
	a->missing |= has_half(a);
	attach_what_can_be(a);
	machine_free(&a->machine);
	return STATUS_OK;
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Where one volume is asked for the others' stores are nobody's concern. */
static void forget_others(struct attaching *a)
{
	size_t i, kept = 0;

	for (i = 0; a->options->volume && i < a->count; i++) {
		struct result *result = &a->results[i];

		if (result->chosen ? !is_wanted(a, result) : result->outcome != OUTCOME_FAILED ||
		    result->elsewhere)
			free(result->error);
		else
			a->results[kept++] = *result;
	}
	if (a->options->volume)
		a->count = kept;
}

static int attach_each(struct context *context, const struct attach_all *options)
{
	struct attaching a = { .context = context, .options = options };
	uint64_t end = now_ms() + options->wait_ms;
	int status;
	size_t i;

	read_associations(&a);
	do {
		a.last = now_ms() >= end;
		status = look(&a);
		if (!status && a.missing && !a.last)
			poll(NULL, 0, LOOK_AGAIN_MS);
	} while (!status && a.missing && !a.last);
	if (!status && options->volume && !a.has_only) {
		shadowcopy_resolve(context->sc, options->volume, &a.only);
		status = fail_library(context);
	}
	if (!status) {
		note_files_there(&a);
		attach_files(&a);
	}
	forget_others(&a);
	status = status ?: results_say(&a);
	for (i = 0; i < a.count; i++)
		free(a.results[i].error);
	free(a.results);
	shadowcopy_stores_close(a.conf);
	return status;
}

/* --- the time limit ------------------------------------------------------------------------- */

static int wait_child(struct context *context, pid_t child, uint64_t timeout_ms)
{
	uint64_t end = now_ms() + timeout_ms;
	int how;

	for (;;) {
		pid_t pid = waitpid(child, &how, WNOHANG);

		if (pid == child)
			return WIFEXITED(how) ? WEXITSTATUS(how) : STATUS_FAILED;
		if (pid < 0 && errno != EINTR)
			return fail(context, "cannot wait for it: %s", strerror(errno));
		if (now_ms() >= end)
			break;
		poll(NULL, 0, 20);
	}
	/* the kernel may keep it for longer; it is not waited for */
	kill(child, SIGKILL);
	return fail(context, "it was not done within %" PRIu64 ".%03" PRIu64 " seconds; what was "
		    "attached by then stays so (\"shadowadm store list\" shows it). The kernel log "
		    "tells which device does not answer", timeout_ms / 1000, timeout_ms % 1000);
}

static int attach_within(struct context *context, const struct attach_all *options)
{
	pid_t child;

	if (!options->timeout_ms)
		return attach_each(context, options);
	child = fork();
	if (child < 0)
		return fail(context, "cannot begin: %s", strerror(errno));
	if (!child)
		_exit(attach_each(context, options));
	return wait_child(context, child, options->timeout_ms);
}

/* Wait for those that have begun. */
static int wait_for_reverts(struct context *context, const struct attach_all *options)
{
	struct shadow_revert_info info = { 0 }, end;
	struct shadowcopy_volume volume, only;
	int status = STATUS_OK;

	if (options->volume && shadowcopy_resolve(context->sc, options->volume, &only))
		return STATUS_OK;	/* that was said */
	while (shadowcopy_revert_next(context->sc, &info) > 0) {
		if (info.state != SHADOW_REVERT_RUNNING ||
		    (options->volume && !dev_equal(info.volume, only.dev)))
			continue;
		shadowcopy_describe(context->sc, info.volume, &volume);
		if (!context->quiet && !context->json) {
			printf("%s is being reverted; nobody can have it before that is done\n",
			       volume.path);
			fflush(stdout);
		}
		if (revert_wait(context, &volume, REVERT_SHOW_TERMINAL, &end))
			status = STATUS_FAILED;
		else
			revert_announce(context, &volume);
	}
	return status;
}

int attach_all(struct context *context, const struct attach_all *options)
{
	int status = attach_within(context, options);

	return options->no_wait ? status : wait_for_reverts(context, options) ?: status;
}
