// SPDX-License-Identifier: GPL-2.0-only
/*
 * oldguard enable, oldguard disable: change the module's list of features. Both are one reading,
 * one edit and one writing of the parameter file, under a lock, so that two of them at the same
 * time do not lose each other's change.
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include "command.h"
#include "list.h"
#include "report.h"

/* A sysfs file is at most a page. */
#define LIST_MAX 4096

struct options {
	bool json;
	bool on;
	const char *device;
	const char *parameter;
	char **features;
	size_t nr_features;
};

static error_t take(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case 'j':
		o->json = true;
		return 0;
	case 'd':
		o->device = arg;
		return 0;
	case 'p':
		o->parameter = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (!list_checks(arg))
			argp_error(state, "'%s' is no feature: %s", arg,
				   o->on ? "FEATURE[:OPTION=VALUE]..." : "FEATURE");
		if (!o->on && strchr(arg, ':'))
			argp_error(state, "'%s': disable takes the name alone", arg);
		o->features = grow(o->features, o->nr_features, sizeof(*o->features));
		o->features[o->nr_features++] = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which feature?");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int read_list(int fd, char list[LIST_MAX])
{
	ssize_t length = pread(fd, list, LIST_MAX - 1, 0);

	if (length < 0)
		return -errno;
	list[length] = '\0';
	list[strcspn(list, "\n")] = '\0';
	return 0;
}

/* Does the module know the feature at all? Where it does not say, it does. */
static bool known(const struct options *o, const char *feature)
{
	bool found = false;
	struct report r;

	if (report_read(&r, o->device) || !r.nr_features)
		found = true;
	for (size_t i = 0; i < r.nr_features; i++)
		found |= !strcmp(r.features[i].name, feature);
	report_free(&r);
	return found;
}

/* The list after all that was asked for, or NULL when that was said to be wrong. */
static char *new_list(const struct options *o, const char *list)
{
	char *result = text("%s", list);

	for (size_t i = 0; i < o->nr_features; i++) {
		const char *feature = o->features[i];
		char *next;

		/* Off twice is no error, a name with a slip of the pen is. */
		if (!o->on && strcmp(feature, "all") && !list_has(result, feature) &&
		    !known(o, feature)) {
			say_error(o->json, json_pack("{s:b}", "ok", 0),
				  "there is no feature '%s'; on: %s", feature, list);
			free(result);
			return NULL;
		}
		next = o->on ? list_with(result, feature) : list_without(result, feature);
		free(result);
		result = next;
	}
	return result;
}

/* The kernel's errno in words, and what the module itself said. */
static int refused(const struct options *o, int error, const char *wanted)
{
	json_t *more = json_pack("{s:b, s:i, s:s, s:s}", "ok", 0, "errno", error, "errno_name",
				 strerrorname_np(error) ?: "?", "wanted", wanted);
	const char *module = NULL;
	struct report r;
	int status;

	if (!report_read(&r, o->device) && r.error && *r.error)
		module = r.error;
	json_object_set_new(more, "module", module ? json_string(module) : json_null());
	status = say_error(o->json, more, "the module refused features=%s: %s (%s)%s%s", wanted,
			   strerror(error), strerrorname_np(error) ?: "?", module ? ": " : "",
			   module ?: "");
	report_free(&r);
	return status;
}

/* Returns 0 or an errno. No newline: it would be part of the value. */
static int write_list(const char *path, const char *list)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC), error = 0;

	if (fd < 0)
		return errno;
	if (write(fd, list, strlen(list)) < 0)
		error = errno;
	close(fd);
	return error;
}

static int change(const struct options *o, int fd)
{
	char before[LIST_MAX], after[LIST_MAX];
	char *wanted;
	int error, status;

	/* No lock where the file system has none: the change is made all the same. */
	flock(fd, LOCK_EX);
	error = read_list(fd, before);
	if (error)
		return say_error(o->json, json_pack("{s:b}", "ok", 0), "%s: %s", o->parameter,
				 strerror(-error));
	wanted = new_list(o, before);
	if (!wanted)
		return 1;
	error = write_list(o->parameter, wanted);
	status = error ? refused(o, error, wanted) : 0;
	free(wanted);
	if (status)
		return status;
	error = read_list(fd, after);
	if (error)
		return say_error(o->json, json_pack("{s:b}", "ok", 0), "%s: %s", o->parameter,
				 strerror(-error));
	if (o->json)
		say_json(json_pack("{s:b, s:s, s:s}",
				   "ok", 1,
				   "before", before,
				   "features", after));
	else if (!strcmp(before, after))
		printf("features: %s (as before)\n", after);
	else
		printf("features: %s (before: %s)\n", after, before);
	return 0;
}

static int switch_features(int argc, char **argv, bool on)
{
	static const struct argp_option option[] = {
		{ .name = "json", .key = 'j', .doc = "print JSON" },
		{ .name = "device",
		  .key = 'd',
		  .arg = "FILE",
		  .doc = "the module's report, if not " OLDGUARD_DEVICE },
		{ .name = "parameter",
		  .key = 'p',
		  .arg = "FILE",
		  .doc = "the list of features, if not " OLDGUARD_PARAMETER },
		{ 0 },
	};
	const struct argp argp = {
		.options = option,
		.parser = take,
		.args_doc = on ? "FEATURE[:OPTION=VALUE]..." : "FEATURE...",
		.doc = on ? "Switches features on. A feature that is on already gets the options "
			    "given here, and only these. `all` is every feature that this "
			    "processor can get."
			  : "Switches features off. `all` is every feature.",
	};
	struct options o = { .on = on, .device = OLDGUARD_DEVICE, .parameter = OLDGUARD_PARAMETER };
	int fd, status;

	argp_parse(&argp, argc, argv, 0, NULL, &o);
	fd = open(o.parameter, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		status = change(&o, fd);
		close(fd);
	} else if (errno == ENOENT && !strcmp(o.parameter, OLDGUARD_PARAMETER) &&
		   access(OLDGUARD_MODULE, F_OK)) {
		status = say_error(
			o.json, json_pack("{s:b, s:b}", "ok", 0, "loaded", 0),
			"the oldguard module is not loaded (modprobe oldguard features=%s)",
			on ? o.features[0] : "none");
	} else {
		status = say_error(o.json, json_pack("{s:b}", "ok", 0), "%s: %s", o.parameter,
				   strerror(errno));
	}
	free(o.features);
	return status;
}

int enable_command(int argc, char **argv)
{
	return switch_features(argc, argv, true);
}

int disable_command(int argc, char **argv)
{
	return switch_features(argc, argv, false);
}
