// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * shadow.c - shadows: the list, finding one by what a user calls it, deletion.
 */
#include <ctype.h>
#include <sys/stat.h>

#include "private.h"

/* Fewer digits of a UUID are refused: they may be a slip of the finger. */
#define PREFIX_MIN 4

SC_EXPORT int shadowcopy_shadow_next(struct shadowcopy *sc, struct shadow_shadow_info *info)
{
	struct shadow_shadow_info next = { .cursor = info->cursor };
	int rc = shadowcopy_connect(sc);

	if (rc)
		return rc;
	rc = sc_device_ioctl(sc->fd, SHADOW_IOC_SHADOW_NEXT, &next);
	if (rc == -ENOENT)
		return 0;
	if (rc)
		return SC_FAIL(sc, rc, .action = "list the shadows");
	*info = next;
	return 1;
}

/* What a name was understood as. */
struct name {
	const char *text;
	bool by_index, by_dev, by_prefix;
	unsigned long index;
	struct shadow_dev dev;
};

static bool all_digits(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text);
}

/*
 * A short decimal number is always N of /dev/shadowN, even where no such
 * shadow exists: it must not turn into the beginning of some UUID when shadow
 * N is deleted.
 */
static int understand(struct shadowcopy *sc, const char *text, struct name *name)
{
	const char *digits = text;
	struct stat st;

	memset(name, 0, sizeof(*name));
	name->text = text;
	if (!strncmp(digits, "/dev/", 5))
		digits += 5;
	if (!strncmp(digits, "shadow", 6))
		digits += 6;
	if (all_digits(digits) && strlen(digits) < 8) {
		name->by_index = true;
		name->index = strtoul(digits, NULL, 10);
		return 0;
	}
	if (strchr(text, '/')) {
		if (stat(text, &st) < 0)
			return SC_FAIL(sc, -errno, .action = "find the shadow", .object = text);
		if (!S_ISBLK(st.st_mode))
			return SC_FAIL(sc, -EINVAL, .action = "find the shadow", .object = text,
				       .cause = "it is not a block device",
				       .remedy = "name the shadow by its UUID or as /dev/shadowN");
		name->by_dev = true;
		name->dev = sc_dev_from_devno(st.st_rdev);
		return 0;
	}
	if (strlen(text) < PREFIX_MIN || strlen(text) >= SHADOWCOPY_UUID_LEN ||
	    strspn(text, "0123456789abcdefABCDEF-") != strlen(text))
		return SC_FAIL(sc, -EINVAL, .action = "find the shadow", .object = text,
			       .cause = "this is neither a UUID nor /dev/shadowN nor a number",
			       .remedy = "name it as /dev/shadowN, N, its UUID, its set's UUID, or "
					 "at least four digits of one; \"shadowadm list\" shows them");
	name->by_prefix = true;
	return 0;
}

static bool has_prefix(const struct shadow_uuid *uuid, const char *prefix)
{
	char text[SHADOWCOPY_UUID_LEN];

	return !strncasecmp(shadowcopy_uuid_format(uuid, text), prefix, strlen(prefix));
}

struct match {
	uint32_t kind;
	struct shadow_uuid uuid;
	unsigned int count;
};

static void match_add(struct match *match, uint32_t kind, const struct shadow_uuid *uuid)
{
	if (match->count && match->kind == kind &&
	    !memcmp(&match->uuid, uuid, sizeof(*uuid)))
		return;
	/*
	 * The sets of a volume's shadows come in any order, so the same set may
	 * come again after another: it is counted twice then, which changes
	 * nothing, for two are too many already.
	 */
	if (!match->count) {
		match->kind = kind;
		match->uuid = *uuid;
	}
	match->count++;
}

SC_EXPORT int shadowcopy_find(struct shadowcopy *sc, const char *text,
			      struct shadow_uuid *uuid, uint32_t *kind)
{
	struct shadow_shadow_info info = { 0 };
	struct match match = { 0 };
	struct name name;
	int rc = understand(sc, text, &name);

	if (rc)
		return rc;
	while ((rc = shadowcopy_shadow_next(sc, &info)) > 0) {
		if ((name.by_index && info.index == name.index) ||
		    (name.by_dev && sc_dev_equal(info.image, name.dev)) ||
		    (name.by_prefix && has_prefix(&info.uuid, text)))
			match_add(&match, SHADOW_KIND_SHADOW, &info.uuid);
		if (name.by_prefix && has_prefix(&info.set, text))
			match_add(&match, SHADOW_KIND_SET, &info.set);
	}
	if (rc)
		return rc;
	if (!match.count)
		return SC_FAIL(sc, -ENOENT, .action = "find the shadow", .object = text,
			       .cause = "no shadow and no set has this name",
			       .remedy = "\"shadowadm list\" shows those that exist");
	if (match.count > 1)
		return SC_FAIL(sc, -ENOTUNIQ, .action = "find the shadow", .object = text,
			       .cause = "more than one shadow or set begins with it",
			       .remedy = "give more digits; \"shadowadm list\" shows them");
	*uuid = match.uuid;
	*kind = match.kind;
	return 0;
}

/* "/dev/shadow3", or the UUID where it is not in the list. */
static void shadow_label(struct shadowcopy *sc, const struct shadow_uuid *uuid, char *buf,
			 size_t size)
{
	struct shadow_shadow_info info = { 0 };
	char text[SHADOWCOPY_UUID_LEN];

	while (shadowcopy_shadow_next(sc, &info) > 0)
		if (!memcmp(&info.uuid, uuid, sizeof(*uuid))) {
			snprintf(buf, size, "/dev/shadow%u", info.index);
			return;
		}
	snprintf(buf, size, "%s", shadowcopy_uuid_format(uuid, text));
}

SC_EXPORT int shadowcopy_delete(struct shadowcopy *sc, uint32_t kind,
				const struct shadow_uuid *uuid, struct shadow_delete *result)
{
	struct shadow_delete delete = { .uuid = *uuid, .kind = kind };
	static const struct shadow_uuid null;
	struct shadow_fault fault;
	char label[64];
	int rc = shadowcopy_connect(sc);

	if (rc)
		return rc;
	rc = sc_device_ioctl(sc->fd, SHADOW_IOC_DELETE, &delete);
	if (result)
		*result = delete;
	if (!rc)
		return 0;
	if (memcmp(&delete.failed, &null, sizeof(null)))
		uuid = &delete.failed;
	shadow_label(sc, uuid, label, sizeof(label));
	if (rc == -ENOENT)
		return SC_FAIL(sc, rc, .action = "delete", .object = label,
			       .cause = "there is no such shadow or set",
			       .remedy = "\"shadowadm list\" shows those that exist");
	/* the reason says it all; the phase and the volume would mislead */
	fault = (struct shadow_fault){ .error = delete.fault.error, .reason = delete.fault.reason };
	return SC_FAIL(sc, rc, .action = "delete", .object = label, .fault = &fault);
}

static const char *change_name(uint32_t flags)
{
	switch (flags) {
	case SHADOW_CHANGE_PIN:
		return "pin";
	case SHADOW_CHANGE_UNPIN:
		return "unpin";
	case SHADOW_CHANGE_SEAL:
		return "seal";
	default:
		return "change";
	}
}

SC_EXPORT int shadowcopy_change(struct shadowcopy *sc, uint32_t kind,
				const struct shadow_uuid *uuid, uint32_t flags,
				struct shadow_change *result)
{
	struct shadow_change change = { .uuid = *uuid, .kind = kind, .flags = flags };
	static const struct shadow_uuid null;
	struct shadow_fault fault;
	char label[64];
	int rc = shadowcopy_connect(sc);

	if (rc)
		return rc;
	rc = sc_device_ioctl(sc->fd, SHADOW_IOC_SHADOW_CHANGE, &change);
	if (result)
		*result = change;
	if (!rc)
		return 0;
	if (memcmp(&change.failed, &null, sizeof(null)))
		uuid = &change.failed;
	shadow_label(sc, uuid, label, sizeof(label));
	if (rc == -ENOENT)
		return SC_FAIL(sc, rc, .action = change_name(flags), .object = label,
			       .cause = "there is no such shadow or set, or it is being deleted",
			       .remedy = "\"shadowadm list\" shows those that exist");
	/* as for deletion */
	fault = (struct shadow_fault){ .error = change.fault.error, .reason = change.fault.reason };
	return SC_FAIL(sc, rc, .action = change_name(flags), .object = label, .fault = &fault);
}

SC_EXPORT int shadowcopy_mark_free(struct shadowcopy *sc, const struct shadow_uuid *uuid,
				   const struct shadow_free_range *ranges, size_t count,
				   struct shadow_shadow_free *result)
{
	struct shadow_shadow_free sum = { .uuid = *uuid };
	int rc = shadowcopy_connect(sc);
	size_t told = 0;
	char label[64];

	if (rc)
		return rc;
	do {
		struct shadow_shadow_free part = { .uuid = *uuid };

		part.ranges = (uintptr_t)(ranges + told);
		part.count = count - told < SHADOW_MAX_FREE_RANGES ? count - told :
			     SHADOW_MAX_FREE_RANGES;
		rc = sc_device_ioctl(sc->fd, SHADOW_IOC_SHADOW_FREE, &part);
		told += part.done;
		sum.done += part.done;
		sum.blocks += part.blocks;
		sum.settled += part.settled;
		sum.fault = part.fault;
	} while (!rc && told < count);
	if (result)
		*result = sum;
	if (!rc)
		return 0;
	shadow_label(sc, uuid, label, sizeof(label));
	if (rc == -EIO)
		return SC_FAIL(sc, rc, .action = "tell the module what is free on", .object = label,
			       .cause = "the shadow is lost",
			       .remedy = "\"shadowadm show\" tells why");
	return SC_FAIL(sc, rc, .action = "tell the module what is free on", .object = label,
		       .fault = &sum.fault);
}
