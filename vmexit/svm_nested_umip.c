// SPDX-License-Identifier: GPL-2.0-only
/*
 * svm_nested_umip.c - UMIP for the guests of a hypervisor in our guest.
 *
 * A hypervisor that finds UMIP in our CPUID offers it to its guests. What they set of CR4.UMIP is
 * then in VMCB12, and not in the real register; while it is set, what it forbids exits to us.
 * Outside CPL 0 that ends in #GP(0) before anything else, so L1 does not hear of it. At CPL 0 the
 * instruction runs natively, as one step: the intercepts off, RFLAGS.TF set, and nothing of that
 * left when anybody else looks at L2.
 *
 * Hardware raises #GP for a MOV to CR4 with a bit that it does not have before it looks at the
 * intercept, and L1 expects the intercept: so #GP exits, too, and becomes what L1 would have got
 * from a processor that has it.
 */
#include "svm_nested.h"

#include "../guest-glue/svm_shadow.h"

#define STORES                                                                                     \
	(SVM_ICPT_STORE(DESC_IDTR) | SVM_ICPT_STORE(DESC_GDTR) | SVM_ICPT_STORE(DESC_LDTR) |       \
	 SVM_ICPT_STORE(DESC_TR))
#define CR0 (1u << 0)
#define DR6_HITS 15ULL
/* The vectors that push an error code: APM vol. 2, 8.2. */
#define WITH_ERROR (1u << 8 | 31u << 10 | 1u << 17 | 1u << 21)

void nested_umip_intercepts(struct nested *n)
{
	struct vmcb *c = n->vmcb;
	bool stores;

	n->umip = n->umip_wanted && n->cr4 & CR4_UMIP;
	stores = n->umip && !n->stepping;
	c->intercept3 =
		n->icpt3 | NESTED_ICPT3 | (n->own_io ? SVM_ICPT_IOIO : 0) | (stores ? STORES : 0);
	c->intercept_cr_read = n->cr_read | (stores ? CR0 : 0);
	c->intercept_exceptions = n->exceptions | (n->virtual_cr4 ? 1u << VECTOR_GP : 0) |
				  (n->stepping ? ~(1u << VECTOR_NMI) : 0);
	c->clean &= ~SVM_CLEAN_INTERCEPTS;
	nested_find_ours(n);
}

/* --- one instruction, natively --- */

/* A shadow holds interrupts off until it has run, when the trap comes first; but not a virtual NMI. */
enum nested_answer nested_step(struct nested *n, struct vmcb *c)
{
	n->stepping = true;
	n->step_tf = c->rflags & RFLAGS_TF;
	n->step_shadow = c->interrupt_shadow;
	n->step_dr6 = c->dr6;
	n->step_nmi = c->virtual_interrupt & SVM_V_NMI_PENDING;
	c->virtual_interrupt &= ~SVM_V_NMI_PENDING;
	c->rflags |= RFLAGS_TF;
	c->interrupt_shadow = 1;
	c->dr6 &= ~(DR6_HITS | DR6_BS);
	c->clean &= ~(SVM_CLEAN_DR | SVM_CLEAN_TPR);
	nested_umip_intercepts(n);
	return AGAIN;
}

static void end_step(struct nested *n, struct vmcb *c)
{
	n->stepping = false;
	if (n->step_open)
		nested_close_all(n);
	n->step_open = false;
	if (!n->step_tf)
		c->rflags &= ~RFLAGS_TF;
	c->virtual_interrupt |= n->step_nmi;
	c->clean &= ~(SVM_CLEAN_DR | SVM_CLEAN_TPR);
	nested_umip_intercepts(n);
}

void nested_step_undone(struct nested *n)
{
	struct vmcb *c = n->vmcb;

	end_step(n, c);
	c->interrupt_shadow = n->step_shadow;
	c->dr6 = n->step_dr6;
}

/* It has run. Debug traps that it has raised of its own are L2's. */
static enum nested_answer step_done(struct nested *n, struct vmcb *c)
{
	u64 hits = c->dr6 & DR6_HITS;

	end_step(n, c);
	c->dr6 = n->step_dr6 | hits | (n->step_tf ? DR6_BS : 0);
	if (!hits && !n->step_tf)
		return AGAIN;
	if (n->exceptions >> VECTOR_DB & 1)
		return L1S;
	c->event_inj = SVM_EVENT_VALID | SVM_EVENT_EXCEPTION << 8 | VECTOR_DB;
	return RAISED;
}

static enum nested_answer step_exception(struct nested *n, struct vmcb *c, u32 vector)
{
	if (vector == VECTOR_DB)
		return step_done(n, c);
	nested_step_undone(n);
	if (n->exceptions >> vector & 1)
		return L1S;
	c->event_inj = SVM_EVENT_VALID | SVM_EVENT_EXCEPTION << 8 | vector;
	if (WITH_ERROR >> vector & 1)
		c->event_inj |= SVM_EVENT_HAS_ERROR | c->exit_info1 << 32;
	if (vector == VECTOR_PF) {
		c->cr2 = c->exit_info2;
		c->clean &= ~SVM_CLEAN_CR2;
	}
	c->rflags |= RFLAGS_RF;
	return RAISED;
}

/* --- a MOV to CR4 that the processor refuses --- */

/* L2's tables, read through L1's. The processor has fetched the instruction a moment ago. */
static bool linear_byte(struct vcpu *v, const struct vmcb *c, u64 linear, u8 *byte)
{
	bool lma = c->efer & EFER_LMA, wide = lma || c->cr4 & CR4_PAE;
	u32 bits = wide ? 9 : 10, size = wide ? 8 : 4;
	u32 level = lma ? (c->cr4 & CR4_LA57 ? 5 : 4) : wide ? 3 : 2;
	u64 at = c->cr3 & (lma ? CR3_ADDRESS : wide ? 0xffffffe0 : 0xfffff000);
	u64 entry, address, offset;

	if (!lma)
		linear = (u32)linear;
	if (!(c->cr0 & CR0_PG))
		level = 0, at = linear;
	for (; level; level--) {
		u32 shift = 12 + (level - 1) * bits;

		entry = 0;
		if (!nested_address(v, at + (linear >> shift & ((1u << bits) - 1)) * size,
				    &address) ||
		    !phys_read(address, &entry, size) || !(entry & PTE_P))
			return false;
		if (level == 1 || (level < 4 && entry & PTE_PS && (lma || level == 2))) {
			offset = linear & ((1ULL << shift) - 1);
			at = (entry & CR3_ADDRESS & ~((1ULL << shift) - 1)) | offset;
			break;
		}
		at = entry & CR3_ADDRESS;
	}
	return nested_address(v, at, &address) && phys_read(address, byte, 1);
}

bool nested_code_byte(struct vcpu *v, const struct vmcb *c, u32 offset, u8 *byte)
{
	bool code64 = c->efer & EFER_LMA && c->cs.attr & SEG_LONG;

	return linear_byte(v, c, c->rip + offset + (code64 ? 0 : c->cs.base), byte);
}

static u64 gpr(const struct vcpu *v, const struct vmcb *c, u32 reg)
{
	return reg == RAX ? c->rax : reg == RSP ? c->rsp : v->gpr[reg];
}

/* 0F 22 /4, with REX or without: as every compiler and assembler writes it. */
static bool sets_virtual_bit(struct vcpu *v, const struct nested *n, const struct vmcb *c, u32 *reg,
			     u32 *len)
{
	bool code64 = c->efer & EFER_LMA && c->cs.attr & SEG_LONG;
	u8 bytes[4];
	u32 i, rex = 0;

	for (i = 0; i < sizeof(bytes); i++)
		if (!nested_code_byte(v, c, i, &bytes[i]))
			return false;
	if (code64 && (bytes[0] & 0xf0) == 0x40)
		rex = 1;
	if (bytes[rex] != 0x0f || bytes[rex + 1] != 0x22 || (bytes[rex + 2] & 0x38) != 0x20 ||
	    (rex && bytes[0] & 4))
		return false;
	*reg = (bytes[rex + 2] & 7) | (rex ? (bytes[0] & 1) << 3 : 0);
	*len = rex + 3;
	return gpr(v, c, *reg) & n->virtual_cr4;
}

static enum nested_answer protection_fault(struct vcpu *v, struct nested *n, struct vmcb *c)
{
	u32 reg, len;

	if (n->exceptions >> VECTOR_GP & 1)
		return L1S;
	if (c->cpl || c->exit_info1 || c->exit_int_info & SVM_EVENT_VALID ||
	    !(n->cr_write >> 4 & 1) || !sets_virtual_bit(v, n, c, &reg, &len))
		return REFUSED;
	c->exit_code = SVM_EXIT_CR_WRITE(4);
	c->exit_info1 = svm_features & SVM_HAS_DECODE ? SVM_CR_IS_MOV | reg : 0;
	c->exit_info2 = 0;
	c->next_rip = c->rip + len;
	return L1S;
}

enum nested_answer nested_umip_exit(struct vcpu *v, struct nested *n, struct vmcb *c)
{
	u64 code = c->exit_code;
	bool l1s;

	if (n->stepping && code - SVM_EXIT_EXCEPTION(0) < 32)
		return step_exception(n, c, code - SVM_EXIT_EXCEPTION(0));
	if (code == SVM_EXIT_EXCEPTION(VECTOR_GP))
		return protection_fault(v, n, c);
	if (!n->umip)
		return PASS;
	if (code - SVM_EXIT_IDTR_READ <= SVM_EXIT_TR_READ - SVM_EXIT_IDTR_READ)
		l1s = n->icpt3 & SVM_ICPT_STORE(code - SVM_EXIT_IDTR_READ);
	else if (code == SVM_EXIT_CR_READ(0))
		l1s = n->cr_read & CR0;
	else
		return PASS;
	if (c->cpl)
		return REFUSED;
	return l1s ? L1S : nested_step(n, c);
}
