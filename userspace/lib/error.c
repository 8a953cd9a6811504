// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * error.c - failures as sentences: what failed, on which device, why, and what
 * to do about it.
 *
 * The module reports a phase and a reason beside the errno; the two tables here
 * hold the English of each.  Where it reports none, a third table speaks for
 * the errno.  A test walks the tables: every phase and reason of the header has
 * its entry.
 */
#include <ctype.h>

#include "private.h"

struct phase_text {
	const char *name;
	const char *text;
};

static const struct phase_text phases[] = {
	[SHADOW_PHASE_NONE]	 = { "none", "doing it" },
	[SHADOW_PHASE_ARGUMENTS] = { "arguments", "checking what was asked for" },
	[SHADOW_PHASE_OPEN]	 = { "open", "opening the device" },
	[SHADOW_PHASE_HOOK]	 = { "hook", "setting up the interception of writes" },
	[SHADOW_PHASE_ATTACH]	 = { "attach", "beginning to track the volume" },
	[SHADOW_PHASE_STORE]	 = { "store", "setting up the store" },
	[SHADOW_PHASE_IMAGE]	 = { "image", "working on the shadow's device" },
	[SHADOW_PHASE_FREEZE]	 = { "freeze", "freezing filesystems" },
	[SHADOW_PHASE_HOLD]	 = { "hold", "holding new writes and waiting for those in flight" },
	[SHADOW_PHASE_TAKE]	 = { "take", "taking the shadows" },
	[SHADOW_PHASE_PRESERVE]	 = { "preserve", "preserving old data before a write" },
	[SHADOW_PHASE_REVERT]	 = { "revert", "reverting the volume" },
};

struct reason_text {
	const char *name;
	const char *cause;
	const char *remedy;
};

static const struct reason_text reasons[] = {
	[SHADOW_REASON_NONE] = { "none", "the module gave no reason", "see the kernel log" },
	[SHADOW_REASON_NO_DEVICE] = {
		"no-device", "there is no such block device",
		"check the name with lsblk" },
	[SHADOW_REASON_DAX] = {
		"dax", "its contents are written by memory stores (DAX), which no block-layer "
		"shadow can see",
		"use the device without DAX: a pmem namespace in sector or raw mode, a filesystem "
		"mounted with dax=never" },
	[SHADOW_REASON_ZONED] = {
		"zoned", "it is a zoned device, which cannot be shadow-copied",
		"shadow-copy the device stacked on it (dm-zoned for example) instead" },
	[SHADOW_REASON_RW_PAGE] = {
		"rw-page", "its driver takes pages past the block layer on this kernel",
		"use Linux 6.3 or newer, or another device" },
	[SHADOW_REASON_IMAGE] = {
		"image", "it is itself a shadow",
		"name the volume that it was made of, or for a store another device" },
	[SHADOW_REASON_BLOCK_SIZE] = {
		"block-size", "its logical blocks are larger than 4096 bytes, or than those of the "
		"volume whose store it is to be",
		"use devices with logical blocks of 512 to 4096 bytes, and for a store one whose are "
		"no larger than the volume's (\"lsblk -o NAME,LOG-SEC\")" },
	[SHADOW_REASON_EMPTY] = {
		"empty", "its size is zero",
		"insert the medium, or attach the device, and try again" },
	[SHADOW_REASON_DUPLICATE] = {
		"duplicate", "it is in the set already",
		"name each volume once" },
	[SHADOW_REASON_SET_FULL] = {
		"set-full", "a set holds no more volumes than it has",
		"divide the volumes among several sets; \"shadowadm version\" shows the limit" },
	[SHADOW_REASON_VOLUME_FULL] = {
		"volume-full", "the volume has as many shadows as a volume can have",
		"delete one: \"shadowadm delete --oldest VOLUME\"" },
	[SHADOW_REASON_HOOK_BUSY] = {
		"hook-busy", "another module or a live patch holds the kernel function that all "
		"writes pass",
		"\"shadowadm doctor\" tells who; unload that module first" },
	[SHADOW_REASON_HOOK_DEAD] = {
		"hook-dead", "the kernel does not call the module's hook, so that writes would "
		"pass unseen",
		"run \"shadowadm doctor\" and see the kernel log; no shadow can be trusted until "
		"this is solved" },
	[SHADOW_REASON_FTRACE_OFF] = {
		"ftrace-off", "function tracing is switched off, and the module sees writes "
		"through it",
		"run \"sysctl kernel.ftrace_enabled=1\"" },
	[SHADOW_REASON_STORE_IN_USE] = {
		"store-in-use", "the device or file for the store is in use",
		"name a device that nobody uses (\"lsblk\" shows who does), or a file that is "
		"neither swap space, nor mapped, nor another volume's store" },
	[SHADOW_REASON_STORE_ON_VOLUME] = {
		"store-on-volume", "the store lies on the volume that it is to serve",
		"name a device outside the volume, a file on the volume's own filesystem or on "
		"another one, or use --store memory" },
	[SHADOW_REASON_STORE_CIRCLE] = {
		"store-circle", "the stores would depend on each other in a circle",
		"put at least one of the stores on a device that is not shadow-copied" },
	[SHADOW_REASON_STORE_MISMATCH] = {
		"store-mismatch", "the volume has another store already, and a volume has one only",
		"leave --store out to use it; \"shadowadm store add\" gives it one more part, "
		"\"shadowadm store migrate\" moves it" },
	[SHADOW_REASON_STORE_SIZE] = {
		"store-size", "the size of the store is too small, or larger than its device, or "
		"than a file that cannot grow",
		"choose another one: 4M at least, and no more than the device has" },
	[SHADOW_REASON_STORE_READONLY] = {
		"store-readonly", "the store device is read-only",
		"make it writable with \"blockdev --setrw DEVICE\", or name another" },
	[SHADOW_REASON_STORE_FULL] = {
		"store-full", "the store was full, so old data could not be preserved any more",
		"make the store larger (\"shadowadm store resize\", \"shadowadm store add\"), keep "
		"fewer shadows, or let writes wait or fail instead (\"shadowadm volume policy\")" },
	[SHADOW_REASON_STORE_ERROR] = {
		"store-error", "reading or writing the store failed",
		"see the kernel log for the device's errors, and use another store" },
	[SHADOW_REASON_ORIGIN_ERROR] = {
		"origin-error", "the old data could not be read from the volume",
		"see the kernel log for the device's errors: the volume itself may be failing" },
	[SHADOW_REASON_ORIGIN_GONE] = {
		"origin-gone", "the volume was removed or became smaller",
		"delete the shadow; what it had not preserved went with the volume" },
	[SHADOW_REASON_NO_MEMORY] = {
		"no-memory", "the kernel had not enough memory",
		"free memory, use a store on a device, or fewer volumes in a set" },
	[SHADOW_REASON_FROZEN] = {
		"frozen", "its filesystem is frozen already by someone else",
		"wait for the other backup to finish, or thaw it with \"fsfreeze --unfreeze "
		"MOUNTPOINT\"" },
	[SHADOW_REASON_FREEZE_FAILED] = {
		"freeze-failed", "its filesystem could not be frozen",
		"see the kernel log: a filesystem with errors cannot be brought to rest" },
	[SHADOW_REASON_TIMEOUT] = {
		"timeout", "the volumes were not brought to rest, or not released, in time",
		"try again when there is less I/O, or allow more with --timeout" },
	[SHADOW_REASON_DRAIN] = {
		"drain", "writes in flight did not finish in time",
		"a device is slow or hangs: see the kernel log, or allow more with --timeout" },
	[SHADOW_REASON_INTERRUPTED] = {
		"interrupted", "it was interrupted by a signal",
		"nothing was left behind; try again" },
	[SHADOW_REASON_SUSPEND] = {
		"suspend", "the machine goes to sleep",
		"try again when it is awake" },
	[SHADOW_REASON_BUSY] = {
		"busy", "it is in use",
		"unmount the shadow and close what has it open; \"shadowadm show\" counts "
		"the openers" },
	[SHADOW_REASON_STATE] = {
		"state", "this cannot be done in the state that it is in",
		"a set goes from adding to holding to taking; \"shadowadm show\" tells a shadow's "
		"state" },
	[SHADOW_REASON_FAULTED] = {
		"faulted", "writes to the volume fail, to protect its shadows",
		"\"shadowadm volume list -o +FAULT\" tells why; remove the cause, then "
		"\"shadowadm volume clear-fault VOLUME\"" },
	[SHADOW_REASON_STORE_FS] = {
		"store-fs", "the filesystem cannot keep a file's blocks in their place",
		"put the file on ext4, XFS or btrfs of this machine, not on tmpfs, overlayfs or a "
		"network filesystem; or use a device" },
	[SHADOW_REASON_STORE_FILE] = {
		"store-file", "the store is no regular file that is open for reading and writing",
		"name a regular file that root may write to" },
	[SHADOW_REASON_STORE_HOLES] = {
		"store-holes", "not all blocks of the file are allocated",
		"allocate them with \"fallocate -l SIZE FILE\", on btrfs after \"chattr +C\" on the "
		"empty file" },
	[SHADOW_REASON_STORE_SHARED] = {
		"store-shared", "the filesystem does not promise to keep the file's blocks in "
		"their place: some are missing, compressed, copied on write or shared",
		"make a new file with \"fallocate -l SIZE FILE\", on btrfs after \"chattr +C\" on "
		"the empty file, and do not clone it; the kernel log tells more" },
	[SHADOW_REASON_STORE_PART] = {
		"store-part", "the store has no such part",
		"\"shadowadm store list\" shows the parts" },
	[SHADOW_REASON_STORE_LAST] = {
		"store-last", "it is the only part of the store, and the volume has shadows",
		"move it elsewhere with \"shadowadm store migrate\", or delete the shadows first" },
	[SHADOW_REASON_STORE_VOLATILE] = {
		"store-volatile", "the store would not survive: persistent shadows need one on a "
		"device, or in a file with a name, durable from its beginning",
		"name one with --store, a file on a filesystem whose blocks have 4 KiB; where the "
		"volume has another kind of store, delete the shadows that are in it first" },
	[SHADOW_REASON_STORE_DURABLE] = {
		"store-durable", "a durable store cannot do that: it is one device or file whose "
		"size stays, and its shadows cannot be written to",
		"delete the volume's persistent shadows first, or leave it as it is" },
	[SHADOW_REASON_STORE_FORMAT] = {
		"store-format", "there is no durable store on it",
		"name the device or file that the persistent shadows were made with; "
		"\"shadowadm store check\" tells what is on it" },
	[SHADOW_REASON_STORE_DAMAGED] = {
		"store-damaged", "what the durable store says of itself cannot be right",
		"\"shadowadm store check\" and the kernel log tell where; nothing was "
		"changed on it" },
	[SHADOW_REASON_STORE_NEWER] = {
		"store-newer", "the durable store was made by a newer version",
		"install module and tools as new as it is; nothing was changed on it" },
	[SHADOW_REASON_VOLUME_CHANGED] = {
		"volume-changed", "the volume was written by somebody else, while its store was "
		"not attached",
		"delete the shadow, and next time attach the store before anybody mounts the "
		"volume" },
	[SHADOW_REASON_NOT_PERSISTENT] = {
		"not-persistent", "the shadow is not persistent: after a loss of power in the "
		"middle there would be neither what the volume was nor what it is to be",
		"revert to a shadow that was made with --persistent, or copy from this one what is "
		"needed" },
	[SHADOW_REASON_SHADOW_LOST] = {
		"shadow-lost", "the shadow is lost",
		"choose another one; \"shadowadm show\" tells why this one is lost" },
	[SHADOW_REASON_VOLUME_SIZE] = {
		"volume-size", "the volume is smaller than it was at the shadow's instant",
		"give it its size back" },
	[SHADOW_REASON_VOLUME_READONLY] = {
		"volume-readonly", "the volume is read-only",
		"make it writable with \"blockdev --setrw DEVICE\"" },
	[SHADOW_REASON_REVERTING] = {
		"reverting", "the volume is being reverted, or is to be",
		"\"shadowadm revert --status\" tells how far it is; one that has not begun is taken "
		"back with \"shadowadm revert --cancel VOLUME\"" },
	[SHADOW_REASON_HALF_REVERTED] = {
		"half-reverted", "the volume was reverted half-way, and is neither what it was nor "
		"what it was to be",
		"\"shadowadm revert --status\" tells why; revert again, to the same shadow or to "
		"another one" },
	[SHADOW_REASON_REVERT_ROOM] = {
		"revert-room", "the store may not have the room that newer shadows need for what a "
		"revert overwrites",
		"delete shadows that are newer, or older, and revert again; \"shadowadm revert --status "
		"-o +NEEDED,ROOM\" tells how much is missing" },
	[SHADOW_REASON_REVERT_WRITE] = {
		"revert-write", "writing the volume failed",
		"see the kernel log for the device's errors" },
	[SHADOW_REASON_CHANGES_UNKNOWN] = {
		"changes-unknown", "what has changed is not known so far back",
		"make a full backup; \"shadowadm base list\" shows since when it is known, and "
		"\"shadowadm volume tracking\" why not longer" },
	[SHADOW_REASON_CHANGES_ORDER] = {
		"changes-order", "the one to compare with is not older",
		"name the older of the two as the one to compare with" },
	[SHADOW_REASON_OTHER_VOLUME] = {
		"other-volume", "the two are of different volumes",
		"\"shadowadm base list\" shows the bases of each volume" },
	[SHADOW_REASON_BASES] = {
		"bases", "bases of it are kept, and what has changed since would be forgotten",
		"drop them first: \"shadowadm base drop\"" },
};

struct errno_text {
	int code;
	const char *cause;
	const char *remedy;
};

static const struct errno_text errnos[] = {
	{ EPERM, "only root may control shadow copies", "run it as root, for example with sudo" },
	{ EACCES, "only root may control shadow copies", "run it as root, for example with sudo" },
	{ ENOTTY, "the loaded module does not know this command",
	  "install module and tools of the same release, then reload the module" },
	{ ENOMEM, "there is not enough memory", "free memory and try again" },
	{ ENODEV, "there is no such block device", "check the name with lsblk" },
	{ ENXIO, "there is no such block device", "check the name with lsblk" },
	{ EBADFD, "this cannot be done in the state that it is in",
	  "a set goes from adding to holding to taking, or from adding to taking at once" },
	{ EINTR, "it was interrupted by a signal", "try again" },
};

static const struct errno_text *errno_text(int code)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(errnos); i++)
		if (errnos[i].code == -code)
			return &errnos[i];
	return NULL;
}

SC_EXPORT const char *shadowcopy_phase_name(uint32_t phase)
{
	if (phase >= ARRAY_SIZE(phases) || !phases[phase].name)
		return "unknown";
	return phases[phase].name;
}

SC_EXPORT const char *shadowcopy_phase_text(uint32_t phase)
{
	if (phase >= ARRAY_SIZE(phases) || !phases[phase].text)
		return "doing something that this program does not know";
	return phases[phase].text;
}

static const struct reason_text *reason_text(uint32_t reason)
{
	static const struct reason_text unknown = {
		"unknown", "the module gave a reason that this program does not know",
		"install tools as new as the module",
	};

	if (reason >= ARRAY_SIZE(reasons) || !reasons[reason].name)
		return &unknown;
	return &reasons[reason];
}

SC_EXPORT const char *shadowcopy_reason_name(uint32_t reason)
{
	return reason_text(reason)->name;
}

SC_EXPORT const char *shadowcopy_reason_cause(uint32_t reason)
{
	return reason_text(reason)->cause;
}

SC_EXPORT const char *shadowcopy_reason_remedy(uint32_t reason)
{
	return reason_text(reason)->remedy;
}

/* A copy that a terminal shows as it is: names come from documents, files and disks. */
static char *plain(const char *text)
{
	char *copy = strdup(text);

	if (copy)
		sc_text_plain(copy);
	return copy;
}

/* The cause, and where and on which device it came about. */
static char *render_cause(struct shadowcopy *sc, const char *cause, const char *object)
{
	const struct shadowcopy_error *error = &sc->error;
	struct shadowcopy_volume volume;
	bool elsewhere = false;
	char *text;
	int rc;

	if (!sc_dev_is_null(error->dev)) {
		shadowcopy_describe(sc, error->dev, &volume);
		elsewhere = strcmp(volume.path, object) && strcmp(volume.name, object);
	}
	rc = asprintf(&text, "%s%s%s%s%s%s%s", elsewhere ? volume.path : "",
		      elsewhere ? ": " : "", cause,
		      error->phase ? " (while " : "",
		      error->phase ? shadowcopy_phase_text(error->phase) : "",
		      error->phase ? ")" : "", "");
	return rc < 0 ? NULL : text;
}

static char *render(const struct shadowcopy_error *error, const char *cause)
{
	const char *remedy = error->remedy;
	char *text;
	int rc;

	rc = asprintf(&text, "cannot %s%s%s: %s%s%c%s", error->action,
		      *error->object ? " " : "", error->object, cause,
		      *remedy ? ". " : "", *remedy ? toupper((unsigned char)*remedy) : '\0',
		      *remedy ? remedy + 1 : "");
	return rc < 0 ? NULL : text;
}

int sc_fail(struct shadowcopy *sc, int code, const struct sc_failure *failure)
{
	struct shadowcopy_error *error = &sc->error;
	const struct shadow_fault *fault = failure->fault;
	const char *cause = failure->cause, *remedy = failure->remedy;
	const struct errno_text *known = errno_text(code);
	/* Copies first: what the caller passes may be the last error's strings. */
	char *strings[ARRAY_SIZE(sc->error_strings)] = { 0 };
	char *where;
	size_t i;

	sc->failures++;
	memset(error, 0, sizeof(*error));
	error->code = code;
	if (fault) {
		error->phase = fault->phase;
		error->reason = fault->reason;
		error->dev = fault->dev;
	}
	if (!cause && error->reason) {
		cause = shadowcopy_reason_cause(error->reason);
		remedy = remedy ?: shadowcopy_reason_remedy(error->reason);
	}
	if (!cause && known) {
		cause = known->cause;
		remedy = remedy ?: known->remedy;
	}
	if (!cause)
		cause = strerror(-code);

	strings[0] = plain(failure->action ?: "do this");
	strings[1] = plain(failure->object ?: "");
	strings[2] = plain(cause);
	strings[3] = plain(remedy ?: "");
	error->action = strings[0] ?: "";
	error->object = strings[1] ?: "";
	error->cause = strings[2] ?: strerror(-code);
	error->remedy = strings[3] ?: "";

	where = render_cause(sc, error->cause, error->object);
	strings[4] = where ? render(error, where) : NULL;
	error->text = strings[4] ?: error->cause;
	free(where);

	for (i = 0; i < ARRAY_SIZE(strings); i++) {
		free(sc->error_strings[i]);
		sc->error_strings[i] = strings[i];
	}
	return code;
}

SC_EXPORT const struct shadowcopy_error *shadowcopy_last_error(const struct shadowcopy *sc)
{
	/* shadowcopy_open() gives no handle where memory is short */
	static const struct shadowcopy_error no_memory = {
		.code = -ENOMEM,
		.action = "open",
		.object = "",
		.cause = "there is not enough memory",
		.remedy = "",
		.text = "cannot open: there is not enough memory",
	};

	return sc ? &sc->error : &no_memory;
}
