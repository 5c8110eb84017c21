// SPDX-License-Identifier: GPL-2.0-only
/* oldguard events: what features and rules have reported, and what they report from now on. */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "command.h"
#include "event_line.h"

struct options {
	bool json;
	bool follow;
	bool only_new;
	unsigned long long count; /* 0: no end */
	const char *device;
};

/* What was shown, for the last line. */
struct totals {
	unsigned long long reports, suppressed, lost, malformed;
};

static error_t take(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	char *end;

	switch (key) {
	case 'j': o->json = true; return 0;
	case 'f': o->follow = true; return 0;
	case 'N': o->only_new = true; return 0;
	case 'n':
		errno = 0;
		o->count = strtoull(arg, &end, 10);
		if (*arg < '0' || *arg > '9' || *end || errno || !o->count)
			argp_error(state, "--count %s: not a number from 1 on", arg);
		return 0;
	case 'd': o->device = arg; return 0;
	case ARGP_KEY_ARG: argp_error(state, "'%s': events takes no arguments", arg); return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

/* Shows a line; returns false when there were enough. */
static bool show(const struct options *o, char *line, struct totals *totals)
{
	struct event_line e;

	switch (event_line_parse(&e, line)) {
	case EVENT_LINE_EVENT:
		totals->reports++;
		totals->suppressed += e.suppressed;
		break;
	case EVENT_LINE_LOST: totals->lost += e.lost; break;
	case EVENT_LINE_BAD: totals->malformed++; return true;
	default: return true;
	}
	if (o->json)
		event_line_json(&e, stdout);
	else
		event_line_print(&e, stdout);
	return !o->count || totals->reports < o->count;
}

/* Returns 0 at the end of it, or an errno. */
static int read_all(const struct options *o, int fd, struct totals *totals)
{
	static char buffer[64 * 1024];
	size_t held = 0;
	ssize_t got;

	/* The module gives whole lines; a saved file breaks them anywhere. */
	while ((got = read(fd, buffer + held, sizeof(buffer) - 1 - held)) > 0) {
		char *rest = buffer, *end;

		held += got;
		buffer[held] = '\0';
		while ((end = memchr(rest, '\n', buffer + held - rest))) {
			*end = '\0';
			if (!show(o, rest, totals))
				return 0;
			rest = end + 1;
		}
		held -= rest - buffer;
		memmove(buffer, rest, held);
		if (held == sizeof(buffer) - 1)
			return EPROTO;
		fflush(stdout);
	}
	return got < 0 && errno != EAGAIN ? errno : 0;
}

static int cannot_read(const struct options *o, int error)
{
	if (error == ENOENT && !strcmp(o->device, OLDGUARD_EVENTS))
		return say_error(
			o->json, NULL,
			"the oldguard module is not loaded (modprobe oldguard features=umip)");
	if (error == EACCES)
		return say_error(o->json, NULL, "%s: only root may read it", o->device);
	if (error == EPROTO)
		return say_error(o->json, NULL, "%s holds no reports of oldguard", o->device);
	return say_error(o->json, NULL, "%s: %s", o->device, strerror(error));
}

static void print_totals(const struct totals *t)
{
	printf("%llu reports; %llu more suppressed by the rate limit, %llu lost\n", t->reports,
	       t->suppressed, t->lost);
	if (t->malformed)
		printf("%llu lines could not be understood\n", t->malformed);
}

int events_command(int argc, char **argv)
{
	static const struct argp_option option[] = {
		{ .name = "follow", .key = 'f', .doc = "go on as reports come" },
		{ .name = "new", .key = 'N', .doc = "without those that are there already" },
		{ .name = "count", .key = 'n', .arg = "N", .doc = "end after N reports" },
		{ .name = "json", .key = 'j', .doc = "print JSON, an object a line" },
		{ .name = "device",
		  .key = 'd',
		  .arg = "FILE",
		  .doc = "read FILE, perhaps a saved copy, not " OLDGUARD_EVENTS },
		{ 0 },
	};
	static const struct argp argp = {
		.options = option,
		.parser = take,
		.doc = "Shows what features and rules have reported. Only the latest reports are "
		       "kept; "
		       "how many were lost is said.",
	};
	struct options o = { .device = OLDGUARD_EVENTS };
	struct totals totals = { 0 };
	int error = 0, fd;

	argp_parse(&argp, argc, argv, 0, NULL, &o);
	fd = open(o.device, O_RDONLY | O_CLOEXEC | (o.follow ? 0 : O_NONBLOCK));
	if (fd < 0)
		return cannot_read(&o, errno);
	if (o.only_new && lseek(fd, 0, SEEK_END) < 0)
		error = errno;
	if (!error)
		error = read_all(&o, fd, &totals);
	close(fd);
	if (error)
		return cannot_read(&o, error);
	if (!o.json)
		print_totals(&totals);
	return 0;
}
