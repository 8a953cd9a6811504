// SPDX-License-Identifier: GPL-2.0-only
/*
 * Another module that holds submit_bio_noacct() for itself, as a live patch of
 * that function would.  It changes nothing.
 */
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/ftrace.h>
#include <linux/module.h>

static void notrace callback(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			     struct ftrace_regs *regs)
{
}

static struct ftrace_ops rival_ops = {
	.func	= callback,
	.flags	= FTRACE_OPS_FL_IPMODIFY | SHADOW_FTRACE_FLAGS,
};

static int __init rival_init(void)
{
	int err = ftrace_set_filter_ip(&rival_ops, (unsigned long)submit_bio_noacct, 0, 0);

	if (err)
		return err;
	err = register_ftrace_function(&rival_ops);
	if (err)
		ftrace_set_filter(&rival_ops, NULL, 0, 1);
	return err;
}

static void __exit rival_exit(void)
{
	unregister_ftrace_function(&rival_ops);
	ftrace_set_filter(&rival_ops, NULL, 0, 1);
}

module_init(rival_init);
module_exit(rival_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Holds submit_bio_noacct() for a test");
