// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_attach.c - shadowadm store attach and detach: persistent shadows are there again after
 * a reboot, and go without being deleted.
 */
#include <inttypes.h>

#include "reverts.h"
#include "store.h"
#include "stores.h"

/* --- attaching -------------------------------------------------------------------- */

static bool can_be_durable(const struct shadowcopy_store *store)
{
	return store->type == SHADOW_STORE_DEVICE || (store->type == SHADOW_STORE_FILE &&
						      !(store->flags & SHADOWCOPY_STORE_UNNAMED));
}

static int store_of(struct context *context, const char *text, struct shadowcopy_store *store)
{
	int status = store_parse(context, text, store);

	if (!status && !can_be_durable(store))
		status = usage(context, "--store %s: a durable store is a block device, or a file "
			       "with a name", text);
	return status;
}

/* Without --store: what stores.conf has for the volume. */
static int store_associated(struct context *context, const struct shadowcopy_volume *volume,
			    struct shadowcopy_store *store)
{
	const struct shadowcopy_association *entry;
	struct shadowcopy_stores *stores;
	int status = STATUS_OK;
	bool found = false;
	size_t next = 0;

	if (shadowcopy_stores_open(context->sc, 0, &stores))
		return fail_library(context);
	while (!status && !found &&
	       (entry = shadowcopy_stores_next(stores, volume->dev, &next))) {
		status = store_parse(context, entry->store, store);
		found = !status && can_be_durable(store);
	}
	shadowcopy_stores_close(stores);
	if (!status && !found)
		status = usage(context, "name the device or file that is the store with --store: "
			       SHADOWCOPY_STORES_CONF " has none for %s. \"shadowadm store attach "
			       "--all\" looks on all devices", volume->path);
	return status;
}

int attach_look(struct context *context, const struct shadowcopy_volume *volume,
		const char **cause)
{
	struct shadow_shadow_info info = { 0 };
	char path[IMAGE_PATH_LEN];
	int status = STATUS_OK;

	*cause = NULL;
	while (shadowcopy_shadow_next(context->sc, &info) > 0) {
		if (!dev_equal(info.volume, volume->dev))
			continue;
		if (info.state == SHADOW_STATE_LOST) {
			*cause = *cause ?: shadowcopy_reason_cause(info.fault.reason);
			status = STATUS_DEGRADED;
		} else if (!image_wait(&info)) {
			warn(context, "%s did not appear within %d seconds; the shadow exists. Is "
			     "udev running, is devtmpfs mounted on /dev?",
			     image_path(&info, path), IMAGE_WAIT_SECONDS);
			status = STATUS_DEGRADED;
		}
	}
	return status;
}

void attach_say(const struct shadowcopy_volume *volume,
		const struct shadowcopy_attached *attached, const char *cause)
{
	if (attached->shadows)
		printf("%u shadow%s of %s %s there again", attached->shadows,
		       attached->shadows == 1 ? "" : "s", volume->path,
		       attached->shadows == 1 ? "is" : "are");
	else
		printf("the store has no shadow of %s", volume->path);
	if (attached->lost && attached->lost == attached->shadows)
		printf("; %s lost: %s", attached->lost == 1 ? "it is" : "all are",
		       cause ?: "\"shadowadm show\" tells why");
	else if (attached->lost)
		printf("; %u %s lost: %s", attached->lost, attached->lost == 1 ? "is" : "are",
		       cause ?: "\"shadowadm show\" tells why");
	if (attached->dropped)
		printf("; %u %s not persistent, or not complete, and %s gone", attached->dropped,
		       attached->dropped == 1 ? "was" : "were",
		       attached->dropped == 1 ? "is" : "are");
	putchar('\n');
}

json_t *attach_json(const struct shadowcopy_volume *volume, const char *store,
		    const struct shadowcopy_attached *attached, const char *cause)
{
	json_t *object = json_object();

	json_text(object, "volume", volume->path);
	json_text(object, "store", store);
	json_number(object, "shadows", attached->shadows);
	json_number(object, "lost", attached->lost);
	json_number(object, "dropped", attached->dropped);
	json_text(object, "cause", cause);
	return object;
}

/*
 * A revert that its log tells of has begun: nobody may have the volume before it is done.
 * STATUS_OK, also where there is none.
 */
static int see_to_revert(struct context *context, const struct shadowcopy_volume *volume,
			 bool wait, struct shadow_revert_info *info)
{
	int status;

	if (shadowcopy_revert_status(context->sc, volume->dev, info))
		return fail_library(context);
	if (!info->state || (info->state == SHADOW_REVERT_RUNNING && !wait))
		return STATUS_OK;
	status = revert_wait(context, volume, REVERT_SHOW_TERMINAL, info);
	if (!status)
		revert_announce(context, volume);
	return status;
}

static void say_reverted(const struct shadowcopy_volume *volume,
			 const struct shadow_revert_info *info)
{
	char written[16];

	if (info->state == SHADOW_REVERT_DONE)
		printf("%s was reverted: %s were written\n", volume->path,
		       size_format(info->bytes_written, written));
	else if (info->state == SHADOW_REVERT_RUNNING)
		printf("%s is being reverted: \"shadowadm revert --status\" tells how far it is\n",
		       volume->path);
}

static int attached_json(const struct shadowcopy_volume *volume,
			 const struct shadowcopy_store *store,
			 const struct shadowcopy_attached *attached, const char *cause,
			 const struct shadow_revert_info *revert)
{
	json_t *object = attach_json(volume, store->path, attached, cause);

	json_text(object, "revert", revert->state ?
		  shadowcopy_revert_state_name(revert->state) : NULL);
	return json_print(object);
}

static int attach(struct context *context, const struct shadowcopy_volume *volume,
		  const struct shadowcopy_store *store, uint32_t flags, bool wait)
{
	struct shadowcopy_attached attached;
	struct shadow_revert_info revert;
	const char *cause;
	int status, reverted;

	if (shadowcopy_store_attach(context->sc, volume->dev, store, flags, &attached))
		return fail_library(context);
	status = attach_look(context, volume, &cause);
	if (!context->json && !context->quiet)
		attach_say(volume, &attached, cause);
	fflush(stdout);
	reverted = see_to_revert(context, volume, wait, &revert);
	if (reverted)
		return reverted;
	if (context->json)
		return attached_json(volume, store, &attached, cause, &revert) ?: status;
	if (!context->quiet)
		say_reverted(volume, &revert);
	return fflush(stdout) ? STATUS_FAILED : status;
}

#define SECONDS_MAX 3600

static int seconds_option(struct context *context, const char *name, const char *text,
			  uint64_t *ms)
{
	const char *wrong = seconds_parse(text, ms);

	if (!wrong && (!*ms || *ms > SECONDS_MAX * 1000))
		wrong = "it must be between 0.001 and 3600 seconds";
	return wrong ? usage(context, "%s %s: %s", name, text, wrong) : STATUS_OK;
}

/* What is refused beside --all.  That shadows are lost is for a person to decide. */
static int check_all(struct context *context, int words, const char *store, uint32_t flags)
{
	if (words)
		return usage(context, "--all looks for the volumes itself; --volume leaves out all "
			     "but one");
	if (store || flags)
		return usage(context, "%s does not go with --all: name the volume",
			     store ? "--store" : "--lost");
	return STATUS_OK;
}

static int run_attach(struct context *context, int argc, char **argv)
{
	enum {
		OPTION_STORE = OPTION_OWN, OPTION_LOST, OPTION_ALL, OPTION_VOLUME, OPTION_WAIT,
		OPTION_TIMEOUT, OPTION_NO_WAIT,
	};
	static const struct option longs[] = {
		{ "store", required_argument, NULL, OPTION_STORE },
		{ "lost", no_argument, NULL, OPTION_LOST },
		{ "no-wait", no_argument, NULL, OPTION_NO_WAIT },
		{ "all", no_argument, NULL, OPTION_ALL },
		{ "volume", required_argument, NULL, OPTION_VOLUME },
		{ "wait", required_argument, NULL, OPTION_WAIT },
		{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
		{ "quiet", no_argument, NULL, 'q' },
		{ 0 }
	};
	struct attach_all options = { 0 };
	struct shadowcopy_volume volume;
	struct shadowcopy_store store;
	const char *text = NULL;
	uint32_t flags = 0;
	bool all = false;
	int option, status;
	bool wait = true;

	while ((option = next_option(context, argc, argv, "q", longs, &status)) != -1)
		switch (option) {
		case OPTION_STORE:
			if (text)
				return usage(context, "--store was given twice: a durable store is "
					     "one device, or one file");
			text = optarg;
			break;
		case OPTION_LOST:
			flags |= SHADOW_ATTACH_LOST;
			break;
		case OPTION_NO_WAIT:
			wait = false;
			options.no_wait = true;
			break;
		case OPTION_ALL:
			all = true;
			break;
		case OPTION_VOLUME:
			options.volume = optarg;
			break;
		case OPTION_WAIT:
			status = seconds_option(context, "--wait", optarg, &options.wait_ms);
			if (status)
				return status;
			break;
		case OPTION_TIMEOUT:
			status = seconds_option(context, "--timeout", optarg, &options.timeout_ms);
			if (status)
				return status;
			break;
		case 'q':
			context->quiet = true;
			break;
		default:
			return status;
		}
	if (all)
		return check_all(context, argc - optind, text, flags) ?:
		       attach_all(context, &options);
	if (options.volume || options.wait_ms || options.timeout_ms)
		return usage(context, "--volume, --wait and --timeout go with --all");
	if (argc - optind != 1)
		return usage(context, "name one volume, or say --all");
	if (shadowcopy_resolve(context->sc, argv[optind], &volume))
		return fail_library(context);
	status = text ? store_of(context, text, &store) :
		 store_associated(context, &volume, &store);
	return status ?: attach(context, &volume, &store, flags, wait);
}

const struct command store_attach = {
	.name = "store attach",
	.summary = "Have the persistent shadows of a volume again",
	.synopsis = "VOLUME [--store STORE] [OPTIONS]\n"
		    "--all [--volume VOLUME] [OPTIONS]",
	.text = "Reads the durable store STORE, and makes the shadows that are in it.  Nobody\n"
		"has the volume mounted or claimed: what was written to it before cannot have been\n"
		"seen, and if something was, the store is refused.  Exit status 3 means that some of\n"
		"the shadows are lost.\n"
		"With --all the stores are looked for on all block devices, and the volume of each\n"
		"by what the store says of its first blocks; and the files of stores.conf that are\n"
		"there.  One that fails does not stop the others.\n\n"
		"If the volume is to be reverted, or was so in part, that is done first: the command\n"
		"returns when the volume can be mounted.\n\n"
		"Options:\n"
		"      --store STORE     the device or the file; without it what\n"
		"                        /etc/shadowcopy/stores.conf has for the volume\n"
		"      --lost            also if the volume was written: its shadows are lost for good\n"
		"      --no-wait         do not wait for a revert: nobody can mount the volume before\n"
		"      --all             all stores that are found; none is no failure\n"
		"      --volume VOLUME   of them only the one of this volume\n"
		"      --wait SECONDS    as long for what is missing: the volume of a store, or one\n"
		"                        of the two that stores.conf associates\n"
		"      --timeout SECONDS end after that, whatever is done\n"
		"  -q, --quiet           say nothing but what fails\n"
		COMMON_HELP,
	.run = run_attach,
};

/* --- detaching -------------------------------------------------------------------- */

int part_name(struct context *context, struct shadowcopy_stores *stores,
	      const struct shadow_store_info *info, struct shadowcopy_store *store)
{
	const struct shadowcopy_association *entry;
	struct shadowcopy_store other;
	size_t next = 0;

	if (shadowcopy_part_describe(context->sc, info, store))
		return -1;
	if (!(store->flags & SHADOWCOPY_STORE_UNNAMED))
		return 1;
	while (stores && (entry = shadowcopy_stores_next(stores, info->volume, &next)))
		if (!shadowcopy_store_parse(context->sc, entry->store, &other) &&
		    other.type == SHADOW_STORE_FILE && !(other.flags & SHADOWCOPY_STORE_UNNAMED) &&
		    shadowcopy_part_is(context->sc, info, &other) == 1) {
			*store = other;
			return 1;
		}
	return 0;
}

/* A volume's store, for what is said. */
struct its_store {
	struct shadow_store_info info;
	struct shadowcopy_store store;
	bool known;			/* there is one, and it can be seen */
	bool nameless;			/* nobody knows what it is called */
};

static void store_of_volume(struct context *context, const struct shadowcopy_volume *volume,
			    struct its_store *its)
{
	struct shadowcopy_stores *stores;
	int named = -1;

	memset(its, 0, sizeof(*its));
	if (shadowcopy_stores_open(context->sc, 0, &stores))
		stores = NULL;
	while (named < 0 && shadowcopy_part_next(context->sc, &its->info) > 0)
		if (dev_equal(its->info.volume, volume->dev))
			named = part_name(context, stores, &its->info, &its->store);
	shadowcopy_stores_close(stores);
	its->known = named >= 0;
	its->nameless = !named;
}

static void say_detached(const struct shadowcopy_volume *volume, const struct its_store *its,
			 uint32_t shadows)
{
	const char *it = shadows == 1 ? "it" : "them";

	printf("%u shadow%s of %s %s in the store", shadows, shadows == 1 ? "" : "s", volume->path,
	       shadows == 1 ? "stays" : "stay");
	if (its->known && !its->nameless)
		printf("; \"shadowadm store attach %s --store %s\" has %s again\n", volume->path,
		       its->store.path, it);
	else if (its->nameless)
		printf(", a file of unknown name (it was moved, or not made here): \"find %s -xdev "
		       "-inum %" PRIu64 "\" tells it. \"shadowadm store attach %s --store FILE\" "
		       "has %s again\n", *its->store.path ? its->store.path : "DIRECTORY",
		       (uint64_t)its->info.inode, volume->path, it);
	else
		printf("; \"shadowadm store attach --all\" looks for it and has %s again\n", it);
}

static int say_detached_json(const struct shadowcopy_volume *volume, const struct its_store *its,
			     uint32_t shadows)
{
	json_t *object = json_object();

	json_text(object, "volume", volume->path);
	json_text(object, "store", its->known && !its->nameless ? its->store.path : NULL);
	json_text(object, "filesystem", its->nameless && *its->store.path ? its->store.path : NULL);
	json_value(object, "inode", its->nameless ? number_json(its->info.inode) : NULL);
	json_number(object, "shadows", shadows);
	return json_print(object);
}

typedef int detach_fn(struct shadowcopy *sc, struct shadow_dev volume, uint32_t *shadows);

static int detach(struct context *context, const struct shadowcopy_volume *volume, detach_fn *fn)
{
	struct its_store its;
	uint32_t shadows;

	store_of_volume(context, volume, &its);
	if (fn(context->sc, volume->dev, &shadows))
		return fail_library(context);
	if (context->json)
		return say_detached_json(volume, &its, shadows);
	if (!context->quiet)
		say_detached(volume, &its, shadows);
	return fflush(stdout) ? STATUS_FAILED : STATUS_OK;
}

/* With --json its answer, or what has failed, becomes a member of @array. */
static int detach_one(struct context *context, const struct shadowcopy_volume *volume,
		      detach_fn *fn, json_t *array)
{
	json_t *answer = json_object();
	int status;

	json_collect(context->json ? &answer : NULL);
	status = detach(context, volume, fn);
	json_collect(NULL);
	json_text(answer, "volume", volume->path);
	json_array_append_new(array, answer);
	return status;
}

/* Those that nobody uses, as at a shutdown.  One that fails does not stop the others. */
static int detach_all(struct context *context, detach_fn *fn)
{
	json_t *array = json_array(), *document = json_object();
	struct shadow_volume_info info = { 0 };
	struct shadowcopy_volume volume;
	int rc, status = STATUS_OK;

	json_value(document, "stores", array);
	while ((rc = shadowcopy_volume_next(context->sc, &info)) > 0) {
		if (!info.log_blocks)
			continue;
		shadowcopy_describe(context->sc, info.dev, &volume);
		if (detach_one(context, &volume, fn, array))
			status = STATUS_DEGRADED;
	}
	/* without the module there is none */
	if (rc < 0 && rc != -ENODEV && rc != -ENOENT && rc != -ENXIO)
		status = fail_library(context);
	else if (context->json)
		return json_print(document) ?: status;
	json_decref(document);
	return status;
}

static int run_detach(struct context *context, int argc, char **argv)
{
	enum { OPTION_ALL = OPTION_OWN, OPTION_FINAL };
	static const struct option longs[] = {
		{ "all", no_argument, NULL, OPTION_ALL },
		{ "final", no_argument, NULL, OPTION_FINAL },
		{ "quiet", no_argument, NULL, 'q' },
		{ 0 }
	};
	detach_fn *fn = shadowcopy_store_detach;
	struct shadowcopy_volume volume;
	int option, status;
	bool all = false;

	while ((option = next_option(context, argc, argv, "q", longs, &status)) != -1)
		switch (option) {
		case OPTION_ALL:
			all = true;
			break;
		case OPTION_FINAL:
			fn = shadowcopy_store_detach_final;
			break;
		case 'q':
			context->quiet = true;
			break;
		default:
			return status;
		}
	if (all)
		return argc == optind ? detach_all(context, fn) :
		       usage(context, "--all does not go with a volume");
	if (argc - optind != 1)
		return usage(context, "name one volume, or say --all");
	if (shadowcopy_resolve(context->sc, argv[optind], &volume))
		return fail_library(context);
	return detach(context, &volume, fn);
}

const struct command store_detach = {
	.name = "store detach",
	.summary = "Let go of a volume's durable store, and leave its shadows in it",
	.synopsis = "VOLUME [OPTIONS]\n"
		    "--all [OPTIONS]",
	.text = "The shadows go, and are there again after \"shadowadm store attach\".  Nobody\n"
		"may have one of them open, or the volume mounted or claimed.  What is written to\n"
		"the volume afterwards makes them lost.\n\n"
		"Options:\n"
		"      --all             all that can be, as at a shutdown; exit status 3 if one cannot\n"
		"      --final           the last thing before the machine goes: also what is mounted\n"
		"                        read-only, as the root filesystem is then.  Writes to the\n"
		"                        volume fail from then on, until its store is attached again\n"
		"  -q, --quiet           say nothing\n"
		COMMON_HELP,
	.run = run_detach,
};
