// SPDX-License-Identifier: GPL-2.0-only
/* The oldguard command as a whole: the executable in OLDGUARD_COMMAND, on files of our own. */
#include <check.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "command.h"
#include "command_run.h"
#include "command_sample.h"
#include "probe.h"

START_TEST(status_prints_tables)
	{
		char *path = file_with(sample), *printed;

		ck_assert_int_eq(run(&printed, "status --device %s", path), 0);
		ck_assert_str_eq(
			printed,
			"oldguard 0.1.0: active, not locked\n"
			"  carried by           AMD SVM\n"
			"  second-level paging  NPT\n"
			"  isolation            off: no second-level paging\n"
			"  hypervisor leaf      0x40000100\n"
			"  memory held          3.2 MiB\n"
			"  CPUs                 0-1 guest, 2 offline\n"
			"  last error           umip: no such option 'mood'\n"
			"\n"
			"  FEATURE   STATE  OPTIONS  NOTE          SUMMARY\n"
			"  umip      on     mode=gp                hides tables from users\n"
			"  msr_lock  off             needs bitmap  chosen MSRs become read-only\n"
			"\n"
			"  RULE                    FROM\n"
			"  cr4.smep pinned deny    policy\n"
			"  msr:0x174-0x176 ro log  feature\n"
			"\n"
			"  EXIT              TOTAL  CPU0         CPU1\n"
			"  cpuid              1234  1200           34\n"
			"  desc_store  12345678901     0  12345678901\n"
			"  total       12345680135  1200  12345678935\n"
			"\n"
			"  HANDLED BY  TOTAL  CPU0\n"
			"  umip            7     7\n");
		free(printed);
		drop(path);
	}
END_TEST

START_TEST(status_prints_json)
	{
		char *path = file_with(sample), *printed;
		json_t *status;

		ck_assert_int_eq(run(&printed, "status --json --device %s", path), 0);
		status = object(printed);
		ck_assert(json_is_true(json_object_get(status, "loaded")));
		ck_assert(json_is_false(json_object_get(status, "locked")));
		ck_assert(json_is_null(json_object_get(status, "reason")));
		ck_assert_str_eq(json_string_value(json_object_get(status, "backend")), "AMD SVM");
		ck_assert_int_eq(json_integer_value(json_object_get(status, "memory")), 3407872);
		ck_assert_str_eq(
			json_string_value(json_object_get(
				json_array_get(json_object_get(status, "features"), 1), "note")),
			"needs bitmap");
		ck_assert_int_eq(
			json_integer_value(json_object_get(
				json_array_get(json_object_get(status, "exits"), 0), "count")),
			1200);
		ck_assert_uint_eq(json_array_size(json_object_get(status, "cpus")), 3);
		json_decref(status);
		drop(path);
	}
END_TEST

START_TEST(status_says_what_is_wrong)
	{
		char *path = file_with("abi\t9\n"), *printed;
		json_t *status;

		ck_assert_int_eq(run(&printed, "status --device %s", path), 1);
		ck_assert_ptr_nonnull(strstr(printed, "speaks format 9, this command knows 1"));
		free(printed);
		ck_assert_int_eq(run(&printed, "status --json --device %s", path), 1);
		status = object(printed);
		ck_assert_ptr_nonnull(strstr(json_string_value(json_object_get(status, "error")),
					     "speaks format 9"));
		json_decref(status);
		drop(path);
		if (access(OLDGUARD_MODULE, F_OK)) {
			ck_assert_int_eq(run(&printed, "status"), 1);
			ck_assert_ptr_nonnull(strstr(printed, "the oldguard module is not loaded"));
			free(printed);
		}
		ck_assert_int_eq(run(&printed, "status more"), 64);
		free(printed);
		ck_assert_int_eq(run(&printed, "statut"), 64);
		ck_assert_ptr_nonnull(strstr(printed, "unknown command 'statut'"));
		free(printed);
	}
END_TEST

START_TEST(enable_edits_the_parameter)
	{
		static const struct {
			const char *arguments, *list;
			int status;
		} step[] = {
			{ "enable umip", "umip", 0 },
			{ "enable msr_lock umip:mode=dummy", "umip:mode=dummy,msr_lock", 0 },
			{ "enable umip,x", "umip:mode=dummy,msr_lock", 64 },
			{ "disable umip:mode=gp", "umip:mode=dummy,msr_lock", 64 },
			{ "disable umpi", "umip:mode=dummy,msr_lock", 1 },
			{ "disable umip", "msr_lock", 0 },
			{ "disable umip", "msr_lock", 0 },
			{ "disable all", "none", 0 },
		};
		char *parameter = file_with("none\n"), *device = file_with(sample), *printed;

		for (size_t i = 0; i < COUNT(step); i++) {
			FILE *file;
			char list[256] = "";

			ck_assert_int_eq(run(&printed, "%s --parameter %s --device %s",
					     step[i].arguments, parameter, device),
					 step[i].status);
			free(printed);
			file = fopen(parameter, "r");
			ck_assert_ptr_nonnull(fgets(list, sizeof(list), file));
			fclose(file);
			list[strcspn(list, "\n")] = '\0';
			ck_assert_msg(!strcmp(list, step[i].list), "%s: '%s'", step[i].arguments,
				      list);
		}
		ck_assert_int_eq(run(&printed, "enable umip --json --parameter %s --device %s",
				     parameter, device),
				 0);
		json_t *done = object(printed);

		ck_assert_str_eq(json_string_value(json_object_get(done, "before")), "none");
		ck_assert_str_eq(json_string_value(json_object_get(done, "features")), "umip");
		json_decref(done);
		drop(parameter);
		drop(device);
	}
END_TEST

/* /dev/full refuses every write, as the module may. */
START_TEST(enable_tells_why_not)
	{
		char *device = file_with(sample), *printed;
		json_t *refused;

		ck_assert_int_eq(run(&printed,
				     "enable umip:mood=1 --parameter /dev/full --device %s",
				     device),
				 1);
		ck_assert_str_eq(
			printed,
			"oldguard: the module refused features=umip:mood=1: "
			 "No space left on device (ENOSPC): "
			"umip: no such option 'mood'\n");
		free(printed);
		ck_assert_int_eq(run(&printed,
				     "enable umip:mood=1 --json --parameter /dev/full --device %s",
				     device),
				 1);
		refused = object(printed);
		ck_assert(json_is_false(json_object_get(refused, "ok")));
		ck_assert_int_eq(json_integer_value(json_object_get(refused, "errno")), ENOSPC);
		ck_assert_str_eq(json_string_value(json_object_get(refused, "errno_name")),
				 "ENOSPC");
		ck_assert_str_eq(json_string_value(json_object_get(refused, "module")),
				 "umip: no such option 'mood'");
		json_decref(refused);
		drop(device);
	}
END_TEST

/* Whatever this machine is: every encoding is run, and all its CPUs and users get the same. */
START_TEST(probe_runs_here)
	{
		const char *const option[] = { "", "--all", "--cpu 0" };
		const size_t encodings[] = { 12, probe_nr_forms, 12 };
		json_t *probe, *insn;
		char *printed;
		size_t i;

		ck_assert_int_eq(run(&printed, "probe --json %s", option[_i]), 0);
		probe = object(printed);
		ck_assert_uint_eq(json_array_size(json_object_get(probe, "instructions")),
				  encodings[_i]);
		json_array_foreach (json_object_get(probe, "instructions"), i, insn) {
			const char *outcome = json_string_value(json_object_get(insn, "outcome"));

			ck_assert_msg(!strcmp(outcome, "stored") || !strcmp(outcome, "fault"), "%s",
				      json_string_value(json_object_get(insn, "text")));
		}
		if (!geteuid())
			ck_assert(json_is_true(
				json_object_get(json_object_get(probe, "unprivileged"), "same")));
		json_decref(probe);
		ck_assert_int_eq(run(&printed, "probe --cpu 8191"), 1);
		free(printed);
		ck_assert_int_eq(run(&printed, "probe --cpu x"), 64);
		free(printed);
	}
END_TEST

int main(void)
{
	Suite *suite = suite_create("command");
	TCase *whole = tcase_create("whole");
	SRunner *runner;
	int failed;

	if (!getenv("OLDGUARD_COMMAND")) {
		fprintf(stderr, "OLDGUARD_COMMAND must name the executable to test\n");
		return 1;
	}
	tcase_add_test(whole, status_prints_tables);
	tcase_add_test(whole, status_prints_json);
	tcase_add_test(whole, status_says_what_is_wrong);
	tcase_add_test(whole, enable_edits_the_parameter);
	tcase_add_test(whole, enable_tells_why_not);
	tcase_add_loop_test(whole, probe_runs_here, 0, 3);
	tcase_set_timeout(whole, 60);
	suite_add_tcase(suite, whole);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
