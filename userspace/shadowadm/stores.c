// SPDX-License-Identifier: GPL-2.0-only
/*
 * stores.c - the stores that a set is made with: what --store says, else what the
 * library chooses.
 */
#include <sys/stat.h>

#include "stores.h"

int store_amount(struct context *context, const char *option, const char *text, bool unlimited,
		 struct shadowcopy_amount *amount)
{
	const char *wrong = shadowcopy_amount_parse(text, amount);

	if (!wrong && amount->bytes == SHADOWCOPY_UNLIMITED && !unlimited)
		wrong = "it is a size, for example 512M or 10%";
	if (!wrong && !amount->percent && amount->bytes < 1 << SHADOW_BLOCK_SHIFT)
		wrong = "it is less than one block of 4096 bytes";
	if (wrong)
		return usage(context, "%s %s: %s", option, text, wrong);
	return STATUS_OK;
}

int store_parse(struct context *context, const char *text, struct shadowcopy_store *store)
{
	struct shadowcopy_amount amount;
	int status = STATUS_OK;

	if (!strncmp(text, "memory:", 7))
		status = store_amount(context, "memory:", text + 7, false, &amount);
	if (!status && shadowcopy_store_parse(context->sc, text, store))
		return fail_library(context);
	return status;
}

/* --- which --store is for which volume ------------------------------------------- */

/* The part of "VOLUME=SPEC" after the name of a volume, or NULL. */
static const char *spec_of(const struct store_request *request, const char *store)
{
	size_t length = strlen(request->name);

	if (!strncmp(store, request->name, length) && store[length] == '=')
		return store + length + 1;
	return NULL;
}

static bool is_for_one(const struct store_request *requests, size_t count, const char *store)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (spec_of(&requests[i], store))
			return true;
	return false;
}

size_t stores_named_for(const struct store_options *options, const struct store_request *requests,
			size_t count, const struct store_request *request, const char **spec)
{
	size_t i, own = 0, all = 0;

	*spec = NULL;
	for (i = 0; i < options->count; i++)
		if (spec_of(request, options->stores[i]) && !own++)
			*spec = spec_of(request, options->stores[i]);
	for (i = 0; !own && i < options->count; i++)
		if (!is_for_one(requests, count, options->stores[i]) && !all++)
			*spec = options->stores[i];
	return own ?: all;
}

int stores_check(struct context *context, const struct store_options *options,
		 const struct store_request *requests, size_t count)
{
	struct stat st;
	size_t i;

	for (i = 0; i < options->count; i++) {
		const char *store = options->stores[i];

		if (is_for_one(requests, count, store))
			continue;
		if (strchr(store, '=') && *store == '/' && stat(store, &st))
			return usage(context, "--store %s: %.*s is none of the volumes named, as "
				     "they are written", store, (int)strcspn(store, "="), store);
	}
	return STATUS_OK;
}

/* --- what was asked for ------------------------------------------------------------- */

bool store_same(const struct shadowcopy_store *a, const struct shadowcopy_store *b)
{
	if (a->type != b->type ||
	    (a->flags ^ b->flags) & SHADOWCOPY_STORE_UNNAMED)
		return false;
	return a->type == SHADOW_STORE_DEVICE ? dev_equal(a->dev, b->dev) :
	       !strcmp(a->path, b->path);
}

/* May two volumes have it, each for itself? */
static bool is_shared(const struct shadowcopy_store *store)
{
	return store->type == SHADOW_STORE_MEMORY || store->flags & SHADOWCOPY_STORE_UNNAMED;
}

static int add_store(struct context *context, const struct store_options *options,
		     struct store_request *request, const char *spec)
{
	struct shadowcopy_choice *choice = &request->choice;
	struct shadowcopy_store *store;
	bool sized;
	int status;
	size_t i;

	store = reallocarray(choice->stores, choice->count + 1, sizeof(*store));
	if (!store)
		return fail(context, "there is not enough memory");
	choice->stores = store;
	store += choice->count;
	status = store_parse(context, spec, store);
	if (status)
		return status;
	if (options->force)
		store->flags |= SHADOWCOPY_STORE_FORCE;
	sized = store->max.bytes || store->max.percent;
	/* among several --max may be for another one */
	if (options->max && sized && options->count == 1)
		return usage(context, "--store %s and --max %s both give a size", spec,
			     options->max);
	if (options->max && !sized)
		status = store_amount(context, "--max", options->max,
				      store->type != SHADOW_STORE_MEMORY, &store->max);
	if (!status && options->initial)
		status = store_amount(context, "--initial", options->initial, false,
				      &store->initial);
	for (i = 0; !status && i < choice->count; i++)
		if (store_same(&choice->stores[i], store))
			status = usage(context, "--store %s was given twice for %s", spec,
				       request->name);
	choice->count++;
	return status;
}

static bool has_file(const struct store_request *requests, size_t count)
{
	size_t i, j;

	for (i = 0; i < count; i++)
		for (j = 0; j < requests[i].choice.count; j++)
			if (requests[i].choice.stores[j].type == SHADOW_STORE_FILE)
				return true;
	return false;
}

/* A device or a file serves one volume, so one for all of several is for none. */
static int check_own(struct context *context, const struct store_request *requests, size_t count)
{
	const struct shadowcopy_choice *a, *b;
	size_t i, j, k, l;

	for (i = 0; i < count; i++)
		for (j = 0; j < i; j++) {
			a = &requests[i].choice;
			b = &requests[j].choice;
			for (k = 0; k < a->count; k++)
				for (l = 0; l < b->count; l++)
					if (!is_shared(&a->stores[k]) &&
					    store_same(&a->stores[k], &b->stores[l]))
						return usage(context, "%s and %s cannot have the "
							     "same store %s; give each its own "
							     "with --store VOLUME=STORE",
							     requests[j].name, requests[i].name,
							     a->stores[k].type ==
							     SHADOW_STORE_DEVICE ?
							     "device" : "file");
		}
	return STATUS_OK;
}

static int check_pair(struct context *context, const struct shadowcopy_store *a,
		      const struct shadowcopy_store *b)
{
	if (!shadowcopy_stores_overlap(context->sc, a, b))
		return STATUS_OK;
	return fail(context, "%s and %s have blocks in common, so they cannot both be stores: name "
		    "only one of them", a->path, b->path);
}

/* Known before anything is overwritten: without its table a disk has no partitions any more. */
static int check_apart(struct context *context, const struct store_request *requests,
		       size_t count)
{
	int status = STATUS_OK;
	size_t i, j, k, l;

	for (i = 0; i < count; i++)
		for (j = 0; j < requests[i].choice.count; j++)
			for (k = 0; k <= i; k++)
				for (l = 0; !status && l < (k < i ? requests[k].choice.count : j);
				     l++)
					status = check_pair(context, &requests[k].choice.stores[l],
							    &requests[i].choice.stores[j]);
	return status;
}

/* --store of the volume itself, else those for all. */
static int take_options(struct context *context, const struct store_options *options,
			struct store_request *requests, size_t count,
			struct store_request *request)
{
	const char *spec;
	bool own = false;
	int status = STATUS_OK;
	size_t i;

	for (i = 0; !status && i < options->count; i++) {
		spec = spec_of(request, options->stores[i]);
		if (!spec)
			continue;
		own = true;
		status = add_store(context, options, request, spec);
	}
	for (i = 0; !status && !own && i < options->count; i++)
		if (!is_for_one(requests, count, options->stores[i]))
			status = add_store(context, options, request, options->stores[i]);
	if (request->choice.count)
		request->choice.rule = SHADOWCOPY_RULE_ASKED;
	return status;
}

/* A size for a store that is there. */
static int fail_in_use(struct context *context, const struct store_request *request)
{
	return fail(context, "%s has shadows and with them a store already: change that with "
		    "\"shadowadm store resize\", or give no size", request->name);
}

/* Is another size said than a part has?  What it began with is past. */
static bool changes_size(struct context *context, const struct shadowcopy_store *store,
			 const struct shadow_store_info *part)
{
	uint64_t bytes;

	if (store->initial.bytes || store->initial.percent)
		return true;
	if (!store->max.bytes && !store->max.percent)
		return false;
	return shadowcopy_store_limit(context->sc, store, &bytes) || bytes != part->max_bytes;
}

/* The contents of a file do not come back. */
static bool overwrites_file(const struct shadowcopy_choice *choice)
{
	return choice->count && choice->stores[0].type == SHADOW_STORE_FILE &&
	       choice->stores[0].flags & SHADOWCOPY_STORE_FORCE;
}

/*
 * Where the volume has all of it already there is nothing to make.  The set would fail for
 * another store, with a file overwritten in vain; of several parts it would have added some,
 * for good.  Another size for a part that is there would change nothing.
 */
static int check_kept(struct context *context, struct store_request *request)
{
	const struct shadowcopy_choice *choice = &request->choice;
	struct shadow_store_info part = { 0 };
	bool in_use = false, sized = false;
	uint32_t i, found = 0;

	for (i = 0; i < choice->count; i++) {
		const struct shadowcopy_store *store = &choice->stores[i];

		if (shadowcopy_part_find(context->sc, request->volume.dev, store, &part))
			continue;
		found++;
		if (changes_size(context, store, &part))
			sized = true;
	}
	request->kept = choice->count && found == choice->count;
	if (request->kept && sized)
		return fail_in_use(context, request);
	if (request->kept || (choice->count < 2 && !overwrites_file(choice)))
		return STATUS_OK;
	memset(&part, 0, sizeof(part));
	while (shadowcopy_part_next(context->sc, &part) > 0)
		if (dev_equal(part.volume, request->volume.dev))
			in_use = true;
	if (!in_use)
		return STATUS_OK;
	return fail(context, "%s has shadows and with them a store already: leave --store out, and "
		    "give it more parts with \"shadowadm store add\"", request->name);
}

/* --- what is chosen ------------------------------------------------------------------- */

/* --max and --initial without --store: of what was chosen. */
static int adjust(struct context *context, const struct store_options *options,
		  struct store_request *request)
{
	struct shadowcopy_choice *choice = &request->choice;
	int status = STATUS_OK;

	if (choice->rule == SHADOWCOPY_RULE_ASKED || (!options->max && !options->initial))
		return STATUS_OK;
	if (choice->rule == SHADOWCOPY_RULE_KEPT)
		return fail_in_use(context, request);
	if (choice->count != 1)
		return fail(context, "the store of %s has %u parts: leave --max and --initial out, "
			    "or change them with \"shadowadm store resize\"", request->name,
			    choice->count);
	if (options->max)
		status = store_amount(context, "--max", options->max,
				      choice->stores[0].type != SHADOW_STORE_MEMORY,
				      &choice->stores[0].max);
	if (!status && options->initial)
		status = store_amount(context, "--initial", options->initial, false,
				      &choice->stores[0].initial);
	return status;
}

static int choose(struct context *context, struct store_request *requests, size_t count)
{
	struct shadowcopy_volume *volumes = calloc(count, sizeof(*volumes));
	struct shadowcopy_choice *choices = calloc(count, sizeof(*choices));
	int status = STATUS_OK;
	size_t i;

	if (!volumes || !choices) {
		status = fail(context, "there is not enough memory");
	} else {
		for (i = 0; i < count; i++) {
			volumes[i] = requests[i].volume;
			choices[i] = requests[i].choice;
		}
		if (shadowcopy_choose(context->sc, volumes, count, choices))
			status = fail_library(context);
		for (i = 0; i < count; i++)
			requests[i].choice = choices[i];
	}
	free(volumes);
	free(choices);
	return status;
}

int stores_choose(struct context *context, const struct store_options *options,
		  struct store_request *requests, size_t count)
{
	bool open = false;
	int status;
	size_t i;

	for (i = 0; i < count; i++) {
		status = take_options(context, options, requests, count, &requests[i]);
		if (!status)
			status = check_kept(context, &requests[i]);
		if (status)
			return status;
		if (!requests[i].choice.rule)
			open = true;
	}
	/* what is not needed is not read: a broken stores.conf has no say then */
	status = open ? choose(context, requests, count) : STATUS_OK;
	for (i = 0; !status && i < count; i++)
		status = adjust(context, options, &requests[i]);
	if (!status && options->initial && !has_file(requests, count))
		status = usage(context, "--initial %s: only a file has an initial size",
			       options->initial);
	if (!status)
		status = check_own(context, requests, count);
	return status ? status : check_apart(context, requests, count);
}

/* --- durable stores ------------------------------------------------------------------------ */

static int fail_volatile(struct context *context, const struct store_request *request)
{
	const struct shadowcopy_choice *choice = &request->choice;
	bool asked = choice->rule == SHADOWCOPY_RULE_ASKED;
	char label[SHADOWCOPY_STORE_PATH_MAX + 1];

	store_label(&choice->stores[0], label, sizeof(label));
	return fail(context, "a persistent shadow of %s needs a store that survives a reboot, and "
		    "%s%s %s. Name a device, or a file on another filesystem, with --store%s",
		    request->name, choice->stores[0].flags & SHADOWCOPY_STORE_UNNAMED ?
		    "a file without a name in " : "", label, asked ? "does not" : "would be chosen",
		    asked ? "" : ", or associate one (\"shadowadm store add VOLUME STORE\")");
}

/* Is the file one that stores.conf has for the volume?  Where that cannot be read, yes. */
static bool is_associated(struct context *context, const struct store_request *request)
{
	const struct shadowcopy_association *entry;
	struct shadowcopy_stores *stores;
	struct shadowcopy_store store;
	struct stat file, other;
	bool found = false;
	size_t next = 0;

	if (stat(request->choice.stores[0].path, &file) ||
	    shadowcopy_stores_open(context->sc, 0, &stores))
		return true;
	while (!found && (entry = shadowcopy_stores_next(stores, request->volume.dev, &next)))
		found = !shadowcopy_store_parse(context->sc, entry->store, &store) &&
			store.type == SHADOW_STORE_FILE && !stat(store.path, &other) &&
			other.st_dev == file.st_dev && other.st_ino == file.st_ino;
	shadowcopy_stores_close(stores);
	return found;
}

void stores_tell_of_boot(struct context *context, const struct store_request *requests,
			 size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		const struct shadowcopy_choice *choice = &requests[i].choice;

		if (choice->rule == SHADOWCOPY_RULE_ASKED && choice->count == 1 &&
		    choice->stores[0].type == SHADOW_STORE_FILE &&
		    !is_associated(context, &requests[i]))
			warn(context, "at boot %s is not attached by itself, as it is not "
			     "associated with %s: \"shadowadm store add %s %s\" does that",
			     choice->stores[0].path, requests[i].name, requests[i].name,
			     choice->stores[0].path);
	}
}

/* What a volume has already is the module's to judge. */
static int make_durable(struct context *context, struct store_request *request)
{
	struct shadowcopy_choice *choice = &request->choice;

	if (request->kept || !choice->count)
		return STATUS_OK;
	if (choice->count > 1)
		return fail(context, "the store of %s would have %u parts, and a durable one has "
			    "one for now: name one with --store", request->name,
			    choice->count);
	if (choice->stores[0].type == SHADOW_STORE_MEMORY ||
	    choice->stores[0].flags & SHADOWCOPY_STORE_UNNAMED)
		return fail_volatile(context, request);
	choice->stores[0].flags |= SHADOWCOPY_STORE_DURABLE;
	return STATUS_OK;
}

int stores_make_durable(struct context *context, struct store_request *requests, size_t count)
{
	int status = STATUS_OK;
	size_t i;

	for (i = 0; !status && i < count; i++)
		status = make_durable(context, &requests[i]);
	return status;
}

/* --- opening and closing ------------------------------------------------------------------ */

int stores_open(struct context *context, struct store_request *requests, size_t count)
{
	size_t i, j;

	for (i = 0; i < count; i++) {
		struct store_request *request = &requests[i];

		if (request->kept)
			continue;
		request->parts = calloc(request->choice.count + 1, sizeof(*request->parts));
		if (!request->parts)
			return fail(context, "there is not enough memory");
		for (j = 0; j < request->choice.count; j++)
			if (shadowcopy_part_open(context->sc, &request->volume,
						 &request->choice.stores[j], &request->parts[j]))
				return fail_library(context);
	}
	return STATUS_OK;
}

static struct shadow_store_spec spec_of_part(const struct store_request *request, uint32_t part)
{
	if (request->parts)
		return *shadowcopy_part_spec(request->parts[part]);
	return (struct shadow_store_spec){
		.type = request->choice.stores[part].type,
		.dev = request->choice.stores[part].dev,
	};
}

int stores_plan(struct context *context, const struct store_request *request,
		struct shadowcopy_plan *plan)
{
	uint32_t count = request->kept ? 0 : request->choice.count, i;
	struct shadow_store_spec spec = { 0 };
	int rc;

	if (count)
		spec = spec_of_part(request, 0);
	rc = shadowcopy_plan_volume(plan, request->volume.dev, &spec);
	for (i = 1; !rc && i < count; i++) {
		spec = spec_of_part(request, i);
		rc = shadowcopy_plan_part(plan, request->volume.dev, &spec);
	}
	return rc ? fail_library(context) : STATUS_OK;
}

void stores_keep_devices(struct store_request *requests, size_t count)
{
	size_t i, j;

	for (i = 0; i < count; i++)
		for (j = 0; requests[i].parts && j < requests[i].choice.count; j++)
			if (requests[i].choice.stores[j].type == SHADOW_STORE_DEVICE)
				shadowcopy_part_keep(requests[i].parts[j]);
}

void stores_keep(struct store_request *requests, size_t count)
{
	size_t i, j;

	for (i = 0; i < count; i++)
		for (j = 0; requests[i].parts && j < requests[i].choice.count; j++)
			shadowcopy_part_keep(requests[i].parts[j]);
}

void stores_close(struct context *context, struct store_request *requests, size_t count)
{
	size_t i, j;

	for (i = 0; i < count; i++) {
		for (j = 0; requests[i].parts && j < requests[i].choice.count; j++)
			if (shadowcopy_part_close(requests[i].parts[j]))
				warn(context, "%s", shadowcopy_last_error(context->sc)->text);
		free(requests[i].parts);
		requests[i].parts = NULL;
		shadowcopy_choice_clear(&requests[i].choice);
	}
}

/* --- showing --------------------------------------------------------------------------------- */

char *store_label(const struct shadowcopy_store *store, char *buf, size_t size)
{
	if (store->type == SHADOW_STORE_MEMORY)
		snprintf(buf, size, "memory");
	else
		snprintf(buf, size, "%s%s", store->path,
			 store->flags & SHADOWCOPY_STORE_UNNAMED && strcmp(store->path, "/") ?
			 "/" : "");
	return buf;
}

json_t *choice_json(const struct shadowcopy_choice *choice)
{
	json_t *object = json_object();
	json_t *parts = json_array();
	char label[SHADOWCOPY_STORE_PATH_MAX + 1];
	uint32_t i;

	json_text(object, "rule", shadowcopy_rule_name(choice->rule));
	for (i = 0; i < choice->count; i++) {
		json_t *part = json_object();

		json_text(part, "kind", shadowcopy_store_name(choice->stores[i].type));
		json_text(part, "store", store_label(&choice->stores[i], label, sizeof(label)));
		json_array_append_new(parts, part);
	}
	json_value(object, "parts", parts);
	return object;
}
