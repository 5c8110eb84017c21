// SPDX-License-Identifier: GPL-2.0-only
/*
 * svm_held.c - MSRs of AMD's processors that go past nested paging or decide what an address means
 * (AMD APM vol. 2, 7.9, 15.30 and appendix A; the processors' BIOS and Kernel Developer's Guides).
 *
 * Held elsewhere: EFER.SVME, VM_CR and VM_HSAVE_PA (svm.c), MTRRs (svm_mtrr.c). Let through, because
 * what they name is translated as the guest's own accesses are, or leads nowhere: microcode updates
 * (PATCH_LOADER takes a linear address and signed data), LWP and IBS (linear; IBS writes registers
 * alone), GHCB and the rest of SEV (a machine with memory encryption is not taken), the AVIC's
 * doorbell (its tables are in a VMCB, of which the guest has none), machine-check banks.
 */
#include "held.h"

#include "machine.h"

#define ADDRESS 0x0000fffffffff000ULL
#define MIB (1ULL << 20)

#define MSR_SYSCFG 0xc0010010
#define MSR_IORR_BASE0 0xc0010016
#define MSR_IORR_MASK1 0xc0010019
#define MSR_TOP_MEM 0xc001001a
#define MSR_TOP_MEM2 0xc001001d
#define MSR_MMIO_CFG_BASE 0xc0010058
#define MSR_SMM_BASE 0xc0010111
#define MSR_SMM_MASK 0xc0010113
#define MSR_SMM_CTL 0xc0010116

/* MtrrFixDramEn and MtrrFixDramModEn: about memory below 1 MiB, and Linux writes them. */
#define SYSCFG_FIXED_DRAM (3ULL << 18)

const struct held_msr svm_held[SVM_HELD] = {
	/* The local APIC answers at its page in the place of memory, to everybody (16.3.1). */
	{ MSR_APIC_BASE, MSR_APIC_BASE, HELD_PLACE, ADDRESS, PAGE_BYTES },
	/* So does PCI configuration space, a MiB a bus, for up to 256 buses. */
	{ MSR_MMIO_CFG_BASE, MSR_MMIO_CFG_BASE, HELD_PLACE, 0x0000fffffff00000ULL, 256 * MIB },
	/* Whether an address is memory or a device's: with these the block could be a device's. */
	{ MSR_SYSCFG, MSR_SYSCFG, HELD_BITS, ~SYSCFG_FIXED_DRAM },
	{ MSR_IORR_BASE0, MSR_IORR_MASK1, HELD_BITS, ~0ULL },
	{ MSR_TOP_MEM, MSR_TOP_MEM, HELD_BITS, ~0ULL },
	{ MSR_TOP_MEM2, MSR_TOP_MEM2, HELD_BITS, ~0ULL },
	/*
	 * System-management mode sees all memory: where its code is, and who else may see that. The
	 * firmware locks them (HWCR.SmmLock), if it has not forgotten.
	 */
	{ MSR_SMM_BASE, MSR_SMM_MASK, HELD_BITS, ~0ULL },
	{ MSR_SMM_CTL, MSR_SMM_CTL, HELD_BITS, ~0ULL },
};
