// SPDX-License-Identifier: GPL-2.0-only
/*
 * errors.c - tests of the library's errors: complete tables, whole sentences.
 */
#include "../lib/private.h"
#include "test.h"

/* The highest numbers of the header; a new one there must come here and there. */
#define PHASES (SHADOW_PHASE_REVERT + 1)
#define FAULTS (SHADOW_PROTECT_CLUSTER_MOUNT + 1)
#define REASONS (SHADOW_REASON_BASES + 1)

static void complete_tables(void)
{
	bool named = true, distinct = true, explained = true;
	uint32_t i, j;

	for (i = 0; i < PHASES; i++) {
		named &= strcmp(shadowcopy_phase_name(i), "unknown") &&
			 strlen(shadowcopy_phase_text(i)) > 5;
		for (j = 0; j < i; j++)
			distinct &= strcmp(shadowcopy_phase_name(i),
					   shadowcopy_phase_name(j)) != 0;
	}
	CHECK(named, "every phase has a name and a text");
	CHECK(distinct, "phases have different names");

	named = true;
	distinct = true;
	for (i = 0; i < REASONS; i++) {
		const char *cause = shadowcopy_reason_cause(i);
		const char *remedy = shadowcopy_reason_remedy(i);

		named &= strcmp(shadowcopy_reason_name(i), "unknown") != 0;
		/* parts of sentences: no capital at the beginning, no stop at the end */
		explained &= strlen(cause) > 10 && cause[strlen(cause) - 1] != '.' &&
			     strlen(remedy) > 10 && remedy[strlen(remedy) - 1] != '.' &&
			     !(remedy[0] >= 'A' && remedy[0] <= 'Z');
		for (j = 0; j < i; j++)
			distinct &= strcmp(shadowcopy_reason_name(i),
					   shadowcopy_reason_name(j)) != 0;
	}
	CHECK(named, "every reason has a name");
	CHECK(explained, "every reason has a cause and a remedy");
	CHECK(distinct, "reasons have different names");

	named = true;
	distinct = true;
	for (i = 0; i < FAULTS; i++) {
		named &= strcmp(shadowcopy_protect_fault_name(i), "unknown") &&
			 !strstr(shadowcopy_protect_fault_text(i), "does not know");
		for (j = 0; j < i; j++)
			distinct &= strcmp(shadowcopy_protect_fault_name(i),
					   shadowcopy_protect_fault_name(j)) != 0;
	}
	CHECK(named, "every fault has a name and a text");
	CHECK(distinct, "faults have different names");
	CHECK_STRING(shadowcopy_protect_fault_name(FAULTS), "unknown",
		     "a fault past the end is unknown");

	CHECK_STRING(shadowcopy_phase_name(PHASES), "unknown", "a phase past the end is unknown");
	CHECK_STRING(shadowcopy_reason_name(REASONS), "unknown",
		     "a reason past the end is unknown");
	CHECK_STRING(shadowcopy_reason_name(UINT32_MAX), "unknown",
		     "the largest reason is unknown");
}

static void every_pair(struct shadowcopy *sc)
{
	bool whole = true;
	uint32_t phase, reason;

	for (phase = 0; phase < PHASES; phase++)
		for (reason = 0; reason < REASONS; reason++) {
			struct shadow_fault fault = {
				.error = EBUSY, .phase = phase, .reason = reason,
				.dev = { 254, 1 },
			};
			const struct shadowcopy_error *error;

			SC_FAIL(sc, -EBUSY, .action = "do it to", .object = "/dev/x",
				.fault = &fault);
			error = shadowcopy_last_error(sc);
			whole &= error->code == -EBUSY && error->phase == phase &&
				 error->reason == reason &&
				 !strncmp(error->text, "cannot do it to /dev/x: ", 24) &&
				 (!reason || strstr(error->text, error->cause)) &&
				 !strstr(error->text, "(null)");
		}
	CHECK(whole, "every phase and reason renders as a sentence");
}

static void sentences(struct shadowcopy *sc)
{
	struct shadow_fault fault = {
		.error = EBUSY,
		.phase = SHADOW_PHASE_FREEZE,
		.reason = SHADOW_REASON_INTERRUPTED,
	};
	int rc;

	rc = SC_FAIL(sc, -EINTR, .action = "take the shadows", .fault = &fault);
	CHECK(rc == -EINTR, "the code is handed on");
	CHECK_STRING(shadowcopy_last_error(sc)->text,
		     "cannot take the shadows: it was interrupted by a signal (while freezing "
		     "filesystems). Nothing was left behind; try again",
		     "what, why, where, and what to do");

	SC_FAIL(sc, -EPERM, .action = "open", .object = "/dev/x");
	CHECK_STRING(shadowcopy_last_error(sc)->text,
		     "cannot open /dev/x: only root may control shadow copies. Run it as root, for "
		     "example with sudo", "an errno alone is explained too");

	SC_FAIL(sc, -EXDEV, .action = "open", .object = "/dev/x");
	CHECK_STRING(shadowcopy_last_error(sc)->text,
		     "cannot open /dev/x: Invalid cross-device link",
		     "an errno without a text of its own has the system's");

	SC_FAIL(sc, -EXDEV, .action = shadowcopy_last_error(sc)->action,
		.object = shadowcopy_last_error(sc)->text);
	CHECK_STRING(shadowcopy_last_error(sc)->action, "open",
		     "an error can be made of the one before");
}

void test_errors(void)
{
	struct shadowcopy *sc = shadowcopy_new();

	CHECK(sc && !shadowcopy_last_error(sc)->code, "a new handle has no error");
	CHECK_STRING(shadowcopy_last_error(sc)->text, "", "and its text is empty");
	complete_tables();
	every_pair(sc);
	sentences(sc);
	shadowcopy_free(sc);
}
