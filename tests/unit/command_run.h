/* SPDX-License-Identifier: GPL-2.0-only */
/* The executable in OLDGUARD_COMMAND, run by tests. */
#ifndef OLDGUARD_COMMAND_RUN_H
#define OLDGUARD_COMMAND_RUN_H

#include <check.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

/* Runs it; what it printed on either stream is in *printed. */
static inline int run(char **printed, const char *format, ...)
{
	const char *command = getenv("OLDGUARD_COMMAND");
	char *arguments = NULL, *line = NULL;
	size_t size = 0;
	va_list ap;
	FILE *pipe;
	int status;

	va_start(ap, format);
	ck_assert_int_ge(vasprintf(&arguments, format, ap), 0);
	va_end(ap);
	ck_assert_int_ge(asprintf(&line, "'%s' %s 2>&1", command, arguments), 0);
	pipe = popen(line, "r");
	ck_assert_ptr_nonnull(pipe);
	*printed = NULL;
	if (getdelim(printed, &size, '\0', pipe) < 0)
		ck_abort_msg("%s printed nothing", line);
	status = pclose(pipe);
	free(arguments);
	free(line);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static inline json_t *object(char *printed)
{
	json_error_t error;
	json_t *result = json_loads(printed, 0, &error);

	ck_assert_msg(result != NULL, "%s in: %s", error.text, printed);
	free(printed);
	return result;
}

/* A test program's main(): its exit status. */
static inline int command_main(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	if (!getenv("OLDGUARD_COMMAND")) {
		fprintf(stderr, "OLDGUARD_COMMAND must name the executable to test\n");
		return 1;
	}
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}

#endif
