// SPDX-License-Identifier: GPL-2.0-only
/*
 * sim_main.c - a test program of the simulated processor. An object of its own: a fuzzer has no
 * suites.
 */
#include "sim.h"

#include <stdlib.h>

int sim_main(const char *name, const TTest *const tests[], u32 count)
{
	Suite *suite = suite_create(name);
	TCase *all = tcase_create("all");
	SRunner *runner;
	int failed;
	u32 i;

	for (i = 0; i < count; i++)
		tcase_add_test(all, tests[i]);
	tcase_set_timeout(all, 60);
	suite_add_tcase(suite, all);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
