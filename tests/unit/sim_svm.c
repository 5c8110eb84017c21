// SPDX-License-Identifier: GPL-2.0-only
/*
 * sim_svm.c - #VMEXIT and VMRUN (AMD APM vol. 2, 15.5 to 15.6) and what svm.S does between them.
 */
#include "sim.h"

#include "../../vmexit/svm_nested.h"

#include <stdlib.h>
#include <string.h>

/* svm.S saves these for svm_quick(), the others only for svm_exit(). */
static const u8 saved_first[] = { RCX, RDX, RBX, RSI, RDI, R8 };
#define NOT_SAVED 0xdeadbeefdeadbeefULL

struct vmcb *sim_current(void)
{
	const struct nested *n = V->nested;

	return n && V->control_pa == n->vmcb_pa ? n->vmcb : C;
}

static struct vmcb *was(const struct vmcb *c)
{
	return &sim.was[sim.cpu][c != C];
}

static bool has_error_code(u8 vector)
{
	return (1u << VECTOR_DF | 1u << VECTOR_TS | 1u << VECTOR_NP | 1u << VECTOR_SS |
		1u << VECTOR_GP | 1u << VECTOR_PF | 1u << VECTOR_AC) >> vector & 1;
}

/* 15.20: what VMRUN would refuse, and what it would deliver in a form that no processor has. */
static void check_event(const struct vmcb *c)
{
	u64 event = c->event_inj;
	u32 type = SVM_EVENT_TYPE(event);
	u8 vector = event;

	if (!(event & SVM_EVENT_VALID))
		return;
	ck_assert(type == SVM_EVENT_INTR || (type >= SVM_EVENT_NMI && type <= SVM_EVENT_SOFTWARE));
	ck_assert(type != SVM_EVENT_NMI || vector == VECTOR_NMI);
	if (type == SVM_EVENT_EXCEPTION) {
		ck_assert_uint_ne(vector, VECTOR_NMI);
		ck_assert_uint_lt(vector, 32);
		if (c->cr0 & CR0_PE)
			ck_assert_uint_eq(!!(event & SVM_EVENT_HAS_ERROR), has_error_code(vector));
	}
}

/* 15.5.1, canonicalization and consistency checks. */
static void check_state(const struct vmcb *c)
{
	bool wide = c->efer & EFER_LME && c->cr0 & CR0_PG;

	ck_assert(c->efer & EFER_SVME);
	ck_assert_uint_eq(c->efer & ~sim.efer_valid, 0);
	ck_assert(c->cr0 & CR0_CD || !(c->cr0 & CR0_NW));
	ck_assert_uint_eq(c->cr0 >> 32, 0);
	ck_assert_uint_eq(c->cr4 & ~machine.cr4_supported, 0);
	ck_assert_uint_eq(c->dr6 >> 32, 0);
	ck_assert_uint_eq(c->dr7 >> 32, 0);
	ck_assert(!wide || c->cr4 & CR4_PAE);
	ck_assert(!wide || c->cr0 & CR0_PE);
	ck_assert(!wide || !(c->cs.attr & SEG_LONG && c->cs.attr & SEG_DB));
	ck_assert(c->intercept4 & SVM_ICPT_VMRUN);
	ck_assert_uint_ne(c->asid, 0);
	ck_assert_uint_ne(block_offset(&machine, c->msrpm_pa), BLOCK_NONE);
	if (c->nested_control & 1)
		ck_assert_uint_ne(block_offset(&machine, c->nested_cr3), BLOCK_NONE);
	check_event(c);
}

/* 15.15.3: the processor may use its own copy of what is called clean. */
static void check_clean(const struct vmcb *c)
{
	const struct vmcb *w = was(c);
#define SAME(bit, field)                                                                           \
	ck_assert_msg(!(c->clean >> (bit) & 1) || !memcmp(&c->field, &w->field, sizeof(c->field)), \
		      #field " has changed, clean bit %d has not", bit)
	SAME(0, intercept_cr_read);
	SAME(0, intercept_cr_write);
	SAME(0, intercept_dr_read);
	SAME(0, intercept_dr_write);
	SAME(0, intercept_exceptions);
	SAME(0, intercept3);
	SAME(0, intercept4);
	SAME(0, intercept5);
	SAME(0, tsc_offset);
	SAME(1, iopm_pa);
	SAME(1, msrpm_pa);
	SAME(2, asid);
	SAME(3, virtual_interrupt);
	SAME(4, nested_control);
	SAME(4, nested_cr3);
	SAME(4, g_pat);
	SAME(5, cr0);
	SAME(5, cr3);
	SAME(5, cr4);
	SAME(5, efer);
	SAME(6, dr6);
	SAME(6, dr7);
	SAME(7, gdtr);
	SAME(7, idtr);
	SAME(8, cs);
	SAME(8, ss);
	SAME(8, ds);
	SAME(8, es);
	SAME(8, cpl);
	SAME(9, cr2);
	SAME(10, lbr_control);
#undef SAME
}

static void vmrun(void)
{
	const struct vmcb *c = sim_current();

	ck_assert(cpu_rdmsr(MSR_EFER) & EFER_SVME);
	ck_assert_uint_ne(block_offset(&machine, cpu_rdmsr(MSR_VM_HSAVE_PA)), BLOCK_NONE);
	check_state(c);
	check_clean(c);
	sim.flushes += c->tlb_control != 0;
	sim.gpr[RAX] = c->rax;
	sim.gpr[RSP] = c->rsp;
}

bool sim_exits(u64 code)
{
	const struct vmcb *c = sim_current();
	u32 msr = sim.gpr[RCX], bit = (msr & 0x1fff) * 2 + (c->exit_info1 & 1);
	const u8 *map;

	if (code == SVM_EXIT_NPF)
		return c->nested_control & 1;
	if (code == SVM_EXIT_INVALID)
		return true;
	if (code < 0x10)
		return c->intercept_cr_read >> code & 1;
	if (code < 0x20)
		return c->intercept_cr_write >> (code - 0x10) & 1;
	if (code < 0x40)
		return true;
	if (code < 0x60)
		return c->intercept_exceptions >> (code - 0x40) & 1;
	if (code >= 0x80)
		return code < 0xa0 && c->intercept4 >> (code - 0x80) & 1;
	if (code != SVM_EXIT_MSR || !(c->intercept3 & SVM_ICPT_MSR))
		return c->intercept3 >> (code - 0x60) & 1;
	/* 15.11: three vectors of 8192 MSRs, what is beyond always exits. */
	map = block_va(&machine, block_offset(&machine, c->msrpm_pa));
	if (msr >> 13 == 0xc0000000 >> 13)
		bit += 0x800 * 8;
	else if (msr >> 13 == 0xc0010000 >> 13)
		bit += 0x1000 * 8;
	else if (msr >> 13)
		return true;
	return map[bit / 8] >> (bit % 8) & 1;
}

static void give_back(void)
{
	struct svm_switch *sw = &sim.entered;

	svm_leave_state(V, sw);
	sim.held = false;
	sim.cr0 = sw->cr0;
	sim.cr3 = sw->cr3;
	sim.cr4 = sw->cr4;
	sim.gdtr = sw->gdtr;
	sim.idtr = sw->idtr;
	sim.rflags = sw->rflags;
}

void sim_vmexit(u64 code, u64 info1, u64 info2, bool quick)
{
	struct vcpu *v = V;
	struct vmcb *c = sim_current();
	u64 *gpr = sim.gpr;
	u32 i;

	c->exit_code = code;
	c->exit_info1 = info1;
	c->exit_info2 = info2;
	c->event_inj = 0;
	c->rax = gpr[RAX];
	c->rsp = gpr[RSP];
	*was(c) = *c;
	for (i = 0; i < GPRS; i++)
		v->gpr[i] = NOT_SAVED;
	for (i = 0; i < ARRAY_SIZE(saved_first); i++)
		v->gpr[saved_first[i]] = gpr[saved_first[i]];
	if (!quick) {
		/* What svm_quick() does in any case. */
		c->clean = SVM_CLEAN_ALL;
		c->tlb_control = 0;
	}
	if (quick && svm_quick(v)) {
		sim.quick++;
		for (i = 0; i < ARRAY_SIZE(saved_first); i++)
			gpr[saved_first[i]] = v->gpr[saved_first[i]];
	} else {
		for (i = 0; i < GPRS; i++)
			if (v->gpr[i] == NOT_SAVED)
				v->gpr[i] = gpr[i];
		v->gpr[RAX] = v->gpr[RSP] = NOT_SAVED;
		if (svm_exit(v)) {
			give_back();
			return;
		}
		for (i = 0; i < GPRS; i++)
			if (i != RAX && i != RSP)
				gpr[i] = v->gpr[i];
	}
	vmrun();
}

void sim_exit(u64 code, u64 info1, u64 info2)
{
	ck_assert(sim.held);
	sim_current()->exit_info1 = info1;
	ck_assert_msg(sim_exits(code), "no intercept for exit code %lx", (unsigned long)code);
	sim_vmexit(code, info1, info2, true);
}

/* Which register a MOV CR names, as decode assists would say it; 0 for other instructions. */
static u64 decode_assist(const u8 *at)
{
	u64 rex = 0;

	while (*at == 0x66 || *at == 0x67 || *at == 0xf0 || *at == 0xf2 || *at == 0xf3)
		at++;
	if ((*at & 0xf0) == 0x40 && C->cs.attr & SEG_LONG)
		rex = *at++;
	if (at[0] != 0x0f || (at[1] != 0x20 && at[1] != 0x22))
		return 0;
	return SVM_CR_IS_MOV | (at[2] & 7) | (rex & 1) << 3;
}

void sim_exec(u64 code, const char *bytes, u32 count)
{
	u64 linear = C->rip + (C->cs.attr & SEG_LONG ? 0 : C->cs.base);
	u64 info1 = 0;
	u32 i;

	/* Code may cross a page, or the end of a segment: byte by byte. */
	for (i = 0; i < count; i++) {
		u64 at = linear + i;

		if (!(C->cs.attr & SEG_LONG) && C->rip + i > C->cs.limit)
			at = C->cs.base + (u16)(C->rip + i);
		guestmem_page(at)[at % PAGE_BYTES] = bytes[i];
	}
	if (svm_features & SVM_HAS_NRIP)
		C->next_rip = C->rip + count;
	if (svm_features & SVM_HAS_DECODE && code < 0x20)
		info1 = decode_assist((const u8 *)bytes);
	sim_exit(code, info1, 0);
}

void sim_wrmsr(u32 msr, u64 value)
{
	sim_at(SIM_CODE);
	sim.gpr[RCX] = msr;
	sim.gpr[RAX] = 0xabcd000000000000 | (u32)value;
	sim.gpr[RDX] = 0xabcd000000000000 | value >> 32;
	memcpy(guestmem_page(SIM_CODE), "\x0f\x30", 2);
	sim_current()->next_rip = SIM_CODE + 2;
	sim_exit(SVM_EXIT_MSR, 1, 0);
}

void sim_cpl(u8 cpl)
{
	struct vmcb *c = C;

	c->cpl = cpl;
	c->cs.attr = (c->cs.attr & ~0x60) | cpl << SEG_DPL_SHIFT;
	c->ss.attr = (c->ss.attr & ~0x60) | cpl << SEG_DPL_SHIFT;
}

void sim_mode(u32 bits)
{
	struct vmcb *c = C;

	c->cs.attr = 0x9b | c->cpl << SEG_DPL_SHIFT;
	c->cs.attr |= bits == 64 ? SEG_LONG : bits == 32 ? SEG_DB : 0;
	c->cs.limit = bits == 16 ? 0xffff : 0xffffffff;
	c->ds = c->es = (struct vmcb_segment){ 0x18, 0xcf3, 0xffffffff, 0 };
	c->ss = c->ds;
	c->ss.attr = 0xc93 | c->cpl << SEG_DPL_SHIFT;
}

void sim_vm86(void)
{
	struct vmcb *c = C;

	c->efer &= ~(EFER_LME | EFER_LMA);
	c->cr0 &= ~CR0_PG;
	c->rflags |= RFLAGS_VM;
	c->cpl = 3;
	c->cs = (struct vmcb_segment){ SIM_CODE >> 4, 0xf3, 0xffff, SIM_CODE };
	c->ds = c->es = c->ss = (struct vmcb_segment){ SIM_DATA >> 4, 0xf3, 0xffff, SIM_DATA };
}

void sim_at(u64 rip)
{
	struct vmcb *c = C;

	c->rip = rip;
	c->rflags = RFLAGS_FIXED | (c->rflags & RFLAGS_VM);
	c->exit_int_info = 0;
	c->event_inj = 0;
	c->interrupt_shadow = 0;
}

void sim_fault(u64 rip, u8 vector, u32 error)
{
	ck_assert_uint_eq(C->event_inj, FAULT(vector, error));
	ck_assert_uint_eq(C->rip, rip);
	ck_assert(C->rflags & RFLAGS_RF);
}

void sim_went_on(u64 rip)
{
	ck_assert_uint_eq(C->event_inj, 0);
	ck_assert_uint_eq(C->rip, rip);
	ck_assert(!(C->rflags & RFLAGS_RF));
}

/* --- what svm.h declares --- */

void svm_vmsave(u64 vmcb_pa)
{
	bool own = block_offset(&machine, vmcb_pa) != BLOCK_NONE;
	struct vmcb *c = own ? block_va(&machine, block_offset(&machine, vmcb_pa)) :
			       (void *)guestmem_page(vmcb_pa);

	if (!own)
		sim.vmsaved = vmcb_pa;
	sim.vmsaves++;
	c->fs = sim.fs;
	c->gs = sim.gs;
	c->tr = sim.tr;
	c->ldtr = sim.ldtr;
	c->kernel_gs_base = *sim_msr(MSR_KERNEL_GS_BASE);
	c->star = *sim_msr(MSR_STAR);
	c->lstar = *sim_msr(MSR_LSTAR);
}

void svm_vmload(u64 vmcb_pa)
{
	const struct vmcb *c = (void *)guestmem_page(vmcb_pa);

	ck_assert_uint_eq(block_offset(&machine, vmcb_pa), BLOCK_NONE);
	sim.vmloaded = vmcb_pa;
	sim.fs = c->fs;
	sim.gs = c->gs;
	sim.tr = c->tr;
	sim.ldtr = c->ldtr;
	*sim_msr(MSR_KERNEL_GS_BASE) = c->kernel_gs_base;
	*sim_msr(MSR_STAR) = c->star;
	*sim_msr(MSR_LSTAR) = c->lstar;
}

void svm_invlpga(u64 linear, u32 asid)
{
	sim.invlpga_at = linear;
	sim.invlpga_asid = asid;
}

void svm_sti(void)
{
	sim.interrupts = true;
}

void svm_cli(void)
{
	sim.interrupts = false;
}

/* GIF is set for two instructions: a pending NMI comes, too. */
void svm_swallow_init(void)
{
	ck_assert(cpu_rdmsr(MSR_VM_CR) & VM_CR_R_INIT);
	sim.inits++;
	if (sim.nmi_meanwhile)
		V->nmis++;
	sim.nmi_meanwhile = false;
}

/* The NMI that has exited is pending still. */
void svm_take_nmi(void)
{
	ck_assert_uint_eq(C->exit_code, SVM_EXIT_NMI);
	V->nmis++;
}

u64 svm_launch(const struct svm_switch *sw)
{
	struct vmcb *c = (struct vmcb *)(uintptr_t)sw->vmcb;

	sim.entered = *sw;
	sim.held = true;
	sim.root_cr3 = sw->cr3;
	sim.root_cr4 = sw->cr4;
	c->rip = SIM_CODE;
	c->rsp = SIM_DATA + 0x1000;
	c->rax = 1;
	root_enter((struct vcpu *)(uintptr_t)sw->vcpu);
	sim.was[sim.cpu][0] = *c;
	/* Nothing is clean the first time. */
	ck_assert_uint_eq(c->clean, 0);
	ck_assert_uint_eq(c->tlb_control, SVM_FLUSH_ALL);
	vmrun();
	return sim.gpr[RAX];
}

u64 svm_hypercall(u64 number, u64 a, u64 b, u64 c)
{
	sim.gpr[RAX] = number;
	sim.gpr[RDI] = a;
	sim.gpr[RSI] = b;
	sim.gpr[RDX] = c;
	EXEC(SVM_EXIT_VMMCALL, "\x0f\x01\xd9");
	/* svm.S: the call that has given the processor back returns 0. */
	return sim.held ? sim.gpr[RAX] : 0;
}
