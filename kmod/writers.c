// SPDX-License-Identifier: GPL-2.0-only
/*
 * writers.c - applications that are brought to rest for an instant (VSS: writers),
 * and the coordinator that tells them.
 *
 * A writer is a socket that registered.  The coordinator is another one; it tells
 * single writers single things, for a session of its own making, and which
 * writers, in which order, and what a failure means is its business.  What is
 * ours is what must hold when a process hangs or dies:
 *
 *   - whoever is told has a time to answer in; the coordinator hears of an
 *     answer, of the end of the time, or of the writer's death, whichever is first;
 *   - a writer that was told to freeze is told to thaw, or to abort, before its
 *     longest freeze is over.  A thaw that comes later is refused, so that a
 *     coordinator whose thaw got through knows that the writer was at rest all
 *     the time from its freeze on;
 *   - when the coordinator dies, or cannot be told what it must know, every writer
 *     with something to undo is told to abort, and every session is shut down.
 *
 * What a writer is to a session is an engagement: it begins when the coordinator
 * first tells the writer something in that session, and ends when the shutdown has
 * been answered, or either of the two goes.
 *
 *	          TELL                     answer, timeout
 *	(none) ----------> pending(tell) ------------------> idle --TELL--> pending ...
 *	                     |   ^                             |
 *	                     +---+ ABORT, SHUTDOWN supersede --+
 *
 *	at_rest:   FREEZE -> THAW | ABORT | thaw_by
 *	to_abort:  PREPARE_* | FREEZE -> POST_SNAPSHOT | ABORT
 *	to_shut:   any of a backup or a restore -> BACKUP_SHUTDOWN
 *
 * That a writer came or went is only multicast: a user who registers again and again
 * must not be able to fill the coordinator's socket.
 *
 * One mutex protects everything.  Who has it allocates without I/O and waits for
 * nothing, so a thaw never waits for what is frozen.  What must be said later is
 * allocated before a writer is told: the abort, the result, the end of the freeze.
 * There is one timer, for the first of all deadlines.
 *
 * Of a store that fills, writers are told by ourselves, whoever coordinates and if nobody does: to
 * write less, and then to go on.  A volume's worker may be what memory waits for, and who has
 * the mutex waits for memory; so a volume only says how it is, under a spinlock, and a work item
 * makes what each writer knows equal to that.  What cannot be sent now is sent later: who was told
 * to write less is told to go on, or its socket is closed.
 *
 * Who sends a command is known by its socket.  The death of a socket is told by
 * netlink's own notifier, when its last file descriptor is closed: one that a child
 * has inherited is not dead.
 */
#include <linux/cred.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>
#include "event.h"
#include "netlink.h"
#include "writers.h"

#define WRITERS_GFP	(GFP_NOIO | __GFP_NOWARN)
#define TELL_BIT(name)	(1U << SHADOW_NL_TELL_##name)

/* What a writer must be able to undo; what a frozen one can be told; what has an end. */
#define TELLS_ABORTABLE	(TELL_BIT(PREPARE_BACKUP) | TELL_BIT(PREPARE_SNAPSHOT) | TELL_BIT(FREEZE))
#define TELLS_AT_REST	(TELL_BIT(THAW) | TELL_BIT(ABORT) | TELL_BIT(BACKUP_SHUTDOWN))
#define TELLS_ENDING	TELLS_AT_REST
#define TELLS_SESSION	(TELLS_ABORTABLE | TELL_BIT(THAW) | TELL_BIT(POST_SNAPSHOT) | \
			 TELL_BIT(BACKUP_COMPLETE) | TELL_BIT(ABORT) | \
			 TELL_BIT(PRE_RESTORE) | TELL_BIT(POST_RESTORE))
#define TELLS_STRAIN	(TELL_BIT(BACK_OFF) | TELL_BIT(CONTINUE))	/* ours alone to tell */
#define TELLS_ALL	(TELLS_SESSION | TELL_BIT(IDENTIFY) | TELL_BIT(BACKUP_SHUTDOWN) | \
			 TELLS_STRAIN)

#define TELL_AGAIN	HZ	/* what could not be told */

/**
 * struct writer - a registered writer
 * @node: in writers, in order of registration
 * @id: grows from one to the next
 * @portid: its socket
 * @class: what it is
 * @instance: which of that class; no two have the same
 * @name: of the class
 * @instance_name: of the instance
 * @level: enum shadow_nl_level
 * @tells: bits of enum shadow_nl_tell
 * @freeze_ms: longest freeze
 * @pid: of its process, in the first PID namespace
 * @uid: of its user
 * @backed_off: what it was told to write less for
 */
struct writer {
	struct list_head node;
	unsigned long id;
	u32 portid;
	struct shadow_uuid class;
	struct shadow_uuid instance;
	char name[SHADOW_NL_NAME_MAX + 1];
	char instance_name[SHADOW_NL_NAME_MAX + 1];
	u32 level;
	u32 tells;
	u32 freeze_ms;
	u32 pid;
	kuid_t uid;
	struct list_head backed_off;
};

/**
 * struct engagement - what a writer is to a session
 * @node: in engagements
 * @writer: the writer
 * @session: the session
 * @set: the set that the session makes; zero: none
 * @pending: enum shadow_nl_tell that is to be answered; 0: none
 * @cookie: of it
 * @told: when
 * @answer_by: until when; KTIME_MAX: no limit
 * @thaw_by: until when it must be told to thaw; KTIME_MAX: it is not at rest
 * @at_rest: told to freeze, and not yet to thaw or abort
 * @expired: its freeze took too long
 * @to_shut: a backup or a restore that it has to be told the end of
 * @abort: what tells it to abort; NULL: there is nothing to abort
 * @result: what tells the coordinator of the answer; not NULL while @pending
 * @expiry: what tells the coordinator that the freeze took too long; not NULL while @at_rest
 */
struct engagement {
	struct list_head node;
	struct writer *writer;
	struct shadow_uuid session;
	struct shadow_uuid set;
	u32 pending;
	u64 cookie;
	ktime_t told;
	ktime_t answer_by;
	ktime_t thaw_by;
	bool at_rest;
	bool expired;
	bool to_shut;
	struct sk_buff *abort;
	struct sk_buff *result;
	struct sk_buff *expiry;
};

/**
 * struct shadow_strain - how a volume's store fills
 * @node: in strains, from the first strain on until no writer knows of it any more; only the
 *	work item takes it out
 * @dev: the volume
 * @name: its name
 * @step: SHADOW_STRAIN_*
 * @percent: fill when the step was taken
 * @seconds: until it would be full
 * @ended: the volume is gone, and this is the list's
 */
struct shadow_strain {
	struct list_head node;
	dev_t dev;
	char name[32];
	u32 step;
	u32 percent;
	u32 seconds;
	bool ended;
};

/**
 * struct backed_off - a writer was told to write less
 * @node: in writer.backed_off
 * @strain: why
 * @step: as far as it knows
 */
struct backed_off {
	struct list_head node;
	struct shadow_strain *strain;
	u32 step;
};

static DEFINE_MUTEX(lock);
static LIST_HEAD(writers);
static LIST_HEAD(engagements);
static unsigned int nr_writers;
static u32 coordinator;			/* its socket; 0: there is none */
static u64 last_cookie;
static unsigned long last_writer;
static struct workqueue_struct *deadline_wq;

static void deadline_fn(struct work_struct *work);
static DECLARE_DELAYED_WORK(deadline, deadline_fn);

static DEFINE_SPINLOCK(strains_lock);	/* inside @lock and a volume's mutexes; process context */
static LIST_HEAD(strains);

static void strain_fn(struct work_struct *work);
static DECLARE_DELAYED_WORK(strain_work, strain_fn);

static bool same(const struct shadow_uuid *a, const struct shadow_uuid *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static bool is_zero(const struct shadow_uuid *uuid)
{
	return !memchr_inv(uuid, 0, sizeof(*uuid));
}

static void get_uuid(const struct nlattr *attr, struct shadow_uuid *uuid)
{
	memset(uuid, 0, sizeof(*uuid));
	if (attr)
		memcpy(uuid, nla_data(attr), sizeof(*uuid));
}

static int put_uuid(struct sk_buff *skb, int attr, const struct shadow_uuid *uuid)
{
	return nla_put(skb, attr, sizeof(*uuid), uuid);
}

static struct writer *writer_by_port(u32 portid)
{
	struct writer *w;

	list_for_each_entry(w, &writers, node)
		if (w->portid == portid)
			return w;
	return NULL;
}

static struct writer *writer_by_instance(const struct shadow_uuid *instance)
{
	struct writer *w;

	list_for_each_entry(w, &writers, node)
		if (same(&w->instance, instance))
			return w;
	return NULL;
}

static void fact(u32 event, const struct writer *w, const struct engagement *e)
{
	shadow_event_send(&(struct shadow_event){
		.event = event, .index = -1, .class = &w->class, .instance = &w->instance,
		.name = w->name, .session = e ? &e->session : NULL,
		.set = e && !is_zero(&e->set) ? &e->set : NULL,
	});
}

/* --- deadlines ------------------------------------------------------------------------- */

/* Context: lock. */
static void set_deadline(void)
{
	ktime_t first = KTIME_MAX, now = ktime_get();
	struct engagement *e;

	list_for_each_entry(e, &engagements, node) {
		first = min(first, e->answer_by);
		first = min(first, e->thaw_by);
	}
	if (first == KTIME_MAX)
		return;
	mod_delayed_work(deadline_wq, &deadline, first <= now ? 0 :
			 nsecs_to_jiffies(ktime_to_ns(ktime_sub(first, now))) + 1);
}

/* --- messages ------------------------------------------------------------------------------ */

static void coordinator_gone(void);

/* Send what was made before, which is complete.  Context: lock. */
static void to_coordinator(struct sk_buff *skb)
{
	if (!coordinator) {
		kfree_skb(skb);
		return;
	}
	if (!genlmsg_unicast(&init_net, skb, coordinator))
		return;
	/* What it must know it will never know: better to have none. */
	pr_warn("the coordinator does not read what writers answer: its sessions end\n");
	coordinator_gone();
}

static struct sk_buff *for_coordinator(u8 cmd)
{
	void *header;

	return shadow_netlink_new(coordinator, 0, 0, cmd, &header, WRITERS_GFP);
}

static int put_writer(struct sk_buff *skb, const struct writer *w)
{
	return put_uuid(skb, SHADOW_NL_A_CLASS, &w->class) ?:
	       put_uuid(skb, SHADOW_NL_A_INSTANCE, &w->instance) ?:
	       nla_put_string(skb, SHADOW_NL_A_NAME, w->name) ?:
	       nla_put_string(skb, SHADOW_NL_A_INSTANCE_NAME, w->instance_name) ?:
	       nla_put_u32(skb, SHADOW_NL_A_LEVEL, w->level) ?:
	       nla_put_u32(skb, SHADOW_NL_A_TELLS, w->tells) ?:
	       nla_put_u32(skb, SHADOW_NL_A_FREEZE_MS, w->freeze_ms) ?:
	       nla_put_u32(skb, SHADOW_NL_A_PID, w->pid) ?:
	       nla_put_u32(skb, SHADOW_NL_A_UID, from_kuid_munged(&init_user_ns, w->uid));
}

/**
 * struct answer - what a writer says of what it was told
 * @status: enum shadow_nl_status
 * @app_code: the writer's own
 * @text: for people, or NULL
 */
struct answer {
	u32 status;
	u32 app_code;
	const char *text;
};

/*
 * What was pending is no more: say so.  The message has room for all of it.  @e is gone
 * after it if the coordinator is.  Context: lock.
 */
static void settle(struct engagement *e, u32 result, const struct answer *answer)
{
	u64 elapsed = ktime_to_ns(ktime_sub(ktime_get(), e->told));
	struct sk_buff *skb = e->result;
	u32 tell = e->pending;

	e->pending = 0;
	e->answer_by = KTIME_MAX;
	e->result = NULL;
	put_uuid(skb, SHADOW_NL_A_SESSION, &e->session);
	put_uuid(skb, SHADOW_NL_A_INSTANCE, &e->writer->instance);
	nla_put_u32(skb, SHADOW_NL_A_TELL, tell);
	nla_put_u32(skb, SHADOW_NL_A_RESULT, result);
	nla_put_u64_64bit(skb, SHADOW_NL_A_COOKIE, e->cookie, SHADOW_NL_A_PAD);
	nla_put_u64_64bit(skb, SHADOW_NL_A_ELAPSED, elapsed, SHADOW_NL_A_PAD);
	if (answer) {
		nla_put_u32(skb, SHADOW_NL_A_STATUS, answer->status);
		nla_put_u32(skb, SHADOW_NL_A_APP_CODE, answer->app_code);
		if (answer->text)
			nla_put_string(skb, SHADOW_NL_A_TEXT, answer->text);
	}
	nlmsg_end(skb, nlmsg_hdr(skb));
	to_coordinator(skb);
}

/* A message that tells a writer something; ABORTs are made before they are needed. */
static struct sk_buff *new_tell(const struct engagement *e, u32 tell, u64 cookie, u32 answer_ms,
				u32 reason)
{
	void *header = NULL;
	struct sk_buff *skb = shadow_netlink_new(e->writer->portid, 0, 0,
						 SHADOW_NL_CMD_WRITER_TELL, &header, WRITERS_GFP);
	int err;

	if (!skb)
		return NULL;
	err = put_uuid(skb, SHADOW_NL_A_SESSION, &e->session) ?:
	      put_uuid(skb, SHADOW_NL_A_SET, &e->set) ?:
	      nla_put_u32(skb, SHADOW_NL_A_TELL, tell) ?:
	      nla_put_u64_64bit(skb, SHADOW_NL_A_COOKIE, cookie, SHADOW_NL_A_PAD) ?:
	      nla_put_u32(skb, SHADOW_NL_A_ANSWER_MS, answer_ms) ?:
	      (tell == SHADOW_NL_TELL_FREEZE ?
	       nla_put_u32(skb, SHADOW_NL_A_FREEZE_MS, e->writer->freeze_ms) : 0) ?:
	      (reason || tell == SHADOW_NL_TELL_ABORT ?
	       nla_put_u32(skb, SHADOW_NL_A_REASON, reason) : 0);
	if (err) {
		nlmsg_free(skb);
		return NULL;
	}
	genlmsg_end(skb, header);
	return skb;
}

/* --- engagements ------------------------------------------------------------------------- */

static struct engagement *find(const struct writer *w, const struct shadow_uuid *session)
{
	struct engagement *e;

	list_for_each_entry(e, &engagements, node)
		if (e->writer == w && same(&e->session, session))
			return e;
	return NULL;
}

/* Context: lock. */
static void forget(struct engagement *e)
{
	list_del(&e->node);
	kfree_skb(e->abort);
	kfree_skb(e->result);
	kfree_skb(e->expiry);
	kfree(e);
	module_put(THIS_MODULE);
}

/* Nothing is pending, and nothing is left to tell. */
static bool is_over(const struct engagement *e)
{
	return !e->pending && !e->at_rest && !e->abort && !e->to_shut;
}

/* Context: lock. */
static struct engagement *engage(struct writer *w, const struct shadow_uuid *session)
{
	struct engagement *e = kzalloc(sizeof(*e), WRITERS_GFP);

	if (!e)
		return NULL;
	if (!try_module_get(THIS_MODULE)) {
		kfree(e);
		return NULL;
	}
	e->writer = w;
	e->session = *session;
	e->answer_by = KTIME_MAX;
	e->thaw_by = KTIME_MAX;
	list_add_tail(&e->node, &engagements);
	return e;
}

static void no_longer_at_rest(struct engagement *e, u32 event)
{
	if (!e->at_rest)
		return;
	e->at_rest = false;
	e->thaw_by = KTIME_MAX;
	kfree_skb(e->expiry);
	e->expiry = NULL;
	fact(event, e->writer, e);
}

/* Tell it to abort, with the message that is there.  Context: lock. */
static void abort_now(struct engagement *e, u32 event, u32 reason)
{
	struct sk_buff *skb = e->abort;

	e->abort = NULL;
	no_longer_at_rest(e, event);
	if (!skb)
		return;
	/* When it was made neither of them was known. */
	*(u32 *)nla_data(nlmsg_find_attr(nlmsg_hdr(skb), GENL_HDRLEN, SHADOW_NL_A_REASON)) = reason;
	memcpy(nla_data(nlmsg_find_attr(nlmsg_hdr(skb), GENL_HDRLEN, SHADOW_NL_A_SET)), &e->set,
	       sizeof(e->set));
	genlmsg_unicast(&init_net, skb, e->writer->portid);
}

/* Nobody leads this session any more.  Context: lock. */
static void wind_up(struct engagement *e)
{
	struct sk_buff *skb = NULL;

	abort_now(e, SHADOW_NL_EV_WRITER_THAWED, SHADOW_REASON_NONE);
	if (e->to_shut && e->writer->tells & TELL_BIT(BACKUP_SHUTDOWN))
		skb = new_tell(e, SHADOW_NL_TELL_BACKUP_SHUTDOWN, ++last_cookie, 0, 0);
	if (skb)
		genlmsg_unicast(&init_net, skb, e->writer->portid);
	forget(e);
}

/* Context: lock. */
static void coordinator_gone(void)
{
	struct engagement *e, *next;

	coordinator = 0;
	list_for_each_entry_safe(e, next, &engagements, node)
		wind_up(e);
}

static void free_writer(struct writer *w)
{
	struct backed_off *b, *next;

	list_for_each_entry_safe(b, next, &w->backed_off, node)
		kfree(b);
	kfree(w);
}

/* Context: lock. */
static void writer_gone(struct writer *w)
{
	struct engagement *e, *next;

	list_del(&w->node);
	nr_writers--;
again:
	list_for_each_entry_safe(e, next, &engagements, node) {
		if (e->writer != w)
			continue;
		if (e->pending) {
			settle(e, SHADOW_NL_RESULT_GONE, NULL);
			goto again;	/* all are gone where the coordinator is deaf */
		}
		no_longer_at_rest(e, SHADOW_NL_EV_WRITER_THAWED);
		forget(e);
	}
	fact(SHADOW_NL_EV_WRITER_REMOVED, w, NULL);
	free_writer(w);
	mod_delayed_work(deadline_wq, &strain_work, 0);	/* forgets what it alone knew */
}

/* Its freeze is over: it is told so, and then the coordinator.  Context: lock. */
static void expire(struct engagement *e)
{
	struct sk_buff *skb = e->expiry;

	e->expired = true;
	e->expiry = NULL;
	abort_now(e, SHADOW_NL_EV_WRITER_EXPIRED, SHADOW_REASON_TIMEOUT);
	put_uuid(skb, SHADOW_NL_A_SESSION, &e->session);
	put_uuid(skb, SHADOW_NL_A_INSTANCE, &e->writer->instance);
	nlmsg_end(skb, nlmsg_hdr(skb));
	to_coordinator(skb);
}

static void deadline_fn(struct work_struct *work)
{
	struct engagement *e, *next;
	ktime_t now;

	mutex_lock(&lock);
again:
	now = ktime_get();
	list_for_each_entry_safe(e, next, &engagements, node) {
		if (e->thaw_by <= now) {
			expire(e);
			goto again;
		}
		if (e->answer_by <= now) {
			settle(e, SHADOW_NL_RESULT_TIMEOUT, NULL);
			goto again;
		}
		if (is_over(e))
			forget(e);
	}
	set_deadline();
	mutex_unlock(&lock);
}

/* --- writing less, while a store fills ---------------------------------------------- */

struct shadow_strain *shadow_strain_alloc(dev_t dev, const char *name)
{
	struct shadow_strain *strain = kzalloc(sizeof(*strain), GFP_KERNEL);

	if (!strain)
		return NULL;
	INIT_LIST_HEAD(&strain->node);
	strain->dev = dev;
	strscpy(strain->name, name, sizeof(strain->name));
	return strain;
}

void shadow_strain_free(struct shadow_strain *strain)
{
	bool known;

	if (!strain)
		return;
	spin_lock(&strains_lock);
	strain->step = SHADOW_STRAIN_NONE;
	strain->percent = 0;
	strain->ended = true;
	known = !list_empty(&strain->node);
	spin_unlock(&strains_lock);
	if (known)
		mod_delayed_work(deadline_wq, &strain_work, 0);	/* frees it */
	else
		kfree(strain);
}

void shadow_strain_set(struct shadow_strain *strain, u32 step, u32 percent, u32 seconds)
{
	spin_lock(&strains_lock);
	strain->step = step;
	strain->percent = percent;
	strain->seconds = seconds;
	if (step && list_empty(&strain->node))
		list_add_tail(&strain->node, &strains);
	spin_unlock(&strains_lock);
	mod_delayed_work(deadline_wq, &strain_work, 0);
}

static struct backed_off *find_backed_off(struct writer *w, const struct shadow_strain *strain)
{
	struct backed_off *b;

	list_for_each_entry(b, &w->backed_off, node)
		if (b->strain == strain)
			return b;
	return NULL;
}

static struct sk_buff *new_strain_tell(const struct writer *w, const struct shadow_strain *now)
{
	u32 tell = now->step ? SHADOW_NL_TELL_BACK_OFF : SHADOW_NL_TELL_CONTINUE;
	void *header = NULL;
	struct sk_buff *skb = shadow_netlink_new(w->portid, 0, 0, SHADOW_NL_CMD_WRITER_TELL,
						 &header, WRITERS_GFP);

	if (!skb)
		return NULL;
	if (nla_put_u32(skb, SHADOW_NL_A_TELL, tell) ||
	    nla_put_u32(skb, SHADOW_NL_A_MAJOR, MAJOR(now->dev)) ||
	    nla_put_u32(skb, SHADOW_NL_A_MINOR, MINOR(now->dev)) ||
	    nla_put_string(skb, SHADOW_NL_A_NAME, now->name) ||
	    nla_put_u32(skb, SHADOW_NL_A_PERCENT, now->percent) ||
	    (now->seconds && nla_put_u32(skb, SHADOW_NL_A_SECONDS, now->seconds))) {
		nlmsg_free(skb);
		return NULL;
	}
	genlmsg_end(skb, header);
	return skb;
}

/*
 * Tell a writer what it does not know of a strain, which is as in @now.  Context: lock.
 * Return: false if it could not be told, and is to be.
 */
static bool inform(struct writer *w, struct shadow_strain *strain,
		   const struct shadow_strain *now)
{
	struct backed_off *b = find_backed_off(w, strain), *new = NULL;
	struct sk_buff *skb;

	if (!(w->tells & TELL_BIT(BACK_OFF)) || now->step == (b ? b->step : SHADOW_STRAIN_NONE))
		return true;
	if (b && now->step && now->step < b->step) {
		b->step = now->step;	/* it was over for a moment: nothing that is new to it */
		return true;
	}
	if (!b) {
		new = kzalloc(sizeof(*new), WRITERS_GFP);
		if (!new)
			return false;
	}
	skb = new_strain_tell(w, now);
	if (!skb || genlmsg_unicast(&init_net, skb, w->portid) == -EAGAIN) {
		kfree(new);
		return false;
	}
	if (new) {
		new->strain = strain;
		list_add_tail(&new->node, &w->backed_off);
		b = new;
	}
	b->step = now->step;
	if (!b->step) {
		list_del(&b->node);
		kfree(b);
	}
	return true;
}

/*
 * What is in the list stays until we take it out, and what is new comes to its end: so the
 * spinlock can be given up in between, and who puts something there lets us run again.
 */
static void strain_fn(struct work_struct *work)
{
	struct shadow_strain *strain, *next, now;
	bool again = false;
	struct writer *w;

	mutex_lock(&lock);
	spin_lock(&strains_lock);
	list_for_each_entry_safe(strain, next, &strains, node) {
		bool known = false;

		now = *strain;
		spin_unlock(&strains_lock);
		list_for_each_entry(w, &writers, node) {
			again |= !inform(w, strain, &now);
			known |= !!find_backed_off(w, strain);
		}
		spin_lock(&strains_lock);
		if (strain->step || known)
			continue;
		list_del_init(&strain->node);
		if (strain->ended)
			kfree(strain);
	}
	spin_unlock(&strains_lock);
	mutex_unlock(&lock);
	if (again)
		queue_delayed_work(deadline_wq, &strain_work, TELL_AGAIN);
}

void shadow_writers_leave(void)
{
	flush_delayed_work(&strain_work);
}

/* --- a writer's commands --------------------------------------------------------------------- */

static unsigned int writers_of(kuid_t uid)
{
	unsigned int n = 0;
	struct writer *w;

	list_for_each_entry(w, &writers, node)
		n += uid_eq(w->uid, uid);
	return n;
}

static int check_tells(struct genl_info *info, u32 tells)
{
	u32 ends = TELL_BIT(THAW) | TELL_BIT(ABORT);

	if (!tells || tells & ~TELLS_ALL) {
		NL_SET_ERR_MSG(info->extack, "unknown things to be told, or none");
		return -EINVAL;
	}
	if (tells & TELLS_ABORTABLE && (tells & ends) != ends) {
		NL_SET_ERR_MSG(info->extack,
			       "who prepares or freezes must take thaw and abort, too");
		return -EINVAL;
	}
	if (tells & TELLS_STRAIN && (tells & TELLS_STRAIN) != TELLS_STRAIN) {
		NL_SET_ERR_MSG(info->extack, "back-off and continue are taken both, or neither");
		return -EINVAL;
	}
	return 0;
}

static struct writer *new_writer(struct genl_info *info)
{
	struct nlattr **a = info->attrs;
	struct writer *w;
	int err;

	if (!a[SHADOW_NL_A_CLASS] || !a[SHADOW_NL_A_INSTANCE] || !a[SHADOW_NL_A_NAME] ||
	    !a[SHADOW_NL_A_LEVEL] || !a[SHADOW_NL_A_TELLS]) {
		NL_SET_ERR_MSG(info->extack, "a writer has class, instance, name, level and tells");
		return ERR_PTR(-EINVAL);
	}
	err = check_tells(info, nla_get_u32(a[SHADOW_NL_A_TELLS]));
	if (err)
		return ERR_PTR(err);
	w = kzalloc(sizeof(*w), GFP_KERNEL_ACCOUNT);
	if (!w)
		return ERR_PTR(-ENOMEM);
	INIT_LIST_HEAD(&w->backed_off);
	w->portid = info->snd_portid;
	get_uuid(a[SHADOW_NL_A_CLASS], &w->class);
	get_uuid(a[SHADOW_NL_A_INSTANCE], &w->instance);
	strscpy(w->name, nla_data(a[SHADOW_NL_A_NAME]), sizeof(w->name));
	if (a[SHADOW_NL_A_INSTANCE_NAME])
		strscpy(w->instance_name, nla_data(a[SHADOW_NL_A_INSTANCE_NAME]),
			sizeof(w->instance_name));
	w->level = nla_get_u32(a[SHADOW_NL_A_LEVEL]);
	w->tells = nla_get_u32(a[SHADOW_NL_A_TELLS]);
	w->freeze_ms = a[SHADOW_NL_A_FREEZE_MS] ? nla_get_u32(a[SHADOW_NL_A_FREEZE_MS]) : 0;
	if (!w->freeze_ms)
		w->freeze_ms = SHADOW_NL_FREEZE_DEFAULT_MS;
	w->pid = task_tgid_nr(current);
	w->uid = current_uid();
	if (is_zero(&w->class) || is_zero(&w->instance) || !w->name[0] ||
	    w->freeze_ms > SHADOW_NL_FREEZE_MAX_MS) {
		NL_SET_ERR_MSG(info->extack,
			       "class, instance or name is empty, or a freeze over 10 minutes");
		kfree(w);
		return ERR_PTR(-EINVAL);
	}
	return w;
}

static int may_register(struct genl_info *info, const struct writer *w)
{
	if (writer_by_port(w->portid)) {
		NL_SET_ERR_MSG(info->extack, "this socket is a writer already");
		return -EALREADY;
	}
	if (w->portid == coordinator) {
		NL_SET_ERR_MSG(info->extack, "this socket is the coordinator");
		return -EALREADY;
	}
	if (writer_by_instance(&w->instance)) {
		NL_SET_ERR_MSG(info->extack, "another writer has this instance");
		return -EEXIST;
	}
	if (nr_writers >= SHADOW_NL_MAX_WRITERS ||
	    (!uid_eq(w->uid, GLOBAL_ROOT_UID) &&
	     writers_of(w->uid) >= SHADOW_NL_MAX_USER_WRITERS)) {
		NL_SET_ERR_MSG(info->extack, "too many writers");
		return -EUSERS;
	}
	return 0;
}

int shadow_writers_register(struct sk_buff *skb, struct genl_info *info)
{
	struct writer *w = new_writer(info);
	int err;

	if (IS_ERR(w))
		return PTR_ERR(w);
	mutex_lock(&lock);
	err = may_register(info, w);
	if (!err) {
		w->id = ++last_writer;
		list_add_tail(&w->node, &writers);
		nr_writers++;
		fact(SHADOW_NL_EV_WRITER_ADDED, w, NULL);
		mod_delayed_work(deadline_wq, &strain_work, 0);	/* what fills already */
	}
	mutex_unlock(&lock);
	if (err)
		kfree(w);
	return err;
}

int shadow_writers_unregister(struct sk_buff *skb, struct genl_info *info)
{
	struct writer *w;

	mutex_lock(&lock);
	w = writer_by_port(info->snd_portid);
	if (w)
		writer_gone(w);
	mutex_unlock(&lock);
	return w ? 0 : -ENOTCONN;
}

/* The engagement whose pending tell a writer speaks of.  Context: lock. */
static struct engagement *spoken_of(struct genl_info *info)
{
	struct writer *w = writer_by_port(info->snd_portid);
	struct engagement *e;
	u64 cookie;

	if (!w)
		return ERR_PTR(-ENOTCONN);
	if (!info->attrs[SHADOW_NL_A_COOKIE]) {
		NL_SET_ERR_MSG(info->extack, "what is told without a cookie needs no answer");
		return ERR_PTR(-EINVAL);
	}
	cookie = nla_get_u64(info->attrs[SHADOW_NL_A_COOKIE]);
	list_for_each_entry(e, &engagements, node)
		if (e->writer == w && e->pending && e->cookie == cookie)
			return e;
	NL_SET_ERR_MSG(info->extack, "nothing of this cookie waits for an answer: too late?");
	return ERR_PTR(-ESTALE);
}

int shadow_writers_answer(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr **a = info->attrs;
	struct answer answer = { 0 };
	struct engagement *e;
	int err = 0;

	if (a[SHADOW_NL_A_STATUS])
		answer.status = nla_get_u32(a[SHADOW_NL_A_STATUS]);
	if (a[SHADOW_NL_A_APP_CODE])
		answer.app_code = nla_get_u32(a[SHADOW_NL_A_APP_CODE]);
	if (a[SHADOW_NL_A_TEXT])
		answer.text = nla_data(a[SHADOW_NL_A_TEXT]);
	mutex_lock(&lock);
	e = spoken_of(info);
	if (IS_ERR(e)) {
		err = PTR_ERR(e);
	} else {
		settle(e, SHADOW_NL_RESULT_ANSWERED, &answer);
		mod_delayed_work(deadline_wq, &deadline, 0);	/* forgets what is over */
	}
	mutex_unlock(&lock);
	return err;
}

int shadow_writers_extend(struct sk_buff *skb, struct genl_info *info)
{
	struct engagement *e;
	int err = 0;
	u32 ms;

	if (!info->attrs[SHADOW_NL_A_ANSWER_MS])
		return -EINVAL;
	ms = nla_get_u32(info->attrs[SHADOW_NL_A_ANSWER_MS]);
	if (!ms || ms > SHADOW_NL_ANSWER_MAX_MS)
		return -EINVAL;
	mutex_lock(&lock);
	e = spoken_of(info);
	if (IS_ERR(e)) {
		err = PTR_ERR(e);
	} else if (1U << e->pending & TELLS_ENDING) {
		NL_SET_ERR_MSG(info->extack, "others wait for it: there is no more time");
		err = -EPERM;
	} else if (e->answer_by != KTIME_MAX) {
		/* Of all extensions together there is an end. */
		e->answer_by = min(ktime_add_ms(ktime_get(), ms),
				   ktime_add_ms(e->told, SHADOW_NL_ANSWER_MAX_MS));
		set_deadline();
	}
	mutex_unlock(&lock);
	return err;
}

/* --- the coordinator's commands ------------------------------------------------------ */

int shadow_writers_coordinate(struct sk_buff *skb, struct genl_info *info)
{
	int err = 0;

	if (!netlink_capable(skb, CAP_SYS_ADMIN))
		return -EPERM;
	mutex_lock(&lock);
	if (coordinator) {
		NL_SET_ERR_MSG(info->extack, "there is a coordinator already");
		err = coordinator == info->snd_portid ? -EALREADY : -EBUSY;
	} else if (writer_by_port(info->snd_portid)) {
		NL_SET_ERR_MSG(info->extack, "this socket is a writer");
		err = -EALREADY;
	} else {
		coordinator = info->snd_portid;
	}
	mutex_unlock(&lock);
	return err;
}

/* May it be told this now?  Context: lock. */
static int may_tell(struct genl_info *info, const struct writer *w, const struct engagement *e,
		    u32 tell)
{
	if (e && e->at_rest && e->thaw_by <= ktime_get() && tell == SHADOW_NL_TELL_THAW) {
		NL_SET_ERR_MSG(info->extack, "its longest freeze is over");
		mod_delayed_work(deadline_wq, &deadline, 0);
		return -ETIMEDOUT;	/* the timer is about to say so */
	}
	if (!(w->tells & 1U << tell)) {
		NL_SET_ERR_MSG(info->extack, "the writer does not want to be told this");
		return -EOPNOTSUPP;
	}
	if (e && e->pending && tell != SHADOW_NL_TELL_ABORT &&
	    tell != SHADOW_NL_TELL_BACKUP_SHUTDOWN) {
		NL_SET_ERR_MSG(info->extack, "it has not answered what it was told before");
		return -EBUSY;
	}
	if (e && e->at_rest && !(1U << tell & TELLS_AT_REST)) {
		NL_SET_ERR_MSG(info->extack, "it is frozen");
		return tell == SHADOW_NL_TELL_FREEZE ? -EALREADY : -EBADFD;
	}
	if (tell == SHADOW_NL_TELL_THAW && (!e || !e->at_rest)) {
		NL_SET_ERR_MSG(info->extack, "it is not frozen, or no longer");
		return e && e->expired ? -ETIMEDOUT : -EBADFD;
	}
	return 0;
}

/* What follows for the engagement from having told it this.  Context: lock. */
static void told(struct engagement *e, u32 tell, u64 cookie, u32 answer_ms)
{
	e->pending = tell;
	e->cookie = cookie;
	e->told = ktime_get();
	e->answer_by = answer_ms ? ktime_add_ms(e->told, answer_ms) : KTIME_MAX;
	if (1U << tell & TELLS_SESSION)
		e->to_shut = true;
	switch (tell) {
	case SHADOW_NL_TELL_FREEZE:
		e->at_rest = true;
		e->expired = false;
		e->thaw_by = ktime_add_ms(e->told, e->writer->freeze_ms);
		fact(SHADOW_NL_EV_WRITER_FROZEN, e->writer, e);
		break;
	case SHADOW_NL_TELL_POST_SNAPSHOT:
	case SHADOW_NL_TELL_ABORT:
		kfree_skb(e->abort);
		e->abort = NULL;
		fallthrough;
	case SHADOW_NL_TELL_THAW:
		no_longer_at_rest(e, SHADOW_NL_EV_WRITER_THAWED);
		break;
	case SHADOW_NL_TELL_BACKUP_SHUTDOWN:
		e->to_shut = false;
		break;
	}
	set_deadline();
}

/**
 * struct messages - what is made before a writer is told
 * @tell: to the writer
 * @reply: to the coordinator, with the cookie
 * @abort: see struct engagement; these three are NULL where there is one, or none is needed
 * @result: likewise
 * @expiry: likewise
 */
struct messages {
	struct sk_buff *tell, *reply, *abort, *result, *expiry;
};

static void free_messages(struct messages *m)
{
	kfree_skb(m->tell);
	kfree_skb(m->reply);
	kfree_skb(m->abort);
	kfree_skb(m->result);
	kfree_skb(m->expiry);
}

/* All or none of them. */
static int make_messages(struct genl_info *info, const struct engagement *e, u32 tell, u64 cookie,
			 u32 answer_ms, u32 reason, struct messages *m)
{
	bool abort = 1U << tell & TELLS_ABORTABLE && !e->abort;
	bool freeze = tell == SHADOW_NL_TELL_FREEZE;
	void *header = NULL;

	memset(m, 0, sizeof(*m));
	m->reply = shadow_netlink_new(info->snd_portid, info->snd_seq, 0, SHADOW_NL_CMD_TELL,
				      &header, WRITERS_GFP);
	m->tell = new_tell(e, tell, cookie, answer_ms, reason);
	m->result = for_coordinator(SHADOW_NL_CMD_RESULT);
	if (abort)
		m->abort = new_tell(e, SHADOW_NL_TELL_ABORT, ++last_cookie, 0, 0);
	if (freeze)
		m->expiry = for_coordinator(SHADOW_NL_CMD_FREEZE_EXPIRED);
	if (!m->reply || !m->tell || !m->result || (abort && !m->abort) ||
	    (freeze && !m->expiry) ||
	    nla_put_u64_64bit(m->reply, SHADOW_NL_A_COOKIE, cookie, SHADOW_NL_A_PAD)) {
		free_messages(m);
		return -ENOMEM;
	}
	genlmsg_end(m->reply, header);
	return 0;
}

/* Once the writer knows nothing may fail.  Context: lock. */
static int tell_it(struct genl_info *info, struct engagement *e, u32 tell, u32 answer_ms,
		   u32 reason)
{
	u64 cookie = ++last_cookie;
	struct messages m;
	int err;

	err = make_messages(info, e, tell, cookie, answer_ms, reason, &m);
	if (err)
		return err;
	if (e->pending) {
		settle(e, SHADOW_NL_RESULT_SUPERSEDED, NULL);
		if (!coordinator) {	/* deaf: @e is gone */
			free_messages(&m);
			return -ENOTCONN;
		}
	}
	if (tell == SHADOW_NL_TELL_BACKUP_SHUTDOWN)	/* where it was not told to before */
		abort_now(e, SHADOW_NL_EV_WRITER_THAWED, SHADOW_REASON_NONE);
	err = genlmsg_unicast(&init_net, m.tell, e->writer->portid);
	m.tell = NULL;
	if (err) {
		NL_SET_ERR_MSG(info->extack, "the writer does not read what it is told");
		free_messages(&m);
		return err == -EAGAIN ? -ENOBUFS : err;
	}
	e->result = m.result;
	if (m.abort)
		e->abort = m.abort;
	if (m.expiry)
		e->expiry = m.expiry;
	told(e, tell, cookie, answer_ms);
	return genlmsg_unicast(&init_net, m.reply, info->snd_portid);
}

int shadow_writers_tell(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr **a = info->attrs;
	struct shadow_uuid session, instance;
	u32 tell, answer_ms, reason;
	struct engagement *e;
	struct writer *w;
	int err = 0;

	if (!netlink_capable(skb, CAP_SYS_ADMIN))
		return -ENOTCONN;	/* a socket's number can be another's for a moment */
	get_uuid(a[SHADOW_NL_A_SESSION], &session);
	get_uuid(a[SHADOW_NL_A_INSTANCE], &instance);
	answer_ms = a[SHADOW_NL_A_ANSWER_MS] ? nla_get_u32(a[SHADOW_NL_A_ANSWER_MS]) : 0;
	reason = a[SHADOW_NL_A_REASON] ? nla_get_u32(a[SHADOW_NL_A_REASON]) : 0;
	if (is_zero(&session) || !a[SHADOW_NL_A_TELL] || answer_ms > SHADOW_NL_ANSWER_MAX_MS) {
		NL_SET_ERR_MSG(info->extack, "a session, something to tell, a day at most for it");
		return -EINVAL;
	}
	tell = nla_get_u32(a[SHADOW_NL_A_TELL]);
	if (1U << tell & TELLS_STRAIN) {
		NL_SET_ERR_MSG(info->extack, "writers are told this by the module alone");
		return -EINVAL;
	}
	mutex_lock(&lock);
	if (!coordinator || info->snd_portid != coordinator) {
		err = -ENOTCONN;
		goto out;
	}
	w = writer_by_instance(&instance);
	if (!w) {
		err = -ESRCH;
		goto out;
	}
	e = find(w, &session);
	err = may_tell(info, w, e, tell);
	if (err)
		goto out;
	if (!e)
		e = engage(w, &session);
	if (!e) {
		err = -ENOMEM;
		goto out;
	}
	if (a[SHADOW_NL_A_SET])
		get_uuid(a[SHADOW_NL_A_SET], &e->set);
	err = tell_it(info, e, tell, answer_ms, reason);
	if (err && coordinator && is_over(e))
		forget(e);
out:
	mutex_unlock(&lock);
	return err;
}

int shadow_writers_end(struct sk_buff *skb, struct genl_info *info)
{
	struct shadow_uuid session;
	struct engagement *e, *next;
	int err = 0;

	if (!netlink_capable(skb, CAP_SYS_ADMIN))
		return -ENOTCONN;
	get_uuid(info->attrs[SHADOW_NL_A_SESSION], &session);
	if (is_zero(&session))
		return -EINVAL;
	mutex_lock(&lock);
	if (!coordinator || info->snd_portid != coordinator) {
		err = -ENOTCONN;
	} else {
		list_for_each_entry_safe(e, next, &engagements, node)
			if (same(&e->session, &session))
				wind_up(e);
	}
	mutex_unlock(&lock);
	return err;
}

/* cb->args[0]: the id of the last one that was told of. */
int shadow_writers_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct writer *w;

	if (!netlink_capable(cb->skb, CAP_SYS_ADMIN))
		return -EPERM;
	mutex_lock(&lock);
	list_for_each_entry(w, &writers, node) {
		void *header;

		if (w->id <= cb->args[0])
			continue;
		header = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
				     &shadow_family, NLM_F_MULTI, SHADOW_NL_CMD_WRITER_GET);
		if (!header)
			break;
		if (put_writer(skb, w)) {
			genlmsg_cancel(skb, header);
			break;
		}
		genlmsg_end(skb, header);
		cb->args[0] = w->id;
	}
	mutex_unlock(&lock);
	return skb->len;
}

/* --- life --------------------------------------------------------------------------------- */

static int socket_event(struct notifier_block *nb, unsigned long event, void *data)
{
	struct netlink_notify *notify = data;
	struct writer *w;

	if (event != NETLINK_URELEASE || notify->protocol != NETLINK_GENERIC ||
	    !net_eq(notify->net, &init_net))
		return NOTIFY_DONE;
	mutex_lock(&lock);
	if (coordinator && notify->portid == coordinator)
		coordinator_gone();
	w = writer_by_port(notify->portid);
	if (w)
		writer_gone(w);
	mutex_unlock(&lock);
	return NOTIFY_DONE;
}

static struct notifier_block socket_notifier = { .notifier_call = socket_event };

int shadow_writers_init(void)
{
	int err;

	deadline_wq = alloc_workqueue("shadow-writers", WQ_MEM_RECLAIM | WQ_UNBOUND, 0);
	if (!deadline_wq)
		return -ENOMEM;
	err = netlink_register_notifier(&socket_notifier);
	if (err)
		destroy_workqueue(deadline_wq);
	return err;
}

void shadow_writers_exit(void)
{
	struct shadow_strain *strain, *next_strain;
	struct writer *w, *next;

	netlink_unregister_notifier(&socket_notifier);
	/* Without engagements, which keep the module: nothing sets a deadline any more. */
	cancel_delayed_work_sync(&deadline);
	/* Without volumes: what is left is what writers could not be told. */
	cancel_delayed_work_sync(&strain_work);
	destroy_workqueue(deadline_wq);
	list_for_each_entry_safe(w, next, &writers, node)
		free_writer(w);
	list_for_each_entry_safe(strain, next_strain, &strains, node)
		kfree(strain);
}
