// SPDX-License-Identifier: GPL-2.0-only
#include "decode_harness.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

alignas(16) u8 arena[DECODER_ARENA];
struct decoder *d;
struct insn insn;

static void open_decoder(void)
{
	memset(arena, 0xcc, sizeof(arena));
	d = decoder_init(arena, sizeof(arena), 0);
	ck_assert_ptr_eq(d, arena);
}

int decode_from(enum decode_mode mode, const u8 *bytes, u32 count)
{
	u8 *copy = malloc(count ? count : 1);
	int status;

	memcpy(copy, bytes, count);
	memset(&insn, 0x55, sizeof(insn));
	status = decode(d, mode, copy, count, &insn);
	free(copy);
	return status;
}

void is(enum decode_mode mode, const u8 *bytes, u32 count, const char *line)
{
	char text[128];

	ck_assert_int_eq(decode_from(mode, bytes, count), 0);
	describe(&insn, text, sizeof(text));
	ck_assert_str_eq(text, line);
	ck_assert_uint_eq(insn.mode, mode);
}

void refused(enum decode_mode mode, const u8 *bytes, u32 count, enum decode_error error)
{
	static const struct insn nothing;

	ck_assert_int_eq(decode_from(mode, bytes, count), -(int)error);
	ck_assert_int_eq(memcmp(&insn, &nothing, sizeof(insn)), 0);
}

int run_suite(const char *name, TCase *tc)
{
	Suite *suite = suite_create(name);
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, open_decoder, NULL);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
