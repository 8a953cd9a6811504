// SPDX-License-Identifier: GPL-2.0-only
/*
 * meter.c - how far something has come, on standard error: a bar, lines, or JSON.
 */
#include <unistd.h>

#include "meter.h"

#define BAR_SECONDS	0.2
#define LINE_SECONDS	1.0
#define BAR_WIDTH	24

static double between(const struct timespec *from, const struct timespec *to)
{
	return to->tv_sec - from->tv_sec + (to->tv_nsec - from->tv_nsec) / 1e9;
}

static bool is_on_terminal(const struct meter *meter)
{
	return !meter->context->json && isatty(STDERR_FILENO);
}

void meter_begin(struct meter *meter, const struct context *context, const char *name,
		 uint64_t total, enum meter_show show)
{
	*meter = (struct meter){
		.context = context, .name = name, .total = total, .show = show,
	};
	clock_gettime(CLOCK_MONOTONIC, &meter->begun);
	meter->shown = meter->begun;
	if (show == METER_AUTO && !context->json && !is_on_terminal(meter))
		meter->show = METER_NONE;
	if (context->quiet)
		meter->show = METER_NONE;
}

double meter_seconds(const struct meter *meter)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return between(&meter->begun, &now);
}

static void show_json(const struct meter *meter, uint64_t done, double rate)
{
	json_t *object = json_object(), *document = json_object();
	char *text;

	json_text(object, "name", meter->name);
	json_number(object, "bytes", done);
	json_value(object, "total", meter->total ? number_json(meter->total) : NULL);
	json_value(object, "percent", meter->total ?
		   real_json(100.0 * done / meter->total) : NULL);
	json_number(object, "bytes_per_second", rate);
	json_value(object, "seconds_left", meter->total && rate > 0 && done <= meter->total ?
		   real_json((meter->total - done) / rate) : NULL);
	json_value(document, "progress", object);
	text = json_dumps(document, JSON_COMPACT | JSON_REAL_PRECISION(15));
	json_decref(document);
	if (text)
		fprintf(stderr, "%s\n", text);
	free(text);
}

static void show_text(struct meter *meter, uint64_t done, double rate)
{
	char bar[BAR_WIDTH + 1], now[16], all[16], speed[16];
	unsigned int share = meter->total ? 1000.0 * done / meter->total : 0;
	uint64_t left = meter->total && rate > 0 && done <= meter->total ?
			(meter->total - done) / rate : 0;
	int i;

	if (share > 1000)
		share = 1000;
	for (i = 0; i < BAR_WIDTH; i++)
		bar[i] = i * 1000 < (int)share * BAR_WIDTH ? '#' : '.';
	bar[BAR_WIDTH] = '\0';
	meter->bar = is_on_terminal(meter);
	fprintf(stderr, "%s%s: ", meter->bar ? "\r\033[K" : "", meter->name);
	size_format(done, now);
	size_format(rate, speed);
	if (!meter->total)
		fprintf(stderr, "%s, %s/s", now, speed);
	else
		fprintf(stderr, "%s%s%s%u.%u%%, %s of %s, %s/s, %u:%02u:%02u left",
			meter->bar ? "[" : "", meter->bar ? bar : "", meter->bar ? "] " : "",
			share / 10, share % 10, now, size_format(meter->total, all), speed,
			(unsigned int)(left / 3600), (unsigned int)(left / 60 % 60),
			(unsigned int)(left % 60));
	if (!meter->bar)
		fputc('\n', stderr);
	fflush(stderr);
}

void meter_update(struct meter *meter, uint64_t done)
{
	struct timespec now;
	double seconds;

	if (meter->show == METER_NONE)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (between(&meter->shown, &now) < (is_on_terminal(meter) ? BAR_SECONDS : LINE_SECONDS))
		return;
	meter->shown = now;
	seconds = between(&meter->begun, &now);
	if (meter->context->json)
		show_json(meter, done, seconds > 0 ? done / seconds : 0);
	else
		show_text(meter, done, seconds > 0 ? done / seconds : 0);
}

void meter_end(struct meter *meter)
{
	if (meter->bar)
		fputs("\r\033[K", stderr);
	meter->bar = false;
}
