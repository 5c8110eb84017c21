// SPDX-License-Identifier: GPL-2.0-only
/*
 * cpuid_fault.c - CPUID faulting: CPUID outside CPL 0 raises #GP(0) while the kernel asks for it,
 * which it does for the programs that want it (arch_prctl(ARCH_SET_CPUID)).
 *
 * There are two switches:
 *  - MISC_FEATURES_ENABLES[0], advertised by PLATFORM_INFO[31] (Intel SDM vol. 4, table 2-2);
 *  - HWCR[35], advertised by CPUID 0x80000021 EAX[17] (AMD APM vol. 3, appendix E).
 * Linux has long written the first on everybody's processors, so that one exists everywhere; the
 * second only where its maker is. Faulting is on if either says so, and each reads back as written.
 */
#include "feature.h"

#include "../vmexit/insn.h"
#include "../vmexit/msr.h"

#define MSR_PLATFORM_INFO 0x000000ce
#define MSR_MISC_FEATURES_ENABLES 0x00000140
#define MSR_HWCR 0xc0010015

#define PLATFORM_INFO_CPUID_FAULT 31
#define MISC_CPUID_FAULT BIT64(0)
#define HWCR_CPUID_USER_DIS BIT64(35)

static const struct feature cpuid_fault;

/* Bits of vcpu.cpuid_fault, the switches that are on. */
#define BY_MISC 1u
#define BY_HWCR 2u

static enum verdict cpuid_fault_cpuid(struct vcpu *v, struct vmexit *e)
{
	(void)v;
	return e->cpl ? inject_error(e, VECTOR_GP, 0) : VERDICT_DEFAULT;
}

static void cpuid_fault_apply(struct vcpu *v)
{
	/* A processor just taken, or one that was without the feature meanwhile. */
	if (!(v->asked >> feature_index(&cpuid_fault) & 1))
		v->cpuid_fault = 0;
}

static void flip(struct vcpu *v, u8 way, bool on)
{
	u8 ways = on ? v->cpuid_fault | way : v->cpuid_fault & ~way;

	if (!ways != !v->cpuid_fault) {
		v->asked ^= 1u << feature_index(&cpuid_fault);
		cpuid_hear(v);
	}
	v->cpuid_fault = ways;
}

/* What is not ours of an MSR is the processor's; an MSR that it lacks has nothing else. */
static u64 rest(struct vcpu *v, u32 msr, u64 ours)
{
	u64 value;

	return msr_get(v, msr, &value) ? value & ~ours : 0;
}

static enum verdict read_as(struct vcpu *v, struct vmexit *e, u64 ours, bool on)
{
	enum verdict verdict = insn_length(v, e);
	u64 value;

	if (verdict != VERDICT_DEFAULT)
		return verdict;
	value = rest(v, e->sel, ours) | (on ? ours : 0);
	v->gpr[RAX] = (u32)value;
	v->gpr[RDX] = value >> 32;
	return VERDICT_NEXT;
}

/*
 * An emulator lets a write to an MSR that it lacks get lost; on a processor a bit that cannot be
 * set is reserved. HWCR has bits that read as zero, so nothing follows there.
 */
static bool write_rest(struct vcpu *v, const struct vmexit *e, u64 ours, u8 way)
{
	u64 wanted = e->value & ~ours;

	/* Linux writes at a switch of tasks, and then changes no more than our bit. */
	if (rest(v, e->sel, ours) == wanted)
		return true;
	return cpu_wrmsr_safe(e->sel, wanted) &&
	       (way != BY_MISC || rest(v, e->sel, ours) == wanted);
}

static enum verdict write_to(struct vcpu *v, struct vmexit *e, u64 ours, u8 way)
{
	enum verdict verdict = insn_length(v, e);

	if (verdict != VERDICT_DEFAULT)
		return verdict;
	if (!write_rest(v, e, ours, way))
		return inject_error(e, VECTOR_GP, 0);
	flip(v, way, e->value & ours);
	return VERDICT_NEXT;
}

static enum verdict platform_info_read(struct vcpu *v, struct vmexit *e)
{
	return read_as(v, e, BIT64(PLATFORM_INFO_CPUID_FAULT), true);
}

static enum verdict misc_read(struct vcpu *v, struct vmexit *e)
{
	return read_as(v, e, MISC_CPUID_FAULT, v->cpuid_fault & BY_MISC);
}

static enum verdict misc_write(struct vcpu *v, struct vmexit *e)
{
	return write_to(v, e, MISC_CPUID_FAULT, BY_MISC);
}

static enum verdict hwcr_read(struct vcpu *v, struct vmexit *e)
{
	return read_as(v, e, HWCR_CPUID_USER_DIS, v->cpuid_fault & BY_HWCR);
}

static enum verdict hwcr_write(struct vcpu *v, struct vmexit *e)
{
	return write_to(v, e, HWCR_CPUID_USER_DIS, BY_HWCR);
}

static const struct cpuid_bit cpuid_fault_cpuid_bits[] = {
	{ .leaf = 0x80000021, .reg = CPUID_EAX, .bit = 17, .maker = MAKER_AMD },
};

static const struct msr_bit cpuid_fault_msr_bits[] = {
	{ MSR_PLATFORM_INFO, PLATFORM_INFO_CPUID_FAULT, MAKER_INTEL },
};

#define MSR(how, msr, handler, whose)                                                              \
	{                                                                                          \
		.kind = VMEXIT_MSR_##how, .first = (msr), .last = (msr), .role = CLAIM_OWNER,      \
		.handle = (handler), .maker = (whose)                                              \
	}
static const struct claim cpuid_fault_claims[] = {
	{ VMEXIT_CPUID, 0, 0, CLAIM_FILTER, cpuid_fault_cpuid, .asked = true },
	MSR(READ, MSR_PLATFORM_INFO, platform_info_read, MAKER_INTEL),
	MSR(READ, MSR_MISC_FEATURES_ENABLES, misc_read, MAKER_ANY),
	MSR(WRITE, MSR_MISC_FEATURES_ENABLES, misc_write, MAKER_ANY),
	MSR(READ, MSR_HWCR, hwcr_read, MAKER_AMD),
	MSR(WRITE, MSR_HWCR, hwcr_write, MAKER_AMD),
};

static const struct feature cpuid_fault = {
	.name = "cpuid_fault",
	.summary = "CPUID outside ring 0 raises #GP for programs that ask for it",
	.cpuid = cpuid_fault_cpuid_bits,
	.cpuid_count = ARRAY_SIZE(cpuid_fault_cpuid_bits),
	.msrs = cpuid_fault_msr_bits,
	.msr_count = ARRAY_SIZE(cpuid_fault_msr_bits),
	.needs = FACILITY(MSR_BITMAP),
	.claims = cpuid_fault_claims,
	.claim_count = ARRAY_SIZE(cpuid_fault_claims),
	.apply = cpuid_fault_apply,
};
FEATURE(cpuid_fault);
