// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmx_held.c - MSRs of Intel's processors that go past EPT or take from the root side what it relies
 * on (Intel SDM vol. 3, 26.3 and 33; vol. 4).
 *
 * Held elsewhere: the VMX capability MSRs and IA32_FEATURE_CONTROL (vmx.c; the latter is locked),
 * PEBS (vmx_pebs.c), MTRRs (vmx_mtrr.c), microcode updates (vmx_microcode.c). Let through: IA32_DS_AREA,
 * whose address is linear and translated as the guest's accesses are, while BTS ends with each exit
 * and PEBS is stopped; SMRR, IA32_SMBASE and IA32_SMM_MONITOR_CTL, which only system-management mode
 * can write; IA32_TME_ACTIVATE, PRMRR and their like, which the firmware has locked; machine-check
 * banks, which have addresses to tell and none to go to.
 */
#include "../vmexit/vmx.h"

#include "held.h"
#include "vmx.h"

#define ADDRESS 0x000ffffffffff000ULL

#define MSR_HW_FEEDBACK_PTR 0x17d0
#define MSR_XSS 0xda0
#define XSS_PT BIT64(8)
#define XD_DISABLE BIT64(34)
#define PAT_ENTRY_0 7ULL

const struct held_msr vmx_held[VMX_HELD] = {
	/* The local APIC answers at its page in the place of memory, to everybody (11.4.1). */
	{ MSR_APIC_BASE, MSR_APIC_BASE, HELD_PLACE, ADDRESS, PAGE_BYTES },
	/* Processor trace writes to system-physical memory (chapter 33); CPUID says that there is none. */
	{ MSR_RTIT_OUTPUT_BASE, MSR_RTIT_OUTPUT_MASK, HELD_BITS, ~0ULL, 0, true },
	{ MSR_RTIT_CTL, MSR_RTIT_CR3_MATCH, HELD_BITS, ~0ULL, 0, true },
	{ MSR_RTIT_ADDR0_A, MSR_RTIT_ADDR3_B, HELD_BITS, ~0ULL, 0, true },
	/* XRSTORS would load the same registers. */
	{ MSR_XSS, MSR_XSS, HELD_BITS, XSS_PT, 0, true },
	/* The table that the processor fills for the scheduler: system-physical, a few pages. */
	{ MSR_HW_FEEDBACK_PTR, MSR_HW_FEEDBACK_PTR, HELD_PLACE, ADDRESS, 16 * PAGE_BYTES },
	/* The root side's tables have NX bits. */
	{ MSR_MISC_ENABLE, MSR_MISC_ENABLE, HELD_BITS, XD_DISABLE },
	/* No exit switches PAT: its first entry is the type of the root side's own memory. */
	{ MSR_PAT, MSR_PAT, HELD_BITS, PAT_ENTRY_0 },
};
