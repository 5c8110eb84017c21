// SPDX-License-Identifier: GPL-2.0-only
/*
 * decode() on instructions with known answers; each known error of Capstone that it mends; and
 * what happens to bytes that are no instruction.
 */
#include <check.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "describe.h"

#define B(string) (const u8 *)(string), sizeof(string) - 1

static const struct {
	enum decode_mode mode;
	const u8 *bytes;
	u32 count;
	const char *line;
} cases[] = {
#include "decode_cases.h"
};

static alignas(16) u8 arena[DECODER_ARENA];
static struct decoder *d;
static struct insn insn;

static void open_decoder(void)
{
	memset(arena, 0xcc, sizeof(arena));
	d = decoder_init(arena, sizeof(arena), 0);
	ck_assert_ptr_eq(d, arena);
}

/* As decode(), from a heap block that is as long as @count says: reading on is found. */
static int decode_from(enum decode_mode mode, const u8 *bytes, u32 count)
{
	u8 *copy = malloc(count ? count : 1);
	int status;

	memcpy(copy, bytes, count);
	memset(&insn, 0x55, sizeof(insn));
	status = decode(d, mode, copy, count, &insn);
	free(copy);
	return status;
}

static void is(enum decode_mode mode, const u8 *bytes, u32 count, const char *line)
{
	char text[128];

	ck_assert_int_eq(decode_from(mode, bytes, count), 0);
	describe(&insn, text, sizeof(text));
	ck_assert_str_eq(text, line);
	ck_assert_uint_eq(insn.mode, mode);
}

static void refused(enum decode_mode mode, const u8 *bytes, u32 count, enum decode_error error)
{
	static const struct insn nothing;

	ck_assert_int_eq(decode_from(mode, bytes, count), -(int)error);
	ck_assert_int_eq(memcmp(&insn, &nothing, sizeof(insn)), 0);
}

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

/* --- what Capstone 4.0.2 gets wrong --- */

/* LOCK goes only with memory that is read, modified and written; F2 and F3 do not hide it. */
START_TEST(lock)
{
	static const struct {
		const u8 *bytes;
		u32 count;
	} bad[] = {
		{ B("\xf0\x0f\x01\x08") }, { B("\xf0\x0f\x00\x00") }, { B("\xf0\x0f\x00\xc0") },
		{ B("\xf0\xf2\x0f\x01\x08") }, { B("\xf0\xf3\x0f\x01\x20") },
		{ B("\xf3\xf0\x0f\xa2") }, { B("\xf0\xf3\x0f\x01\xd9") }, { B("\xf0\x89\x00") },
		{ B("\xf0\xf3\x89\x00") }, { B("\xf0\x01\xc0") }, { B("\xf0\xf2\x01\xc0") },
		{ B("\xf0\x38\x00") }, { B("\xf0\x80\x38\x00") }, { B("\xf0\x0f\xba\x20\x01") },
		{ B("\xf0\xab") }, { B("\xf0\xf3\xab") }, { B("\xf0\xff\x30") },
		{ B("\xf0\x0f\x20\xc0") }, { B("\xf0\x03\x00") }, { B("\xf0\x90") },
		{ B("\xf0\xf6\x00\x01") }, { B("\xf0\xd1\x00") }, { B("\xf0\x0f\xc3\x00") },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		refused(DECODE_64, bad[i].bytes, bad[i].count, DECODE_UD);
	is(DECODE_64, B("\xf0\xf2\x01\x08"), "add 4 o4 a8 ds:[0]/4 r1 lock");
	is(DECODE_64, B("\xf3\xf0\x87\x08"), "xchg 4 o4 a8 ds:[0]/4 r1 lock");
}
END_TEST

/* In 64-bit code ES, CS, SS, DS mean nothing; FS and GS stay whatever follows. */
START_TEST(segment_prefixes)
{
	is(DECODE_64, B("\x2e\x0f\x01\x08"), "sidt 4 o8 a8 ds:[0]/10");
	is(DECODE_64, B("\x36\x0f\x01\x08"), "sidt 4 o8 a8 ds:[0]/10");
	is(DECODE_64, B("\x26\x0f\x01\x4d\x00"), "sidt 5 o8 a8 ss:[5]/10");
	is(DECODE_64, B("\x64\x2e\x0f\x01\x08"), "sidt 5 o8 a8 fs:[0]/10");
	is(DECODE_64, B("\x65\x3e\x26\x36\x0f\x01\x08"), "sidt 7 o8 a8 gs:[0]/10");
	is(DECODE_64, B("\x65\x64\x0f\x01\x08"), "sidt 5 o8 a8 fs:[0]/10");
	/* Elsewhere the last one counts. */
	is(DECODE_32, B("\x64\x2e\x0f\x01\x08"), "sidt 5 o4 a4 cs:[0]/6");
	is(DECODE_32, B("\x36\x0f\x01\x4d\x00"), "sidt 5 o4 a4 ss:[5]/6");
	is(DECODE_16, B("\x26\x0f\x01\x0f"), "sidt 4 o4 a2 es:[3]/6");
	/* Strings: the destination is ES, whatever is said. */
	is(DECODE_32, B("\x64\xa4"), "movs 2 o1 a4 es:[7]/1 src fs:[6]/1");
}
END_TEST

/* The sum is as wide as addresses are: Capstone gives no more than its terms. */
START_TEST(addresses_are_truncated)
{
	u64 gpr[16] = { [0] = 0xffffffff12345678, [1] = 0x1000, [3] = 0x8000, [6] = 0xffff9000,
			[2] = 0x123456789abcdef0 };

	is(DECODE_64, B("\x67\x0f\x01\x48\x10"), "sidt 5 o8 a4 ds:[0+16]/10");
	ck_assert_uint_eq(insn_offset(&insn, gpr, 0), 0x12345688);
	is(DECODE_64, B("\x0f\x01\x48\x10"), "sidt 4 o8 a8 ds:[0+16]/10");
	ck_assert_uint_eq(insn_offset(&insn, gpr, 0), 0xffffffff12345688);
	is(DECODE_64, B("\x67\x0f\x01\x8c\xc9\x00\x00\x00\xff"), "sidt 9 o8 a4 ds:[1+1*8-16777216]/10");
	ck_assert_uint_eq(insn_offset(&insn, gpr, 0), 0xff009000);
	is(DECODE_32, B("\x0f\x01\x80\x00\x00\x00\xf0"), "sgdt 7 o4 a4 ds:[0-268435456]/6");
	ck_assert_uint_eq(insn_offset(&insn, gpr, 0), 0x02345678);
	is(DECODE_16, B("\x0f\x01\x48\x10"), "sidt 4 o4 a2 ds:[3+6*1+16]/6");
	ck_assert_uint_eq(insn_offset(&insn, gpr, 0), 0x1010);
	/* RIP and EIP of the next instruction */
	is(DECODE_64, B("\x0f\x01\x0d\xf0\xff\xff\xff"), "sidt 7 o8 a8 ds:[rip-16]/10");
	ck_assert_uint_eq(insn_offset(&insn, gpr, 0xffffffff81000008), 0xffffffff80fffff8);
	is(DECODE_64, B("\x67\x0f\x01\x0d\xf0\xff\xff\xff"), "sidt 8 o8 a4 ds:[rip-16]/10");
	ck_assert_uint_eq(insn_offset(&insn, gpr, 0xffffffff81000008), 0x80fffff8);
	is(DECODE_32, B("\x0f\x01\x0d\xf0\xff\xff\xff"), "sidt 7 o4 a4 ds:[0xfffffffffffffff0]/6");
	ck_assert_uint_eq(insn_offset(&insn, gpr, 0x1000), 0xfffffff0);
	/* An index that is none, a base that is none, REX or not (APM vol. 3, 1.4.3) */
	is(DECODE_64, B("\x0f\x01\x0c\x20"), "sidt 4 o8 a8 ds:[0]/10");
	is(DECODE_64, B("\x42\x0f\x01\x0c\x20"), "sidt 5 o8 a8 ds:[0+12*1]/10");
	is(DECODE_64, B("\x41\x0f\x01\x0c\x25\x10\x00\x00\x80"),
	   "sidt 9 o8 a8 ds:[0xffffffff80000010]/10");
	is(DECODE_64, B("\x67\x41\x0f\x01\x0c\x25\x10\x00\x00\x80"),
	   "sidt 10 o8 a4 ds:[0xffffffff80000010]/10");
	ck_assert_uint_eq(insn_offset(&insn, gpr, 0), 0x80000010);
}
END_TEST

START_TEST(bit_strings)
{
	u64 gpr[16] = { [0] = 0x1000, [2] = 100 };

	is(DECODE_64, B("\x0f\xab\x10"), "bts 3 o4 a8 ds:[0+bit 2]/4 r2");
	ck_assert_uint_eq(insn_offset(&insn, gpr, 0), 0x100c);
	gpr[2] = 0xdeadbeefffffffff;	/* 32 bits of it: -1 */
	ck_assert_uint_eq(insn_offset(&insn, gpr, 0), 0xffc);
	gpr[2] = (u64)-65;
	is(DECODE_64, B("\x48\x0f\xb3\x10"), "btr 4 o8 a8 ds:[0+bit 2]/8 r2");
	ck_assert_uint_eq(insn_offset(&insn, gpr, 0), 0x1000 - 16);
	is(DECODE_64, B("\x66\x0f\xbb\x10"), "btc 4 o2 a8 ds:[0+bit 2]/2 r2");
	ck_assert_uint_eq(insn_offset(&insn, gpr, 0), 0x1000 - 10);
}
END_TEST

START_TEST(control_registers_that_exist)
{
	u8 bytes[4] = { 0, 0x0f, 0, 0 };
	u32 opcode, number;

	for (opcode = 0x20; opcode <= 0x23; opcode++) {
		for (number = 0; number < 16; number++) {
			bool debug = opcode & 1;
			bool good = debug ? number < 8 : number == 0 || (number >= 2 && number <= 4) ||
						  number == 8;

			bytes[0] = number & 8 ? 0x44 : 0x40;
			bytes[2] = opcode;
			bytes[3] = 0xc0 | (number & 7) << 3;
			if (!good) {
				refused(DECODE_64, bytes, 4, DECODE_UD);
				continue;
			}
			ck_assert_int_eq(decode_from(DECODE_64, bytes, 4), 0);
			ck_assert_uint_eq(insn.op, INSN_MOV_FROM_CR + (debug ? 2 : 0) + (opcode & 2) / 2);
			ck_assert_uint_eq(insn.cr, number);
		}
	}
}
END_TEST

/* Opcodes whose mandatory prefix is missing or wrong */
START_TEST(mandatory_prefixes)
{
	refused(DECODE_64, B("\xf3\x0f\x29\x00"), DECODE_UD);
	refused(DECODE_64, B("\x48\x0f\xd6\x00"), DECODE_UD);
	refused(DECODE_64, B("\x48\x0f\x38\x80\x08"), DECODE_UD);
	refused(DECODE_64, B("\x66\x0f\xc3\x00"), DECODE_UD);
	refused(DECODE_64, B("\x66\x0f\x01\xd1"), DECODE_UD);
	refused(DECODE_64, B("\x66\x0f\x78\x00"), DECODE_UD);
	refused(DECODE_32, B("\x0f\x01\xf8"), DECODE_UD);	/* SWAPGS */
	is(DECODE_64, B("\x66\x67\x0f\xd6\x00"), "vector 5 o2 a4 ds:[0]/8");
	is(DECODE_32, B("\xf3\x26\x0f\x11\x00"), "vector 5 o4 a4 es:[0]/4");
	is(DECODE_32, B("\x26\xf3\x0f\xb8\x00"), "other 5 o4 a4 es:[0]/4");
	is(DECODE_16, B("\x66\x0f\x7f\x07"), "vector 4 o4 a2 ds:[3]/16");
	is(DECODE_16, B("\x0f\x7f\x07"), "vector 3 o2 a2 ds:[3]/8");
	is(DECODE_64, B("\x48\x0f\x7f\x00"), "vector 4 o8 a8 ds:[0]/8");
	is(DECODE_64, B("\x4f\x8c\x18"), "mov seg 3 o2 a8 ds:[8]/2 r3");
	is(DECODE_64, B("\x66\x0f\x78\xc0\x01\x02"), "other 6 o2 a8");	/* EXTRQ */
}
END_TEST

/* Registers by REX, and REX that does not count */
START_TEST(rex)
{
	is(DECODE_64, B("\x48\x66\x0f\x00\xc1"), "sldt 5 o2 a8 r1");
	is(DECODE_64, B("\x66\x48\x0f\x00\xc1"), "sldt 5 o8 a8 r1");
	is(DECODE_64, B("\x41\x48\x0f\x00\xc1"), "sldt 5 o8 a8 r1");
	is(DECODE_64, B("\x41\x0f\x00\xc1"), "sldt 4 o4 a8 r9");
	is(DECODE_64, B("\x67\x41\x0f\x01\xd8"), "vmrun 5 o4 a4");
	is(DECODE_32, B("\x40"), "other 1 o4 a4");
}
END_TEST

/* --- flags --- */

START_TEST(lock_mov_cr8)
{
	static alignas(16) u8 other[DECODER_ARENA];

	refused(DECODE_32, B("\xf0\x0f\x20\xc1"), DECODE_UD);
	d = decoder_init(other, sizeof(other), DECODER_LOCK_MOV_CR8);
	ck_assert_ptr_nonnull(d);
	is(DECODE_32, B("\xf0\x0f\x20\xc1"), "mov from cr 4 o4 a4 r1 cr8 lock");
	is(DECODE_32, B("\xf0\x0f\x22\xc1"), "mov to cr 4 o4 a4 r1 cr8 lock");
	refused(DECODE_32, B("\xf0\x0f\x20\xd9"), DECODE_UD);
}
END_TEST

START_TEST(branches_with_66)
{
	is(DECODE_64, B("\x66\xe8\1\2\3\4"), "call 6 o8 a8 ss:[4-8]/8");
	is(DECODE_64, B("\x66\xff\x10"), "call 3 o8 a8 ss:[4-8]/8 src ds:[0]/8");
	is(DECODE_32, B("\x66\xe8\1\2"), "call 4 o2 a4 ss:[4-2]/2");
	d = decoder_init(arena, sizeof(arena), DECODER_BRANCH_66);
	ck_assert_ptr_nonnull(d);
	is(DECODE_64, B("\x66\xe8\1\2"), "call 4 o2 a8 ss:[4-2]/2");
	is(DECODE_64, B("\x66\x48\xe8\1\2\3\4"), "call 7 o8 a8 ss:[4-8]/8");
	is(DECODE_64, B("\x66\xff\x10"), "call 3 o2 a8 ss:[4-2]/2 src ds:[0]/2");
	is(DECODE_64, B("\x66\xff\xe0"), "other 3 o2 a8");
	is(DECODE_64, B("\x66\xff\x30"), "push 3 o2 a8 ss:[4-2]/2 src ds:[0]/2");
	is(DECODE_64, B("\x66\xe9\1\2"), "other 4 o2 a8");
	is(DECODE_64, B("\x66\xeb\1"), "other 3 o2 a8");
	is(DECODE_64, B("\x66\x7f\1"), "other 3 o2 a8");
	is(DECODE_64, B("\x66\x0f\x8f\1\2"), "other 5 o2 a8");
	is(DECODE_64, B("\x66\xc3"), "other 2 o2 a8");
}
END_TEST

/* --- bytes that are no instruction --- */

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

/* --- memory --- */

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
	Suite *suite = suite_create("decode");
	TCase *tc = tcase_create("decode");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, open_decoder, NULL);
	tcase_add_loop_test(tc, known_answers, 0, ARRAY_SIZE(cases));
	tcase_add_test(tc, lock);
	tcase_add_test(tc, segment_prefixes);
	tcase_add_test(tc, addresses_are_truncated);
	tcase_add_test(tc, bit_strings);
	tcase_add_test(tc, control_registers_that_exist);
	tcase_add_test(tc, mandatory_prefixes);
	tcase_add_test(tc, rex);
	tcase_add_test(tc, lock_mov_cr8);
	tcase_add_test(tc, branches_with_66);
	tcase_add_test(tc, too_long);
	tcase_add_test(tc, no_instruction);
	tcase_add_test(tc, all_names);
	tcase_add_test(tc, arena_too_small);
	tcase_add_test(tc, no_late_allocation);
	tcase_add_test(tc, two_decoders);
	tcase_add_test(tc, as_text);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
