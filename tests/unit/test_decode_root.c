// SPDX-License-Identifier: GPL-2.0-only
/*
 * The decoder as it runs below Linux (root flags, diet Capstone), beside that of user space:
 * the same answers to the same bytes, in little stack. And the stack of the guest walk.
 */
#include <check.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "describe.h"
#include "enumerate.h"
#include "guestmem.h"
#include "root_decoder.h"

#define STACK_BYTES 65536
#define STACK_DECODE 3072	/* the root side has 8 KiB a processor in all */
#define STACK_WALK 1024
#define PAINT 0xa5

static alignas(16) u8 arenas[2][DECODER_ARENA];
static struct decoder *root, *user;

static void open_both(void)
{
	root = root_decoder_init(arenas[0], DECODER_ARENA, 0);
	user = decoder_init(arenas[1], DECODER_ARENA, 0);
	ck_assert_ptr_nonnull(root);
	ck_assert_ptr_nonnull(user);
}

/* --- the same answers --- */

static u64 compared, taken, different;
static u32 each_nth;

static void compare(enum decode_mode mode, const u8 bytes[15])
{
	struct insn a, b;
	char text[2][128];
	int status[2];

	if (compared++ % each_nth)
		return;
	status[0] = root_decode(root, mode, bytes, INSN_MAX_BYTES, &a);
	status[1] = decode(user, mode, bytes, INSN_MAX_BYTES, &b);
	taken += !status[0];
	if (status[0] == status[1] && !memcmp(&a, &b, sizeof(a)))
		return;
	if (different++ < 10) {
		describe(&a, text[0], sizeof(text[0]));
		describe(&b, text[1], sizeof(text[1]));
		printf("%u-bit %02x %02x %02x %02x %02x %02x: %d %s, not %d %s\n", mode, bytes[0],
		       bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], status[0], text[0],
		       status[1], text[1]);
	}
}

static enum depth depth = DEPTH_QUICK;

START_TEST(diet_decodes_the_same)
{
	u64 count;

	each_nth = depth == DEPTH_QUICK ? 7 : 1;
	open_both();
	count = enumerate(depth, compare);
	printf("%llu of %llu encodings compared with the system's Capstone, %llu taken, %llu different\n",
	       (unsigned long long)(count / each_nth), (unsigned long long)count,
	       (unsigned long long)taken, (unsigned long long)different);
	fflush(stdout);
	ck_assert_uint_eq(different, 0);
	ck_assert_uint_gt(taken, 100000);
}
END_TEST

/* All of the three opcode maps, not only what enumerate() knows */
START_TEST(diet_decodes_all_opcodes_the_same)
{
	static const u8 modrm[] = { 0x00, 0x44, 0x05, 0xc1, 0xe8, 0x3c };
	static const u8 before[] = { 0x90, 0x66, 0xf2, 0xf3, 0x48 };
	static const enum decode_mode modes[] = { DECODE_64, DECODE_32, DECODE_16 };
	u32 map, opcode, m, b, n, at;
	u8 bytes[INSN_MAX_BYTES];

	each_nth = 1;
	open_both();
	for (map = 0; map < 6; map++)
		for (opcode = 0; opcode < 256; opcode++)
			for (m = 0; m < sizeof(modrm); m++)
				for (b = 0; b < sizeof(before); b++) {
					memset(bytes, 0x11, sizeof(bytes));
					at = 0;
					if (b)
						bytes[at++] = before[b];
					if (map == 4) {	/* VEX */
						bytes[at++] = 0xc5;
						bytes[at++] = 0xf9;
					} else if (map == 5) {	/* EVEX */
						memcpy(bytes + at, "\x62\xf1\x7d\x48", 4);
						at += 4;
					} else if (map) {
						bytes[at++] = 0x0f;
					}
					if (map == 2 || map == 3)
						bytes[at++] = map == 2 ? 0x38 : 0x3a;
					bytes[at++] = opcode;
					bytes[at++] = modrm[m];
					for (n = 0; n < ARRAY_SIZE(modes); n++)
						compare(modes[n], bytes);
				}
	ck_assert_uint_eq(different, 0);
	ck_assert_uint_gt(taken, 20000);
}
END_TEST

/* --- the stack --- */

static u8 stack[STACK_BYTES] __attribute__((aligned(64)));
static ucontext_t outside, inside;
static void (*work)(void);

static void on_painted_stack(void)
{
	work();
}

/* How deep @what has written into a stack of its own, the trampoline's frames included. */
static u32 stack_used(void (*what)(void))
{
	u32 untouched = 0;

	memset(stack, PAINT, sizeof(stack));
	work = what;
	getcontext(&inside);
	inside.uc_stack.ss_sp = stack;
	inside.uc_stack.ss_size = sizeof(stack);
	inside.uc_link = &outside;
	makecontext(&inside, on_painted_stack, 0);
	swapcontext(&outside, &inside);
	while (untouched < sizeof(stack) && stack[untouched] == PAINT)
		untouched++;
	return sizeof(stack) - untouched;
}

static void nothing(void)
{
}

static void decode_some(enum decode_mode mode, const u8 bytes[15])
{
	struct insn insn;

	if (compared++ % 101 == 0)
		root_decode(root, mode, bytes, INSN_MAX_BYTES, &insn);
}

static void decode_many(void)
{
	enumerate(DEPTH_QUICK, decode_some);
}

static void enumerate_only(enum decode_mode mode, const u8 bytes[15])
{
	compared += mode + bytes[0];
}

static void only_walk_the_space(void)
{
	enumerate(DEPTH_QUICK, enumerate_only);
}

START_TEST(decode_needs_little_stack)
{
	u32 harness, used;

	open_both();
	harness = stack_used(only_walk_the_space);
	used = stack_used(decode_many);
	printf("decode() used %u bytes of stack, %u with what called it\n", used - harness, used);
	fflush(stdout);
	ck_assert_uint_lt(harness, used);
	/* struct insn on the caller's frame is within. */
	ck_assert_uint_le(used - harness, STACK_DECODE);
	ck_assert_uint_gt(used - harness, 512);
}
END_TEST

static struct guest_mem guest;

/* Compiled like the rest of the root side: see decoder.mk. */
enum walk_status root_guest_fetch(const struct guest_mem *mem, u64 rip, u8 buf[15], u32 *got,
				  struct guest_fault *fault);
enum walk_status root_guest_store_table(const struct guest_mem *mem, u32 seg, u64 offset,
					u16 limit, u64 base, struct guest_fault *fault);

static void fetch_and_store(void)
{
	struct guest_fault fault;
	u8 bytes[15];
	u32 got;

	if (root_guest_fetch(&guest, 0x10ffe, bytes, &got, &fault) != WALK_OK || got != 15)
		abort();
	if (root_guest_store_table(&guest, GUEST_DS, 0x10ffe, 1, 2, &fault) != WALK_OK)
		abort();
}

START_TEST(walk_needs_little_stack)
{
	u32 harness, used, i;

	guestmem_reset();
	guest.walk = guestmem_state(PAGING_5);
	for (i = 0; i < GUEST_SEGS; i++)
		guest.seg[i].attr = SEG_PRESENT | SEG_LONG;
	guestmem_map(&guest.walk, 0x10000, 0, 0x5000 | PTE_P | PTE_W);
	guestmem_map(&guest.walk, 0x11000, 0, 0x6000 | PTE_P | PTE_W);
	guestmem_page(0x5000);
	guestmem_page(0x6000);
	harness = stack_used(nothing);
	used = stack_used(fetch_and_store);
	printf("fetching and storing used %u bytes of stack\n", used - harness);
	fflush(stdout);
	ck_assert_uint_eq(*(guestmem_page(0x5000) + 0xffe), 1);
	ck_assert_uint_le(used - harness, STACK_WALK);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("decode_root");
	TCase *tc = tcase_create("decode_root");
	SRunner *runner;
	int failed;

	if (argc > 1 && !strcmp(argv[1], "whole"))
		depth = DEPTH_WHOLE;
	tcase_add_test(tc, diet_decodes_the_same);
	tcase_add_test(tc, diet_decodes_all_opcodes_the_same);
	tcase_add_test(tc, decode_needs_little_stack);
	tcase_add_test(tc, walk_needs_little_stack);
	tcase_set_timeout(tc, 3600);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
