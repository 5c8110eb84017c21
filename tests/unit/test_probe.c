// SPDX-License-Identifier: GPL-2.0-only
/* oldguard probe: what it makes of CPUID and /proc/cpuinfo, and the running of instructions, on
 * those that all CPUs have. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "probe.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

START_TEST(signature_is_a_name)
	{
		struct probe_leaf leaf;

		ck_assert(probe_signature(&leaf, 0x40000000, 0x40000001, 0x54474354, 0x43544743,
					  0x47435447));
		ck_assert_str_eq(leaf.signature, "TCGTCGTCGTCG");
		/* KVM: nine characters, and 0 for the highest leaf in old ones */
		ck_assert(
			probe_signature(&leaf, 0x40000100, 0, 0x4b4d564b, 0x564b4d56, 0x0000004d));
		ck_assert_str_eq(leaf.signature, "KVMKVMKVM");
		ck_assert_uint_eq(leaf.base, 0x40000100);
		/* AMD: zeros; Intel: the highest basic leaf, whatever it holds; a name, but for
		 * another range */
		ck_assert(!probe_signature(&leaf, 0x40000100, 0, 0, 0, 0));
		ck_assert(
			!probe_signature(&leaf, 0x40000100, 7, 0x54474354, 0x43544743, 0x47435447));
		ck_assert(!probe_signature(&leaf, 0x40000100, 0x40000001, 0x54474354, 0x43544743,
					   0x47435447));
		ck_assert(!probe_signature(&leaf, 0x40000100, 0x80000001, 0x54474354, 0x43544743,
					   0x47435447));
		/* unprintable, or more behind the end */
		ck_assert(!probe_signature(&leaf, 0x40000000, 0x40000001, 0x54470154, 0x43544743,
					   0x47435447));
		ck_assert(!probe_signature(&leaf, 0x40000000, 0x40000001, 0x54474354, 0x43544700,
					   0x47435447));
	}
END_TEST

START_TEST(flag_is_a_whole_word)
	{
		static const char cpuinfo[] =
			"processor\t: 0\nflags\t\t: fpu vme umip\nvmx flags\t: umip\n\n"
			"processor\t: 1\nflags\t\t: umip fpu\nbugs\t\t: umip\n\n"
			"processor\t: 2\nflags\t\t: fpu umipx xumip no_umip\n\n"
			"processor\t: 3\nflags\t\t:\nmodel name\t: umip umip\n\n"
			"processor\t: 4\nflags\t\t: umip";
		unsigned int with, cpus;

		probe_count_flag(cpuinfo, "umip", &with, &cpus);
		ck_assert_uint_eq(cpus, 5);
		ck_assert_uint_eq(with, 3);
		probe_count_flag("", "umip", &with, &cpus);
		ck_assert_uint_eq(cpus + with, 0);
	}
END_TEST

/* --- running instructions --- */

#define RUN(r, ...)                                                                             \
	do {                                                                                    \
		const struct probe_form form_ = { .bits = bits,                                 \
						  .memory = true,                               \
						  .size = 2,                                    \
						  .insn = PROBE_SMSW,                           \
						  .length = sizeof((uint8_t[]){ __VA_ARGS__ }), \
						  .bytes = { __VA_ARGS__ } };                   \
		form = form_;                                                                   \
		probe_run(r, &form, PROBE_ANY_UID);                                             \
	} while (0)

static struct probe_form form;

/* Instructions whose effect is known on any processor, in either kind of code. */
START_TEST(run_tells_what_happened)
	{
		static const unsigned int modes[] = { 32, 64 };
		unsigned int bits = modes[_i];
		struct probe_result r;
		char *words;

		RUN(&r, 0xc7, 0x06, 0x78, 0x56, 0x34, 0x12); /* mov dword [rsi], 0x12345678 */
		ck_assert_int_eq(r.kind, PROBE_STORED);
		ck_assert_uint_eq(r.written, 4);
		ck_assert_uint_eq(probe_value(&r), 0x5678);
		RUN(&r, 0x90); /* nop */
		ck_assert_int_eq(r.kind, PROBE_STORED);
		ck_assert_uint_eq(r.written, 0);
		RUN(&r, 0x0f, 0x0b); /* ud2 */
		ck_assert_int_eq(r.kind, PROBE_FAULT);
		ck_assert_int_eq(r.signal, SIGILL);
		ck_assert_uint_eq(r.trap, 6);
		RUN(&r, 0xfa); /* cli */
		ck_assert_int_eq(r.kind, PROBE_FAULT);
		ck_assert_int_eq(r.signal, SIGSEGV);
		ck_assert_uint_eq(r.trap, 13);
		ck_assert_uint_eq(r.error, 0);
		words = probe_text(&r);
		ck_assert_str_eq(words, "#GP (SIGSEGV)");
		free(words);
		RUN(&r, 0x31, 0xf6, 0x88,
		    0x06); /* xor esi, esi; mov [rsi], al: a fault, but one instruction later */
		ck_assert_int_eq(r.kind, PROBE_ELSEWHERE);
		ck_assert_uint_eq(r.trap, 14);
		ck_assert_uint_eq(r.error, 6);
		probe_seconds = 1;
		RUN(&r, 0xeb, 0xfe); /* jmp to itself */
		ck_assert_int_eq(r.kind, PROBE_DIED);
		ck_assert_int_eq(r.signal, SIGALRM);
	}
END_TEST

START_TEST(run_takes_registers)
	{
		static const struct probe_form mov[] = {
			{ .bits = 64,
			  .size = 4,
			  .insn = PROBE_STR,
			  .length = 5,
			  .bytes = { 0xb8, 0x40, 0x00, 0x00, 0x80 } },
			{ .bits = 32,
			  .size = 4,
			  .insn = PROBE_STR,
			  .length = 5,
			  .bytes = { 0xb8, 0x40, 0x00, 0x00, 0x80 } },
			{ .bits = 64,
			  .size = 2,
			  .insn = PROBE_STR,
			  .length = 4,
			  .bytes = { 0x66, 0xb8, 0x40, 0x80 } },
			{ .bits = 32,
			  .size = 2,
			  .insn = PROBE_STR,
			  .length = 4,
			  .bytes = { 0x66, 0xb8, 0x40, 0x80 } },
		};
		/* mov eax clears the upper half, which only 64-bit code can see; mov ax leaves the
		 * rest */
		static const unsigned int written[] = { 8, 4, 2, 2 };
		struct probe_result r;

		for (size_t i = 0; i < COUNT(mov); i++) {
			probe_run(&r, &mov[i], PROBE_ANY_UID);
			ck_assert_int_eq(r.kind, PROBE_STORED);
			ck_assert_uint_eq(r.written, written[i]);
			ck_assert_uint_eq(probe_value(&r), mov[i].size == 4 ? 0x80000040 : 0x8040);
		}
	}
END_TEST

/* Is the kind of code really the one it is said to be? 48 is DEC EAX in 32-bit code, REX.W in
 * 64-bit code. */
START_TEST(run_is_in_the_right_mode)
	{
		struct probe_form mode = { .size = 4,
					   .insn = PROBE_STR,
					   .length = 4,
					   .bytes = { 0x48, 0x8d, 0x40, 0x01 } };
		struct probe_result r;

		mode.bits = 64; /* lea rax, [rax + 1] */
		probe_run(&r, &mode, PROBE_ANY_UID);
		ck_assert_uint_eq(probe_value(&r), 1);
		mode.bits = 32; /* dec eax; lea eax, [eax + 1] */
		probe_run(&r, &mode, PROBE_ANY_UID);
		ck_assert_uint_eq(probe_value(&r), 0);
	}
END_TEST

static void stored(struct probe_result *r, enum probe_insn insn, unsigned int bits,
		   const void *value)
{
	*r = (struct probe_result){ .kind = PROBE_STORED };
	for (size_t i = 0; i < probe_nr_forms && !r->form; i++)
		if (probe_forms[i].insn == insn && probe_forms[i].bits == bits)
			r->form = &probe_forms[i];
	r->written = r->form->size;
	memcpy(r->value, value, r->form->size);
}

START_TEST(dummies_need_both_tables)
	{
		static const char gdt[] = "\0\0\0\0\xfe\xff\xff\xff\xff\xff",
				  idt[] = "\0\0\0\0\xff\xff\xff\xff\xff\xff";
		static const char real[] = "\x7f\0\0\x10\0\0\0\xfe\xff\xff",
				  cr0[] = "\x33\0\x05\x80", cr0_ts[] = "\x3b\0\x05\x80";
		struct probe_result r[4];

		for (unsigned int bits = 32; bits <= 64; bits += 32) {
			stored(&r[0], PROBE_SGDT, bits, gdt);
			stored(&r[1], PROBE_SIDT, bits, idt);
			stored(&r[2], PROBE_SMSW, bits, cr0);
			stored(&r[3], PROBE_SMSW, bits, cr0_ts);
			probe_find_dummies(r, 4);
			ck_assert(r[0].dummy && r[1].dummy && r[2].dummy && !r[3].dummy);
			stored(&r[0], PROBE_SGDT, bits, real);
			probe_find_dummies(r, 4);
			ck_assert(!r[0].dummy && !r[1].dummy && !r[2].dummy);
			/* those of the other kind of code do not count */
			stored(&r[0], PROBE_SGDT, 96 - bits, gdt);
			probe_find_dummies(r, 4);
			ck_assert(!r[0].dummy && !r[1].dummy && !r[2].dummy);
		}
	}
END_TEST

START_TEST(same_means_same)
	{
		struct probe_result a, b;

		stored(&a, PROBE_SIDT, 64, "\xff\x0f\0\0\0\0\0\xfe\xff\xff");
		stored(&b, PROBE_SIDT, 64, "\xff\x0f\0\x10\0\0\0\xfe\xff\xff");
		ck_assert(probe_same(&a, &a, true));
		ck_assert(probe_same(&a, &b, false));
		ck_assert(!probe_same(&a, &b, true));
		b.dummy = true;
		ck_assert(!probe_same(&a, &b, false));
		b = a;
		a.kind = b.kind = PROBE_FAULT;
		a.trap = 13;
		b.trap = 6;
		ck_assert(!probe_same(&a, &b, false));
		b.trap = 13;
		ck_assert(probe_same(&a, &b, true));
		b.error = 8;
		ck_assert(!probe_same(&a, &b, false));
	}
END_TEST

START_TEST(words_for_results)
	{
		struct probe_result r;
		char *words;

		stored(&r, PROBE_SGDT, 64, "\x7f\0\0\x10\0\0\0\xfe\xff\xff");
		words = probe_text(&r);
		ck_assert_str_eq(words, "base 0xfffffe0000001000 limit 0x7f");
		free(words);
		stored(&r, PROBE_SGDT, 32, "\x7f\0\0\x10\0\0\0\xfe\xff\xff");
		words = probe_text(&r);
		ck_assert_str_eq(words, "base 0x1000 limit 0x7f");
		free(words);
		r.kind = PROBE_FAULT;
		r.signal = SIGSEGV;
		r.trap = 12;
		r.error = 16;
		words = probe_text(&r);
		ck_assert_str_eq(words, "#SS(0x10) (SIGSEGV)");
		free(words);
	}
END_TEST

START_TEST(json_has_what_was_found)
{
	struct probe_result r[3];
	struct probe_answers a = { .cpu = 3, .uid = 7, .results = r, .nr = COUNT(r) };
	struct probe_comparison none = { 0 };
	bool same[] = { true, false };
	struct probe_answers others[] = { a, a };
	struct probe_comparison cpus = { .answers = others, .same = same, .nr = 2 };
	json_t *object, *insn, *other;

	stored(&r[0], PROBE_SIDT, 64, "\xff\x0f\0\0\0\0\0\xfe\xff\xff");
	stored(&r[1], PROBE_SMSW, 32, "\x33\0\x05\x80");
	r[1].dummy = true;
	r[2] = r[0];
	r[2].kind = PROBE_FAULT;
	r[2].signal = SIGSEGV;
	r[2].trap = 13;
	others[1].cpu = 5;
	object = probe_json(&a, &none, &cpus);
	insn = json_array_get(json_object_get(object, "instructions"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(insn, "base")), "0xfffffe0000000000");
	ck_assert_str_eq(json_string_value(json_object_get(insn, "limit")), "0xfff");
	ck_assert(json_is_false(json_object_get(insn, "dummy")));
	insn = json_array_get(json_object_get(object, "instructions"), 1);
	ck_assert_str_eq(json_string_value(json_object_get(insn, "value")), "0x80050033");
	ck_assert_int_eq(json_integer_value(json_object_get(insn, "bits")), 32);
	ck_assert(json_is_true(json_object_get(insn, "dummy")));
	insn = json_array_get(json_object_get(object, "instructions"), 2);
	ck_assert_str_eq(json_string_value(json_object_get(insn, "outcome")), "fault");
	ck_assert_str_eq(json_string_value(json_object_get(insn, "exception")), "#GP");
	ck_assert_str_eq(json_string_value(json_object_get(insn, "signal")), "SIGSEGV");
	ck_assert_int_eq(json_integer_value(json_object_get(insn, "trapno")), 13);
	ck_assert_ptr_null(json_object_get(object, "unprivileged"));
	other = json_object_get(object, "other_cpus");
	ck_assert(json_is_false(json_object_get(other, "same")));
	ck_assert_int_eq(json_integer_value(json_object_get(other, "compared")), 2);
	other = json_array_get(json_object_get(other, "different"), 0);
	ck_assert_int_eq(json_integer_value(json_object_get(other, "cpu")), 5);
	json_decref(object);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("probe");
	TCase *probe = tcase_create("probe");
	SRunner *runner;
	int failed;

	tcase_add_test(probe, signature_is_a_name);
	tcase_add_test(probe, flag_is_a_whole_word);
	tcase_add_loop_test(probe, run_tells_what_happened, 0, 2);
	tcase_add_test(probe, run_takes_registers);
	tcase_add_test(probe, run_is_in_the_right_mode);
	tcase_add_test(probe, dummies_need_both_tables);
	tcase_add_test(probe, same_means_same);
	tcase_add_test(probe, words_for_results);
	tcase_add_test(probe, json_has_what_was_found);
	tcase_set_timeout(probe, 30);
	suite_add_tcase(suite, probe);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
