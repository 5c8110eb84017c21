// SPDX-License-Identifier: GPL-2.0-only
/* Parts of the oldguard command: the module's report taken apart, the list of features, tables. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "command_sample.h"
#include "list.h"
#include "report.h"
#include "table.h"

/* --- reports --- */

START_TEST(report_takes_every_line)
	{
		struct report r;

		report_parse(&r, strdup(sample));
		ck_assert_uint_eq(r.abi, 1);
		ck_assert_str_eq(r.version, "0.1.0");
		ck_assert_str_eq(r.state, "active");
		ck_assert(!r.locked);
		ck_assert_str_eq(r.backend, "AMD SVM");
		ck_assert_ptr_null(r.reason);
		ck_assert_str_eq(r.slat, "NPT");
		ck_assert_str_eq(r.isolation, "off");
		ck_assert_str_eq(r.isolation_why, "no second-level paging");
		ck_assert_str_eq(r.leaf, "0x40000100");
		ck_assert_uint_eq(r.memory, 3407872);
		ck_assert_str_eq(r.error, "umip: no such option 'mood'");
		ck_assert_uint_eq(r.nr_features, 2);
		ck_assert_str_eq(r.features[0].options, "mode=gp");
		ck_assert_str_eq(r.features[0].note, "");
		ck_assert_str_eq(r.features[1].name, "msr_lock");
		ck_assert_str_eq(r.features[1].state, "off");
		ck_assert_str_eq(r.features[1].summary, "chosen MSRs become read-only");
		ck_assert_str_eq(r.features[1].note, "needs bitmap");
		ck_assert_uint_eq(r.nr_cpus, 3);
		ck_assert_uint_eq(r.cpus[2].cpu, 2);
		ck_assert_str_eq(r.cpus[2].state, "offline");
		ck_assert_uint_eq(r.nr_stopped, 1);
		ck_assert_uint_eq(r.stopped[0].cpu, 1);
		ck_assert_uint_eq(r.nr_exits, 3);
		ck_assert_str_eq(r.exits[2].name, "desc_store");
		ck_assert_uint_eq(r.exits[2].count, 12345678901);
		ck_assert_uint_eq(r.nr_handled, 1);
		ck_assert_uint_eq(r.handled[0].count, 7);
		ck_assert_uint_eq(r.malformed, 0);
		report_free(&r);
	}
END_TEST

START_TEST(report_counts_what_it_cannot_read)
	{
		static const char *const wrong[] = {
			"stopped\t0",
			"stopped\t-1\tvector 14",
			"exits\t0\tcpuid\t-1",
			"exits\t0\tcpuid\t 1",
			"exits\t0\tcpuid\t1x",
			"exits\t0\tcpuid",
			"exits\tx\tcpuid\t1",
			"exits\t0\t\t1",
			"exits\t0\tcpuid\t18446744073709551616",
			"cpu\t4294967296\tguest",
			"cpu\t1",
			"feature\tumip",
			"feature\t\ton",
			"memory\tmuch",
			"abi\tone",
			"locked\tyes",
		};

		for (size_t i = 0; i < COUNT(wrong); i++) {
			struct report r;

			report_parse(&r, strdup(wrong[i]));
			ck_assert_msg(r.malformed == 1, "'%s' was taken", wrong[i]);
			ck_assert_uint_eq(r.nr_exits + r.nr_cpus + r.nr_features, 0);
			report_free(&r);
		}
	}
END_TEST

START_TEST(report_lives_with_little)
	{
		struct report r;

		report_parse(&r, strdup(""));
		ck_assert_uint_eq(r.malformed, 0);
		ck_assert_ptr_null(r.version);
		report_free(&r);
		report_parse(&r, strdup("\n\n\t\t\nfeature\tf\ton\nisolation\ton\n"));
		ck_assert_uint_eq(r.malformed, 0);
		ck_assert_str_eq(r.features[0].note, "");
		ck_assert_str_eq(r.isolation_why, "");
		report_free(&r);
	}
END_TEST

START_TEST(report_read_refuses_others)
	{
		static const struct {
			const char *content;
			int result;
		} file[] = { { "", -EPROTO },
			     { "hello\n", -EPROTO },
			     { "abi\t2\n", -EPROTO },
			     { "abi\t1\n", 0 } };
		struct report r;

		for (size_t i = 0; i < COUNT(file); i++) {
			char *path = file_with(file[i].content);

			ck_assert_int_eq(report_read(&r, path), file[i].result);
			report_free(&r);
			drop(path);
		}
		ck_assert_int_eq(report_read(&r, "/nowhere/at/all"), -ENOENT);
		ck_assert_int_eq(report_read(&r, "/"), -EISDIR);
		report_free(&r);
	}
END_TEST

/* --- the list of features --- */

START_TEST(list_edits)
	{
		static const struct {
			const char *list, *feature, *with, *without;
		} edit[] = {
			{ "none", "umip", "umip", "none" },
			{ "", "umip", "umip", "none" },
			{ "none\n", "umip:mode=gp", "umip:mode=gp", "none" },
			{ "umip", "cpuid_fault", "umip,cpuid_fault", "umip" },
			{ "umip:mode=gp:rate=5,cr_pin", "umip", "umip,cr_pin", "cr_pin" },
			{ "a,umip,b", "umip:mode=dummy", "a,umip:mode=dummy,b", "a,b" },
			{ "umip,a,umip:mode=log", "umip", "umip,a", "a" },
			{ "umipx,um,umip", "umip", "umipx,um,umip", "umipx,um" },
			{ "a,,b", "c", "a,b,c", "a,b" },
			{ "a,b:x=y", "all", "all", "none" },
			{ "nonesuch", "n", "nonesuch,n", "nonesuch" },
		};

		for (size_t i = 0; i < COUNT(edit); i++) {
			char *with = list_with(edit[i].list, edit[i].feature),
			     *without = list_without(edit[i].list, edit[i].feature);

			ck_assert_str_eq(with, edit[i].with);
			ck_assert_str_eq(without, edit[i].without);
			free(with);
			free(without);
		}
		ck_assert(list_has("a,umip:mode=gp", "umip"));
		ck_assert(list_has("umip\n", "umip:mode=gp"));
		ck_assert(!list_has("umipx,xumip", "umip"));
		ck_assert(!list_has("none", "none"));
	}
END_TEST

START_TEST(list_refuses_what_is_no_feature)
	{
		static const char *const wrong[] = { "",	 "a,b", "none", "none:x=1",
						     ":mode=gp", "a b", "a\n",	"a\tb" };

		for (size_t i = 0; i < COUNT(wrong); i++)
			ck_assert_msg(!list_checks(wrong[i]), "'%s' was taken", wrong[i]);
		ck_assert(list_checks("umip:mode=gp:rate=10"));
		ck_assert(list_checks("nonesuch"));
		ck_assert(list_checks("all"));
	}
END_TEST

/* --- tables --- */

START_TEST(table_aligns)
	{
		static const char *const cells[] = { "NAME", "N", "EMPTY", "LAST", "a", "1000",
						     "",     "",  "long",  "7",	   "",	"end" };
		struct table t = { .columns = 4, .right = { [1] = true } };
		char *printed;
		size_t size;
		FILE *out = open_memstream(&printed, &size);

		for (size_t i = 0; i < COUNT(cells); i++)
			table_cell(&t, "%s", cells[i]);
		table_print(&t, out);
		fclose(out);
		ck_assert_str_eq(printed, "  NAME     N  LAST\n"
					  "  a     1000\n"
					  "  long     7  end\n");
		free(printed);
	}
END_TEST

int main(void)
{
	Suite *suite = suite_create("report");
	TCase *parts = tcase_create("parts");
	SRunner *runner;
	int failed;

	tcase_add_test(parts, report_takes_every_line);
	tcase_add_test(parts, report_counts_what_it_cannot_read);
	tcase_add_test(parts, report_lives_with_little);
	tcase_add_test(parts, report_read_refuses_others);
	tcase_add_test(parts, list_edits);
	tcase_add_test(parts, list_refuses_what_is_no_feature);
	tcase_add_test(parts, table_aligns);
	suite_add_tcase(suite, parts);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
