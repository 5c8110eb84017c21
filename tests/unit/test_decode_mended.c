// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each known error of Capstone that decode() mends, by the manuals' rules on prefixes, registers
 * and addresses.
 */
#include <stdalign.h>
#include <string.h>

#include "decode_harness.h"

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

/* Every instruction that takes LOCK, and its neighbours that do not */
START_TEST(lockable)
{
	static const struct {
		u8 length, bytes[2];
		u8 digits;	/* of ModRM.reg, by bit, that take it */
	} table[] = {
		{ 1, { 0x00 }, 0xff }, { 1, { 0x01 }, 0xff }, { 1, { 0x08 }, 0xff },
		{ 1, { 0x11 }, 0xff }, { 1, { 0x18 }, 0xff }, { 1, { 0x21 }, 0xff },
		{ 1, { 0x28 }, 0xff }, { 1, { 0x31 }, 0xff }, { 1, { 0x38 }, 0 },
		{ 1, { 0x39 }, 0 }, { 1, { 0x02 }, 0 }, { 1, { 0x03 }, 0 }, { 1, { 0x80 }, 0x7f },
		{ 1, { 0x81 }, 0x7f }, { 1, { 0x83 }, 0x7f }, { 1, { 0x84 }, 0 },
		{ 1, { 0x86 }, 0xff }, { 1, { 0x87 }, 0xff }, { 1, { 0x88 }, 0 },
		{ 1, { 0xf6 }, 0x0c }, { 1, { 0xf7 }, 0x0c }, { 1, { 0xfe }, 0x03 },
		{ 1, { 0xff }, 0x03 }, { 2, { 0x0f, 0xa3 }, 0 }, { 2, { 0x0f, 0xab }, 0xff },
		{ 2, { 0x0f, 0xb0 }, 0xff }, { 2, { 0x0f, 0xb1 }, 0xff }, { 2, { 0x0f, 0xb3 }, 0xff },
		{ 2, { 0x0f, 0xba }, 0xe0 }, { 2, { 0x0f, 0xbb }, 0xff }, { 2, { 0x0f, 0xc0 }, 0xff },
		{ 2, { 0x0f, 0xc1 }, 0xff }, { 2, { 0x0f, 0xc7 }, 0x02 }, { 2, { 0x0f, 0xa4 }, 0 },
		{ 2, { 0x0f, 0x94 }, 0 }, { 2, { 0x0f, 0xc3 }, 0 },
	};
	u8 bytes[INSN_MAX_BYTES] = { 0xf0 };
	u32 i, digit;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		for (digit = 0; digit < 8; digit++) {
			memcpy(bytes + 1, table[i].bytes, table[i].length);
			bytes[1 + table[i].length] = digit << 3;
			ck_assert_int_eq(decode_from(DECODE_64, bytes, sizeof(bytes)),
					 table[i].digits >> digit & 1 ? 0 : -DECODE_UD);
			bytes[1 + table[i].length] |= 0xc0;
			ck_assert_int_eq(decode_from(DECODE_64, bytes, sizeof(bytes)), -DECODE_UD);
		}
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

/* Each register as base, as index and as operand, with 64-bit and with 32-bit addresses */
START_TEST(every_register)
{
	u8 bytes[7] = { 0x67, 0x40, 0x89, 0x44, 0x00, 0x7f };
	u32 base, index, reg = 0, narrow;

	for (narrow = 0; narrow < 2; narrow++)
		for (base = 0; base < 16; base++)
			for (index = 0; index < 16; index++) {
				reg = (reg + 5) % 16;
				bytes[1] = 0x40 | (reg & 8) >> 1 | (index & 8) >> 2 | base >> 3;
				bytes[3] = 0x44 | (reg & 7) << 3;
				bytes[4] = 0x80 | (index & 7) << 3 | (base & 7);
				ck_assert_int_eq(decode_from(DECODE_64, bytes + !narrow, 5 + narrow), 0);
				ck_assert_uint_eq(insn.reg, reg);
				ck_assert_uint_eq(insn.mem.base, base);
				ck_assert_uint_eq(insn.mem.index, index == 4 ? INSN_NO_REG : index);
				ck_assert_uint_eq(insn.mem.scale, index == 4 ? 1 : 4);
				ck_assert_int_eq(insn.mem.disp, 0x7f);
				/* REX.B makes r12 and r13 of them, which are no stack registers. */
				ck_assert_uint_eq(insn.mem.segment,
						  base == 4 || base == 5 ? INSN_SS : INSN_DS);
				ck_assert_uint_eq(insn.mem.address_size, narrow ? 4 : 8);
			}
}
END_TEST

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

int main(void)
{
	TCase *tc = tcase_create("decode_mended");

	tcase_add_test(tc, lock);
	tcase_add_test(tc, lockable);
	tcase_add_test(tc, segment_prefixes);
	tcase_add_test(tc, addresses_are_truncated);
	tcase_add_test(tc, bit_strings);
	tcase_add_test(tc, control_registers_that_exist);
	tcase_add_test(tc, mandatory_prefixes);
	tcase_add_test(tc, rex);
	tcase_add_test(tc, every_register);
	tcase_add_test(tc, lock_mov_cr8);
	tcase_add_test(tc, branches_with_66);
	return run_suite("decode_mended", tc);
}
