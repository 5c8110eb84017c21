// SPDX-License-Identifier: GPL-2.0-only
/*
 * oldguard policy, oldguard lock: rules from a file to the module, and the fuse. A policy is read
 * here by the same code that the module has, so `check` needs no module and says what it would.
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../../features/rule.h"
#include "command.h"
#include "report.h"

struct options {
	bool json;
	const char *device;
	const char *file; /* the module's */
	const char *verb;
	const char *source; /* the user's */
};

static error_t take(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case 'j': o->json = true; return 0;
	case 'd': o->device = arg; return 0;
	case 'p': o->file = arg; return 0;
	case ARGP_KEY_ARG:
		if (!o->verb)
			o->verb = arg;
		else if (!o->source)
			o->source = arg;
		else
			argp_error(state, "one file at a time");
		return 0;
	case ARGP_KEY_END:
		if (!o->verb || (strcmp(o->verb, "load") && strcmp(o->verb, "show") &&
				 strcmp(o->verb, "check")))
			argp_error(state, "load FILE, check FILE or show");
		if (!o->source != !strcmp(o->verb, "show"))
			argp_error(state, o->source ? "show takes no file" : "which file?");
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static int no(const struct options *o, const char *what)
{
	return say_error(o->json, json_pack("{s:b}", "ok", 0), "%s", what);
}

/* The whole file, or standard input for "-"; NULL with errno set. */
static char *read_text(const char *path, size_t *length)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "re") : stdin;
	char *whole = calloc(1, POLICY_TEXT_MAX + 2);

	if (!file || !whole) {
		free(whole);
		return NULL;
	}
	/* A byte more than may be, so that the parser can complain. */
	*length = fread(whole, 1, POLICY_TEXT_MAX + 1, file);
	if (ferror(file)) {
		free(whole);
		whole = NULL;
	}
	if (file != stdin)
		fclose(file);
	return whole;
}

static void list_rules(const struct options *o, const struct policy *policy)
{
	json_t *rules = json_array();

	for (u32 i = 0; i < policy->count; i++) {
		TEXT(rule, 200);

		rule_print(&policy->rule[i], &rule);
		if (o->json)
			json_array_append_new(rules, json_string(rule.at));
		else
			puts(rule.at);
	}
	if (o->json)
		say_json(json_pack("{s:b, s:o}", "ok", 1, "rules", rules));
	else
		json_decref(rules);
}

/* Returns 0 or an errno. The file takes a policy in one piece or not at all. */
static int write_policy(const char *path, const char *policy, size_t length)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC), error = 0;
	ssize_t written;

	if (fd < 0)
		return errno;
	/* No byte at all would be no write: an empty line is the empty policy. */
	written = length ? write(fd, policy, length) : write(fd, "\n", 1);
	if (written < 0)
		error = errno;
	close(fd);
	return error;
}

static int load(const struct options *o, const char *policy, size_t length, const struct policy *p)
{
	int error = write_policy(o->file, policy, length);
	struct report r;
	char *why;
	int status;

	if (!error) {
		list_rules(o, p);
		return 0;
	}
	if (error == ENOENT)
		return no(o, "the oldguard module is not loaded");
	report_read(&r, o->device);
	why = text("the module refused %s: %s (%s)%s%s", o->source, strerror(error),
		   strerrorname_np(error) ?: "?", r.error && *r.error ? ": " : "", r.error ?: "");
	status = no(o, why);
	free(why);
	report_free(&r);
	return status;
}

static int from_file(const struct options *o)
{
	static struct policy policy;
	TEXT(why, 300);
	size_t length;
	char *whole = read_text(o->source, &length), *sentence;
	int status = 0;

	if (!whole) {
		sentence = text("%s: %s", o->source, strerror(errno));
		status = no(o, sentence);
		free(sentence);
		return status;
	}
	if (!policy_parse(whole, length, &policy, &why)) {
		sentence = text("%s: %s", o->source, why.at);
		status = no(o, sentence);
		free(sentence);
	} else if (!strcmp(o->verb, "load")) {
		status = load(o, whole, length, &policy);
	} else {
		list_rules(o, &policy);
	}
	free(whole);
	return status;
}

/* What is in force, as a policy that can be loaded again. */
static int show(const struct options *o)
{
	json_t *rules = json_array();
	struct report r;

	if (report_read(&r, o->device)) {
		report_free(&r);
		json_decref(rules);
		return no(o, "the oldguard module is not loaded");
	}
	for (size_t i = 0; i < r.nr_rules; i++) {
		if (o->json)
			json_array_append_new(rules,
					      json_pack("{s:s, s:s}", "rule", r.rules[i].rule,
							"from", r.rules[i].from));
		else
			printf("%-40s # %s\n", r.rules[i].rule, r.rules[i].from);
	}
	if (o->json)
		say_json(json_pack("{s:b, s:b, s:o}", "ok", 1, "locked", r.locked, "rules", rules));
	else
		json_decref(rules);
	report_free(&r);
	return 0;
}

static const struct argp_option device_option = {
	.name = "device",
	.key = 'd',
	.arg = "FILE",
	.doc = "the module's report, if not " OLDGUARD_DEVICE,
};

int policy_command(int argc, char **argv)
{
	const struct argp_option option[] = {
		{ .name = "json", .key = 'j', .doc = "print JSON" },
		device_option,
		{ .name = "policy",
		  .key = 'p',
		  .arg = "FILE",
		  .doc = "the module's policy, if not " OLDGUARD_POLICY },
		{ 0 },
	};
	const struct argp argp = {
		.options = option,
		.parser = take,
		.args_doc = "load FILE\ncheck FILE\nshow",
		.doc = "Rules about registers, ports, memory and exceptions: `check` reads a file "
		       "and prints its rules, `load` puts them in the place of those before (all "
		       "or nothing), `show` prints the rules in force. FILE may be - for standard "
		       "input.",
	};
	struct options o = { .device = OLDGUARD_DEVICE, .file = OLDGUARD_POLICY };

	argp_parse(&argp, argc, argv, 0, NULL, &o);
	return strcmp(o.verb, "show") ? from_file(&o) : show(&o);
}

static error_t take_lock(int key, char *arg, struct argp_state *state)
{
	return key == ARGP_KEY_ARG || key == ARGP_KEY_END ? 0 : take(key, arg, state);
}

int lock_command(int argc, char **argv)
{
	const struct argp_option option[] = {
		{ .name = "json", .key = 'j', .doc = "print JSON" },
		device_option,
		{ .name = "parameter",
		  .key = 'p',
		  .arg = "FILE",
		  .doc = "the fuse, if not " OLDGUARD_LOCK },
		{ 0 },
	};
	const struct argp argp = {
		.options = option,
		.parser = take_lock,
		.doc = "Blows the fuse: until the next boot, rules and features can only be "
		       "tightened, no processor is given back, and the module stays.",
	};
	struct options o = { .device = OLDGUARD_DEVICE, .file = OLDGUARD_LOCK };
	struct report r;
	char *why;
	int error, status;

	argp_parse(&argp, argc, argv, 0, NULL, &o);
	error = write_policy(o.file, "1", 1);
	if (!error) {
		if (o.json)
			say_json(json_pack("{s:b, s:b}", "ok", 1, "locked", 1));
		else
			puts("locked until the next boot");
		return 0;
	}
	if (error == ENOENT)
		return no(&o, "the oldguard module is not loaded");
	report_read(&r, o.device);
	why = text("not locked: %s (%s)%s%s", strerror(error), strerrorname_np(error) ?: "?",
		   r.error && *r.error ? ": " : "", r.error ?: "");
	status = no(&o, why);
	free(why);
	report_free(&r);
	return status;
}
