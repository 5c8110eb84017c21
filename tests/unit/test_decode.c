// SPDX-License-Identifier: GPL-2.0-only
/*
 * decode() on instructions with known answers, and on bytes that are no instruction; its memory.
 */
#include <stdalign.h>
#include <string.h>

#include "decode_harness.h"

static const struct {
	enum decode_mode mode;
	const u8 *bytes;
	u32 count;
	const char *line;
} cases[] = {
#include "decode_cases.h"
};

START_TEST(known_answers)
{
	u32 count = cases[_i].count, less;
	u8 more[INSN_MAX_BYTES];

	is(cases[_i].mode, cases[_i].bytes, count, cases[_i].line);
	/* What follows does not matter; what is missing is told. */
	memset(more, 0xf0, sizeof(more));
	memcpy(more, cases[_i].bytes, count);
	is(cases[_i].mode, more, sizeof(more), cases[_i].line);
	for (less = 0; less < count; less++)
		refused(cases[_i].mode, cases[_i].bytes, less, DECODE_SHORT);
}
END_TEST

START_TEST(too_long)
{
	u8 bytes[32];
	u32 prefixes;

	memset(bytes, 0x66, sizeof(bytes));
	for (prefixes = 0; prefixes <= 20; prefixes++) {
		memcpy(bytes + prefixes, "\x0f\x01\x08", 3);
		if (prefixes <= 12) {
			ck_assert_int_eq(decode_from(DECODE_64, bytes, prefixes + 3), 0);
			ck_assert_uint_eq(insn.length, prefixes + 3);
		} else {
			refused(DECODE_64, bytes, sizeof(bytes), DECODE_LONG);
			refused(DECODE_64, bytes, INSN_MAX_BYTES, DECODE_LONG);
			refused(DECODE_64, bytes, INSN_MAX_BYTES - 1, DECODE_SHORT);
		}
		memset(bytes, 0x66, sizeof(bytes));
	}
	/* By its operands */
	memcpy(bytes + 6, "\x0f\x01\x8c\x24\x00\x00\x00\x00\x00", 9);
	is(DECODE_64, bytes, 15, "sidt 14 o8 a8 ss:[4]/10");
	memmove(bytes + 8, bytes + 6, 9);
	memset(bytes, 0x66, 8);
	refused(DECODE_64, bytes, 17, DECODE_LONG);
}
END_TEST

START_TEST(no_instruction)
{
	static const struct {
		enum decode_mode mode;
		const u8 *bytes;
		u32 count;
		enum decode_error error;
	} none[] = {
		{ DECODE_64, B("\x0f\x0b"), DECODE_UD }, { DECODE_64, B("\x0f\xb9\xc0"), DECODE_UD },
		{ DECODE_64, B("\x0f\xff\xc0"), DECODE_UD }, { DECODE_64, B("\x06"), DECODE_UD },
		{ DECODE_64, B("\x60"), DECODE_UD }, { DECODE_64, B("\x9a\1\2\3\4\5\6"), DECODE_UD },
		{ DECODE_64, B("\x82\x00\x01"), DECODE_UD }, { DECODE_64, B("\xd5\x0a"), DECODE_UD },
		{ DECODE_64, B("\xc6\x08\x01"), DECODE_UD }, { DECODE_64, B("\xff\xff"), DECODE_UD },
		{ DECODE_64, B("\xff\xd8"), DECODE_UD }, { DECODE_64, B("\xfe\x10"), DECODE_UD },
		{ DECODE_64, B("\x8c\x30"), DECODE_UD }, { DECODE_64, B("\x8e\xc8"), DECODE_UD },
		{ DECODE_64, B("\x0f\xba\xc0\x01"), DECODE_UD },
		{ DECODE_64, B("\x66\xc5\xfc\x29\x00"), DECODE_UD },
		{ DECODE_64, B("\x48\xc5\xfc\x29\x00"), DECODE_UD },
		{ DECODE_64, B("\xf3\x0f\x01\xe8"), DECODE_UNKNOWN },
		{ DECODE_64, B("\x0f\x01\xcd"), DECODE_UNKNOWN },
		{ DECODE_64, B(""), DECODE_SHORT }, { DECODE_64, B("\x66\x48"), DECODE_SHORT },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(none); i++)
		refused(none[i].mode, none[i].bytes, none[i].count, none[i].error);
	is(DECODE_32, B("\x82\x00\x01"), "add 3 o1 a4 ds:[0]/1 imm 1");
}
END_TEST

/* #UD, and not merely unknown: 64-bit mode has given these up (AMD APM vol. 3, B.3). */
START_TEST(given_up_in_64)
{
	static const u8 opcodes[] = {
		0x06, 0x07, 0x0e, 0x16, 0x17, 0x1e, 0x1f, 0x27, 0x2f, 0x37, 0x3f, 0x60, 0x61, 0x82,
		0x9a, 0xce, 0xd4, 0xd5, 0xd6, 0xea,
	};
	u8 bytes[INSN_MAX_BYTES] = { 0 };
	u32 i;

	for (i = 0; i < sizeof(opcodes); i++) {
		bytes[0] = opcodes[i];
		refused(DECODE_64, bytes, sizeof(bytes), DECODE_UD);
		ck_assert_int_eq(decode_from(DECODE_32, bytes, sizeof(bytes)), 0);
		ck_assert_int_eq(decode_from(DECODE_16, bytes, sizeof(bytes)), 0);
	}
}
END_TEST

START_TEST(all_names)
{
	u32 op, other;

	for (op = 0; op < INSN_OP_COUNT; op++) {
		ck_assert_str_ne(insn_op_name(op), "?");
		for (other = 0; other < op; other++)
			ck_assert_str_ne(insn_op_name(op), insn_op_name(other));
	}
	ck_assert_str_eq(insn_op_name(INSN_OP_COUNT), "?");
	ck_assert_str_eq(insn_op_name(INSN_SIDT), "sidt");
}
END_TEST

START_TEST(arena_too_small)
{
	ck_assert_ptr_null(decoder_init(arena, DECODER_ARENA - 1, 0));
	ck_assert_ptr_null(decoder_init(arena, 64, 0));
	ck_assert_ptr_null(decoder_init(arena, 0, 0));
	ck_assert_ptr_null(decoder_init(arena + 8, DECODER_ARENA, 0));
}
END_TEST

START_TEST(no_late_allocation)
{
	size_t used = decoder_used(d);
	u32 i, first, second;
	u8 bytes[INSN_MAX_BYTES];

	ck_assert_uint_le(used, DECODER_ARENA);
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		decode_from(cases[i].mode, cases[i].bytes, cases[i].count);
	for (first = 0; first < 256; first++) {
		for (second = 0; second < 256; second++) {
			memset(bytes, 0x24, sizeof(bytes));
			bytes[0] = first;
			bytes[1] = second;
			decode(d, DECODE_64, bytes, sizeof(bytes), &insn);
			decode(d, DECODE_16, bytes, sizeof(bytes), &insn);
		}
	}
	ck_assert_uint_eq(decoder_used(d), used);
	ck_assert_uint_eq(decoder_late(), 0);
}
END_TEST

/* Two handles do not disturb each other, whatever mode each has seen last. */
START_TEST(two_decoders)
{
	static alignas(16) u8 other[DECODER_ARENA];
	struct decoder *first = d, *second = decoder_init(other, sizeof(other), 0);

	ck_assert_ptr_nonnull(second);
	is(DECODE_64, B("\x48\x89\x08"), "mov 3 o8 a8 ds:[0]/8 r1");
	d = second;
	is(DECODE_16, B("\x89\x08"), "mov 2 o2 a2 ds:[3+6*1]/2 r1");
	d = first;
	is(DECODE_64, B("\x48\x89\x08"), "mov 3 o8 a8 ds:[0]/8 r1");
}
END_TEST

START_TEST(as_text)
{
	char text[64];

	ck_assert_uint_eq(decode_text(DECODE_64, 0x1000, B("\x0f\x01\x08"), text, sizeof(text)), 3);
	ck_assert_str_eq(text, "sidt [rax]");
	ck_assert_uint_eq(decode_text(DECODE_64, 0x1000, B("\xe8\0\0\0\0"), text, sizeof(text)), 5);
	ck_assert_str_eq(text, "call 0x1005");
	ck_assert_uint_eq(decode_text(DECODE_64, 0, B("\xf0\x0f\x01\x08"), text, sizeof(text)), 0);
	ck_assert_str_eq(text, "bytes f0 0f 01 08");
	ck_assert_uint_eq(decode_text(DECODE_32, 0, B("\xf4"), text, sizeof(text)), 1);
	ck_assert_str_eq(text, "hlt");
	/* What Capstone does not take as it stands */
	ck_assert_uint_eq(decode_text(DECODE_64, 0, B("\x4f\x8c\x18"), text, sizeof(text)), 3);
	ck_assert_str_eq(text, "store");
	ck_assert_uint_eq(decode_text(DECODE_64, 0, B("\x0f\xae\xe9\x90"), text, sizeof(text)), 3);
	ck_assert_str_eq(text, "bytes 0f ae e9");
	ck_assert_uint_eq(decode_text(DECODE_64, 0, B("\x0f\x0b\x01"), text, 9), 0);
	ck_assert_str_eq(text, "bytes 0f");
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("decode");

	tcase_add_loop_test(tc, known_answers, 0, ARRAY_SIZE(cases));
	tcase_add_test(tc, too_long);
	tcase_add_test(tc, no_instruction);
	tcase_add_test(tc, given_up_in_64);
	tcase_add_test(tc, all_names);
	tcase_add_test(tc, arena_too_small);
	tcase_add_test(tc, no_late_allocation);
	tcase_add_test(tc, two_decoders);
	tcase_add_test(tc, as_text);
	return run_suite("decode", tc);
}
