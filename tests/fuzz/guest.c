// SPDX-License-Identifier: GPL-2.0-only
#include "guest.h"

#include <string.h>

#include "../../guest-glue/phys.h"

#define PATCHED_TABLES 0x6000u /* places from here on lie in page tables */

static const u64 data_pages[] = {
	SIM_CODE, SIM_CODE + PAGE_BYTES, SIM_DATA, SIM_DATA + PAGE_BYTES, SIM_READONLY, SIM_REQUEST,
};
/* Those whose rights the input chooses. */
static const u64 chosen_pages[] = { SIM_CODE, SIM_CODE + PAGE_BYTES, SIM_DATA,
				    SIM_DATA + PAGE_BYTES };

static const struct {
	const char *features, *policy;
} plan_texts[] = {
	{ "umip", "" },
	{ "umip:mode=dummy", "" },
	{ "none", "" },
	{ "umip,cr_pin,msr_lock,io_lock", "" },
	{ "umip", "cr4.pge pinned ignore; cr0.wp+am ro deny; msr:efer.nxe ro deny;"
		  "msr:0xc0010114 none ignore; io:0x60-0x64 none deny; io:0xcf8 none ignore" },
	{ "umip:mode=log", "msr:0xc0000080 ro log; io:0x70 none log" },
	{ "umip:report=on", "" },
	{ "all",
	  "mem:0x21000-0x21fff r log; mem:0x20800-0x2080f r deny; mem:0x22000-0x22fff r ignore;"
	  "io:0x60-0x64 none deny; io:0x70-0x71 none log; io:0xcf8 ro ignore;"
	  "msr:0xc0000080 ro log; msr:0x174-0x176 none ignore; cr4.pge pinned log;"
	  "exc:divide kernel skip result=7; exc:page 0x10000-0x11fff skip; exc:13 0x10000-0x10fff "
	  "log" },
};
static struct plan plans[ARRAY_SIZE(plan_texts)];
static struct walk_state tables[PAGINGS];
static struct world fresh;

/* --- the machine --- */

static void make_plans(void)
{
	static struct policy policy;
	struct features_on wish;
	TEXT(why, 200);
	u32 i;

	for (i = 0; i < ARRAY_SIZE(plans); i++) {
		const char *list = plan_texts[i].features, *rules = plan_texts[i].policy;

		REQUIRE(features_parse(list, strlen(list), &wish, &why));
		REQUIRE(policy_parse(rules, strlen(rules), &policy, &why));
		REQUIRE(plan_make(&plans[i], &wish, &policy, machine.caps.facilities, &why));
	}
}

/* A page's accessed bits are set on the way: the processor has fetched an instruction there. */
static void make_tables(enum paging paging)
{
	struct walk_state *s = &tables[paging];
	struct guest_fault fault;
	u32 i;
	u64 gpa;

	*s = guestmem_state(paging);
	for (i = 0; i < ARRAY_SIZE(data_pages); i++) {
		guestmem_map(s, data_pages[i], 0, data_pages[i] | PTE_P | PTE_W | PTE_U);
		REQUIRE(guest_walk(s, data_pages[i], WALK_WRITE, &gpa, &fault) == WALK_OK);
	}
	for (i = 0; i < 2; i++) {
		guestmem_map(s, SIM_TOP + i * PAGE_BYTES, 0,
			     data_pages[i] | PTE_P | PTE_W | PTE_U | PTE_A | PTE_D);
		REQUIRE(guest_walk(s, SIM_TOP + i * PAGE_BYTES, WALK_READ, &gpa, &fault) ==
			WALK_OK);
	}
}

void guest_boot(enum sim_model model)
{
	enum paging paging;

	if (world_pages)
		return;
	sim_new(model);
	sim_cpuid(7, 0)[CPUID_ECX] |= 1u << 16; /* LA57 */
	sim_take("umip");
	make_plans();
	world_tables = guestmem_count();
	for (paging = 0; paging < PAGINGS; paging++)
		make_tables(paging);
	world_pages = guestmem_count();
	REQUIRE(world_pages <= GUEST_PAGES);
	block_save();
	world_save(&fresh);
}

/* --- the guest --- */

static void patch(const struct guest_input *in, const u8 *rest, size_t left, struct guest *g)
{
	u32 i;

	for (; left >= 10; left -= 10, rest += 10) {
		u16 place, page;
		u64 value;

		memcpy(&place, rest, 2);
		memcpy(&value, rest + 2, 8);
		if (place >= GUEST_MORE)
			continue;
		page = place / PAGE_BYTES;
		if (place >= PATCHED_TABLES) {
			page = world_tables + (place - PATCHED_TABLES) / PAGE_BYTES;
			if (page >= world_pages)
				continue;
			g->wild = true;
			memcpy(guestmem_nth(page) + place % (PAGE_BYTES - 7), &value, 8);
			continue;
		}
		memcpy(guestmem_page(data_pages[page]) + place % (PAGE_BYTES - 7), &value, 8);
	}
	for (i = 0; i < in->length; i++) {
		u64 at = SIM_CODE + (in->rip + i) % (2 * PAGE_BYTES);

		guestmem_page(at)[at % PAGE_BYTES] = in->insn[i];
	}
}

static const enum paging paging_of[MODES] = {
	[MODE_LONG] = PAGING_4,	     [MODE_LONG_LA57] = PAGING_5, [MODE_COMPAT_32] = PAGING_4,
	[MODE_COMPAT_16] = PAGING_4, [MODE_PAE] = PAGING_PAE,	  [MODE_PAGED_32] = PAGING_32,
	[MODE_FLAT] = PAGING_32,     [MODE_REAL] = PAGING_32,	  [MODE_VM86] = PAGING_32,
};

static void set_rights(const struct guest_input *in, const struct walk_state *s)
{
	const u64 all = PTE_P | PTE_W | PTE_U | PTE_A | PTE_D;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(chosen_pages); i++) {
		u32 bits = in->rights >> 4 * i & 15;
		/* 0 is what a page usually is; a bit takes a right away. */
		u64 leaf = chosen_pages[i] | (all & ~(bits & 7));

		if (bits & 8 && s->cr4 & CR4_PAE && s->efer & EFER_NXE)
			leaf |= PTE_NX;
		guestmem_map(s, chosen_pages[i], 0, leaf);
	}
}

static void control_registers(const struct guest_input *in, enum guest_mode mode, struct guest *g)
{
	const struct walk_state *s = &tables[paging_of[mode]];

	g->cr0 = CR0_PE | CR0_ET | CR0_NE | (in->flags & IN_WP ? CR0_WP : 0) |
		 (in->flags & IN_AC ? CR0_AM : 0);
	if (mode != MODE_FLAT && mode != MODE_REAL)
		g->cr0 |= CR0_PG;
	if (mode == MODE_REAL)
		g->cr0 &= ~CR0_PE;
	g->cr3 = s->cr3;
	g->cr4 = s->cr4 | CR4_PGE | CR4_OSFXSR | (in->more & IN_SMAP ? CR4_SMAP : 0) |
		 (in->more & IN_SMEP ? CR4_SMEP : 0) | (in->more & IN_XSAVE ? CR4_OSXSAVE : 0);
	g->cr4 &= machine.cr4_supported;
	g->efer = s->efer | EFER_SCE;
	if (in->more & IN_NO_NXE)
		g->efer &= ~EFER_NXE;
	g->rflags = RFLAGS_FIXED | (in->flags & IN_TF ? RFLAGS_TF : 0) |
		    (in->flags & IN_RF ? RFLAGS_RF : 0) | (in->flags & IN_IF ? RFLAGS_IF : 0) |
		    (in->flags & IN_AC ? RFLAGS_AC : 0) | (mode == MODE_VM86 ? RFLAGS_VM : 0);
	g->cpl = mode == MODE_REAL ? 0 : mode == MODE_VM86 ? 3 : in->flags & IN_CPL;
}

/* Real mode's way: the base is the selector's, 64 KiB. */
static struct guest_segment real_segment(u64 base, u32 cpl)
{
	return (struct guest_segment){ base, 0xffff, base >> 4, 0x93 | cpl << SEG_DPL_SHIFT };
}

static void segments(const struct guest_input *in, enum guest_mode mode, struct guest *g)
{
	static const u8 which[] = { GUEST_ES, GUEST_DS, GUEST_SS, GUEST_FS, GUEST_GS };
	bool real = mode == MODE_REAL || mode == MODE_VM86;
	bool wide = mode == MODE_LONG || mode == MODE_LONG_LA57;
	bool code16 = mode == MODE_COMPAT_16 || (mode >= MODE_PAE && in->more & IN_CODE_16);
	struct guest_segment *s;
	u32 i;

	g->seg[GUEST_CS] = (struct guest_segment){
		0,
		code16 ? 0x1ffff : 0xffffffff,
		0x10 | g->cpl,
		0x9b | g->cpl << SEG_DPL_SHIFT |
			(wide	  ? SEG_LONG
			 : code16 ? 0
				  : SEG_DB) |
			(code16 ? 0 : SEG_GRAN),
	};
	if (real || code16)
		g->seg[GUEST_CS].base = in->more & IN_TOP ? SIM_CODE - 0xe000 : SIM_CODE;
	if (real) {
		g->seg[GUEST_CS].limit = 0xffff;
		g->seg[GUEST_CS].selector = g->seg[GUEST_CS].base >> 4;
		g->seg[GUEST_CS].attr = 0x93 | g->cpl << SEG_DPL_SHIFT;
	}
	for (i = 0; i < ARRAY_SIZE(which); i++) {
		u32 attr = in->segs[i].attr;

		s = &g->seg[which[i]];
		if (real) {
			*s = real_segment((u64)(in->segs[i].base & 0xf) << 14, g->cpl);
			continue;
		}
		/* Data or readable code, present unless bit 7 takes it away; SS: writable data. */
		*s = (struct guest_segment){
			(u64)in->segs[i].base << 12,
			in->segs[i].limit,
			0x18 | g->cpl,
			SEG_S | SEG_ACCESSED |
				(attr & (SEG_WRITABLE | SEG_DOWN | SEG_CODE | SEG_DB)) |
				(attr & SEG_PRESENT ? 0 : SEG_PRESENT) | g->cpl << SEG_DPL_SHIFT,
		};
		if (s->attr & SEG_CODE)
			s->attr |= SEG_WRITABLE;
		if (which[i] == GUEST_SS)
			s->attr = (s->attr & ~(SEG_CODE | SEG_WRITABLE)) | SEG_WRITABLE;
		/* A limit of more than 20 bits is counted in pages. */
		if (s->limit >> 20) {
			s->attr |= SEG_GRAN;
			s->limit |= 0xfff;
		}
		/* In 64-bit mode the base is an MSR. */
		if (wide && (which[i] == GUEST_FS || which[i] == GUEST_GS))
			s->base = (u64)((s64)(in->value[2] << 16) >> 16);
	}
	g->seg[SEG_LDTR] = (struct guest_segment){ 0xffff888000002000, 0xfff,
						   in->plan & 0x80 ? 0x50 : 0, 0x82 };
	g->seg[SEG_TR] = (struct guest_segment){ 0xfffffe0000003000, 0x206f, 0x40, 0x8b };
}

/* Addresses where something begins, ends or is not; leaves of CPUID; MSRs; calls of ours. */
static u64 register_value(const struct guest_input *in, u8 choice)
{
	const u64 pool[16] = {
		0,
		SIM_DATA,
		SIM_DATA + PAGE_BYTES - 8,
		SIM_DATA + 2 * PAGE_BYTES - 8,
		SIM_READONLY,
		SIM_NOTHING,
		SIM_REQUEST,
		~0ULL << 4,
		0x7ffffffffff8,
		0xffff800000000000,
		0x80000000,
		0x40000000,
		HYPERCALL_MAGIC,
		in->value[0],
		in->value[1],
		SIM_CODE,
	};

	return pool[choice & 15] + (choice >> 4);
}

bool guest_guards(const struct guest_input *in)
{
	const struct plan *plan = &plans[(in->plan & 0x7f) % ARRAY_SIZE(plans)];
	u32 i;

	for (i = 0; i < plan->rule_count; i++)
		if (plan->rules[i].asset == ASSET_MEMORY)
			return true;
	return false;
}

void guest_guard(void)
{
	REQUIRE(slat_guard_prepare(&machine, machine.current_plan));
	slat_guard_apply(&machine, machine.current_plan);
}

/*
 * The other plan, as HYPERCALL_STAGE would put it in force. This processor follows it now, or
 * learns of it at its next write to memory that was protected.
 */
void guest_replan(u8 which, bool follow)
{
	u32 next = !machine.current_plan;

	if (V->plan != &machine.plans[machine.current_plan])
		return;
	machine.plans[next] = plans[which % ARRAY_SIZE(plans)];
	if (!slat_guard_prepare(&machine, next))
		return;
	machine_plan_maps(&machine, next);
	machine.current_plan = next;
	slat_guard_apply(&machine, next);
	if (follow)
		plan_follow(V);
}

void guest_make(const struct guest_input *in, const u8 *rest, size_t left, struct guest *g)
{
	enum guest_mode mode = in->mode % MODES;
	u32 i;

	world_restore(&fresh);
	*g = (struct guest){ 0 };
	machine.plans[machine.current_plan] = plans[(in->plan & 0x7f) % ARRAY_SIZE(plans)];
	V->plan = &machine.plans[machine.current_plan];
	if (guest_guards(in))
		guest_guard();
	control_registers(in, mode, g);
	segments(in, mode, g);
	set_rights(in, &tables[paging_of[mode]]);
	patch(in, rest, left, g);
	g->shadow = in->flags & IN_SHADOW;
	g->rip = in->rip % (2 * PAGE_BYTES);
	if (!(in->more & IN_TOP))
		g->rip += SIM_CODE - g->seg[GUEST_CS].base;
	else
		g->rip += g->seg[GUEST_CS].base ? 0xe000 : SIM_TOP;
	for (i = 0; i < GPRS; i++) {
		g->gpr[i] = register_value(in, in->gpr[i]);
		/* Outside 64-bit mode there is no upper half to be seen, but it may be there. */
		sim.gpr[i] = g->gpr[i];
	}
	sim.cr2 = 0xc2c2c000;
}

void guest_ready(const struct guest_input *in)
{
	if (in->more & IN_VIRTUAL_CR4)
		V->cr4 = V->plan->cr4;
	if (in->mode % MODES == MODE_LONG_LA57)
		machine.root_cr4 |= CR4_LA57;
	plan_follow(V);
}

bool guest_more(const u8 **rest, size_t *left, u16 *what, u64 *value)
{
	while (*left >= 10) {
		memcpy(what, *rest, 2);
		memcpy(value, *rest + 2, 8);
		*rest += 10;
		*left -= 10;
		if (*what >= GUEST_MORE)
			return true;
	}
	return false;
}

/* --- somebody who looks on --- */

static enum verdict look(struct vcpu *v, struct vmexit *e)
{
	(void)v;
	(void)e;
	return VERDICT_DEFAULT;
}

void guest_watch(void)
{
	static struct claim looks[VMEXIT_KINDS];
	static struct plan watched;
	const struct plan *from = V->plan;
	u32 kind, i, n = 0;

	watched = *from;
	for (kind = 0; kind < VMEXIT_KINDS; kind++) {
		const struct plan_span *span = &from->spans[kind];

		looks[kind] = (struct claim){ kind, 0, ~0u, CLAIM_FILTER, look, false, WHEN_EVER };
		watched.spans[kind].first = n;
		watched.spans[kind].filters++;
		watched.refuser[kind] = 0;
		watched.claims[n++] = (struct plan_claim){ &looks[kind], 0 };
		for (i = 0; i < (u32)span->filters + span->owners; i++)
			watched.claims[n++] = from->claims[span->first + i];
	}
	REQUIRE(n <= PLAN_CLAIMS_MAX);
	machine.plans[machine.current_plan] = watched;
	V->cpuid_claimed = true;
}
