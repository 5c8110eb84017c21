// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_nested.c - kvm=nested with any hypervisor and any guest of its: the hypervisor executes SVM's
 * instructions on VMCBs of its making, its guest exits with anything, memory of both changes, plans come
 * and go. Whatever they do the guest runs with our intercepts, on our bitmaps, on tables that lead to no
 * hidden memory, nothing hidden is written, and the quick answer is the slow one's.
 *
 * The input is what the processor can do, then operations of eight bytes: struct op.
 */
#include <string.h>

#include "../../guest-glue/string.h"
#include "../../vmexit/svm_nested.h"
#include "guest.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#define N ((struct nested *)V->nested)
#define A (N->vmcb)

/* L1-physical: two VMCBs, its bitmaps (two pages, then three), its nested tables (four levels), L2's memory */
#define VMCBS 0x50000ULL
#define MSRPM 0x52000ULL
#define IOPM 0x54000ULL
#define TABLES 0x58000ULL
#define L2_PAGES 0x60000ULL

enum what {
	DO_INSN,  /* L1: the instruction of @code on the address @place */
	DO_EXIT,  /* whoever runs exits, for something that is intercepted */
	DO_POKE,  /* memory of L1's */
	DO_STATE, /* what the processor leaves in the VMCB that runs */
	DO_GPR,
	DO_PLAN,
	DO_NMI,
	DO_AGAIN, /* L2's step ends */
	DOS
};

struct op {
	u8 what;
	u8 code;
	u16 place;
	u32 value;
} __attribute__((packed));

static const struct {
	const char *features, *policy;
} plan_texts[] = {
	{ "umip", "" },
	{ "none", "" },
	{ "umip,msr_lock,io_lock,mem_guard:areas=rodata", "" },
	{ "umip", "msr:0x48 none log; msr:0x49 ro deny; msr:0xc0000103 none ignore; msr:lstar ro deny;"
		  "io:0x70 ro log; io:0x80-0x83 none deny; io:0x90 none ignore" },
};
static struct plan plans[ARRAY_SIZE(plan_texts)];
static u32 pages;
static u8 memory[GUEST_PAGES][PAGE_BYTES];
static struct sim fresh_sim;
static struct machine fresh_machine;

/* What an answer may change of the root side's, in one copy. */
struct copy {
	struct sim sim;
	struct vcpu vcpu;
	struct vmcb own, l2;
	struct nested nested;
	u64 map[5 * PAGE_BYTES / 8];
	u8 memory[GUEST_PAGES][PAGE_BYTES];
	u8 ring[PAGE_BYTES];
};
static struct copy before, after;

static void save(struct copy *c)
{
	u32 i;

	c->sim = sim;
	c->vcpu = *V;
	c->own = *C;
	c->l2 = *A;
	c->nested = *N;
	memcpy(c->map, N->map, sizeof(c->map));
	memcpy(c->ring, V->ring, PAGE_BYTES);
	for (i = 0; i < pages; i++)
		memcpy(c->memory[i], guestmem_nth(i), PAGE_BYTES);
}

static void restore(const struct copy *c)
{
	u32 i;

	sim = c->sim;
	*V = c->vcpu;
	*C = c->own;
	*N = c->nested;
	*A = c->l2;
	memcpy(N->map, c->map, sizeof(c->map));
	memcpy(V->ring, c->ring, PAGE_BYTES);
	for (i = 0; i < pages; i++)
		memcpy(guestmem_nth(i), c->memory[i], PAGE_BYTES);
}

/* --- what must hold --- */

static bool may_read(u64 at)
{
	return at == machine.zero_pa || at == block_pa(&machine, cpu_area(&machine, 0) + CPU_RING);
}

static void check_tables(u64 table, u32 level)
{
	const u64 *e = block_va(&machine, block_offset(&machine, table & CR3_ADDRESS));
	u32 i;

	for (i = 0; i < 512; i++) {
		u64 at = e[i] & CR3_ADDRESS;

		if (!e[i])
			continue;
		if (level > 1 && !(e[i] & PTE_PS)) {
			REQUIRE(block_offset(&machine, at) != BLOCK_NONE);
			check_tables(at, level - 1);
			continue;
		}
		/* The rings and the page of zeros, which L1 may read, too. */
		if (level == 1 && !(e[i] & machine.slat.write) && may_read(at))
			continue;
		REQUIRE(!block_overlaps(&machine, at & ~(slat_bytes(level) - 1), slat_bytes(level)));
		REQUIRE(!(e[i] & PTE_W) || !slat_guarded(&machine, at));
	}
}

/* EFER, VM_CR, VM_HSAVE_PA: closed but for nobody. */
static bool is_closed(u32 bit)
{
	return N->map[bit / 64] >> bit % 64 & 1;
}

static void check_l2(void)
{
	const struct nested_slot *s = N->current;

	REQUIRE((A->intercept3 & NESTED_ICPT3) == NESTED_ICPT3);
	REQUIRE((A->intercept4 & NESTED_ICPT4) == NESTED_ICPT4);
	REQUIRE((A->intercept3 & N->icpt3) == N->icpt3 || N->stepping);
	REQUIRE(A->msrpm_pa == N->map_pa);
	REQUIRE(A->iopm_pa == N->map_pa + 2 * PAGE_BYTES || !block_overlaps(&machine, A->iopm_pa, 3 * PAGE_BYTES));
	/* A plan that comes while it runs is in force from its next VMRUN on: before the call returns. */
	REQUIRE(N->built_pa == NESTED_NONE || !N->own_io ||
		(A->iopm_pa == N->map_pa + 2 * PAGE_BYTES && A->intercept3 & SVM_ICPT_IOIO));
	REQUIRE(A->nested_control == 1 && !A->lbr_control);
	REQUIRE(A->asid && A->asid < N->asids - 1);
	REQUIRE(!(A->cr4 & N->virtual_cr4));
	REQUIRE(!(A->virtual_interrupt & ~SVM_VIRTUAL_INTERRUPT));
	REQUIRE(!(A->interrupt_shadow & ~1ULL) && !(A->tlb_control & ~7));
	REQUIRE(!N->stepping || A->rflags & RFLAGS_TF);
	REQUIRE(is_closed(0x800 * 8 + (MSR_EFER & 0x1fff) * 2 + 1));
	REQUIRE(is_closed(0x1000 * 8 + (MSR_VM_CR & 0x1fff) * 2 + 1));
	REQUIRE(is_closed(0x1000 * 8 + (MSR_VM_HSAVE_PA & 0x1fff) * 2 + 1));
	REQUIRE(s && s->asid == A->asid);
	if (s->ncr3 == NESTED_NONE)
		REQUIRE(A->nested_cr3 == machine.slat_root);
	else
		check_tables(A->nested_cr3, machine.slat.levels);
}

static void check(void)
{
	REQUIRE(sim.held && !machine.stopped);
	REQUIRE(N->state <= NESTED_GUEST && N->gif < NESTED_GIFS);
	REQUIRE((N->state == NESTED_GUEST) == (V->control_pa == N->vmcb_pa));
	REQUIRE((C->intercept4 & (SVM_ICPT_VMRUN | SVM_ICPT_SKINIT)) == (SVM_ICPT_VMRUN | SVM_ICPT_SKINIT));
	REQUIRE(C->nested_cr3 == machine.slat_root && C->asid == N->asids - 1);
	REQUIRE(N->gif != GIF_SET || !C->virtual_interrupt);
	REQUIRE(N->opened <= NESTED_OPEN);
	if (N->state == NESTED_GUEST)
		check_l2();
}

/* --- an exit, twice where it is quick --- */

static void same(const char *what, const struct vmcb *quick, const struct vmcb *slow)
{
	const u8 *q = (const u8 *)quick, *s = (const u8 *)slow;
	u32 i;

	for (i = 0; i < sizeof(*quick) && q[i] == s[i]; i++)
		;
	if (i < sizeof(*quick))
		fprintf(stderr, "%s at %#x, exit %#x: quick %02x, slow %02x\n", what, i, (u32)before.sim.was[0][0].exit_code, q[i],
			s[i]);
	REQUIRE(i == sizeof(*quick));
}

static bool run(u64 code, u64 info1, u64 info2)
{
	u32 quick = sim.quick, i;
	bool gif;

	save(&before);
	if (SIM_HALTS(sim_vmexit(code, info1, info2, true))) {
		/* Shutdowns of L1's, and what nobody knows of it. */
		REQUIRE(before.nested.state != NESTED_GUEST || code == SVM_EXIT_SHUTDOWN);
		return false;
	}
	if (!sim.held || machine.stopped) {
		REQUIRE(before.nested.state != NESTED_GUEST);
		return false;
	}
	check();
	if (sim.quick == quick)
		return true;
	save(&after);
	gif = svm_nested_gif(V);
	restore(&before);
	REQUIRE(!SIM_HALTS(sim_vmexit(code, info1, info2, false)));
	check();
	/* What both call clean may differ: the long way looks again. */
	after.own.clean = C->clean;
	after.l2.clean = A->clean;
	after.l2.tlb_control = A->tlb_control;
	/* Two ways to keep the same GIF. */
	if (N->vgif && gif == svm_nested_gif(V)) {
		after.own.intercept_cr_write = C->intercept_cr_write;
		after.own.intercept3 = C->intercept3;
		after.own.intercept4 = C->intercept4;
		after.own.virtual_interrupt = C->virtual_interrupt;
		after.nested.gif = N->gif;
		after.sim.interrupts = sim.interrupts;
	}
	same("VMCB01", &after.own, C);
	same("VMCB02", &after.l2, A);
	for (i = 0; i < GPRS; i++) {
		if (after.sim.gpr[i] != sim.gpr[i])
			fprintf(stderr, "register %u at exit %#lx: quick %lx, slow %lx\n", i, (unsigned long)code,
				(unsigned long)after.sim.gpr[i], (unsigned long)sim.gpr[i]);
		REQUIRE(after.sim.gpr[i] == sim.gpr[i]);
	}
	REQUIRE(!memcmp(after.sim.msr, sim.msr, sizeof(sim.msr)));
	REQUIRE(after.sim.interrupts == sim.interrupts && after.sim.cr8 == sim.cr8);
	REQUIRE(after.nested.state == N->state && after.nested.gif == N->gif && after.nested.cr4 == N->cr4);
	REQUIRE(after.nested.umip == N->umip && after.nested.injected == N->injected);
	REQUIRE(!memcmp(after.vcpu.exits, V->exits, sizeof(V->exits)));
	for (i = 0; i < pages; i++)
		REQUIRE(!memcmp(after.memory[i], guestmem_nth(i), PAGE_BYTES));
	return true;
}

/* --- the operations --- */

static bool touched[2];

static struct vmcb *vmcb12(u32 n)
{
	return (void *)guestmem_page(VMCBS + (n & 1) * PAGE_BYTES);
}

/* What VMRUN itself refuses, and the simulated processor has as an assertion: APM vol. 2, 15.5.1. */
static void make_legal(struct vmcb *b)
{
	u8 vector = b->event_inj;
	u32 type = SVM_EVENT_TYPE(b->event_inj);

	b->efer = (b->efer & sim.efer_valid) | EFER_SVME;
	b->cr0 = (u32)b->cr0 & ~(CR0_NW | CR0_CD);
	b->cr4 &= machine.cr4_supported | CR4_UMIP;
	b->dr6 = (u32)b->dr6;
	b->dr7 = (u32)b->dr7;
	if (b->efer & EFER_LME && b->cr0 & CR0_PG) {
		b->cr4 |= CR4_PAE;
		b->cr0 |= CR0_PE;
		b->cs.attr &= ~SEG_DB;
	}
	b->event_inj &= 0xffffffff00000fffULL | SVM_EVENT_VALID;
	if (type == SVM_EVENT_NMI)
		b->event_inj = (b->event_inj & ~0xffULL) | VECTOR_NMI;
	else if (type == SVM_EVENT_EXCEPTION && (vector > 31 || vector == VECTOR_NMI || !(b->cr0 & CR0_PE)))
		b->event_inj = 0;
	else if (type != SVM_EVENT_EXCEPTION && type != SVM_EVENT_INTR && type != SVM_EVENT_SOFTWARE)
		b->event_inj = 0;
	else if (type == SVM_EVENT_EXCEPTION && 0x27d00u >> vector & 1)
		b->event_inj |= SVM_EVENT_HAS_ERROR;
	else
		b->event_inj &= ~SVM_EVENT_HAS_ERROR;
}

static u64 address(u16 place, u32 value)
{
	static const u64 some[] = { VMCBS, VMCBS + PAGE_BYTES, VMCBS, VMCBS + 8, SIM_PIECE_PA(0), SIM_PHYS_END, ~0ULL, MSRPM };

	return some[place % ARRAY_SIZE(some)] + (place & 0x8000 ? (u64)value * PAGE_BYTES : 0);
}

static bool insn(const struct op *op)
{
	static const u8 last[] = { 0xd8, 0xd9, 0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xdf };
	u32 which = op->code % ARRAY_SIZE(last);
	u64 code = which == 7 ? SVM_EXIT_INVLPGA : SVM_EXIT_VMRUN + which;
	u8 *at = guestmem_page(SIM_CODE);
	u32 i;

	if (sim_current() != C || which == 1)
		return true;
	for (i = 0; i < 2; i++) {
		make_legal(vmcb12(i));
		/* A hypervisor that calls clean what it has changed may get either. */
		if (touched[i])
			vmcb12(i)->clean = 0;
		touched[i] = false;
	}
	sim_at(SIM_CODE);
	memcpy(at, "\x0f\x01", 2);
	at[2] = last[which];
	sim.gpr[RAX] = address(op->place, op->value);
	C->next_rip = svm_features & SVM_HAS_NRIP ? SIM_CODE + 3 : 0;
	if (!sim_exits(code))
		return true;
	return run(code, 0, 0);
}

static u64 info1(u64 code, const struct op *op)
{
	if (code == SVM_EXIT_IOIO)
		return (u64)(op->value & 0xffff) << 16 | 0x10ULL << op->place % 3 | (op->place >> 2 & 0xd);
	if (code == SVM_EXIT_MSR)
		return op->place & 1;
	if (code == SVM_EXIT_NPF)
		return (op->place & 0x1f) | PF_USER | BIT64(32);
	return code >= SVM_EXIT_EXCEPTION(0) && code <= SVM_EXIT_EXCEPTION(31) ? op->place : 0;
}

static bool leave(const struct op *op)
{
	static const u32 msrs[] = { 0x48, 0x49, 0xc0000103, MSR_LSTAR, MSR_EFER, MSR_PAT, MSR_VM_CR, MSR_VM_HSAVE_PA,
				    0x40000000, 0xc0010111 };
	static const u16 codes[] = { SVM_EXIT_NPF, SVM_EXIT_MSR, SVM_EXIT_IOIO, SVM_EXIT_INTR, SVM_EXIT_NMI, SVM_EXIT_CPUID,
				     SVM_EXIT_SHUTDOWN, SVM_EXIT_INIT };
	u64 code = op->code >= 0xf0 ? codes[op->code % ARRAY_SIZE(codes)] : op->code;
	struct vmcb *c = sim_current();

	/* L1's own exits are fuzz_svm's matter: those that are about GIF are not. */
	if (c == C && code != SVM_EXIT_INTR && code != SVM_EXIT_NMI && code != SVM_EXIT_CR_WRITE(8) && code != SVM_EXIT_NPF)
		return true;
	c->exit_info1 = info1(code, op);
	if (code == SVM_EXIT_MSR)
		sim.gpr[RCX] = msrs[op->value % ARRAY_SIZE(msrs)];
	/* By L1's own map, which says so. */
	if (code == SVM_EXIT_IOIO && !N->own_io)
		*(guestmem_page(IOPM + (op->value & 0xffff) / 8) + (op->value & 0xffff) / 8 % PAGE_BYTES) |= 1u << op->value % 8;
	if (!sim_exits(code))
		return true;
	c->next_rip = svm_features & SVM_HAS_NRIP ? c->rip + 1 + op->place % 15 : 0;
	if (code != SVM_EXIT_NPF && !(code >= SVM_EXIT_EXCEPTION(0) && code <= SVM_EXIT_EXCEPTION(31)) && code != SVM_EXIT_SHUTDOWN)
		c->exit_int_info = 0;
	return run(code, c->exit_info1, code == SVM_EXIT_NPF ? op->value : c->rip + 2);
}

/* L2 goes on: whatever a processor may leave behind. */
static void state(const struct op *op)
{
	struct vmcb *c = sim_current();

	if (c == C)
		return;
	switch (op->code % 8) {
	case 0: c->cpl = op->value & 3; break;
	case 1: c->rip = op->value; break;
	case 2: c->rflags = (c->rflags & RFLAGS_TF) | (op->value & ~(u64)RFLAGS_TF) | RFLAGS_FIXED; break;
	case 3:
		c->exit_int_info = op->value & 1 ? EVENT(SVM_EVENT_INTR, op->value >> 8 & 0xff) :
				   op->value & 2 ? EVENT(SVM_EVENT_SOFTWARE, op->value >> 8 & 0xff) :
				   op->value & 4 ? FAULT(VECTOR_DF, 0) :
				   op->value & 8 ? FAULT(VECTOR_PF, 2) : 0;
		break;
	case 4: c->dr6 = op->value; break;
	case 5: c->interrupt_shadow = op->value & 1; break;
	case 6: c->virtual_interrupt ^= op->value & SVM_VIRTUAL_INTERRUPT_OUT; break;
	case 7: c->cs.attr = (c->cs.attr & ~SEG_LONG) | (op->value & 1 ? SEG_LONG : 0); break;
	}
}

static void plan(const struct op *op)
{
	u32 next = !machine.current_plan;

	if (V->step.kind)
		return;
	if (V->plan != &machine.plans[machine.current_plan])
		return;
	machine.plans[next] = plans[op->code % ARRAY_SIZE(plans)];
	if (!slat_guard_prepare(&machine, next))
		return;
	machine_plan_maps(&machine, next);
	machine.current_plan = next;
	slat_guard_apply(&machine, next);
	plan_follow(V);
}

static bool operate(const struct op *op)
{
	static const u64 where[] = { VMCBS, VMCBS, VMCBS, MSRPM, IOPM, TABLES, TABLES + 3 * PAGE_BYTES, L2_PAGES };
	u64 at = where[op->code % ARRAY_SIZE(where)] + op->place % (2 * PAGE_BYTES - 3);

	switch (op->what % DOS) {
	case DO_INSN: return insn(op);
	case DO_EXIT: return leave(op);
	case DO_POKE:
		if (at < MSRPM)
			touched[(at - VMCBS) / PAGE_BYTES] = true;
		memcpy(guestmem_page(at) + at % PAGE_BYTES, &op->value, at % PAGE_BYTES > PAGE_BYTES - 4 ? 1 : 4);
		return true;
	case DO_STATE: state(op); return true;
	case DO_GPR: sim.gpr[op->code % 8 == RSP ? RAX : op->code % 8] = op->value; return true;
	case DO_PLAN: plan(op); return true;
	case DO_NMI: sim.nmi_meanwhile = true; return true;
	}
	if (sim_current() != A || !N->stepping)
		return true;
	A->rip += 1 + op->place % 15;
	A->dr6 |= DR6_BS;
	A->exit_int_info = 0;
	return run(SVM_EXIT_EXCEPTION(VECTOR_DB), 0, 0);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct op op;
	u32 i;

	if (!size || size > 1024)
		return -1;
	block_restore();
	machine = fresh_machine;
	sim = fresh_sim;
	for (i = 0; i < pages; i++)
		memcpy(guestmem_nth(i), memory[i], PAGE_BYTES);
	touched[0] = touched[1] = true;
	svm_features = SVM_HAS_NPT | SVM_HAS_CLEAN | (data[0] & 1 ? SVM_HAS_NRIP : 0) | (data[0] & 2 ? SVM_HAS_DECODE : 0) |
		       (data[0] & 4 ? SVM_HAS_FLUSH_ASID : 0) | (data[0] & 8 ? SVM_HAS_VGIF : 0);
	plan_follow(V);
	for (data++, size--; size >= sizeof(op); data += sizeof(op), size -= sizeof(op)) {
		memcpy(&op, data, sizeof(op));
		if (!operate(&op))
			break;
	}
	return 0;
}

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

static void make_vmcb(u64 pa, u64 ncr3)
{
	struct vmcb *b = (void *)guestmem_page(pa);

	b->intercept3 = SVM_ICPT_INTR | SVM_ICPT_NMI | SVM_ICPT_CPUID | SVM_ICPT_MSR | SVM_ICPT_IOIO | SVM_ICPT_SHUTDOWN;
	b->intercept4 = SVM_ICPT_VMRUN | SVM_ICPT_VMMCALL;
	b->intercept_cr_write = 1u << 4;
	b->msrpm_pa = MSRPM;
	b->iopm_pa = IOPM;
	b->asid = 1 + (pa != VMCBS);
	b->virtual_interrupt = SVM_V_INTR_MASKING;
	b->nested_control = ncr3 ? 1 : 0;
	b->nested_cr3 = ncr3;
	b->efer = EFER_SVME | EFER_LME | EFER_LMA;
	b->cr0 = CR0_PG | CR0_PE;
	b->cr4 = CR4_PAE | CR4_UMIP;
	b->cs = (struct vmcb_segment){ 0x10, 0xa9b, ~0u, 0 };
	b->dr6 = 0xffff0ff0;
	b->dr7 = 0x400;
	b->rflags = RFLAGS_FIXED;
	b->rip = L2_PAGES;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const u64 all = PTE_P | PTE_W | PTE_U | PTE_A | PTE_D;
	struct walk_state nested;
	u32 i;

	(void)argc;
	(void)argv;
	sim_new(SIM_EPYC);
	sim.kvm = KVM_NESTED;
	sim_cpuid(0x8000000a, 0)[CPUID_EDX] |= SVM_HAS_VGIF;
	sim_take("umip");
	sim_add_msr(0x48, 0);
	make_plans();
	/* L1's tables: four pages from the first one that is made now. */
	nested = guestmem_state(PAGING_4);
	for (i = 0; i < 4; i++)
		guestmem_map(&nested, L2_PAGES + i * PAGE_BYTES, 0, (L2_PAGES + i * PAGE_BYTES) | all);
	/* And one that would like to have the hidden block. */
	guestmem_map(&nested, 0x200000, 1, SIM_PIECE_PA(0) | all | PTE_PS);
	for (i = 0; i < 16; i++)
		guestmem_page(VMCBS + i * PAGE_BYTES);
	for (i = 0; i < 5; i++)
		memset(guestmem_page(MSRPM + i * PAGE_BYTES), i % 2 ? 0xff : 0, PAGE_BYTES);
	for (i = 0; i < 4; i++)
		guestmem_page(L2_PAGES + i * PAGE_BYTES);
	make_vmcb(VMCBS, nested.cr3);
	make_vmcb(VMCBS + PAGE_BYTES, 0);
	sim_wrmsr(MSR_EFER, cpu_rdmsr(MSR_EFER) | EFER_SVME);
	N->state = NESTED_ON;
	pages = guestmem_count();
	REQUIRE(pages <= GUEST_PAGES);
	for (i = 0; i < pages; i++)
		memcpy(memory[i], guestmem_nth(i), PAGE_BYTES);
	block_save();
	fresh_sim = sim;
	fresh_machine = machine;
	return 0;
}
