// SPDX-License-Identifier: GPL-2.0-only
/*
 * failure.c - why something failed: VSS' code, phase, object, cause and remedy, and
 * whether trying again can help (C-40 to C-48, M-08).
 */
#include "shadowd.h"

void failure_set(struct failure *failure, const char *code, int error, const char *phase,
		 const char *object, const char *remedy, const char *cause, ...)
{
	va_list args;

	/* Each failure has something to it, and something to do about it (M-08). */
	if (!strcmp(code, "OUTOFMEMORY")) {
		object = object && *object ? object : "the machine's memory";
		remedy = remedy && *remedy ? remedy : "make some free, and try again";
	}
	memset(failure, 0, sizeof(*failure));
	failure->code = code;
	failure->error = error;
	failure->retry_seconds = -1;
	snprintf(failure->phase, sizeof(failure->phase), "%s", phase);
	snprintf(failure->object, sizeof(failure->object), "%s", object ?: "");
	snprintf(failure->remedy, sizeof(failure->remedy), "%s", remedy ?: "");
	va_start(args, cause);
	vsnprintf(failure->cause, sizeof(failure->cause), cause, args);
	va_end(args);
	/* names come from anywhere, and what was too long is cut anywhere */
	text_clean(failure->phase);
	text_clean(failure->object);
	text_clean(failure->cause);
	text_clean(failure->remedy);
}

/* What VSS calls a failure of the module. */
static const struct {
	uint32_t phase;		/* 0: any */
	uint32_t reason;	/* 0: any */
	int error;		/* 0: any */
	const char *code;
	int retry_seconds;
} codes[] = {
	{ SHADOW_PHASE_FREEZE, SHADOW_REASON_TIMEOUT, 0, "FLUSH_WRITES_TIMEOUT", 600 },
	{ SHADOW_PHASE_HOLD, 0, -ETIMEDOUT, "HOLD_WRITES_TIMEOUT", 600 },
	{ SHADOW_PHASE_TAKE, 0, -ETIMEDOUT, "HOLD_WRITES_TIMEOUT", 600 },
	{ 0, SHADOW_REASON_FROZEN, 0, "VOLUME_IN_USE", 60 },
	{ 0, SHADOW_REASON_SET_FULL, 0, "MAXIMUM_NUMBER_OF_VOLUMES_REACHED", -1 },
	{ 0, SHADOW_REASON_VOLUME_FULL, 0, "MAXIMUM_NUMBER_OF_SNAPSHOTS_REACHED", -1 },
	{ 0, SHADOW_REASON_DUPLICATE, 0, "OBJECT_ALREADY_EXISTS", -1 },
	{ 0, SHADOW_REASON_DAX, 0, "VOLUME_NOT_SUPPORTED", -1 },
	{ 0, SHADOW_REASON_ZONED, 0, "VOLUME_NOT_SUPPORTED", -1 },
	{ 0, SHADOW_REASON_IMAGE, 0, "NESTED_VOLUME_LIMIT", -1 },
	{ 0, SHADOW_REASON_STORE_FULL, 0, "INSUFFICIENT_STORAGE", -1 },
	{ 0, SHADOW_REASON_STORE_SIZE, 0, "INSUFFICIENT_STORAGE", -1 },
	{ 0, SHADOW_REASON_NO_MEMORY, 0, "OUTOFMEMORY", 600 },
	{ 0, 0, -ENOMEM, "OUTOFMEMORY", 600 },
	{ 0, 0, -ENOSPC, "INSUFFICIENT_STORAGE", -1 },
	{ 0, 0, -ENOENT, "OBJECT_NOT_FOUND", -1 },
	{ 0, 0, -ENODEV, "OBJECT_NOT_FOUND", -1 },
	{ 0, 0, -ENOTBLK, "VOLUME_NOT_SUPPORTED", -1 },
	{ 0, 0, -EINVAL, "INVALIDARG", -1 },
	{ 0, 0, -EPERM, "ACCESSDENIED", -1 },
	{ 0, 0, -EACCES, "ACCESSDENIED", -1 },
	{ 0, 0, 0, "UNEXPECTED_PROVIDER_ERROR", -1 },
};

void failure_of_library(struct failure *failure, const struct shadowcopy *sc)
{
	const struct shadowcopy_error *error = shadowcopy_last_error(sc);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(codes) - 1; i++)
		if ((!codes[i].phase || codes[i].phase == error->phase) &&
		    (!codes[i].reason || codes[i].reason == error->reason) &&
		    (!codes[i].error || codes[i].error == error->code))
			break;
	failure_set(failure, codes[i].code, error->code, shadowcopy_phase_name(error->phase),
		    error->object, error->remedy, "%s", error->cause && *error->cause ?
		    error->cause : error->text);
	failure->retry_seconds = codes[i].retry_seconds;
}

void failure_of_document(struct failure *failure, const struct shadowcopy *sc)
{
	failure_of_library(failure, sc);
	snprintf(failure->phase, sizeof(failure->phase), "document");
	switch (failure->error) {
	case -EBADFD:
		failure->code = "BAD_STATE";
		break;
	case -EEXIST:
		failure->code = "OBJECT_ALREADY_EXISTS";
		break;
	case -EOPNOTSUPP:
		failure->code = "NOT_SUPPORTED";
		break;
	case -EBADMSG:
	case -EPROTONOSUPPORT:
		failure->code = "INVALID_XML_DOCUMENT";
		break;
	case -EFBIG:
		failure->code = "INVALIDARG";
		break;
	}
}

json_t *failure_json(const struct failure *failure)
{
	json_t *json = json_pack("{s:s, s:i, s:s, s:s, s:s, s:s}", "code", failure->code,
				 "errno", failure->error, "phase", failure->phase,
				 "object", failure->object, "cause", failure->cause,
				 "remedy", failure->remedy);

	if (json)
		json_object_set_new(json, "retry_seconds", failure->retry_seconds < 0 ?
				    json_null() : json_integer(failure->retry_seconds));
	return json;
}

/* --- writers (C-40 to C-48) ------------------------------------------------------------------ */

static const struct {
	uint32_t status;
	const char *code;
	int retry_seconds;
	const char *remedy;
} statuses[] = {
	{ SHADOW_NL_STATUS_INCONSISTENT, "WRITERERROR_INCONSISTENTSNAPSHOT", -1,
	  "add the volumes that it needs to the set" },
	{ SHADOW_NL_STATUS_NO_RESOURCES, "WRITERERROR_OUTOFRESOURCES", 600, NULL },
	{ SHADOW_NL_STATUS_TIMEOUT, "WRITERERROR_TIMEOUT", 600, NULL },
	{ SHADOW_NL_STATUS_RETRYABLE, "WRITERERROR_RETRYABLE", 600, NULL },
	{ SHADOW_NL_STATUS_RECOVERY_FAILED, "WRITERERROR_RECOVERY_FAILED", -1, NULL },
	{ SHADOW_NL_STATUS_PARTIAL, "WRITERERROR_PARTIAL_FAILURE", -1,
	  "see which of its components have failed, and leave those out" },
	{ SHADOW_NL_STATUS_NONRETRYABLE, "WRITERERROR_NONRETRYABLE", -1, NULL },
};

static size_t find_status(uint32_t status)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(statuses) - 1 && statuses[i].status != status; i++)
		;
	return i;
}

const char *failure_of_writer(uint32_t result, uint32_t status)
{
	if (result == SHADOW_NL_RESULT_GONE)
		return "WRITER_NOT_RESPONDING";
	return statuses[find_status(status)].code;
}

const char *failure_remedy_of_writer(uint32_t result, uint32_t status)
{
	const char *remedy = statuses[find_status(status)].remedy;

	return result != SHADOW_NL_RESULT_GONE && remedy ? remedy :
	       "see its log, leave the writer out, or let the set degrade";
}

int failure_retry_of_writer(uint32_t result, uint32_t status)
{
	return result == SHADOW_NL_RESULT_GONE ? -1 : statuses[find_status(status)].retry_seconds;
}
