// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_monitor.c - shadowadm monitor: the module's events as they happen, one
 * line each.
 */
#include <inttypes.h>
#include <poll.h>
#include <time.h>

#include "shadowadm.h"

#define NS_PER_SEC 1000000000LL

struct monitor {
	struct context *context;
	struct shadowcopy_events *events;
	uint64_t wanted;	/* 0: for ever */
	uint64_t seen;
	int64_t deadline_ms;	/* of the monotonic clock, -1: none */
	bool missed;
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void time_text(int64_t ns, char *buf, size_t size)
{
	time_t seconds = ns / NS_PER_SEC;
	struct tm tm;
	size_t used;

	localtime_r(&seconds, &tm);
	used = strftime(buf, size, "%Y-%m-%d %H:%M:%S", &tm);
	snprintf(buf + used, size - used, ".%03u", (unsigned int)(ns % NS_PER_SEC / 1000000));
}

static void print_missed(uint64_t missed)
{
	if (missed == UINT64_MAX)
		puts("events were lost; \"shadowadm list\" tells how things are");
	else
		printf("%" PRIu64 " event%s lost; \"shadowadm list\" tells how things are\n",
		       missed, missed == 1 ? " was" : "s were");
}

static void print_text(const struct shadowcopy_event *event)
{
	char text[SHADOWCOPY_UUID_LEN], time[64], size[16];

	if (event->missed)
		print_missed(event->missed);
	if (!event->event)
		return;
	time_text(event->time_ns, time, sizeof(time));
	printf("%s %s", time, shadowcopy_event_name(event->event));
	if (event->present & SHADOWCOPY_EV_INDEX)
		printf(" /dev/shadow%u", event->index);
	if (event->present & SHADOWCOPY_EV_WRITER)
		printf(" writer=%s instance=%s", event->name,
		       shadowcopy_uuid_format(&event->writer, text));
	else if (*event->name)
		printf(" volume=%s", event->name);
	if (event->present & SHADOWCOPY_EV_PERCENT)
		printf(" store=%u%%", event->percent);
	if (event->present & SHADOWCOPY_EV_BYTES)
		printf(" allocated=%s", size_format(event->bytes, size));
	if (event->present & SHADOWCOPY_EV_SECONDS)
		printf(" full-seconds=%u", event->seconds);
	if (event->present & SHADOWCOPY_EV_FAULT)
		printf(" fault=%s: %s", shadowcopy_protect_fault_name(event->fault),
		       shadowcopy_protect_fault_text(event->fault));
	if (event->present & SHADOWCOPY_EV_SHADOW)
		printf(" shadow=%s", shadowcopy_uuid_format(&event->shadow, text));
	if (event->present & SHADOWCOPY_EV_SET)
		printf(" set=%s", shadowcopy_uuid_format(&event->set, text));
	if (event->present & SHADOWCOPY_EV_SESSION)
		printf(" session=%s", shadowcopy_uuid_format(&event->session, text));
	if (event->present & SHADOWCOPY_EV_REASON && event->reason)
		printf(" reason=%s: %s", shadowcopy_reason_name(event->reason),
		       shadowcopy_reason_cause(event->reason));
	putchar('\n');
}

static void print_line_json(const struct shadowcopy_event *event)
{
	json_t *object = json_object();
	char dev[32];

	json_text(object, "event", event->event ? shadowcopy_event_name(event->event) : NULL);
	/* -1: some, but it is not known how many */
	json_value(object, "missed", json_integer(event->missed));
	if (event->event) {
		json_number(object, "seq", event->seq);
		json_value(object, "time_ns", json_integer(event->time_ns));
	}
	if (event->present & SHADOWCOPY_EV_SHADOW)
		json_uuid(object, "shadow", &event->shadow);
	if (event->present & SHADOWCOPY_EV_SET)
		json_uuid(object, "set", &event->set);
	if (event->present & SHADOWCOPY_EV_DEV) {
		snprintf(dev, sizeof(dev), "%u:%u", event->dev.major, event->dev.minor);
		json_text(object, "dev", dev);
	}
	if (event->present & SHADOWCOPY_EV_WRITER) {
		json_text(object, "writer", event->name);
		json_uuid(object, "class", &event->writer_class);
		json_uuid(object, "instance", &event->writer);
	} else if (*event->name) {
		json_text(object, "volume", event->name);
	}
	if (event->present & SHADOWCOPY_EV_SESSION)
		json_uuid(object, "session", &event->session);
	if (event->present & SHADOWCOPY_EV_INDEX)
		json_number(object, "index", event->index);
	if (event->present & SHADOWCOPY_EV_REASON)
		json_text(object, "reason", shadowcopy_reason_name(event->reason));
	if (event->present & SHADOWCOPY_EV_PERCENT)
		json_number(object, "percent", event->percent);
	if (event->present & SHADOWCOPY_EV_SECONDS)
		json_number(object, "full_seconds", event->seconds);
	if (event->present & SHADOWCOPY_EV_BYTES)
		json_number(object, "allocated", event->bytes);
	if (event->present & SHADOWCOPY_EV_FAULT)
		json_text(object, "fault", shadowcopy_protect_fault_name(event->fault));
	json_print_line(object);
}

/* All that is there now.  1 when enough was seen, 0 for more, < 0 on failure. */
static int drain(struct monitor *monitor)
{
	struct shadowcopy_event event;
	int rc;

	while ((rc = shadowcopy_events_next(monitor->events, &event)) > 0) {
		if (event.missed)
			monitor->missed = true;
		if (monitor->context->json)
			print_line_json(&event);
		else
			print_text(&event);
		if (fflush(stdout))
			return -EPIPE;
		if (event.event && ++monitor->seen == monitor->wanted)
			return 1;
	}
	return rc;
}

static int wait_for_news(const struct monitor *monitor)
{
	struct pollfd pollfd = {
		.fd = shadowcopy_events_fd(monitor->events),
		.events = POLLIN,
	};
	int64_t left = -1;

	if (monitor->deadline_ms >= 0) {
		left = monitor->deadline_ms - now_ms();
		if (left <= 0)
			return 0;
		if (left > INT_MAX)
			left = INT_MAX;
	}
	return poll(&pollfd, 1, left);
}

static int monitor_loop(struct monitor *monitor)
{
	int rc;

	for (;;) {
		rc = drain(monitor);
		if (rc == -EPIPE)
			return fail(monitor->context, "cannot write to standard output");
		if (rc < 0)
			return fail_library(monitor->context);
		if (rc)
			break;
		rc = wait_for_news(monitor);
		if (rc < 0 && errno != EINTR)
			return fail(monitor->context, "cannot wait for events: %s",
				    strerror(errno));
		if (!rc && now_ms() >= monitor->deadline_ms)
			break;
	}
	if (monitor->seen < monitor->wanted)
		return fail(monitor->context, "the time is up after %" PRIu64 " of %" PRIu64
			    " events", monitor->seen, monitor->wanted);
	return monitor->missed ? STATUS_DEGRADED : STATUS_OK;
}

static int run(struct context *context, int argc, char **argv)
{
	enum { OPTION_COUNT = OPTION_OWN, OPTION_TIMEOUT };
	static const struct option longs[] = {
		{ "count", required_argument, NULL, OPTION_COUNT },
		{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
		{ 0 }
	};
	struct monitor monitor = { .context = context, .deadline_ms = -1 };
	const char *wrong;
	uint64_t ms = 0;
	int option, status;
	char *end;

	while ((option = next_option(context, argc, argv, NULL, longs, &status)) != -1)
		switch (option) {
		case OPTION_COUNT:
			monitor.wanted = strtoull(optarg, &end, 10);
			if (*end || !monitor.wanted || *optarg == '-')
				return usage(context, "--count %s: it is not a number above zero",
					     optarg);
			break;
		case OPTION_TIMEOUT:
			wrong = seconds_parse(optarg, &ms);
			if (wrong)
				return usage(context, "--timeout %s: %s", optarg, wrong);
			monitor.deadline_ms = now_ms() + ms;
			break;
		default:
			return status;
		}
	if (optind < argc)
		return usage(context, "it takes no argument");
	if (shadowcopy_events_open(context->sc, &monitor.events))
		return fail_library(context);
	progress(context, "listening; end it with Ctrl-C");
	status = monitor_loop(&monitor);
	shadowcopy_events_close(monitor.events);
	return status;
}

const struct command cmd_monitor = {
	.name = "monitor",
	.summary = "Show events as they happen, one line each",
	.synopsis = "[--count N] [--timeout SECONDS] [--json]",
	.text = "Events: created, deleted, lost, store-fill, tracked, untracked, gone, held,\n"
		"released, expired, sealed, evicted, throttled, faulted, cleared, store-grown,\n"
		"grow-failed, writer-added, writer-removed, writer-frozen, writer-thawed,\n"
		"writer-expired, revert-begun, revert-done, revert-failed, base-lost.  With --json each\n"
		"line is an object.\n\n"
		"Options:\n"
		"      --count N         end after N events\n"
		"      --timeout SECONDS end after this time; a failure if --count was not reached\n"
		COMMON_HELP,
	.run = run,
};
