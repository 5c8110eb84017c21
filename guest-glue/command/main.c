// SPDX-License-Identifier: GPL-2.0-only
/* The oldguard command: finds the subcommand and hands it its arguments. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "command.h"

static const struct command commands[] = {
	{ "status", "what the module does: features, CPUs, counts", status_command },
	{ "probe", "what this processor tells user programs now (needs no module)", probe_command },
	{ "enable", "switch features on, or give them other options", enable_command },
	{ "disable", "switch features off", disable_command },
	{ "policy", "rules: load, check, show", policy_command },
	{ "lock", "until the next boot, nothing is loosened any more", lock_command },
	{ "events", "what features and rules have reported", events_command },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

const char *argp_program_version = "oldguard " OLDGUARD_VERSION;

struct choice {
	const struct command *command;
	int first; /* index of the subcommand's name in argv */
};

static error_t take(int key, char *arg, struct argp_state *state)
{
	struct choice *choice = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		for (size_t i = 0; i < COMMANDS; i++)
			if (!strcmp(arg, commands[i].name))
				choice->command = &commands[i];
		if (!choice->command)
			argp_error(state, "unknown command '%s'", arg);
		choice->first = state->next - 1;
		/* The rest is the subcommand's own. */
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_usage(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Appends the table of subcommands to --help, so that no second list has to be kept. */
static char *help(int key, const char *part, void *input)
{
	char *all;

	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)part;
	all = text("Commands:\n");
	for (size_t i = 0; i < COMMANDS; i++) {
		char *longer = text("%s  %-9s %s\n", all, commands[i].name, commands[i].summary);

		free(all);
		all = longer;
	}
	part = text("%s\n`oldguard COMMAND --help` says more. Each takes --json.", all);
	free(all);
	return (char *)part;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.parser = take,
		.args_doc = "COMMAND [ARGUMENT...]",
		.doc = "New security features for old processors.\v",
		.help_filter = help,
	};
	struct choice choice = { 0 };
	char *name;
	int status;

	/* In order: an option behind the subcommand's name belongs to the subcommand. */
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &choice);
	name = text("oldguard %s", choice.command->name);
	argv[choice.first] = name;
	status = choice.command->run(argc - choice.first, argv + choice.first);
	free(name);
	/* A full disk or a closed pipe must not look like success. */
	if (fflush(stdout) || ferror(stdout)) {
		perror("oldguard: standard output");
		return 1;
	}
	return status;
}
