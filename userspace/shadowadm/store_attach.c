// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_attach.c - shadowadm store attach and detach: persistent shadows are there again after
 * a reboot, and go without being deleted.
 */
#include "store.h"
#include "stores.h"

/* --- attaching -------------------------------------------------------------------- */

static int device_of(struct context *context, const char *text, struct shadowcopy_store *store)
{
	int status = store_parse(context, text, store);

	if (!status && store->type != SHADOW_STORE_DEVICE)
		status = usage(context, "--store %s: a durable store is a block device", text);
	return status;
}

/* Without --store: the device that stores.conf has for the volume. */
static int device_associated(struct context *context, const struct shadowcopy_volume *volume,
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
		found = !status && store->type == SHADOW_STORE_DEVICE;
	}
	shadowcopy_stores_close(stores);
	if (!status && !found)
		status = usage(context, "name the device that has the store with --store: "
			       SHADOWCOPY_STORES_CONF " has none for %s", volume->path);
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

static int attach(struct context *context, const struct shadowcopy_volume *volume,
		  const struct shadowcopy_store *store, uint32_t flags)
{
	struct shadowcopy_attached attached;
	const char *cause;
	int status;

	if (shadowcopy_store_attach(context->sc, volume->dev, store->dev, flags, &attached))
		return fail_library(context);
	status = attach_look(context, volume, &cause);
	if (context->json)
		return json_print(attach_json(volume, store->path, &attached, cause)) ?: status;
	if (!context->quiet)
		attach_say(volume, &attached, cause);
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
static int check_all(struct context *context, int words, const char *device, uint32_t flags)
{
	if (words)
		return usage(context, "--all looks for the volumes itself; --volume leaves out all "
			     "but one");
	if (device || flags)
		return usage(context, "%s does not go with --all: name the volume",
			     device ? "--store" : "--lost");
	return STATUS_OK;
}

static int run_attach(struct context *context, int argc, char **argv)
{
	enum {
		OPTION_STORE = OPTION_OWN, OPTION_LOST, OPTION_ALL, OPTION_VOLUME, OPTION_WAIT,
		OPTION_TIMEOUT,
	};
	static const struct option longs[] = {
		{ "store", required_argument, NULL, OPTION_STORE },
		{ "lost", no_argument, NULL, OPTION_LOST },
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
	const char *device = NULL;
	uint32_t flags = 0;
	bool all = false;
	int option, status;

	while ((option = next_option(context, argc, argv, "q", longs, &status)) != -1)
		switch (option) {
		case OPTION_STORE:
			if (device)
				return usage(context, "--store was given twice: a durable store is "
					     "one device");
			device = optarg;
			break;
		case OPTION_LOST:
			flags |= SHADOW_ATTACH_LOST;
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
		return check_all(context, argc - optind, device, flags) ?:
		       attach_all(context, &options);
	if (options.volume || options.wait_ms || options.timeout_ms)
		return usage(context, "--volume, --wait and --timeout go with --all");
	if (argc - optind != 1)
		return usage(context, "name one volume, or say --all");
	if (shadowcopy_resolve(context->sc, argv[optind], &volume))
		return fail_library(context);
	status = device ? device_of(context, device, &store) :
		 device_associated(context, &volume, &store);
	return status ?: attach(context, &volume, &store, flags);
}

const struct command store_attach = {
	.name = "store attach",
	.summary = "Have the persistent shadows of a volume again",
	.synopsis = "VOLUME [--store DEVICE] [OPTIONS]\n"
		    "--all [--volume VOLUME] [OPTIONS]",
	.text = "Reads the durable store on DEVICE, and makes the shadows that are in it.  Nobody\n"
		"has the volume mounted or claimed: what was written to it before cannot have been\n"
		"seen, and if something was, the store is refused.  Exit status 3 means that some of\n"
		"the shadows are lost.\n"
		"With --all the stores are looked for on all block devices, and the volume of each\n"
		"by what the store says of its first blocks.  One that fails does not stop the others.\n\n"
		"Options:\n"
		"      --store DEVICE    where the store is; without it the device that\n"
		"                        /etc/shadowcopy/stores.conf has for the volume\n"
		"      --lost            also if the volume was written: its shadows are lost for good\n"
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

/* The device of the volume's store, for what is said; empty if there is none. */
static void device_in_use(struct context *context, const struct shadowcopy_volume *volume,
			  struct shadowcopy_store *store)
{
	struct shadow_store_info info = { 0 };

	memset(store, 0, sizeof(*store));
	while (shadowcopy_part_next(context->sc, &info) > 0)
		if (dev_equal(info.volume, volume->dev) && info.type == SHADOW_STORE_DEVICE &&
		    shadowcopy_part_describe(context->sc, &info, store))
			memset(store, 0, sizeof(*store));
}

static int detach(struct context *context, const struct shadowcopy_volume *volume)
{
	struct shadowcopy_store store;
	uint32_t shadows;
	json_t *object;

	device_in_use(context, volume, &store);
	if (shadowcopy_store_detach(context->sc, volume->dev, &shadows))
		return fail_library(context);
	if (context->json) {
		object = json_object();
		json_text(object, "volume", volume->path);
		json_text(object, "store", *store.path ? store.path : NULL);
		json_number(object, "shadows", shadows);
		return json_print(object);
	}
	if (!context->quiet)
		printf("%u shadow%s of %s %s in the store; \"shadowadm store attach %s --store "
		       "%s\" has %s again\n", shadows, shadows == 1 ? "" : "s", volume->path,
		       shadows == 1 ? "stays" : "stay", volume->path,
		       *store.path ? store.path : "DEVICE", shadows == 1 ? "it" : "them");
	return fflush(stdout) ? STATUS_FAILED : STATUS_OK;
}

static int run_detach(struct context *context, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "quiet", no_argument, NULL, 'q' },
		{ 0 }
	};
	struct shadowcopy_volume volume;
	int option, status;

	while ((option = next_option(context, argc, argv, "q", longs, &status)) != -1) {
		if (option != 'q')
			return status;
		context->quiet = true;
	}
	if (argc - optind != 1)
		return usage(context, "name one volume");
	if (shadowcopy_resolve(context->sc, argv[optind], &volume))
		return fail_library(context);
	return detach(context, &volume);
}

const struct command store_detach = {
	.name = "store detach",
	.summary = "Let go of a volume's durable store, and leave its shadows in it",
	.synopsis = "VOLUME [OPTIONS]",
	.text = "The shadows go, and are there again after \"shadowadm store attach\".  Nobody\n"
		"may have one of them open, or the volume mounted or claimed.  What is written to\n"
		"the volume afterwards makes them lost.\n\n"
		"Options:\n"
		"  -q, --quiet           say nothing\n"
		COMMON_HELP,
	.run = run_detach,
};
