// SPDX-License-Identifier: GPL-2.0-only
/* oldguard policy and oldguard lock, on files of our own. */
#include <unistd.h>
#include "command.h"
#include "command_run.h"
#include "command_sample.h"

static char *content(const char *path)
{
	static char text[8192];
	FILE *file = fopen(path, "r");
	size_t length = fread(text, 1, sizeof(text) - 1, file);

	text[length] = '\0';
	fclose(file);
	return text;
}

START_TEST(check_reads_a_file)
{
	char *good = file_with("# mine\ncr4.smep  pinned deny; io:96-100 none ignore\n\n"
			       "exc:divide kernel skip result=7 rate=1\n");
	char *bad = file_with("cr4.smep pinned deny\n  msr:lstar rx deny\n"), *printed;
	json_t *said;

	ck_assert_int_eq(run(&printed, "policy check %s", good), 0);
	ck_assert_str_eq(printed, "cr4.smep pinned deny\nio:0x60-0x64 none ignore\n"
				  "exc:divide kernel skip result=7 rate=1\n");
	free(printed);
	ck_assert_int_eq(run(&printed, "policy check - <%s", good), 0);
	free(printed);
	ck_assert_int_eq(run(&printed, "policy check %s", bad), 1);
	ck_assert_ptr_nonnull(strstr(printed, ": line 2, column 13: this asset has no permission "
					      "'rx'\n"));
	free(printed);
	ck_assert_int_eq(run(&printed, "policy check --json %s", bad), 1);
	said = object(printed);
	ck_assert(json_is_false(json_object_get(said, "ok")));
	json_decref(said);
	ck_assert_int_eq(run(&printed, "policy check /nowhere"), 1);
	ck_assert_ptr_nonnull(strstr(printed, "/nowhere: No such file"));
	free(printed);
	drop(good);
	drop(bad);
}
END_TEST

START_TEST(load_writes_it_whole)
{
	char *mine = file_with("# mine\nio:0x64 none deny\n"), *theirs = file_with("before");
	char *empty = file_with(""), *device = file_with(sample), *printed;
	char longer[5000];

	ck_assert_int_eq(run(&printed, "policy load %s --policy %s", mine, theirs), 0);
	ck_assert_str_eq(printed, "io:0x64 none deny\n");
	ck_assert_str_eq(content(theirs), "# mine\nio:0x64 none deny\n");
	free(printed);
	/* What is wrong is not even tried. */
	memset(longer, '#', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	drop(mine);
	mine = file_with(longer);
	ck_assert_int_eq(run(&printed, "policy load %s --policy %s", mine, theirs), 1);
	ck_assert_ptr_nonnull(strstr(printed, "the policy is longer than 4095 bytes"));
	ck_assert_str_eq(content(theirs), "# mine\nio:0x64 none deny\n");
	free(printed);
	ck_assert_int_eq(run(&printed, "policy load %s --policy %s --json", empty, theirs), 0);
	ck_assert_str_eq(content(theirs), "\n");
	free(printed);
	ck_assert_int_eq(
		run(&printed, "policy load %s --policy /dev/full --device %s", empty, device), 1);
	ck_assert_ptr_nonnull(strstr(printed, "No space left on device (ENOSPC): umip: no such"));
	free(printed);
	ck_assert_int_eq(run(&printed, "policy load %s --policy /nowhere", empty), 1);
	ck_assert_ptr_nonnull(strstr(printed, "the oldguard module is not loaded"));
	free(printed);
	drop(mine);
	drop(theirs);
	drop(empty);
	drop(device);
}
END_TEST

START_TEST(show_is_a_policy_again)
{
	char *device = file_with(sample), *printed, *again;
	json_t *said;

	ck_assert_int_eq(run(&printed, "policy show --device %s", device), 0);
	ck_assert_str_eq(printed, "cr4.smep pinned deny                     # policy\n"
				  "msr:0x174-0x176 ro log                   # feature\n");
	again = file_with(printed);
	free(printed);
	ck_assert_int_eq(run(&printed, "policy check %s", again), 0);
	ck_assert_str_eq(printed, "cr4.smep pinned deny\nmsr:0x174-0x176 ro log\n");
	free(printed);
	ck_assert_int_eq(run(&printed, "policy show --json --device %s", device), 0);
	said = object(printed);
	ck_assert_uint_eq(json_array_size(json_object_get(said, "rules")), 2);
	ck_assert(json_is_false(json_object_get(said, "locked")));
	json_decref(said);
	ck_assert_int_eq(run(&printed, "policy show --device /nowhere"), 1);
	free(printed);
	drop(device);
	drop(again);
}
END_TEST

START_TEST(words_that_are_none)
{
	static const char *const wrong[] = { "policy", "policy lode x", "policy load",
					     "policy show x", "policy check x y" };
	char *printed;

	ck_assert_int_eq(run(&printed, "%s", wrong[_i]), 64);
	free(printed);
}
END_TEST

START_TEST(lock_blows_the_fuse)
{
	char *fuse = file_with("0"), *device = file_with(sample), *printed;

	ck_assert_int_eq(run(&printed, "lock --parameter %s", fuse), 0);
	ck_assert_str_eq(printed, "locked until the next boot\n");
	ck_assert_str_eq(content(fuse), "1");
	free(printed);
	ck_assert_int_eq(run(&printed, "lock --json --parameter /dev/full --device %s", device), 1);
	json_decref(object(printed));
	ck_assert_int_eq(run(&printed, "lock --parameter /nowhere"), 1);
	free(printed);
	drop(fuse);
	drop(device);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("command_policy");
	TCase *whole = tcase_create("whole");

	tcase_add_test(whole, check_reads_a_file);
	tcase_add_test(whole, load_writes_it_whole);
	tcase_add_test(whole, show_is_a_policy_again);
	tcase_add_loop_test(whole, words_that_are_none, 0, 5);
	tcase_add_test(whole, lock_blows_the_fuse);
	suite_add_tcase(suite, whole);
	return command_main(suite);
}
