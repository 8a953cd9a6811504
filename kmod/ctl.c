// SPDX-License-Identifier: GPL-2.0-only
/*
 * ctl.c - /dev/shadow-control and the set descriptors: everything from user
 * space is checked here, before anything is touched.
 */
#include <linux/anon_inodes.h>
#include <linux/capability.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "attach.h"
#include "ctl.h"
#include "hook.h"
#include "image.h"
#include "map.h"
#include "registry.h"
#include "revert.h"
#include "set.h"

#define zeroed(x)	(!memchr_inv(&(x), 0, sizeof(x)))

static bool good_dev(const struct shadow_dev *dev)
{
	return dev->major == MAJOR(MKDEV(dev->major, dev->minor)) &&
	       dev->minor == MINOR(MKDEV(dev->major, dev->minor));
}

static dev_t dev_of(const struct shadow_dev *dev)
{
	return MKDEV(dev->major, dev->minor);
}

/* Does it say what its type needs, and nothing else? */
static bool good_spec(const struct shadow_store_spec *spec)
{
	if (spec->fd && spec->type != SHADOW_STORE_FILE)
		return false;
	switch (spec->type) {
	case SHADOW_STORE_DEFAULT:
		return zeroed(*spec);
	case SHADOW_STORE_MEMORY:
	case SHADOW_STORE_FILE:
		return zeroed(spec->dev);
	case SHADOW_STORE_DEVICE:
		return good_dev(&spec->dev) && !zeroed(spec->dev);
	default:
		return false;
	}
}

/* The argument.  Nothing is done whose answer could not be written. */
static long fetch(void *arg, void __user *user, size_t size)
{
	if (copy_from_user(arg, user, size) || copy_to_user(user, arg, size))
		return -EFAULT;
	return 0;
}

/* The argument of a walk: a cursor, and nothing else yet. */
static long fetch_cursor(void *info, void __user *user, size_t size)
{
	long err = fetch(info, user, size);

	if (!err && memchr_inv(info + sizeof(u64), 0, size - sizeof(u64)))
		err = -EINVAL;
	return err;
}

/* The answer, after a command that may have failed with @err. */
static long answer(void __user *user, const void *arg, size_t size, long err)
{
	if (copy_to_user(user, arg, size))
		return -EFAULT;
	return err;
}

/* --- the control device ---------------------------------------------------------- */

static long ctl_info(struct shadow_info __user *user)
{
	struct shadow_info info = {
		.abi_version = SHADOW_ABI_VERSION,
		.block_size = SHADOW_BLOCK_SIZE,
		.features = SHADOW_FEAT_STORE_MEMORY | SHADOW_FEAT_STORE_DEVICE |
			    SHADOW_FEAT_HOLD | SHADOW_FEAT_EVENTS | SHADOW_FEAT_FREE |
			    SHADOW_FEAT_WRITABLE | SHADOW_FEAT_POLICY |
			    SHADOW_FEAT_STORE_FILE | SHADOW_FEAT_STORE_GROW |
			    SHADOW_FEAT_STORE_CHANGE | SHADOW_FEAT_HOLD_ONLY |
			    SHADOW_FEAT_PERSISTENT | SHADOW_FEAT_REVERT |
			    SHADOW_FEAT_CHANGES,
		.max_set_volumes = SHADOW_MAX_SET_VOLUMES,
		.max_volume_shadows = SHADOW_MAX_VOLUME_SHADOWS,
		.volumes = shadow_registry_count(),
		.shadows = shadow_count(),
		.hooked = shadow_hook_registered(),
	};

	strscpy(info.version, SHADOW_VERSION, sizeof(info.version));
	return answer(user, &info, sizeof(info), 0);
}

static int set_file_release(struct inode *inode, struct file *file);
static long set_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

static const struct file_operations set_fops = {
	.owner = THIS_MODULE,
	.release = set_file_release,
	.unlocked_ioctl = set_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static long ctl_set_new(struct shadow_set_new __user *user)
{
	struct shadow_set_new arg;
	struct shadow_set *set;
	struct file *file;
	int fd;

	if (copy_from_user(&arg, user, sizeof(arg)))
		return -EFAULT;
	if (arg.flags & ~(SHADOW_SET_NO_AUTO_RELEASE | SHADOW_SET_WRITABLE |
			  SHADOW_SET_PERSISTENT) || arg.fd ||
	    !zeroed(arg.set) || !zeroed(arg.reserved))
		return -EINVAL;
	if (arg.timeout_ms && (arg.timeout_ms < SHADOW_TIMEOUT_MIN_MS ||
			       arg.timeout_ms > SHADOW_TIMEOUT_MAX_MS))
		return -ERANGE;
	set = shadow_set_create(arg.flags, arg.timeout_ms, arg.context);
	if (IS_ERR(set))
		return PTR_ERR(set);
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		shadow_set_destroy(set);
		return fd;
	}
	file = anon_inode_getfile("[shadow-set]", &set_fops, set, O_RDWR);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		shadow_set_destroy(set);
		return PTR_ERR(file);
	}
	arg.fd = fd;
	arg.set = *shadow_set_uuid(set);
	if (copy_to_user(user, &arg, sizeof(arg))) {
		put_unused_fd(fd);
		fput(file);
		return -EFAULT;
	}
	fd_install(fd, file);
	return 0;
}

static long ctl_track(struct shadow_volume_track __user *user, bool track)
{
	struct shadow_volume_track arg;
	long err;

	if (fetch(&arg, user, sizeof(arg)))
		return -EFAULT;
	if (arg.flags || arg.reserved0 || !zeroed(arg.fault) || !zeroed(arg.reserved) ||
	    !good_dev(&arg.dev) || (!track && arg.changes_bytes))
		return -EINVAL;
	if (arg.changes_bytes >> 44)
		return -ERANGE;
	if (track && arg.memory_bytes &&
	    (arg.memory_bytes < SHADOW_MEMORY_MIN || arg.memory_bytes >> 44))
		return -ERANGE;
	err = track ? shadow_registry_track(&arg) :
		      shadow_registry_untrack(dev_of(&arg.dev), &arg.fault);
	return answer(user, &arg, sizeof(arg), err);
}

static long ctl_policy(struct shadow_volume_policy __user *user)
{
	struct shadow_volume_policy arg;

	if (fetch(&arg, user, sizeof(arg)))
		return -EFAULT;
	if (arg.flags & ~SHADOW_POLICY_CLEAR_FAULT || arg.policy > SHADOW_POLICY_FAIL_IO ||
	    (!arg.flags && !arg.policy) || arg.reserved0 || !zeroed(arg.fault) ||
	    !zeroed(arg.reserved) || !good_dev(&arg.dev))
		return -EINVAL;
	if (arg.throttle_ms && arg.policy != SHADOW_POLICY_THROTTLE)
		return -EINVAL;
	if (arg.throttle_ms > SHADOW_THROTTLE_MAX_MS)
		return -ERANGE;
	return answer(user, &arg, sizeof(arg), shadow_registry_policy(&arg));
}

static long ctl_volume_next(struct shadow_volume_info __user *user)
{
	struct shadow_volume_info *info = kmalloc(sizeof(*info), GFP_KERNEL);
	long err = -ENOMEM;

	if (info)
		err = fetch_cursor(info, user, sizeof(*info)) ?: shadow_registry_next(info);
	if (!err)
		err = answer(user, info, sizeof(*info), 0);
	kfree(info);
	return err;
}

static long ctl_shadow_next(struct shadow_shadow_info __user *user)
{
	struct shadow_shadow_info info;
	long err = fetch_cursor(&info, user, sizeof(info));

	err = err ?: shadow_next(&info);
	return err ?: answer(user, &info, sizeof(info), 0);
}

static long ctl_store_next(struct shadow_store_info __user *user)
{
	struct shadow_store_info info;
	long err = fetch_cursor(&info, user, sizeof(info));

	err = err ?: shadow_registry_next_part(&info);
	return err ?: answer(user, &info, sizeof(info), 0);
}

static long ctl_store_add(struct shadow_store_add __user *user)
{
	struct shadow_store_add arg;

	if (fetch(&arg, user, sizeof(arg)))
		return -EFAULT;
	if (arg.flags || arg.part || !zeroed(arg.fault) || !zeroed(arg.reserved) ||
	    !good_dev(&arg.dev) || arg.store.type == SHADOW_STORE_DEFAULT ||
	    !good_spec(&arg.store))
		return -EINVAL;
	return answer(user, &arg, sizeof(arg), shadow_registry_add_part(&arg));
}

static long ctl_store_resize(struct shadow_store_resize __user *user)
{
	struct shadow_store_resize arg;

	if (fetch(&arg, user, sizeof(arg)))
		return -EFAULT;
	if (arg.flags || arg.moved_bytes || !zeroed(arg.fault) || !zeroed(arg.reserved) ||
	    !good_dev(&arg.dev))
		return -EINVAL;
	return answer(user, &arg, sizeof(arg), shadow_registry_resize_part(&arg));
}

static long ctl_store_attach(struct shadow_store_attach __user *user, bool attach)
{
	const u32 known = attach ? SHADOW_ATTACH_LOST : SHADOW_DETACH_FINAL;
	struct shadow_store_attach arg;
	long err;

	if (fetch(&arg, user, sizeof(arg)))
		return -EFAULT;
	if (arg.flags & ~known || arg.shadows || arg.lost || arg.dropped || !zeroed(arg.fault) ||
	    !zeroed(arg.reserved) || !good_dev(&arg.dev))
		return -EINVAL;
	if (attach && ((arg.store.type != SHADOW_STORE_DEVICE &&
			arg.store.type != SHADOW_STORE_FILE) || arg.store.max_bytes ||
		       !good_spec(&arg.store)))
		return -EINVAL;
	if (!attach && !zeroed(arg.store))
		return -EINVAL;
	err = attach ? shadow_attach(&arg) : shadow_detach(&arg);
	return answer(user, &arg, sizeof(arg), err);
}

static long delete_set(struct shadow_delete *arg)
{
	struct shadow_fault fault = { 0 };
	struct shadow_uuid uuid;
	bool any = false;
	long result = 0;
	u64 id = 0;

	while (shadow_of_set(&arg->uuid, &id, &uuid)) {
		long err = shadow_delete(&uuid, false, &fault);

		any = true;
		if (!err) {
			arg->deleted++;
		} else if (err != -ENOENT && !result) {
			arg->failed = uuid;
			arg->fault = fault;
			result = err;
		}
	}
	return any ? result : -ENOENT;
}

static long ctl_delete(struct shadow_delete __user *user)
{
	struct shadow_delete arg;
	long err;

	if (fetch(&arg, user, sizeof(arg)))
		return -EFAULT;
	if (arg.flags || arg.deleted || arg.reserved0 || !zeroed(arg.failed) ||
	    !zeroed(arg.fault) || !zeroed(arg.reserved))
		return -EINVAL;
	switch (arg.kind) {
	case SHADOW_KIND_SHADOW:
		err = shadow_delete(&arg.uuid, false, &arg.fault);
		if (!err)
			arg.deleted = 1;
		else
			arg.failed = arg.uuid;
		break;
	case SHADOW_KIND_SET:
		err = delete_set(&arg);
		break;
	default:
		return -EINVAL;
	}
	return answer(user, &arg, sizeof(arg), err);
}

static long change_set(struct shadow_change *arg)
{
	struct shadow_fault fault = { 0 };
	struct shadow_uuid uuid;
	bool any = false;
	long result = 0;
	u64 id = 0;

	while (shadow_of_set(&arg->uuid, &id, &uuid)) {
		long err = shadow_change(&uuid, arg->flags, &fault);

		if (err == -ENOENT)
			continue;	/* it goes */
		any = true;
		if (!err) {
			arg->changed++;
		} else if (!result) {
			arg->failed = uuid;
			arg->fault = fault;
			result = err;
		}
	}
	return any ? result : -ENOENT;
}

static long ctl_change(struct shadow_change __user *user)
{
	struct shadow_change arg;
	long err;

	if (fetch(&arg, user, sizeof(arg)))
		return -EFAULT;
	if (arg.changed || arg.reserved0 || !zeroed(arg.failed) || !zeroed(arg.fault) ||
	    !zeroed(arg.reserved))
		return -EINVAL;
	switch (arg.flags) {
	case SHADOW_CHANGE_PIN:
	case SHADOW_CHANGE_UNPIN:
	case SHADOW_CHANGE_SEAL:
		break;
	default:
		return -EINVAL;
	}
	switch (arg.kind) {
	case SHADOW_KIND_SHADOW:
		err = shadow_change(&arg.uuid, arg.flags, &arg.fault);
		if (!err)
			arg.changed = 1;
		else
			arg.failed = arg.uuid;
		break;
	case SHADOW_KIND_SET:
		err = change_set(&arg);
		break;
	default:
		return -EINVAL;
	}
	return answer(user, &arg, sizeof(arg), err);
}

/* A page of ranges at a time, so that nothing is held while user memory is waited for. */
static long mark_ranges(struct shadow_shadow_free *arg, struct shadow_free_range *ranges)
{
	struct shadow_free_range __user *user = u64_to_user_ptr(arg->ranges);
	const unsigned int room = PAGE_SIZE / sizeof(*ranges);
	long err;

	do {
		unsigned int n = min(arg->count - arg->done, room);

		if (copy_from_user(ranges, user + arg->done, n * sizeof(*ranges)))
			return -EFAULT;
		err = shadow_mark_free(arg, ranges, n);
	} while (!err && arg->done < arg->count);
	return err;
}

static long ctl_shadow_free(struct shadow_shadow_free __user *user)
{
	struct shadow_free_range *ranges;
	struct shadow_shadow_free arg;
	long err;

	if (fetch(&arg, user, sizeof(arg)))
		return -EFAULT;
	if (arg.flags || arg.done || arg.reserved0 || arg.blocks || arg.settled ||
	    !zeroed(arg.fault) || !zeroed(arg.reserved))
		return -EINVAL;
	if (arg.count > SHADOW_MAX_FREE_RANGES)
		return -E2BIG;
	ranges = (void *)__get_free_page(GFP_KERNEL);
	err = ranges ? mark_ranges(&arg, ranges) : -ENOMEM;
	free_page((unsigned long)ranges);
	if (err == -ENOMEM)
		shadow_fail(&arg.fault, SHADOW_PHASE_NONE, SHADOW_REASON_NO_MEMORY, 0, err);
	return answer(user, &arg, sizeof(arg), err);
}

static long ctl_revert(struct shadow_revert __user *user)
{
	struct shadow_revert arg;

	if (fetch(&arg, user, sizeof(arg)))
		return -EFAULT;
	if (arg.flags & ~SHADOW_REVERT_AT_ATTACH || arg.reserved0 || arg.needed_bytes ||
	    arg.room_bytes || !zeroed(arg.fault) || !zeroed(arg.reserved))
		return -EINVAL;
	return answer(user, &arg, sizeof(arg), shadow_revert(&arg));
}

static long ctl_revert_next(struct shadow_revert_info __user *user)
{
	struct shadow_revert_info info;
	long err = fetch_cursor(&info, user, sizeof(info));

	err = err ?: shadow_registry_next_revert(&info);
	return err ?: answer(user, &info, sizeof(info), 0);
}

static long ctl_revert_cancel(struct shadow_revert_cancel __user *user)
{
	struct shadow_revert_cancel arg;

	if (fetch(&arg, user, sizeof(arg)))
		return -EFAULT;
	if (arg.flags & ~SHADOW_CANCEL_HALF_DONE || arg.reserved0 || !zeroed(arg.fault) ||
	    !zeroed(arg.reserved) || !good_dev(&arg.dev))
		return -EINVAL;
	return answer(user, &arg, sizeof(arg), shadow_revert_cancel(&arg));
}

static long ctl_map(struct shadow_map __user *user)
{
	const u32 known = SHADOW_RUN_CHANGED | SHADOW_RUN_FREE | SHADOW_RUN_WAS_FREE |
			  SHADOW_RUN_STORED | SHADOW_RUN_WRITTEN;
	struct shadow_map arg;

	if (fetch(&arg, user, sizeof(arg)))
		return -EFAULT;
	if (!arg.want || arg.want & ~known || !arg.count || arg.bytes ||
	    arg.offset % SHADOW_BLOCK_SIZE || zeroed(arg.shadow) || !zeroed(arg.generation) ||
	    !zeroed(arg.fault) || !zeroed(arg.reserved))
		return -EINVAL;
	/* Since tracking began it is not known what was free. */
	if (zeroed(arg.since) ? arg.want & SHADOW_RUN_WAS_FREE :
	    !(arg.want & (SHADOW_RUN_CHANGED | SHADOW_RUN_WAS_FREE)))
		return -EINVAL;
	if (arg.count > SHADOW_MAX_RUNS)
		return -E2BIG;
	return answer(user, &arg, sizeof(arg), shadow_map_tell(&arg));
}

static long ctl_base_next(struct shadow_base_info __user *user)
{
	struct shadow_base_info info;
	long err = fetch_cursor(&info, user, sizeof(info));

	err = err ?: shadow_map_next_base(&info);
	return err ?: answer(user, &info, sizeof(info), 0);
}

static long ctl_base(struct shadow_base __user *user)
{
	struct shadow_base arg;

	if (fetch(&arg, user, sizeof(arg)))
		return -EFAULT;
	if ((arg.flags != SHADOW_BASE_KEEP && arg.flags != SHADOW_BASE_DROP) || arg.reserved0 ||
	    zeroed(arg.uuid) || !zeroed(arg.fault) || !zeroed(arg.reserved))
		return -EINVAL;
	return answer(user, &arg, sizeof(arg), shadow_map_change_base(&arg));
}

static long ctl_tracking_next(struct shadow_tracking_info __user *user)
{
	struct shadow_tracking_info info;
	long err = fetch_cursor(&info, user, sizeof(info));

	err = err ?: shadow_map_next_tracking(&info);
	return err ?: answer(user, &info, sizeof(info), 0);
}

static long ctl_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	switch (cmd) {
	case SHADOW_IOC_INFO:
		return ctl_info(user);
	case SHADOW_IOC_SET_NEW:
		return ctl_set_new(user);
	case SHADOW_IOC_VOLUME_TRACK:
		return ctl_track(user, true);
	case SHADOW_IOC_VOLUME_UNTRACK:
		return ctl_track(user, false);
	case SHADOW_IOC_VOLUME_NEXT:
		return ctl_volume_next(user);
	case SHADOW_IOC_SHADOW_NEXT:
		return ctl_shadow_next(user);
	case SHADOW_IOC_DELETE:
		return ctl_delete(user);
	case SHADOW_IOC_STORE_ADD:
		return ctl_store_add(user);
	case SHADOW_IOC_STORE_RESIZE:
		return ctl_store_resize(user);
	case SHADOW_IOC_STORE_NEXT:
		return ctl_store_next(user);
	case SHADOW_IOC_STORE_ATTACH:
		return ctl_store_attach(user, true);
	case SHADOW_IOC_STORE_DETACH:
		return ctl_store_attach(user, false);
	case SHADOW_IOC_VOLUME_POLICY:
		return ctl_policy(user);
	case SHADOW_IOC_SHADOW_CHANGE:
		return ctl_change(user);
	case SHADOW_IOC_SHADOW_FREE:
		return ctl_shadow_free(user);
	case SHADOW_IOC_REVERT:
		return ctl_revert(user);
	case SHADOW_IOC_REVERT_NEXT:
		return ctl_revert_next(user);
	case SHADOW_IOC_REVERT_CANCEL:
		return ctl_revert_cancel(user);
	case SHADOW_IOC_MAP:
		return ctl_map(user);
	case SHADOW_IOC_BASE_NEXT:
		return ctl_base_next(user);
	case SHADOW_IOC_BASE_CHANGE:
		return ctl_base(user);
	case SHADOW_IOC_TRACKING_NEXT:
		return ctl_tracking_next(user);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations ctl_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = ctl_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice control = {
	.minor = SHADOW_CONTROL_MINOR,
	.name = SHADOW_CONTROL_NAME,
	.fops = &ctl_fops,
	.mode = 0600,
};

/* --- set descriptors -------------------------------------------------------------------- */

static int set_file_release(struct inode *inode, struct file *file)
{
	shadow_set_destroy(file->private_data);
	return 0;
}

static long set_add(struct shadow_set *set, struct shadow_set_add __user *user)
{
	struct shadow_set_add arg;

	if (fetch(&arg, user, sizeof(arg)))
		return -EFAULT;
	if (!arg.flags ||
	    arg.flags & ~(SHADOW_ADD_SHADOW | SHADOW_ADD_FREEZE | SHADOW_ADD_HOLD) ||
	    arg.reserved0 || !zeroed(arg.shadow) || !zeroed(arg.fault) ||
	    !zeroed(arg.reserved) || !good_dev(&arg.dev) || !good_spec(&arg.store))
		return -EINVAL;
	if (!(arg.flags & SHADOW_ADD_SHADOW) && !zeroed(arg.store))
		return -EINVAL;
	if (arg.flags & SHADOW_ADD_SHADOW && arg.flags & SHADOW_ADD_HOLD)
		return -EINVAL;		/* a volume with a shadow is held anyway */
	return answer(user, &arg, sizeof(arg), shadow_set_add(set, &arg));
}

/*
 * The answer to a step.  While volumes are held a page fault could wait for the
 * very filesystem that is frozen, so memory that is not there gets no answer.
 */
static long answer_step(struct shadow_set *set, struct shadow_set_step __user *user, long err)
{
	struct shadow_set_step step;

	shadow_set_status(set, &step);
	if (err == -EBADFD)
		shadow_fail(&step.fault, SHADOW_PHASE_ARGUMENTS, SHADOW_REASON_STATE, 0, err);
	if (!step.held)
		return answer(user, &step, sizeof(step), err);
	pagefault_disable();
	if (__copy_to_user_inatomic(user, &step, sizeof(step)))
		pr_debug("no answer to memory that is not resident\n");
	pagefault_enable();
	return err;
}

static long set_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct shadow_set *set = file->private_data;
	void __user *user = (void __user *)arg;
	struct shadow_set_step step;
	long err = 0;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (cmd == SHADOW_IOC_SET_ADD)
		return set_add(set, user);
	switch (cmd) {
	case SHADOW_IOC_SET_HOLD:
	case SHADOW_IOC_SET_TAKE:
	case SHADOW_IOC_SET_RELEASE:
	case SHADOW_IOC_SET_STATUS:
	case SHADOW_IOC_SET_KEEP:
		break;
	default:
		return -ENOTTY;
	}
	if (!access_ok(user, sizeof(step)))	/* the copies below do not look */
		return -EFAULT;
	/* Neither while held: a set that is held has had its step checked before. */
	if (!shadow_set_held(set)) {
		if (fetch(&step, user, sizeof(step)))
			return -EFAULT;
	} else {
		pagefault_disable();
		err = __copy_from_user_inatomic(&step, user, sizeof(step));
		pagefault_enable();
		if (err)
			memset(&step, 0, sizeof(step));
	}
	if (!zeroed(step))
		return -EINVAL;
	switch (cmd) {
	case SHADOW_IOC_SET_HOLD:
		err = shadow_set_hold(set);
		break;
	case SHADOW_IOC_SET_TAKE:
		err = shadow_set_take(set);
		break;
	case SHADOW_IOC_SET_RELEASE:
		err = shadow_set_release(set);
		break;
	case SHADOW_IOC_SET_KEEP:
		err = shadow_set_keep(set);
		break;
	default:
		err = 0;
	}
	return answer_step(set, user, err);
}

int shadow_ctl_init(void)
{
	int err = misc_register(&control);

	if (err != -EBUSY)
		return err;
	/* Somebody local has the number: then only loading by hand works. */
	control.minor = MISC_DYNAMIC_MINOR;
	return misc_register(&control);
}

void shadow_ctl_exit(void)
{
	misc_deregister(&control);
}
