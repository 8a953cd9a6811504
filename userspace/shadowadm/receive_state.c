// SPDX-License-Identifier: GPL-2.0-only
/*
 * receive_state.c - the file that says what a target is, or is becoming.
 *
 * It is JSON.  A new one takes the place of the old one at once, so that there is always one of
 * them; and it is on stable storage before what it says is begun.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "receive_state.h"

#define KIND	"shadowcopy-receive"
#define VERSION	1

static const char *const format_names[] = {
	[TARGET_RAW] = "raw", [TARGET_DEVICE] = "device", [TARGET_QCOW2] = "qcow2",
};

const char *target_format_name(enum target_format format)
{
	return format_names[format];
}

bool state_has_head(const struct receive_state *state)
{
	static const uint8_t unknown[STREAM_SUM];

	return memcmp(state->head, unknown, STREAM_SUM);
}

/* --- where it is ------------------------------------------------------------------------- */

/* A name of the device that it keeps, whatever is on it. */
static char *device_path(struct context *context, const char *target)
{
	char name[SHADOWCOPY_PATH_MAX], *at, *path;
	struct shadowcopy_volume volume;

	if (shadowcopy_resolve(context->sc, target, &volume) ||
	    shadowcopy_lasting_name(context->sc, volume.dev, 0, name) < 0)
		snprintf(name, sizeof(name), "%s", target);
	for (at = name; *at; at++)
		if (*at == '/')
			*at = '!';
	return asprintf(&path, "%s/%s", STATE_DIRECTORY, name) < 0 ? NULL : path;
}

char *state_path(struct context *context, const char *target, enum target_format format)
{
	char *path;

	if (format == TARGET_DEVICE)
		return device_path(context, target);
	return asprintf(&path, "%s" STATE_SUFFIX, target) < 0 ? NULL : path;
}

/* --- reading ----------------------------------------------------------------------------- */

static bool get_number(const json_t *object, const char *key, uint64_t *number)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return false;
	*number = json_integer_value(value);
	return true;
}

static bool get_uuid(const json_t *object, const char *key, struct shadow_uuid *uuid)
{
	const json_t *value = json_object_get(object, key);

	memset(uuid, 0, sizeof(*uuid));
	if (json_is_null(value))
		return true;
	return json_is_string(value) && !shadowcopy_uuid_parse(json_string_value(value), uuid);
}

static bool get_sum(const json_t *object, const char *key, uint8_t sum[STREAM_SUM])
{
	const char *text = json_string_value(json_object_get(object, key));
	unsigned int byte, i;
	int end;

	memset(sum, 0, STREAM_SUM);
	if (!text)
		return json_is_null(json_object_get(object, key));
	if (strlen(text) != 2 * STREAM_SUM || strspn(text, "0123456789abcdef") != 2 * STREAM_SUM)
		return false;
	for (i = 0; i < STREAM_SUM; i++) {
		if (sscanf(text + 2 * i, "%2x%n", &byte, &end) != 1)
			return false;
		sum[i] = byte;
	}
	return true;
}

static bool get_format(const json_t *object, enum target_format *format)
{
	const char *name = json_string_value(json_object_get(object, "format"));
	size_t i;

	for (i = 0; name && i < ARRAY_SIZE(format_names); i++)
		if (!strcmp(name, format_names[i])) {
			*format = i;
			return true;
		}
	return false;
}

static bool decode(const json_t *object, struct receive_state *state)
{
	const char *kind = json_string_value(json_object_get(object, "kind"));
	const char *label = json_string_value(json_object_get(object, "label"));
	uint64_t version, created, changed;

	if (!kind || strcmp(kind, KIND) || !get_number(object, "version", &version) ||
	    version != VERSION)
		return false;
	state->complete = json_is_true(json_object_get(object, "complete"));
	state->verified = json_is_true(json_object_get(object, "verified"));
	state->assumed = json_is_true(json_object_get(object, "assumed"));
	snprintf(state->label, sizeof(state->label), "%s", label ?: "");
	if (!get_format(object, &state->format) ||
	    !get_uuid(object, "shadow", &state->shadow) ||
	    !get_uuid(object, "base", &state->base) || !get_uuid(object, "set", &state->set) ||
	    !get_number(object, "created_ns", &created) ||
	    !get_number(object, "changed_ns", &changed) ||
	    !get_number(object, "bytes", &state->bytes) ||
	    !get_number(object, "offset", &state->point.offset) ||
	    !get_number(object, "records", &state->point.records) ||
	    !get_number(object, "data_bytes", &state->point.data_bytes) ||
	    !get_number(object, "hole_bytes", &state->point.hole_bytes) ||
	    !get_sum(object, "sum", state->point.sum) || !get_sum(object, "head", state->head))
		return false;
	state->created_ns = created;
	state->changed_ns = changed;
	return true;
}

int state_load(const char *path, struct receive_state *state)
{
	json_t *object;
	FILE *file;
	bool good;

	memset(state, 0, sizeof(*state));
	file = fopen(path, "re");
	if (!file)
		return -errno;
	object = json_loadf(file, 0, NULL);
	fclose(file);
	good = object && decode(object, state);
	json_decref(object);
	return good ? 0 : -EINVAL;
}

/* --- writing ----------------------------------------------------------------------------- */

static void put_uuid(json_t *object, const char *key, const struct shadow_uuid *uuid)
{
	static const struct shadow_uuid none;

	if (uuid_equal(uuid, &none))
		json_value(object, key, NULL);
	else
		json_uuid(object, key, uuid);
}

static void put_sum(json_t *object, const char *key, const uint8_t sum[STREAM_SUM])
{
	static const uint8_t none[STREAM_SUM];
	char text[2 * STREAM_SUM + 1];
	size_t i;

	for (i = 0; i < STREAM_SUM; i++)
		sprintf(text + 2 * i, "%02x", sum[i]);
	json_text(object, key, memcmp(sum, none, STREAM_SUM) ? text : NULL);
}

static json_t *encode(const struct receive_state *state)
{
	json_t *object = json_object();

	json_text(object, "kind", KIND);
	json_number(object, "version", VERSION);
	json_text(object, "format", target_format_name(state->format));
	json_value(object, "complete", json_boolean(state->complete));
	json_value(object, "verified", json_boolean(state->verified));
	json_value(object, "assumed", json_boolean(state->assumed));
	put_uuid(object, "shadow", &state->shadow);
	put_uuid(object, "base", &state->base);
	put_uuid(object, "set", &state->set);
	json_text(object, "label", state->label);
	json_number(object, "created_ns", state->created_ns);
	json_number(object, "bytes", state->bytes);
	json_number(object, "offset", state->point.offset);
	json_number(object, "records", state->point.records);
	json_number(object, "data_bytes", state->point.data_bytes);
	json_number(object, "hole_bytes", state->point.hole_bytes);
	put_sum(object, "sum", state->point.sum);
	json_number(object, "changed_ns", state->changed_ns);
	put_sum(object, "head", state->head);
	return object;
}

static int make_parents(const char *path)
{
	char *copy = strdup(path), *slash = copy;
	int rc = copy ? 0 : -ENOMEM;

	while (!rc && (slash = strchr(slash + 1, '/'))) {
		*slash = '\0';
		if (mkdir(copy, 0700) < 0 && errno != EEXIST)
			rc = -errno;
		*slash = '/';
	}
	free(copy);
	return rc;
}

static int write_file(const char *path, const char *text)
{
	size_t length = strlen(text);
	ssize_t done;
	int fd, rc;

	/* One that was left; or a link of somebody whose directory it is, not to be followed. */
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	done = write(fd, text, length);
	rc = done < 0 ? -errno : (size_t)done < length ? -ENOSPC : fsync(fd) < 0 ? -errno : 0;
	close(fd);
	return rc;
}

/* The name has to last, too. */
static int sync_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *name = slash ? strndup(path, slash - path + 1) : strdup(".");
	int fd = name ? open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1, rc = 0;

	if (fd < 0 || fsync(fd) < 0)
		rc = -errno;
	if (fd >= 0)
		close(fd);
	free(name);
	return rc;
}

int state_save(const char *path, const struct receive_state *state)
{
	json_t *object = encode(state);
	char *text = json_dumps(object, JSON_INDENT(2)), *lined = NULL, *new = NULL;
	int rc;

	json_decref(object);
	if (!text || asprintf(&lined, "%s\n", text) < 0 || asprintf(&new, "%s.new", path) < 0)
		rc = -ENOMEM;
	else
		rc = !strncmp(path, STATE_DIRECTORY "/", strlen(STATE_DIRECTORY) + 1) ?
		     make_parents(path) : 0;
	if (!rc)
		rc = write_file(new, lined);
	if (!rc && rename(new, path) < 0)
		rc = -errno;
	if (!rc)
		rc = sync_directory(path);
	else if (new)
		unlink(new);
	free(text);
	free(lined);
	free(new);
	return rc;
}

void state_token(const struct receive_state *state, struct stream_token *token)
{
	*token = (struct stream_token){
		.shadow = state->shadow, .base = state->base, .point = state->point,
	};
}
