/* SPDX-License-Identifier: GPL-2.0-only */
/* Completes linux/ftrace.h: callbacks that may divert the traced function. */
#ifndef SHADOW_COMPAT_LINUX_FTRACE_H
#define SHADOW_COMPAT_LINUX_FTRACE_H

#include_next <linux/ftrace.h>

#if !HAVE_FTRACE_REGS
#define ftrace_regs pt_regs
#endif

#if !HAVE_FTRACE_REGS_ACCESS
/* Without the arguments alone, all registers are saved, and found elsewhere. */
static __always_inline struct pt_regs *shadow_pt_regs(struct ftrace_regs *fregs)
{
#if !HAVE_FTRACE_REGS
	return fregs;
#elif IS_ENABLED(CONFIG_HAVE_DYNAMIC_FTRACE_WITH_ARGS)
	return &fregs->regs;
#else
	return ftrace_get_regs(fregs);
#endif
}

#define ftrace_regs_get_argument(fregs, n) \
	regs_get_kernel_argument(shadow_pt_regs(fregs), n)
#define ftrace_regs_set_instruction_pointer(fregs, ip) \
	instruction_pointer_set(shadow_pt_regs(fregs), ip)
#endif

/* SHADOW_FTRACE_FLAGS: what else a callback needs that wants to divert, unprotected. */
#if !IS_ENABLED(CONFIG_HAVE_DYNAMIC_FTRACE_WITH_ARGS)
#define SHADOW_FL_REGS		FTRACE_OPS_FL_SAVE_REGS
#else
#define SHADOW_FL_REGS		0
#endif
#if HAVE_FTRACE_RECURSION_SAFE
#define SHADOW_FL_SAFE		FTRACE_OPS_FL_RECURSION_SAFE
#else
#define SHADOW_FL_SAFE		0
#endif
#define SHADOW_FTRACE_FLAGS	(SHADOW_FL_REGS | SHADOW_FL_SAFE)

#endif /* SHADOW_COMPAT_LINUX_FTRACE_H */
