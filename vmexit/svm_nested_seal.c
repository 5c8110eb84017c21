// SPDX-License-Identifier: GPL-2.0-only
/*
 * svm_nested_seal.c - a guest of a hypervisor in our guest that knows of us (guest-glue/enlightened.h): with
 * `seal:guests=on` its kernel finds our leaves and may have pages of its own protected.
 *
 * What it asks comes here before L1 sees it, if L1 intercepts it at all, as KVM does. Anything else of
 * the same kind is L1's as ever. A third level would write the second one's pages past its seals, so there
 * is none then: VM_CR tells L2 that its firmware has switched SVM off (APM vol. 2, 15.4), and VMRUN is undefined.
 */
#include "svm_nested_ways.h"

#include "../features/enforce.h"
#include "../guest-glue/svm_shadow.h"

/* All are answered in 64-bit code only. */
static const u8 cpuid_bytes[] = { 0x0f, 0xa2 };
static const u8 vmmcall_bytes[] = { 0x0f, 0x01, 0xd9 };
static const u8 rdmsr_bytes[] = { 0x0f, 0x32 };

/* Behind the instruction. False: nobody can tell its length, and it is L1's. */
static bool next(struct vcpu *v, const struct vmcb *c, const u8 *bytes, u32 count, u64 *rip)
{
	u32 i;
	u8 byte;

	if (c->cpl || !(c->efer & EFER_LMA) || !(c->cs.attr & SEG_LONG))
		return false;
	*rip = c->next_rip;
	if (svm_features & SVM_HAS_NRIP)
		return true;
	for (i = 0; i < count; i++)
		if (!nested_code_byte(v, c, i, &byte) || byte != bytes[i])
			return false;
	*rip = c->rip + count;
	return true;
}

/* The same layout as L1's (guest-glue/cpuid.c), of what concerns L2. */
static enum nested_answer leaf(struct vcpu *v, struct nested *n, struct vmcb *c)
{
	u32 index = (u32)c->rax - NESTED_LEAF;
	bool offered = nested_guest_offered(v);
	u64 rip;

	if (!next(v, c, cpuid_bytes, sizeof(cpuid_bytes), &rip))
		return L1S;
	c->rax = v->gpr[RBX] = v->gpr[RCX] = v->gpr[RDX] = 0;
	if (index == 0) {
		c->rax = NESTED_LEAF + 1 + offered;
		v->gpr[RBX] = OLDGUARD_SIGNATURE_EBX;
		v->gpr[RCX] = OLDGUARD_SIGNATURE_ECX;
	} else if (index == 1) {
		c->rax = OLDGUARD_VERSION_1;
		v->gpr[RBX] = offered;
		v->gpr[RCX] = v->virt->call_code;
		v->gpr[RDX] = offered ? OLDGUARD_OFFERS_SEAL : 0;
	} else if (index == 2 && offered) {
		c->rax = 0x6c616573; /* "seal" */
	}
	return nested_skip(n, c, rip);
}

static enum nested_answer call(struct vcpu *v, struct nested *n, struct vmcb *c)
{
	u64 rip;

	if (!next(v, c, vmmcall_bytes, sizeof(vmmcall_bytes), &rip))
		return L1S;
	v->exits[VMEXIT_HYPERCALL]++;
	c->rax = nested_guest_call(v, c->rax);
	return nested_skip(n, c, rip);
}

static enum nested_answer vm_cr(struct vcpu *v, struct nested *n, struct vmcb *c)
{
	u64 rip;

	if (!next(v, c, rdmsr_bytes, sizeof(rdmsr_bytes), &rip))
		return L1S;
	c->rax = VM_CR_LOCK | VM_CR_SVMDIS;
	v->gpr[RDX] = 0;
	return nested_skip(n, c, rip);
}

enum nested_answer nested_seal_exit(struct vcpu *v, struct nested *n, struct vmcb *c)
{
	if (c->exit_code == SVM_EXIT_VMRUN)
		return REFUSED;
	if (c->exit_code == SVM_EXIT_MSR && !(c->exit_info1 & 1) && (u32)v->gpr[RCX] == MSR_VM_CR)
		return vm_cr(v, n, c);
	if (!nested_asks(n, c))
		return PASS;
	return c->exit_code == SVM_EXIT_CPUID ? leaf(v, n, c) : call(v, n, c);
}

/* As a write to what the kernel itself has sealed; the program that is named is L1's that has L2 run. */
enum nested_answer nested_seal_write(struct vcpu *v, const struct vmcb *c)
{
	struct vmexit e = {
		.kind = VMEXIT_MEMORY,
		.cpl = c->cpl,
		.addr = c->exit_info2,
		.value = MEM_WRITE | MEM_GUESTS,
	};

	while (!(feature_get(e.feature)->offers & OFFER_SEAL))
		e.feature++;
	v->exits[VMEXIT_MEMORY]++;
	v->handled[e.feature]++;
	seal_refuse(v, &e);
	return REFUSED;
}
