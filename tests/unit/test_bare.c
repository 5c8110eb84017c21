// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bare guest's cases (tests/conformance/bare) on the simulated processors: the same record as
 * processors with UMIP of their own print, from the emulation.
 *
 * What the processor itself refuses before it exits, the rules here refuse (Intel SDM vol.
 * 3, 26.1.1; AMD APM vol. 2, table 15-7): LOCK, too many bytes, SLDT and STR where they do not
 * exist. All else exits: with umip on, and for the lines without UMIP, with a feature that only
 * looks on, so that these instructions are emulated from every ring.
 */
#include "sim.h"

#include <stdio.h>
#include <string.h>

#include "../conformance/bare/cases.h"
#include "bare_vendor.h"

/* --- a feature that looks on --- */

static enum verdict look(struct vcpu *v, struct vmexit *e)
{
	(void)v;
	(void)e;
	return VERDICT_DEFAULT;
}

static const struct claim look_claims[] = {
	{ VMEXIT_DESC_STORE, DESC_IDTR, DESC_TR, CLAIM_FILTER, look, false, WHEN_EVER },
	{ VMEXIT_SMSW, 0, 0, CLAIM_FILTER, look, false, WHEN_EVER },
};
static const struct feature looker = {
	.name = "looker",
	.summary = "sees every store of a table register",
	.claims = look_claims,
	.claim_count = ARRAY_SIZE(look_claims),
};
FEATURE(looker);

/* --- the record --- */

static char record[64 * 1024];
static u32 used;
static const struct bare_vendor *vendor;
static bool umip_on;

void print(const char *text)
{
	u32 length = strlen(text);

	ck_assert(used + length < sizeof(record));
	memcpy(record + used, text, length + 1);
	used += length;
}

/* What `expected` has, less its comments and, where SMSW does not exit, what the processor does. */
static u32 compare_record(void)
{
	FILE *f = fopen("tests/conformance/bare/expected", "r");
	u32 lines = 0, wrong = 0;
	char line[256];
	char *at = record;

	ck_assert_msg(f != NULL, "run from the top folder");
	while (fgets(line, sizeof(line), f)) {
		char *end = strchr(at, '\n');

		if (line[0] == '#' || line[0] == '\n' || !strcmp(line, "end\n") ||
		    (!vendor->smsw_exits && strstr(line, "smsw")))
			continue;
		ck_assert_msg(end != NULL, "the record ends before: %s", line);
		lines++;
		if (strncmp(line, at, end + 1 - at) || line[end + 1 - at]) {
			fprintf(stderr, "%s: expected %s          printed %.*s\n", vendor->name,
				line, (int)(end - at), at);
			wrong++;
		}
		at = end + 1;
	}
	fclose(f);
	ck_assert_msg(!*at, "the record goes on: %s", at);
	printf("%s: %u lines, %u differ\n", vendor->name, lines, wrong);
	return wrong;
}

/* --- the guest --- */

static struct walk_state tables_32, tables_64;

static void map_memory(struct walk_state *s, enum paging paging)
{
	static const struct {
		u32 at;
		u64 rights;
	} pages[] = {
		{ USER_CODE, PTE_P | PTE_W | PTE_U },
		{ USER_DATA, PTE_P | PTE_W | PTE_U },
		{ USER_READ_ONLY, PTE_P | PTE_U },
		{ USER_KERNEL, PTE_P | PTE_W },
		{ USER_STACK_TOP - PAGE_BYTES, PTE_P | PTE_W | PTE_U },
	};
	u32 i;

	*s = guestmem_state(paging);
	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		guestmem_page(pages[i].at);
		guestmem_map(s, pages[i].at, 0, pages[i].at | pages[i].rights);
	}
}

static struct guest_segment segment(u64 base, u32 limit, u32 attr)
{
	return (struct guest_segment){ base, limit, 0x10, attr };
}

/* As main.c's tables have them. */
static void make_segments(struct bare_guest *g, enum mode mode, enum what what)
{
	static const u8 cpl[] = { 0, 1, 3, 3, 3, 0, 3, 3 };
	u32 i;

	g->cpl = cpl[mode];
	for (i = 0; i < GUEST_SEGS; i++)
		g->seg[i] = segment(0, ~0u, 0xcf3);
	g->seg[GUEST_CS] = segment(0, ~0u, 0xc9b | g->cpl << SEG_DPL_SHIFT);
	g->seg[GUEST_SS] = segment(0, ~0u, 0xc93 | g->cpl << SEG_DPL_SHIFT);
	if (mode == LONG0 || mode == LONG3)
		g->seg[GUEST_CS].attr = 0xa9b | g->cpl << SEG_DPL_SHIFT;
	if (mode == RING3_16)
		g->seg[GUEST_CS] = segment(USER_CODE, 0xffff, 0xfb);
	if (what == STACK)
		g->seg[GUEST_SS] = segment(0, USER_STACK_TOP - 1, 0x4f3);
	if (mode == VM86) {
		for (i = 0; i < GUEST_SEGS; i++)
			g->seg[i] = segment(operand_at(what) & ~15u, 0xffff, 0xf3);
		g->seg[GUEST_CS] = segment(USER_CODE, 0xffff, 0xf3);
	}
}

static void make_guest(struct bare_guest *g, enum mode mode, enum what what)
{
	const struct walk_state *s = mode >= LONG0 ? &tables_64 : &tables_32;

	*g = (struct bare_guest){
		.cr0 = CR0_PG | CR0_WP | CR0_ET | CR0_PE,
		.cr3 = s->cr3,
		.cr4 = mode >= LONG0 ? CR4_PAE : 0,
		.efer = mode >= LONG0 ? EFER_LMA | EFER_LME : 0,
		.rflags = RFLAGS_FIXED | (what == STEP ? RFLAGS_TF : 0),
		.rip = mode == RING3_16 || mode == VM86 ? 0 : USER_CODE,
	};
	if (mode == VM86)
		g->rflags |= RFLAGS_VM;
	make_segments(g, mode, what);
	g->gpr[RAX] = 0xa5a5a5a5a5a5a5a5;
	g->gpr[RSI] = mode == VM86 ? operand_at(what) & 15 : operand_at(what);
	if (mode >= LONG0)
		g->gpr[RBP] = 0x0000800000000000;
}

/* --- the processor --- */

/*
 * Executes the instruction: the traps of before the exit, the exit, and INT3 behind it if the guest
 * goes on. @o has the cr2, ax and word of before.
 */
static void execute(struct bare_guest *g, const u8 *code, u32 length, struct outcome *o)
{
	enum decode_mode mode = g->seg[GUEST_CS].attr & SEG_LONG ? DECODE_64
				: g->seg[GUEST_CS].attr & SEG_DB ? DECODE_32
								 : DECODE_16;
	bool has_segments = g->cr0 & CR0_PE && !(g->rflags & RFLAGS_VM);
	struct insn insn;
	int status = decode(V->decoder, mode, code, INSN_MAX_BYTES, &insn);

	ck_assert(status == 0 || status == -DECODE_UD || status == -DECODE_LONG);
	*o = (struct outcome){
		.vector = VECTOR_UD, .ip = g->rip, .cr2 = CR2_BEFORE, .ax = g->gpr[RAX]
	};
	if (status == -DECODE_LONG)
		o->vector = VECTOR_GP;
	if (status || (!has_segments && (insn.op == INSN_SLDT || insn.op == INSN_STR)))
		return;
	ck_assert_uint_eq(insn.length, length);
	g->length = length;
	g->slow = vendor->slow;
	vendor->exit(g, &insn, o);
	if (!o->vector) {
		ck_assert_uint_eq(o->ip, g->rip + length);
		o->vector = VECTOR_BP;
		o->ip = g->rip + length + 1;
	}
}

/* --- cases --- */

static void boot(bool umip)
{
	sim_boot(vendor->model, umip ? "umip" : "looker");
	map_memory(&tables_32, PAGING_32);
	map_memory(&tables_64, PAGING_4);
	umip_on = umip;
}

static void run_one(enum mode mode, int umip, const struct bare_insn *insn, enum what what)
{
	u8 *code = guestmem_page(USER_CODE), *data = guestmem_page(USER_DATA);
	struct bare_guest g;
	struct outcome o;
	u32 length;

	if (!vendor->smsw_exits && insn->extension == 4) {
		/* The line has begun. */
		used = strrchr(record, '\n') ? strrchr(record, '\n') + 1 - record : 0;
		record[used] = '\0';
		return;
	}
	if (umip != umip_on) {
		boot(umip);
		code = guestmem_page(USER_CODE);
		data = guestmem_page(USER_DATA);
	}
	memset(data, FILL, PAGE_BYTES);
	memset(code, 0, INSN_MAX_BYTES);
	length = make_code(code, mode, insn, what);
	make_guest(&g, mode, what);
	execute(&g, code, length, &o);
	o.word = mode >= LONG0 ? 8 : 4;
	o.data = data;
	tell(&o, g.rip, length);
}

/* boot.S has these: no paging, DS and CS alike; what is stored is not looked at. */
static void real_mode(void)
{
	static const struct {
		const char *name, *code;
		u32 length;
	} cases[] = {
		{ "sgdt", "\x0f\x01\x04", 3 },		{ "sidt", "\x0f\x01\x0c", 3 },
		{ "smsw", "\x0f\x01\x24", 3 },		{ "sldt", "\x0f\x00\x04", 3 },
		{ "str", "\x0f\x00\x0c", 3 },		{ "smsw-reg", "\x0f\x01\xe0", 3 },
		{ "sldt-reg", "\x0f\x00\xc0", 3 },	{ "str-reg", "\x0f\x00\xc8", 3 },
		{ "lock-sgdt", "\xf0\x0f\x01\x04", 4 }, { "lock-sidt", "\xf0\x0f\x01\x0c", 4 },
		{ "lock-smsw", "\xf0\x0f\x01\x24", 4 }, { "lock-sldt", "\xf0\x0f\x00\x04", 4 },
	};
	u8 *code = guestmem_page(USER_CODE);
	struct bare_guest g;
	struct outcome o;
	u32 i, k;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		if (!vendor->smsw_exits && strstr(cases[i].name, "smsw"))
			continue;
		g = (struct bare_guest){ .cr0 = CR0_ET, .rflags = RFLAGS_FIXED };
		for (k = 0; k < GUEST_SEGS; k++)
			g.seg[k] = segment(USER_CODE, 0xffff, 0x93);
		g.gpr[RSI] = 0x100;
		memset(code, 0, INSN_MAX_BYTES);
		memcpy(code, cases[i].code, cases[i].length);
		execute(&g, code, cases[i].length, &o);
		print("real ");
		print(cases[i].name);
		print(o.vector == VECTOR_BP   ? ": done\n"
		      : o.vector == VECTOR_UD ? ": #UD\n"
					      : ": #GP\n");
		ck_assert_uint_eq(o.cr2, CR2_BEFORE);
	}
}

static void run_all(const struct bare_vendor *chosen)
{
	enum mode mode;

	vendor = chosen;
	used = 0;
	boot(true);
	real_mode();
	for (mode = RING0; mode <= COMPAT3; mode++)
		run_mode(mode, run_one);
	ck_assert_uint_eq(compare_record(), 0);
}

START_TEST(amd)
{
	run_all(&bare_vendors[0]);
	run_all(&bare_vendors[1]);
}
END_TEST

START_TEST(intel)
{
	run_all(&bare_vendors[2]);
	run_all(&bare_vendors[3]);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { amd, intel };

	return sim_main("bare", tests, ARRAY_SIZE(tests));
}
