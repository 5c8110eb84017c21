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
			"  KVM and the like     hide\n"
			"  second-level paging  NPT\n"
			"  isolation            off: no second-level paging\n"
			"  hypervisor leaf      0x40000100\n"
			"  memory held          3.2 MiB\n"
			"  CPUs                 0-1 guest, 2 offline\n"
			"  STOPPED              CPU 1: vector 14, RIP 0x1234; stack: 0\n"
			"  reports              23 made, 4 suppressed by the rate limit, 2 lost\n"
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
		ck_assert_str_eq(json_string_value(json_object_get(status, "kvm")), "hide");
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
		ck_assert_str_eq(
			json_string_value(json_object_get(
				json_array_get(json_object_get(status, "stopped"), 0), "dump")),
			"vector 14, RIP 0x1234; stack: 0");
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

START_TEST(events_are_lines)
	{
		char *path = file_with(sample_events), *printed;

		ck_assert_int_eq(run(&printed, "events --device %s", path), 0);
		ck_assert_str_eq(
			printed,
			"   12.345678  CPU1  nosy[4711]  ring 3  0x401500  umip: sidt log"
			"  0f 01 4c 24 06  sidt [rsp + 6]  (92 suppressed before)\n"
			"   13.000000  CPU1  5 lost: more than its ring holds\n"
			"   14.000001  CPU0  kworker/0:1[12/13]  ring 0  0xffffffff81012345 "
			"native_write_cr4+0x5/0x60  cr_pin: cr4 deny (rule 2)  0x1006f0 -> 0x6f0"
			"  0f 22 e7  mov cr4, rdi\n"
			"   15.000000  30 lost: not read in time\n"
			"   16.000000  CPU0  unknown task  ring 3  0x1000  umip: smsw deny\n"
			"   16.000000  CPU0  b\\xc3\\xb6se\\n[1]  ring 3  0x1000  umip: sgdt skip"
			"  0f ff ff\n"
			"4 reports; 92 more suppressed by the rate limit, 35 lost\n"
			"1 lines could not be understood\n");
		free(printed);
		ck_assert_int_eq(run(&printed, "events --follow --count 1 --device %s", path), 0);
		ck_assert_ptr_nonnull(strstr(printed, "nosy[4711]"));
		ck_assert_ptr_null(strstr(printed, "kworker"));
		ck_assert_ptr_nonnull(strstr(printed, "1 reports; 92 more"));
		free(printed);
		ck_assert_int_eq(run(&printed, "events --new --device %s", path), 0);
		ck_assert_str_eq(printed, "0 reports; 0 more suppressed by the rate limit, 0 lost\n");
		free(printed);
		drop(path);
	}
END_TEST

START_TEST(events_are_json)
	{
		char *path = file_with(sample_events), *printed, *rest, *line;
		static const char *const type[] = { "event", "lost", "event",
						    "lost",  "event", "event" };
		json_t *object[COUNT(type)];
		size_t n = 0;

		ck_assert_int_eq(run(&printed, "events --json --device %s", path), 0);
		rest = printed;
		while ((line = strsep(&rest, "\n")) && *line) {
			ck_assert_uint_lt(n, COUNT(type));
			object[n] = json_loads(line, 0, NULL);
			ck_assert_msg(object[n] != NULL, "%s", line);
			ck_assert_str_eq(json_string_value(json_object_get(object[n], "type")),
					 type[n]);
			n++;
		}
		ck_assert_uint_eq(n, COUNT(type));
#define TEXT_OF(i, key) json_string_value(json_object_get(object[i], key))
#define NUMBER_OF(i, key) json_integer_value(json_object_get(object[i], key))
		ck_assert_str_eq(TEXT_OF(0, "comm"), "nosy");
		ck_assert_str_eq(TEXT_OF(0, "asset"), "sidt");
		ck_assert_str_eq(TEXT_OF(0, "bytes"), "0f014c2406");
		ck_assert_str_eq(TEXT_OF(0, "instruction"), "sidt [rsp + 6]");
		ck_assert_int_eq(NUMBER_OF(0, "suppressed"), 92);
		ck_assert_int_eq(NUMBER_OF(0, "pid"), 4711);
		ck_assert(json_is_null(json_object_get(object[0], "rule")));
		ck_assert(json_is_null(json_object_get(object[0], "symbol")));
		ck_assert_int_eq(NUMBER_OF(1, "lost"), 5);
		ck_assert_int_eq(NUMBER_OF(1, "cpu"), 1);
		ck_assert_str_eq(TEXT_OF(2, "rip"), "0xffffffff81012345");
		ck_assert_str_eq(TEXT_OF(2, "symbol"), "native_write_cr4+0x5/0x60");
		ck_assert_str_eq(TEXT_OF(2, "value"), "0x6f0");
		ck_assert_str_eq(TEXT_OF(2, "old"), "0x1006f0");
		ck_assert_int_eq(NUMBER_OF(2, "rule"), 2);
		ck_assert_int_eq(NUMBER_OF(2, "tid"), 13);
		ck_assert(json_is_null(json_object_get(object[3], "cpu")));
		while (n)
			json_decref(object[--n]);
		free(printed);
		drop(path);
	}
END_TEST

START_TEST(events_say_what_is_wrong)
	{
		char *printed;

		ck_assert_int_eq(run(&printed, "events --device /nowhere"), 1);
		ck_assert_ptr_nonnull(strstr(printed, "/nowhere: No such file"));
		free(printed);
		if (access(OLDGUARD_EVENTS, F_OK)) {
			ck_assert_int_eq(run(&printed, "events"), 1);
			ck_assert_ptr_nonnull(strstr(printed, "the oldguard module is not loaded"));
			free(printed);
		}
		ck_assert_int_eq(run(&printed, "events --json --device /"), 1);
		ck_assert_ptr_nonnull(strstr(printed, "\"error\": \"/: Is a directory\""));
		free(printed);
		/* Endless, and no line in it. */
		ck_assert_int_eq(run(&printed, "events --device /dev/zero"), 1);
		ck_assert_ptr_nonnull(strstr(printed, "holds no reports of oldguard"));
		free(printed);
		ck_assert_int_eq(run(&printed, "events --count 0"), 64);
		free(printed);
		ck_assert_int_eq(run(&printed, "events --count -1"), 64);
		free(printed);
		ck_assert_int_eq(run(&printed, "events more"), 64);
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

	tcase_add_test(whole, status_prints_tables);
	tcase_add_test(whole, status_prints_json);
	tcase_add_test(whole, status_says_what_is_wrong);
	tcase_add_test(whole, events_are_lines);
	tcase_add_test(whole, events_are_json);
	tcase_add_test(whole, events_say_what_is_wrong);
	tcase_add_test(whole, enable_edits_the_parameter);
	tcase_add_test(whole, enable_tells_why_not);
	tcase_add_loop_test(whole, probe_runs_here, 0, 3);
	tcase_set_timeout(whole, 60);
	suite_add_tcase(suite, whole);
	return command_main(suite);
}
