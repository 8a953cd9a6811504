// SPDX-License-Identifier: GPL-2.0-only
/*
 * receive_plan.c - whether a stream fits what there is of its target.
 *
 * What was received as a whole, and not written to since, is the shadow that its file says.  A
 * stream that has this one as its base changes it to another; one that was interrupted can only
 * become what it was going to.  Whatever else would be neither the one nor the other.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "receive.h"

int64_t receive_changed(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : st.st_mtim.tv_sec * 1000000000LL + st.st_mtim.tv_nsec;
}

int receive_head_sum(struct target *target, uint8_t sum[STREAM_SUM])
{
	size_t length = target->bytes < STATE_HEAD ? target->bytes : STATE_HEAD;
	void *head = malloc(length);
	int rc = head ? target->calls->read(target, head, length, 0) : -ENOMEM;

	if (!rc)
		stream_sum(head, length, sum);
	free(head);
	return rc;
}

/* --- is it still what it was ------------------------------------------------------------- */

static int has_changed(struct context *context, const char *path, const char *how)
{
	return fail_for(context, "changed", "%s is not what it was when it was received: %s.  "
			"What has changed can only be put on what the base was: receive all of a "
			"shadow, or say --assume-base if you know better", path, how);
}

/* Does a file or a device begin as it did, and is it large enough?  @same is undefined if not. */
static int compare_head(struct context *context, const char *path,
			const struct receive_state *state, bool *same)
{
	struct target_wish wish = { .read_only = true, .bytes = state->bytes };
	uint8_t sum[STREAM_SUM];
	struct target target;
	int status, rc = 0;

	status = target_open(context, path, state->format, &wish, &target);
	if (!status && state_has_head(state)) {
		posix_fadvise(target.fd, 0, STATE_HEAD, POSIX_FADV_DONTNEED);
		rc = receive_head_sum(&target, sum);
	} else {
		memset(sum, 0, sizeof(sum));
	}
	target_close(&target);
	if (status)
		return status;
	if (rc)
		return fail(context, "%s cannot be read: %s", path, strerror(-rc));
	*same = !memcmp(sum, state->head, STREAM_SUM);
	return STATUS_OK;
}

/* A file or a device whose contents are the base. */
static int check_contents(struct context *context, const char *path,
			  const struct receive_state *state)
{
	bool same;

	if (compare_head(context, path, state, &same))
		return STATUS_FAILED;
	return same ? STATUS_OK : has_changed(context, path, "it begins with something else, as "
					      "if it had been mounted");
}

/* One that is half of something: is it still that half, and not another that has its name now? */
static int check_half(struct context *context, const char *path, const struct receive_state *state)
{
	bool same;

	/* Before the first sync it may not have its size yet. */
	if (state->format == TARGET_QCOW2 || !state->point.records)
		return STATUS_OK;
	if (compare_head(context, path, state, &same))
		return STATUS_FAILED;
	if (same)
		return STATUS_OK;
	return fail_for(context, "changed", "%s begins with something else than what was received "
			"in it: it is another one, or was written to.  Receive all of the shadow, "
			"from its beginning (--force)", path);
}

static int check_unchanged(struct context *context, const char *path,
			   const struct receive_state *state)
{
	if (state->format != TARGET_DEVICE && state->changed_ns &&
	    receive_changed(path) != state->changed_ns)
		return has_changed(context, path, "it was written to later");
	return state->format == TARGET_QCOW2 ? STATUS_OK : check_contents(context, path, state);
}

/* Likewise, where nobody is to be told; what is not known is not the same. */
static bool begins_the_same(const char *path, const struct receive_state *state)
{
	size_t length = state->bytes < STATE_HEAD ? state->bytes : STATE_HEAD;
	uint8_t head[STATE_HEAD], sum[STREAM_SUM];
	bool same = false;
	int fd;

	if (!state_has_head(state))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return false;
	posix_fadvise(fd, 0, STATE_HEAD, POSIX_FADV_DONTNEED);
	if (pread(fd, head, length, 0) == (ssize_t)length) {
		stream_sum(head, length, sum);
		same = !memcmp(sum, state->head, STREAM_SUM);
	}
	close(fd);
	return same;
}

static bool is_unchanged(const char *path, const struct receive_state *state)
{
	if (state->format != TARGET_DEVICE && state->changed_ns &&
	    receive_changed(path) != state->changed_ns)
		return false;
	if (state->format == TARGET_QCOW2)
		return !access(path, F_OK);
	return begins_the_same(path, state);
}

/*
 * Can what there is be overwritten, as it is half of the same?  A device whose name is another's
 * after a boot has what nobody wants to lose; so has a file that was put in the place.
 */
static bool is_half(const char *path, const struct receive_state *state)
{
	struct stat st;

	if (state->format == TARGET_QCOW2)
		return true;
	if (state->format == TARGET_RAW &&
	    (stat(path, &st) || (uint64_t)st.st_size != state->bytes))
		return false;
	if (!state_has_head(state))
		return state->format == TARGET_RAW;
	return begins_the_same(path, state);
}

/* --- the base of an image ---------------------------------------------------------------- */

/* By whatever names. */
static bool is_same_file(const char *a, const char *b)
{
	struct stat first, second;

	return !stat(a, &first) && !stat(b, &second) && first.st_dev == second.st_dev &&
	       first.st_ino == second.st_ino;
}

static bool is_base(const char *path, const struct shadow_uuid *base, struct receive_state *state)
{
	return !state_load(path, state) && state->complete && state->format == TARGET_QCOW2 &&
	       uuid_equal(&state->shadow, base);
}

/*
 * The first of what was received beside @target, and is not it, for which @wanted says so: its
 * path, to be freed, or NULL.
 */
static char *search_beside(const char *target,
			   bool (*wanted)(const char *path, const char *state, const void *arg),
			   const void *arg)
{
	const char *slash = strrchr(target, '/');
	int length = slash ? slash - target + 1 : 0;
	char *name = length ? strndup(target, length) : strdup("."), *found = NULL, *state;
	DIR *stream = name ? opendir(name) : NULL;
	struct dirent *entry;
	size_t end;

	while (!found && stream && (entry = readdir(stream))) {
		end = strlen(entry->d_name);
		if (end <= strlen(STATE_SUFFIX) ||
		    strcmp(entry->d_name + end - strlen(STATE_SUFFIX), STATE_SUFFIX) ||
		    asprintf(&state, "%.*s%s", length, target, entry->d_name) < 0)
			continue;
		found = strndup(state, strlen(state) - strlen(STATE_SUFFIX));
		if (found && (is_same_file(found, target) || !wanted(found, state, arg))) {
			free(found);
			found = NULL;
		}
		free(state);
	}
	if (stream)
		closedir(stream);
	free(name);
	return found;
}

static bool is_wanted_base(const char *path, const char *state_file, const void *base)
{
	struct receive_state state;

	(void)path;
	return is_base(state_file, base, &state);
}

static int search_base(struct context *context, const char *target,
		       const struct shadow_uuid *base, char **path)
{
	char uuid[SHADOWCOPY_UUID_LEN], *state_file;
	struct receive_state state;

	*path = search_beside(target, is_wanted_base, base);
	/* If it is the target itself, find_image() says that it cannot be. */
	if (!*path && asprintf(&state_file, "%s" STATE_SUFFIX, target) >= 0) {
		if (is_base(state_file, base, &state))
			*path = strdup(target);
		free(state_file);
	}
	if (*path)
		return STATUS_OK;
	return fail_for(context, "wrong-base", "no image beside %s is what the base was, %s: "
			"receive that first, or name its file (--base FILE)", target,
			shadowcopy_uuid_format(base, uuid));
}

static int real_size(const char *path, enum target_format format, uint64_t *bytes)
{
	int fd, rc;
	off_t end;

	if (format == TARGET_QCOW2)
		return target_qcow2_bytes(path, bytes);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	end = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	rc = end < 0 ? -errno : 0;
	*bytes = end < 0 ? 0 : end;
	if (fd >= 0)
		close(fd);
	return rc;
}

/* What cannot have been the base is not assumed to be it.  A device may be larger. */
static int check_assumed(struct context *context, const char *path, enum target_format format,
			 const struct stream_info *info)
{
	uint64_t bytes;
	int rc = real_size(path, format, &bytes);

	if (rc)
		return fail_for(context, "wrong-base", "%s cannot be what the base was: %s",  path,
				format == TARGET_QCOW2 ? "it is no qcow2 image" : strerror(-rc));
	if (!info->base_bytes || bytes == info->base_bytes ||
	    (format == TARGET_DEVICE && bytes > info->base_bytes))
		return STATUS_OK;
	return fail_for(context, "wrong-base", "%s cannot be what the base was: it has %llu "
			"bytes, and the base had %llu.  Name the one that was received as the "
			"base, or receive all of the shadow", path, (unsigned long long)bytes,
			(unsigned long long)info->base_bytes);
}

static int find_image(struct context *context, const struct receive_wish *wish,
		      const struct stream_info *info, char **path, bool *assumed)
{
	char *state_file = NULL, uuid[SHADOWCOPY_UUID_LEN];
	struct receive_state state;
	bool good, known;

	*path = NULL;
	if (!wish->base) {
		if (search_base(context, wish->target, &info->base, path))
			return STATUS_FAILED;
	} else {
		*path = strdup(wish->base);
	}
	if (!*path || asprintf(&state_file, "%s" STATE_SUFFIX, *path) < 0)
		return fail(context, "there is not enough memory");
	good = is_base(state_file, &info->base, &state);
	known = !state_load(state_file, &state);
	free(state_file);
	*assumed = wish->assume_base || (known && state.assumed);
	if (access(*path, R_OK))
		return fail(context, "%s, which is to be beneath, cannot be read: %s", *path,
			    strerror(errno));
	if (is_same_file(*path, wish->target))
		return fail_for(context, "exists", "%s is what the base was, and cannot be laid "
				"over itself: name another target", *path);
	if (known && !state.complete)
		return fail_for(context, "wrong-base", "%s, which is to be beneath, is not "
				"complete: end that first, or name another file", *path);
	if (wish->assume_base)
		return check_assumed(context, *path, TARGET_QCOW2, info);
	if (!good)
		return fail_for(context, "wrong-base", "%s is not known to be what the base was, "
				"%s: name another file, or say --assume-base if you know that it "
				"is", *path, shadowcopy_uuid_format(&info->base, uuid));
	return check_unchanged(context, *path, &state);
}

static bool is_over(const char *path, const char *state_file, const void *base)
{
	(void)state_file;
	return target_qcow2_is_over(path, base);
}

/* An image that another is laid over is not overwritten: the other would be neither. */
static int check_not_beneath(struct context *context, const char *target)
{
	struct stat st;
	char *other;
	int status;

	if (stat(target, &st) || !S_ISREG(st.st_mode))
		return STATUS_OK;
	other = search_beside(target, is_over, &st);
	if (!other)
		return STATUS_OK;
	status = fail_for(context, "exists", "%s is beneath %s, which would be lost with it: name "
			  "another file, or remove that one first", target, other);
	free(other);
	return status;
}

/* --- what there is ----------------------------------------------------------------------- */

static const struct shadow_uuid none;

/* "shadow UUID" or "shadow UUID since UUID" */
static char *describe(const struct shadow_uuid *shadow, const struct shadow_uuid *base,
		      char buf[128])
{
	char a[SHADOWCOPY_UUID_LEN], b[SHADOWCOPY_UUID_LEN];

	shadowcopy_uuid_format(shadow, a);
	shadowcopy_uuid_format(base, b);
	snprintf(buf, 128, "shadow %s%s%s", a, uuid_equal(base, &none) ? "" : " since ",
		 uuid_equal(base, &none) ? "" : b);
	return buf;
}

static bool is_same_transfer(const struct receive_state *state, const struct stream_info *info)
{
	return !state->complete && uuid_equal(&state->shadow, &info->shadow) &&
	       uuid_equal(&state->base, &info->base) && state->bytes == info->bytes;
}

/* The stream begins in the middle. */
static int plan_continued(struct context *context, const struct receive_wish *wish,
			  const struct stream_info *info, const struct receive_state *state,
			  bool known, struct receive_plan *plan)
{
	char what[128];

	describe(&info->shadow, &info->base, what);
	if (!known || !is_same_transfer(state, info))
		return fail_for(context, "wrong-base", "the stream goes on with %s, and %s has no "
				"beginning of that", what, wish->target);
	if (!stream_point_equal(&state->point, &info->from))
		return fail_for(context, "wrong-base", "the stream goes on at byte %llu of the "
				"volume, record %llu, and %s has come to byte %llu, record %llu: "
				"send it once more, with --resume-from %s",
				(unsigned long long)info->from.offset,
				(unsigned long long)info->from.records, wish->target,
				(unsigned long long)state->point.offset,
				(unsigned long long)state->point.records, plan->state_path);
	if (wish->verify && state->assumed)
		return fail(context, "what %s was is only assumed: --verify could not prove what "
			    "it becomes.  Go on without --verify, and compare with all of the "
			    "shadow later (--verify-only)", wish->target);
	if (wish->verify && !state->verified)
		return fail(context, "what %s has already was not read back when it was received, "
			    "and is not in this stream: --verify could not prove it.  Go on "
			    "without --verify, and compare with all of the shadow later "
			    "(--verify-only); or send all of it again, and receive that with "
			    "--resume --verify", wish->target);
	plan->how = RECEIVE_CONTINUED;
	return check_half(context, wish->target, state);
}

static int plan_on_base(struct context *context, const struct receive_wish *wish,
			const struct stream_info *info, const struct receive_state *state,
			bool known, struct receive_plan *plan)
{
	char has[128], uuid[SHADOWCOPY_UUID_LEN];

	plan->how = RECEIVE_ON_BASE;
	if (known && !state->complete)
		return fail_for(context, "wrong-base", "%s is on its way to %s, and is neither "
				"that nor what it was: end that first, or receive all of a shadow "
				"(--force)", wish->target,
				describe(&state->shadow, &state->base, has));
	plan->assumed = wish->assume_base || (known && state->assumed);
	if (wish->assume_base)
		return check_assumed(context, wish->target, wish->format, info);
	shadowcopy_uuid_format(&info->base, uuid);
	if (!known)
		return fail_for(context, "wrong-base", "the stream has what has changed since %s, "
				"and it is not known what %s is (there is no %s): receive all of "
				"that first, or say --assume-base if you know that it is that",
				uuid, wish->target, plan->state_path);
	if (!uuid_equal(&state->shadow, &info->base))
		return fail_for(context, "wrong-base", "the stream has what has changed since %s, "
				"and %s is %s: send what has changed since that one, or all", uuid,
				wish->target, describe(&state->shadow, &none, has));
	if (info->base_bytes && state->bytes != info->base_bytes)
		return fail_for(context, "wrong-base", "%s has not the size that the base had",
				wish->target);
	return check_unchanged(context, wish->target, state);
}

/* The stream begins at the beginning. */
static int plan_from_begin(struct context *context, const struct receive_wish *wish,
			   const struct stream_info *info, const struct receive_state *state,
			   bool known, struct receive_plan *plan)
{
	bool same = known && is_same_transfer(state, info);
	bool incremental = stream_is_incremental(info);

	if (wish->resume && !same)
		return fail_for(context, "wrong-base", "there is nothing to go on with: %s has no "
				"beginning of what is in this stream", wish->target);
	if (wish->resume && state->point.records) {
		plan->how = RECEIVE_SKIPPING;
		return check_half(context, wish->target, state);
	}
	plan->how = RECEIVE_ANEW;
	plan->overwrite = wish->force ||
			  (same && (incremental || is_half(wish->target, state)));
	if (incremental && wish->format == TARGET_QCOW2)
		return find_image(context, wish, info, &plan->base, &plan->assumed);
	if (!incremental)
		return STATUS_OK;
	if (same) {
		/* All of it is there again: what was changed is changed to the same. */
		plan->how = RECEIVE_ON_BASE;
		plan->assumed = state->assumed;
		return check_half(context, wish->target, state);
	}
	return plan_on_base(context, wish, info, state, known, plan);
}

static void new_state(const struct receive_wish *wish, const struct stream_info *info,
		      bool assumed, struct receive_state *state)
{
	*state = (struct receive_state){
		.format = wish->format, .verified = wish->verify && !assumed, .assumed = assumed,
		.shadow = info->shadow, .base = info->base, .set = info->set,
		.created_ns = info->created_ns, .bytes = info->bytes,
	};
	stream_begin(info, &state->point);
	snprintf(state->label, sizeof(state->label), "%s", info->label);
}

int receive_plan(struct context *context, const struct receive_wish *wish,
		 const struct stream_info *info, struct receive_plan *plan)
{
	struct receive_state *state = &plan->state;
	int rc, status;

	memset(plan, 0, sizeof(*plan));
	plan->state_path = state_path(context, wish->target, wish->format);
	if (!plan->state_path)
		return fail(context, "there is not enough memory");
	rc = state_load(plan->state_path, state);
	plan->known = !rc;
	memcpy(&plan->found, state, sizeof(*state));
	if (rc == -EINVAL && wish->force && !stream_is_incremental(info))
		rc = -ENOENT;
	if (rc && rc != -ENOENT)
		return fail(context, "%s, which says what %s is, cannot be read: %s",
			    plan->state_path, wish->target,
			    rc == -EINVAL ? "it is none of ours, or damaged" : strerror(-rc));
	if (!rc && state->format != wish->format) {
		if (!wish->force)
			return fail(context, "%s was received as %s, and not as %s", wish->target,
				    target_format_name(state->format),
				    target_format_name(wish->format));
		/* What there is is nothing to go on with, and no base. */
		rc = -ENOENT;
	}
	if (!rc && !wish->force && state->complete && state->bytes == info->bytes &&
	    uuid_equal(&state->shadow, &info->shadow) && is_unchanged(wish->target, state)) {
		plan->how = RECEIVE_NOTHING;
		return STATUS_OK;
	}
	if (info->resumed)
		status = plan_continued(context, wish, info, state, !rc, plan);
	else
		status = plan_from_begin(context, wish, info, state, !rc, plan);
	if (status)
		return status;
	if (plan->how == RECEIVE_ANEW || plan->how == RECEIVE_ON_BASE)
		new_state(wish, info, plan->assumed, state);
	if (plan->how == RECEIVE_ANEW && plan->overwrite)
		return check_not_beneath(context, wish->target);
	return STATUS_OK;
}

int receive_plan_holds(struct context *context, const struct receive_wish *wish,
		       const struct receive_plan *plan)
{
	struct receive_state now;
	bool known = !state_load(plan->state_path, &now);

	if (known == plan->known && (!known || !memcmp(&now, &plan->found, sizeof(now))))
		return STATUS_OK;
	return fail(context, "%s was received in by another just now: nothing was written, begin "
		    "anew", wish->target);
}

void receive_plan_clear(struct receive_plan *plan)
{
	free(plan->state_path);
	free(plan->base);
}
