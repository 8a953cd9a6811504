// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * set.c - a set in the making: its descriptor and the steps of its instant.
 */
#include <unistd.h>

#include "private.h"

SC_EXPORT int shadowcopy_set_new(struct shadowcopy *sc, uint32_t flags, uint32_t timeout_ms,
				 uint32_t context, struct shadowcopy_set **setp)
{
	struct shadow_set_new new = {
		.flags = flags,
		.timeout_ms = timeout_ms,
		.context = context,
	};
	struct shadowcopy_set *set;
	int rc = shadowcopy_connect(sc);

	*setp = NULL;
	if (rc)
		return rc;
	set = calloc(1, sizeof(*set));
	if (!set)
		return SC_FAIL(sc, -ENOMEM, .action = "begin a set of shadows");
	rc = sc_device_ioctl(sc->fd, SHADOW_IOC_SET_NEW, &new);
	if (rc) {
		free(set);
		return SC_FAIL(sc, rc, .action = "begin a set of shadows");
	}
	set->sc = sc;
	set->fd = new.fd;
	set->uuid = new.set;
	*setp = set;
	return 0;
}

SC_EXPORT void shadowcopy_set_close(struct shadowcopy_set *set)
{
	if (!set)
		return;
	close(set->fd);
	free(set);
}

SC_EXPORT int shadowcopy_set_fd(const struct shadowcopy_set *set)
{
	return set->fd;
}

SC_EXPORT const struct shadow_uuid *shadowcopy_set_uuid(const struct shadowcopy_set *set)
{
	return &set->uuid;
}

const char *sc_add_action(uint32_t flags)
{
	return flags & SHADOW_ADD_SHADOW ? "shadow-copy" :
	       flags & SHADOW_ADD_HOLD ? "hold" : "prepare the freeze of";
}

SC_EXPORT int shadowcopy_set_add(struct shadowcopy_set *set, struct shadow_dev dev,
				 uint32_t flags, const struct shadow_store_spec *store,
				 struct shadow_uuid *shadow)
{
	struct shadow_set_add add = { .dev = dev, .flags = flags };
	char label[SHADOWCOPY_PATH_MAX];
	int rc;

	if (store)
		add.store = *store;
	rc = sc_device_ioctl(set->fd, SHADOW_IOC_SET_ADD, &add);
	if (rc) {
		sc_dev_label(set->sc, dev, label, sizeof(label));
		return SC_FAIL(set->sc, rc, .object = label, .fault = &add.fault,
			       .action = sc_add_action(flags));
	}
	if (shadow)
		*shadow = add.shadow;
	return 0;
}

static int step(struct shadowcopy_set *set, unsigned long request,
		struct shadow_set_step *out, const char *action)
{
	struct shadow_set_step step = { 0 };
	int rc = sc_device_ioctl(set->fd, request, &step);

	/*
	 * While volumes are held the module writes its answer only where no page
	 * must be brought in first.  A state is never 0, so this is no answer.
	 */
	if (!step.state && request != SHADOW_IOC_SET_STATUS) {
		memset(&step, 0, sizeof(step));
		sc_device_ioctl(set->fd, SHADOW_IOC_SET_STATUS, &step);
	}
	if (out)
		*out = step;
	if (rc)
		return SC_FAIL(set->sc, rc, .action = action, .fault = &step.fault);
	return 0;
}

SC_EXPORT int shadowcopy_set_hold(struct shadowcopy_set *set, struct shadow_set_step *out)
{
	return step(set, SHADOW_IOC_SET_HOLD, out, "bring the volumes to rest");
}

SC_EXPORT int shadowcopy_set_take(struct shadowcopy_set *set, struct shadow_set_step *out)
{
	return step(set, SHADOW_IOC_SET_TAKE, out, "take the shadows");
}

SC_EXPORT int shadowcopy_set_release(struct shadowcopy_set *set, struct shadow_set_step *out)
{
	struct shadow_fault fault = { .reason = SHADOW_REASON_TIMEOUT };
	int rc = step(set, SHADOW_IOC_SET_RELEASE, out, "let the volumes go on");

	/* They have gone on: that is what is wrong. */
	fault.phase = set->sc->error.phase;
	if (rc == -ETIMEDOUT)
		return SC_FAIL(set->sc, rc, .action = "keep the volumes at rest to the end",
			       .cause = "the hold took too long, and the kernel has let them go on",
			       .remedy = "allow more with --timeout; what writes to a "
			       "filesystem that is held waits for the end of the hold",
			       .fault = &fault);
	return rc;
}

SC_EXPORT int shadowcopy_set_status(struct shadowcopy_set *set, struct shadow_set_step *out)
{
	return step(set, SHADOW_IOC_SET_STATUS, out, "ask for the state of the set");
}

SC_EXPORT int shadowcopy_set_keep(struct shadowcopy_set *set, struct shadow_set_step *out)
{
	return step(set, SHADOW_IOC_SET_KEEP, out, "keep the shadows");
}
