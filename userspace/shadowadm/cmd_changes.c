// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_changes.c - shadowadm changes: the ranges of a volume that have changed since an older
 * shadow, or since a base.
 *
 * They are printed as they come, so that memory is bounded however many there are.  What fails
 * in the middle ends the JSON document with an "error", and the table without its last line.
 */
#include <inttypes.h>

#include "changes.h"

struct request {
	const char *name;	/* of the shadow */
	const char *since_name;	/* NULL: since tracking began */
	struct changes_choice choice;
	bool human;
	struct shadow_uuid shadow, since;
};

struct sum {
	uint64_t ranges, bytes;
};

static int next_run(void *data, struct shadow_run *run)
{
	return shadowcopy_map_next(data, run);
}

static int cannot_write(struct context *context)
{
	context->json = false;
	return fail(context, "cannot write to standard output: %s", strerror(errno));
}

/* --- for people ----------------------------------------------------------------- */

static int print_rows(struct context *context, const struct request *request,
		      struct changes *changes, uint64_t whole)
{
	char offset[32], size[32], human[16], whole_text[16];
	uint64_t first, bytes;
	struct sum sum = { 0 };
	int rc;

	if (!context->noheadings)
		printf("%16s %10s\n", "OFFSET", "SIZE");
	while ((rc = changes_next(changes, &first, &bytes)) > 0) {
		snprintf(offset, sizeof(offset), "%" PRIu64, first);
		snprintf(size, sizeof(size), "%" PRIu64, bytes);
		printf("%16s %10s\n", request->human ? size_format(first, human) : offset,
		       context->bytes ? size : size_format(bytes, whole_text));
		if (ferror(stdout))
			return cannot_write(context);
		sum.ranges++;
		sum.bytes += bytes;
	}
	if (rc) {
		fflush(stdout);
		return changes_failed(context, &request->shadow, NULL);
	}
	if (!context->noheadings) {
		snprintf(size, sizeof(size), "%" PRIu64, sum.bytes);
		printf("%s in %" PRIu64 " range%s: %.2f%% of %s\n",
		       context->bytes ? size : size_format(sum.bytes, human), sum.ranges,
		       sum.ranges == 1 ? "" : "s", whole ? 100.0 * sum.bytes / whole : 0,
		       size_format(whole, whole_text));
	}
	return fflush(stdout) ? cannot_write(context) : STATUS_OK;
}

/* --- for programs ---------------------------------------------------------------- */

/* Print an object without its end, so that members can follow. */
static int print_open(json_t *object)
{
	char *text = json_dumps(object, JSON_INDENT(2)), *end = text ? strrchr(text, '\n') : NULL;

	json_decref(object);
	if (end)
		printf("%.*s", (int)(end - text), text);
	free(text);
	return end ? 0 : -1;
}

/* A member more, with its value. */
static void print_member(const char *key, json_t *value)
{
	char *text = json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY);

	printf(",\n  \"%s\": %s", key, text ?: "null");
	json_decref(value);
	free(text);
}

/* Names of members as in Kubernetes' SnapshotMetadata service. */
static json_t *head_json(const struct request *request, const struct shadowcopy_map *map)
{
	json_t *object = json_object();

	json_uuid(object, "shadow", &request->shadow);
	if (request->since_name)
		json_uuid(object, "since", &request->since);
	else
		json_value(object, "since", NULL);
	json_uuid(object, "generation", shadowcopy_map_generation(map));
	json_value(object, "exact", json_boolean(request->choice.exact));
	json_value(object, "skipFree", json_boolean(request->choice.skip_free));
	json_text(object, "blockMetadataType", "VARIABLE_LENGTH");
	json_number(object, "volumeCapacityBytes", shadowcopy_map_bytes(map));
	return object;
}

static int print_json(struct context *context, const struct request *request,
		      struct changes *changes, const struct shadowcopy_map *map)
{
	json_t *error = NULL;
	struct sum sum = { 0 };
	uint64_t first, bytes;
	int rc, status = STATUS_OK;

	if (print_open(head_json(request, map)))
		return fail(context, "there is not enough memory");
	fputs(",\n  \"blockMetadata\": [", stdout);
	while ((rc = changes_next(changes, &first, &bytes)) > 0) {
		printf("%s\n    {\"byteOffset\": %" PRIu64 ", \"sizeBytes\": %" PRIu64 "}",
		       sum.ranges ? "," : "", first, bytes);
		if (ferror(stdout))
			return cannot_write(context);
		sum.ranges++;
		sum.bytes += bytes;
	}
	fputs(sum.ranges ? "\n  ]" : "]", stdout);
	if (rc) {
		status = changes_failed(context, &request->shadow, &error);
		print_member("error", error ?: json_null());
	} else {
		print_member("changedBytes", number_json(sum.bytes));
	}
	puts("\n}");
	return fflush(stdout) ? cannot_write(context) : status;
}

/* --- what is asked ------------------------------------------------------------------ */

static int find(struct context *context, struct request *request)
{
	int status = changes_find(context, "shadow", request->name, &request->shadow);

	if (status || !request->since_name)
		return status;
	return changes_find_since(context, request->name, &request->shadow, request->since_name,
				  &request->since);
}

static int print(struct context *context, struct request *request)
{
	struct shadowcopy_map *map;
	struct changes changes = { .choice = request->choice, .next = next_run };
	int status, rc;

	rc = shadowcopy_map_open(context->sc, &request->shadow,
				 request->since_name ? &request->since : NULL,
				 changes_want(&request->choice), &map);
	if (rc == -ENODATA && !request->since_name &&
	    changes_nothing_before(context, request->name, &request->shadow))
		return STATUS_FULL_NEEDED;
	if (rc)
		return changes_failed(context, &request->shadow, NULL);
	changes.data = map;
	status = context->json ? print_json(context, request, &changes, map) :
		 print_rows(context, request, &changes, shadowcopy_map_bytes(map));
	shadowcopy_map_close(map);
	return status;
}

static int run(struct context *context, int argc, char **argv)
{
	enum { OPTION_SINCE = OPTION_OWN, OPTION_EXACT, OPTION_SKIP_FREE, OPTION_HUMAN,
	       OPTION_IN_BYTES, OPTION_BARE };
	static const struct option longs[] = {
		{ "since", required_argument, NULL, OPTION_SINCE },
		{ "exact", no_argument, NULL, OPTION_EXACT },
		{ "skip-free", no_argument, NULL, OPTION_SKIP_FREE },
		{ "human", no_argument, NULL, OPTION_HUMAN },
		{ "bytes", no_argument, NULL, OPTION_IN_BYTES },
		{ "noheadings", no_argument, NULL, OPTION_BARE },
		{ 0 }
	};
	struct request request = { 0 };
	int option, status;

	while ((option = next_option(context, argc, argv, NULL, longs, &status)) != -1)
		switch (option) {
		case OPTION_SINCE:
			request.since_name = optarg;
			break;
		case OPTION_EXACT:
			request.choice.exact = true;
			break;
		case OPTION_SKIP_FREE:
			request.choice.skip_free = true;
			break;
		case OPTION_HUMAN:
			request.human = true;
			break;
		case OPTION_IN_BYTES:
			context->bytes = true;
			break;
		case OPTION_BARE:
			context->noheadings = true;
			break;
		default:
			return status;
		}
	if (argc - optind != 1)
		return usage(context, "it takes one shadow, or one base");
	if (request.human && context->bytes)
		return usage(context, "--bytes and --human exclude each other");
	if (request.choice.exact && !request.since_name)
		return usage(context, "--exact goes with --since: what was free when tracking "
			     "began is not known");
	request.name = argv[optind];
	status = find(context, &request);
	return status ?: print(context, &request);
}

const struct command cmd_changes = {
	.name = "changes",
	.summary = "Show what has changed since an older shadow or base",
	.synopsis = "SHADOW [--since SHADOW|BASE] [--exact] [--skip-free] [--bytes|--human]\n"
		    "SHADOW [--since SHADOW|BASE] [--exact] [--skip-free] --json",
	.text = "The ranges, of whole blocks of 4 KiB, that were written between two instants:\n"
		"what an incremental backup has to copy from SHADOW, which can be a base, too.  What was\n"
		"written to the images themselves counts.  Where it is not known so far back the exit\n"
		"status is 4: a full backup is needed.\n\n"
		"Options:\n"
		"      --since SHADOW|BASE\n"
		"                        what to compare with; without it since tracking began\n"
		"      --exact           also what was free at one instant only, and so can read\n"
		"                        differently without having been written: with that, an image of\n"
		"                        the older one becomes that of SHADOW bit by bit\n"
		"      --skip-free       not what is free in SHADOW, and reads as zeros\n"
		"      --bytes           sizes in bytes, as offsets are\n"
		"      --human           offsets as people write them, too: rounded\n"
		"      --noheadings      no header line and no last line\n"
		COMMON_HELP,
	.run = run,
};
