// SPDX-License-Identifier: GPL-2.0-only
/*
 * Millions of encodings, decoded by the root side's own decoder and by Zydis; and a sample of
 * them by the processor that this runs on. "whole" as argument walks all of the space.
 *
 * Where the two decoders disagree, a ruling below says who is right and why. What no ruling
 * covers fails; so does a ruling that covers nothing.
 */
#include <check.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>

#include "enumerate.h"
#include "native.h"
#include "root_decoder.h"
#include "zydis.h"

struct disagreement {
	enum decode_mode mode;
	const u8 *bytes;
	enum difference difference;
	int ours;
	const struct insn *insn;
	const struct opinion *zydis;
};

static bool newer(const struct disagreement *d)
{
	const ZydisDecodedInstruction *z = &d->zydis->insn;

	if (d->difference != ONLY_ZYDIS)
		return false;
	/* Key Locker, GFNI, shadow stacks, ENQCMD, MOVDIRI */
	if (d->ours == -DECODE_UNKNOWN && z->encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY &&
	    (z->opcode_map == ZYDIS_OPCODE_MAP_0F38 || z->opcode_map == ZYDIS_OPCODE_MAP_0F3A))
		return true;
	switch (z->mnemonic) {
	case ZYDIS_MNEMONIC_RSTORSSP: case ZYDIS_MNEMONIC_SETSSBSY:
	case ZYDIS_MNEMONIC_SAVEPREVSSP: case ZYDIS_MNEMONIC_PTWRITE:
	case ZYDIS_MNEMONIC_SENDUIPI: case ZYDIS_MNEMONIC_UIRET: case ZYDIS_MNEMONIC_TESTUI:
	case ZYDIS_MNEMONIC_CLUI: case ZYDIS_MNEMONIC_STUI: case ZYDIS_MNEMONIC_TDCALL:
	case ZYDIS_MNEMONIC_SEAMCALL: case ZYDIS_MNEMONIC_SEAMOPS: case ZYDIS_MNEMONIC_SEAMRET:
	case ZYDIS_MNEMONIC_MCOMMIT: case ZYDIS_MNEMONIC_RMPADJUST:
	case ZYDIS_MNEMONIC_RMPUPDATE: case ZYDIS_MNEMONIC_PSMASH: case ZYDIS_MNEMONIC_PVALIDATE:
	case ZYDIS_MNEMONIC_XSUSLDTRK: case ZYDIS_MNEMONIC_XRESLDTRK:
		return true;
	default:
		return false;
	}
}

static bool undefined(const struct disagreement *d)
{
	return d->difference == ONLY_ZYDIS && d->ours == -DECODE_UD &&
	       (d->zydis->insn.mnemonic == ZYDIS_MNEMONIC_UD0 ||
		d->zydis->insn.mnemonic == ZYDIS_MNEMONIC_UD1 ||
		d->zydis->insn.mnemonic == ZYDIS_MNEMONIC_UD2);
}

static bool base_5(const struct disagreement *d)
{
	const ZydisDecodedInstructionRaw *raw = &d->zydis->insn.raw;

	return (d->difference == ADDRESS || d->difference == SOURCE) && d->mode == DECODE_64 &&
	       d->insn->address_size == 4 && raw->modrm.mod == 0 && raw->modrm.rm == 4 &&
	       raw->sib.base == 5 &&
	       (raw->rex.B || ((d->zydis->insn.attributes & ZYDIS_ATTRIB_HAS_VEX) && raw->vex.B));
}

static bool vmx_prefix(const struct disagreement *d)
{
	return d->difference == ONLY_OURS && d->insn->op >= INSN_VMCALL &&
	       d->insn->op <= INSN_VMFUNC;
}

static bool lenient(const struct disagreement *d)
{
	return d->difference == ONLY_OURS &&
	       (d->insn->op == INSN_OTHER ||
		(d->insn->op == INSN_STORE && d->insn->store == INSN_STORE_VECTOR));
}

static bool vector_unknown(const struct disagreement *d)
{
	ZydisInstructionEncoding encoding = d->zydis->insn.encoding;

	return d->difference == ONLY_ZYDIS && d->ours == -DECODE_UNKNOWN &&
	       encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY &&
	       encoding != ZYDIS_INSTRUCTION_ENCODING_3DNOW;
}

static bool scatter(const struct disagreement *d)
{
	return d->difference == ADDRESS && d->insn->mem.vector_index;
}

static bool padlock(const struct disagreement *d)
{
	return d->difference == WRITES && d->insn->op == INSN_OTHER &&
	       d->zydis->insn.opcode_map == ZYDIS_OPCODE_MAP_0F &&
	       (d->zydis->insn.opcode & 0xfe) == 0xa6;
}

static bool clzero(const struct disagreement *d)
{
	return d->difference == WRITES && d->zydis->insn.mnemonic == ZYDIS_MNEMONIC_CLZERO &&
	       d->insn->mem.size == 64;
}

static bool notrack(const struct disagreement *d)
{
	return d->difference == SOURCE && d->mode != DECODE_64 &&
	       (d->zydis->insn.attributes & ZYDIS_ATTRIB_HAS_NOTRACK) &&
	       d->insn->src.segment == INSN_DS;
}

/* @native: what the processor is to say, where a program may ask it */
static struct ruling {
	const char *reason;
	bool (*covers)(const struct disagreement *d);
	enum native native;
	u64 count;
	u32 asked;
} rulings[] = {
	{ "newer than any processor without UMIP: we do not know them", newer, NATIVE_NONE, 0, 0 },
	{ "UD0, UD1, UD2: we say #UD, Zydis names them", undefined, NATIVE_UD, 0, 0 },
	{ "SIB base 5 with mod 0 is no register, whatever REX.B says (APM vol. 3, 1.4.3)", base_5,
	  NATIVE_NONE, 0, 0 },
	{ "VMCALL and kin have no mandatory prefix (SDM vol. 3, VMX instruction reference)",
	  vmx_prefix, NATIVE_NONE, 0, 0 },
	{ "Zydis refuses more of what computes, and of AVX-512: #UD, so nobody asks us", lenient,
	  NATIVE_UD, 0, 0 },
	{ "vector instructions that Capstone does not know: we say so", vector_unknown, NATIVE_NONE,
	  0, 0 },
	{ "a scatter has many addresses: we say so", scatter, NATIVE_NONE, 0, 0 },
	{ "PadLock's stores: no processor of VIA's can be held", padlock, NATIVE_NONE, 0, 0 },
	{ "CLZERO writes a cache line (APM vol. 3)", clzero, NATIVE_NONE, 0, 0 },
	{ "3E before CALL is DS: too, outside 64-bit mode (SDM vol. 1, NO_TRACK)", notrack,
	  NATIVE_NONE, 0, 0 },
};

#define ASK_PER_RULING 48
#define SAMPLE_EACH 1999	/* a prime, so that no pattern of the walk is missed for ever */
#define SHOWN 20

static struct decoder *decoder;
static u64 agreed, unruled, wrong, seen, asked, executed;

static void show(const char *what, enum decode_mode mode, const u8 *bytes)
{
	u32 i;

	printf("  %u-bit", mode);
	for (i = 0; i < INSN_MAX_BYTES; i++)
		printf(" %02x", bytes[i]);
	printf(": %s\n", what);
}

/*
 * What the processor must say of an encoding. Instructions that may be missing here, or are
 * refused by #UD at CPL 3, cannot be told apart from those that do not exist.
 */
static bool processor_must_have(const struct insn *insn)
{
	switch (insn->op) {
	case INSN_STORE:
		return insn->store < INSN_STORE_FPU && insn->store != INSN_STORE_MOVBE;
	case INSN_SGDT: case INSN_SIDT: case INSN_SLDT: case INSN_STR: case INSN_SMSW:
	case INSN_LGDT: case INSN_LIDT: case INSN_LLDT: case INSN_LTR: case INSN_LMSW:
	case INSN_CLTS: case INSN_MOV_FROM_CR: case INSN_MOV_TO_CR: case INSN_CPUID:
	case INSN_RDMSR: case INSN_WRMSR: case INSN_INVLPG: case INSN_INVD: case INSN_WBINVD:
	case INSN_HLT: case INSN_IN: case INSN_OUT: case INSN_INS: case INSN_OUTS:
		return true;
	}
	return false;
}

static void ask_processor(enum decode_mode mode, const u8 *bytes, int ours,
			  const struct insn *insn)
{
	enum native whole, part;

	/* INT and SYSCALL would do something. */
	if (memchr(bytes, 0xcd, 6) || (memchr(bytes, 0x0f, 6) && memchr(bytes, 0x05, 6)))
		return;
	if (ours == -DECODE_UNKNOWN)
		return;
	whole = native_try(mode, bytes, ours ? INSN_MAX_BYTES : insn->length);
	if (whole == NATIVE_NONE)
		return;
	asked++;
	if (ours) {
		if (ours == -DECODE_UD && whole != NATIVE_UD) {
			wrong++;
			show("the processor takes what we refuse", mode, bytes);
		}
		return;
	}
	part = insn->length > 1 ? native_try(mode, bytes, insn->length - 1) : NATIVE_LONGER;
	executed += whole == NATIVE_TAKEN;
	if (whole == NATIVE_LONGER || (part != NATIVE_LONGER && whole != NATIVE_UD)) {
		wrong++;
		show("the processor sees another length", mode, bytes);
	} else if (whole == NATIVE_UD && processor_must_have(insn)) {
		wrong++;
		show("the processor refuses what we take", mode, bytes);
	}
}

/* 0F 1A and 1B are MPX to some processors and NOPs to the others: they do not agree. */
static bool is_mpx(const u8 *bytes)
{
	return memmem(bytes, 6, "\x0f\x1a", 2) || memmem(bytes, 6, "\x0f\x1b", 2);
}

static void each(enum decode_mode mode, const u8 bytes[15])
{
	struct disagreement d = { .mode = mode, .bytes = bytes };
	struct opinion zydis;
	struct insn insn;
	struct ruling *r;

	d.insn = &insn;
	d.zydis = &zydis;
	d.ours = root_decode(decoder, mode, bytes, INSN_MAX_BYTES, &insn);
	d.difference = zydis_compare(mode, bytes, d.ours, &insn, &zydis);
	if (++seen % SAMPLE_EACH == 0)
		ask_processor(mode, bytes, d.ours, &insn);
	if (d.difference == AGREED) {
		agreed++;
		return;
	}
	for (r = rulings; r < rulings + ARRAY_SIZE(rulings); r++) {
		enum native native;

		if (!r->covers(&d))
			continue;
		if (r->native != NATIVE_NONE && r->count % 997 == 0 && r->asked < ASK_PER_RULING &&
		    !is_mpx(bytes)) {
			native = native_try(mode, bytes, INSN_MAX_BYTES);
			r->asked += native != NATIVE_NONE;
			if (native != NATIVE_NONE && native != r->native) {
				wrong++;
				show(r->reason, mode, bytes);
			}
		}
		r->count++;
		return;
	}
	if (unruled++ < SHOWN)
		show(difference_names[d.difference], mode, bytes);
}

static enum depth depth = DEPTH_QUICK;

START_TEST(decoders_agree)
{
	static alignas(16) u8 arena[DECODER_ARENA];
	size_t used;
	u64 count;
	u32 i;

	decoder = root_decoder_init(arena, sizeof(arena), 0);
	ck_assert_ptr_nonnull(decoder);
	used = root_decoder_used(decoder);
	count = enumerate(depth, each);
	count += enumerate_maps(depth, each);
	printf("%llu encodings: %llu agreed, %llu unexplained\n", (unsigned long long)count,
	       (unsigned long long)agreed, (unsigned long long)unruled);
	for (i = 0; i < ARRAY_SIZE(rulings); i++)
		printf("%9llu %s (%u asked of the processor)\n",
		       (unsigned long long)rulings[i].count, rulings[i].reason, rulings[i].asked);
	printf("%llu asked of the processor (%llu taken by it), %llu otherwise than we say\n",
	       (unsigned long long)asked, (unsigned long long)executed,
	       (unsigned long long)wrong);
	fflush(stdout);
	ck_assert_uint_eq(unruled, 0);
	ck_assert_uint_gt(agreed, 1000000);
	/* So many encodings, and no allocation */
	ck_assert_uint_eq(root_decoder_used(decoder), used);
	ck_assert_uint_eq(root_decoder_late(), 0);
}
END_TEST

START_TEST(processor_agrees)
{
	ck_assert_uint_eq(wrong, 0);
}
END_TEST

START_TEST(rulings_are_needed)
{
	ck_assert_msg(rulings[_i].count != 0, "covers nothing: %s", rulings[_i].reason);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("decode_enum");
	TCase *tc = tcase_create("decode_enum");
	SRunner *runner;
	int failed;

	if (argc > 1 && !strcmp(argv[1], "whole"))
		depth = DEPTH_WHOLE;
	tcase_add_test(tc, decoders_agree);
	tcase_add_test(tc, processor_agrees);
	tcase_add_loop_test(tc, rulings_are_needed, 0, ARRAY_SIZE(rulings));
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	/* The later tests look at what the first has counted. */
	srunner_set_fork_status(runner, CK_NOFORK);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
