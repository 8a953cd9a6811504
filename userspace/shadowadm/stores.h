/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stores.h - the stores that a set is made with.
 */
#ifndef SHADOWADM_STORES_H
#define SHADOWADM_STORES_H

#include "shadowadm.h"

#define STORE_OPTIONS_MAX 256	/* parts of one volume's store */

/* What --store and its like say. */
struct store_options {
	const char *stores[STORE_OPTIONS_MAX];
	size_t count;
	const char *max;
	const char *initial;
	bool force;
};

/* A volume of the set, and its store: asked for, or chosen. */
struct store_request {
	const char *name;		/* as the volume was named */
	struct shadowcopy_volume volume;
	struct shadowcopy_choice choice;
	struct shadowcopy_part **parts;	/* as many as the choice has */
	bool kept;			/* the volume has what was asked for already */
};

/* An amount after an option: a size, a percentage, and if it may, "unlimited". */
int store_amount(struct context *context, const char *option, const char *text, bool unlimited,
		 struct shadowcopy_amount *amount);

/* What a store's name means; a size in it that is none is wrong use. */
int store_parse(struct context *context, const char *text, struct shadowcopy_store *store);

/* A --store VOLUME=SPEC whose volume is not in the set would be lost silently. */
int stores_check(struct context *context, const struct store_options *options,
		 const struct store_request *requests, size_t count);

/* How many --store are meant for a volume; @spec: out: the first one, or NULL. */
size_t stores_named_for(const struct store_options *options, const struct store_request *requests,
			size_t count, const struct store_request *request, const char **spec);

/* Find out which store each volume gets.  Changes nothing. */
int stores_choose(struct context *context, const struct store_options *options,
		  struct store_request *requests, size_t count);

/* Let the stores that were chosen be durable, if they can. */
int stores_make_durable(struct context *context, struct store_request *requests, size_t count);

/* Of persistent shadows: warn where a file that was named would not be found at boot. */
void stores_tell_of_boot(struct context *context, const struct store_request *requests,
			 size_t count);

/* Make them ready for the module. */
int stores_open(struct context *context, struct store_request *requests, size_t count);

/* Tell the plan of the volume and the parts of its store, which need not be open. */
int stores_plan(struct context *context, const struct store_request *request,
		struct shadowcopy_plan *plan);

/* The module may have written to their devices: what was on these does not come back. */
void stores_keep_devices(struct store_request *requests, size_t count);

/* The shadows exist: what was made for their stores stays. */
void stores_keep(struct store_request *requests, size_t count);
void stores_close(struct context *context, struct store_request *requests, size_t count);

/* Are these one and the same? */
bool store_same(const struct shadowcopy_store *a, const struct shadowcopy_store *b);

/* "memory", "/dev/vdb", "/srv/store", "/srv/" */
char *store_label(const struct shadowcopy_store *store, char *buf, size_t size);

/* The parts of a choice with the rule, as JSON. */
json_t *choice_json(const struct shadowcopy_choice *choice);

#endif /* SHADOWADM_STORES_H */
