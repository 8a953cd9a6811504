// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_store.c - shadowadm store: finds the verb and runs it as a command of its own.
 */
#include "store.h"
#include "stores.h"

static const struct command *const verbs[] = {
	&store_list, &store_add, &store_resize, &store_migrate, &store_remove, &store_policy,
	&store_candidates, &store_gc, &store_attach, &store_detach, &store_check,
};

static int run(struct context *context, int argc, char **argv)
{
	if (argc < 2 || *argv[1] == '-')
		return store_list.run(context, argc, argv);
	return run_verb(context, argc, argv);
}

int volume_name(struct context *context, const struct shadowcopy_volume *volume, char *buf)
{
	int rc = shadowcopy_lasting_name(context->sc, volume->dev, 1, buf);

	if (rc < 0)
		return fail_library(context);
	if (rc)
		warn(context, "%s has no name that lasts: if it gets another one, the association "
		     "is another volume's", volume->path);
	return STATUS_OK;
}

int store_name(struct context *context, const struct shadowcopy_store *store, char *buf)
{
	int rc;

	store_label(store, buf, SHADOWCOPY_STORE_PATH_MAX + 1);
	if (store->type != SHADOW_STORE_DEVICE)
		return STATUS_OK;
	rc = shadowcopy_lasting_name(context->sc, store->dev, 0, buf);
	if (rc < 0)
		return fail_library(context);
	if (rc)
		warn(context, "%s has no name that lasts: if it gets another one, the store is "
		     "not found any more", store->path);
	return STATUS_OK;
}

ssize_t association_find(struct context *context, struct shadowcopy_stores *stores,
			 const struct shadowcopy_volume *volume,
			 const struct shadowcopy_store *store)
{
	const struct shadowcopy_association *entry;
	char name[SHADOWCOPY_STORE_PATH_MAX + 1];
	struct shadowcopy_store other;
	size_t index = 0;

	store_label(store, name, sizeof(name));
	while (volume ? (entry = shadowcopy_stores_next(stores, volume->dev, &index)) :
	       (entry = index++ ? NULL : shadowcopy_stores_default(stores))) {
		if (!strcmp(entry->store, name))
			break;
		/* devices and links have many names */
		if (shadowcopy_store_parse(context->sc, entry->store, &other))
			continue;
		if (store_same(&other, store))
			break;
	}
	if (!entry)
		return -1;
	for (index = 0; shadowcopy_stores_entry(stores, index) != entry; index++)
		;
	return index;
}

int association_print(const struct shadowcopy_association *entry)
{
	json_t *object = json_object();
	char amount[SHADOWCOPY_AMOUNT_LEN];

	json_text(object, "volume", entry->volume);
	json_text(object, "store", entry->store);
	json_text(object, "max", entry->max.bytes || entry->max.percent ?
		  shadowcopy_amount_format(&entry->max, amount) : NULL);
	json_text(object, "initial", entry->initial.bytes || entry->initial.percent ?
		  shadowcopy_amount_format(&entry->initial, amount) : NULL);
	json_text(object, "policy", entry->policy ? shadowcopy_policy_name(entry->policy) : NULL);
	json_value(object, "throttle_ms", entry->throttle_ms ?
		   number_json(entry->throttle_ms) : NULL);
	return json_print(object);
}

const struct command cmd_store = {
	.name = "store",
	.summary = "Say where old data goes, look after stores",
	.synopsis = "[list [VOLUME]]\n"
		    "add VOLUME STORE [--max SIZE] [--initial SIZE] [--force]\n"
		    "resize VOLUME STORE SIZE\n"
		    "migrate VOLUME OLD NEW [--max SIZE] [--initial SIZE] [--force]\n"
		    "migrate --all VOLUME NEW [--max SIZE] [--initial SIZE] [--force]\n"
		    "remove VOLUME STORE\n"
		    "policy VOLUME [evict|throttle|fail-io] [--throttle SECONDS]\n"
		    "candidates VOLUME\n"
		    "gc [DIRECTORY...] [--dry-run]\n"
		    "attach VOLUME [--store STORE] [--lost] [--no-wait]\n"
		    "attach --all [--volume VOLUME] [--wait SECONDS] [--timeout SECONDS] [--no-wait]\n"
		    "detach VOLUME | --all\n"
		    "check STORE [--verbose]",
	.text = "Which volume has which stores is kept in /etc/shadowcopy/stores.conf.  VOLUME is\n"
		"\"*\" for all that have no line of their own.  STORE is a file, a directory (for a file\n"
		"without a name in it), a block device, or \"memory\".  A volume that has shadows has a\n"
		"store in use: its parts are added, resized, moved and removed meanwhile.  Persistent\n"
		"shadows stay in a durable store, which is attached after a reboot, and can be checked.\n\n"
		"Options (\"shadowadm store VERB --help\" tells more):\n"
		"      --max SIZE        how much may be stored, e.g. 20G, 10%, or unlimited\n"
		"      --initial SIZE    size to begin a file with\n"
		"      --force           overwrite what is in the file or on the device\n"
		"      --all             migrate: all parts; attach, detach: all durable stores\n"
		"      --throttle SECONDS\n"
		"                        how long writes wait for room\n"
		"      --dry-run         delete nothing, show what would be deleted\n"
		"      --store STORE     the device or the file with the durable store\n"
		"      --lost            also if the volume was written: its shadows are lost\n"
		"      --volume VOLUME   only the store of this volume\n"
		"      --wait SECONDS    as long for what is missing\n"
		"      --timeout SECONDS end after that\n"
		"      --no-wait         do not wait for a revert that goes on\n"
		"      --verbose         show each entry of its log, too\n"
		"  -q, --quiet           no progress\n"
		TABLE_HELP COMMON_HELP,
	.table = &store_table,
	.verbs = verbs,
	.verb_count = ARRAY_SIZE(verbs),
	.run = run,
};
