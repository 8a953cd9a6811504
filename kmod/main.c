// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - bring the parts of the module up in order, and down in reverse.
 */
#include <linux/miscdevice.h>
#include <linux/module.h>
#include "ctl.h"
#include "hook.h"
#include "image.h"
#include "index.h"
#include "netlink.h"
#include "registry.h"
#include "revert.h"
#include "set.h"

static int __init shadow_init(void)
{
	int err = shadow_leaf_caches_create();

	if (err)
		return err;
	err = shadow_hook_init();
	if (err)
		goto destroy_caches;
	err = shadow_netlink_init();
	if (err)
		goto exit_hook;
	err = shadow_registry_init();
	if (err)
		goto exit_netlink;
	err = shadow_image_init();
	if (err)
		goto exit_registry;
	err = shadow_revert_init();
	if (err)
		goto exit_image;
	err = shadow_set_init();
	if (err)
		goto exit_revert;
	err = shadow_ctl_init();
	if (err)
		goto exit_set;
	pr_info("version %s\n", SHADOW_VERSION);
	return 0;

exit_set:
	shadow_set_exit();
exit_revert:
	shadow_revert_exit();
exit_image:
	shadow_image_exit();
exit_registry:
	shadow_registry_exit();
exit_netlink:
	shadow_netlink_exit();
exit_hook:
	shadow_hook_exit();
destroy_caches:
	shadow_leaf_caches_destroy();
	return err;
}

static void __exit shadow_exit(void)
{
	shadow_ctl_exit();
	shadow_set_exit();
	shadow_revert_exit();
	shadow_image_exit();
	shadow_registry_exit();
	shadow_netlink_exit();
	shadow_hook_exit();
	shadow_leaf_caches_destroy();
}

module_init(shadow_init);
module_exit(shadow_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Shadow copies of mounted, busy volumes");
MODULE_VERSION(SHADOW_VERSION);
/* The node exists before the module does: opening it loads the module. */
MODULE_ALIAS_MISCDEV(SHADOW_CONTROL_MINOR);
MODULE_ALIAS("devname:" SHADOW_CONTROL_NAME);
