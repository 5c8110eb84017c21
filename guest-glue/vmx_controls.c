// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmx_controls.c - which controls these processors have, and which of them we use (Intel SDM
 * vol. 3, chapter 25 and appendix A).
 *
 * A control that something needs and that is not there is an error with a name; nothing is left
 * out in silence.
 */
#include "../vmexit/vmx.h"

#include "vmx.h"

struct vmx_facts vmx_facts;

/* Bits that must be 1 and bits that may be, as the capability MSRs give them. */
struct range {
	u32 must, may;
};

static struct range range(u32 msr, u32 true_msr)
{
	/*
	 * Without the TRUE MSRs controls are forced on that need not be (A.2): exits on CR3 among
	 * them, thousands a second.
	 */
	u64 value = cpu_rdmsr(cpu_rdmsr(MSR_VMX_BASIC) & VMX_BASIC_TRUE ? true_msr : msr);

	return (struct range){ .must = value, .may = value >> 32 };
}

static struct range pin_range(void)
{
	return range(MSR_VMX_PIN, MSR_VMX_TRUE_PIN);
}

static struct range proc_range(void)
{
	return range(MSR_VMX_PROC, MSR_VMX_TRUE_PROC);
}

static struct range exit_range(void)
{
	return range(MSR_VMX_EXIT, MSR_VMX_TRUE_EXIT);
}

static struct range entry_range(void)
{
	return range(MSR_VMX_ENTRY, MSR_VMX_TRUE_ENTRY);
}

static struct range proc2_range(void)
{
	u64 value;

	if (!(proc_range().may & VMX_PROC_SECONDARY))
		return (struct range){ 0 };
	value = cpu_rdmsr(MSR_VMX_PROC2);
	return (struct range){ .must = value, .may = value >> 32 };
}

static u64 ept_vpid_caps(void)
{
	return proc2_range().may & (VMX_PROC2_EPT | VMX_PROC2_VPID) ? cpu_rdmsr(MSR_VMX_EPT_VPID) :
								     0;
}

static bool ept_usable(void)
{
	const u64 needs = VMX_EPT_LEVELS_4 | VMX_EPT_WB | VMX_EPT_2M | VMX_EPT_INVEPT;

	return proc2_range().may & VMX_PROC2_EPT && (ept_vpid_caps() & needs) == needs;
}

static bool vpid_usable(void)
{
	return proc2_range().may & VMX_PROC2_VPID &&
	       (ept_vpid_caps() & VMX_VPID_INVVPID) == VMX_VPID_INVVPID;
}

/*
 * EFER is switched where that can be done: the guest may go through every mode, and clear NXE,
 * without the root side, whose page tables use NX, noticing. Where it cannot, both run with the
 * same register; LMA follows the entry and exit controls anyway. PAT, the performance counters and
 * the speculation controls are never switched: the root side can run with the guest's, and
 * counters go on as they did.
 */
static bool efer_usable(void)
{
	const u32 exit = VMX_EXIT_SAVE_EFER | VMX_EXIT_LOAD_EFER;

	return (exit_range().may & exit) == exit && entry_range().may & VMX_ENTRY_LOAD_EFER;
}

/* Instructions that #UD in a guest whose controls do not allow them, though CPUID has them. */
static u32 allowing_controls(void)
{
	u32 controls = 0;
	u32 l7[4] = { 0 }, out[4];
	u32 max;

	cpu_cpuid(0, 0, out);
	max = out[CPUID_EAX];
	if (max >= 7)
		cpu_cpuid(7, 0, l7);
	cpu_cpuid(0x80000001, 0, out);
	/* RDPID too goes by this one. */
	if (out[CPUID_EDX] >> 27 & 1 || l7[CPUID_ECX] >> 22 & 1)
		controls |= VMX_PROC2_RDTSCP;
	if (l7[CPUID_EBX] >> 10 & 1)
		controls |= VMX_PROC2_INVPCID;
	if (l7[CPUID_ECX] >> 5 & 1)
		controls |= VMX_PROC2_USER_WAIT;
	if (l7[CPUID_EDX] >> 18 & 1)
		controls |= VMX_PROC2_PCONFIG;
	if (max >= 0xd) {
		cpu_cpuid(0xd, 1, out);
		if (out[CPUID_EAX] >> 3 & 1)
			controls |= VMX_PROC2_XSAVES;
	}
	return controls;
}

static u32 choose_proc2(bool slat)
{
	u32 controls = allowing_controls() | proc2_range().must;

	if (slat) {
		controls |= VMX_PROC2_EPT;
		/* Real mode in the guest: needs EPT (25.6.2), and EFER to follow it. */
		if (proc2_range().may & VMX_PROC2_UNRESTRICTED && efer_usable())
			controls |= VMX_PROC2_UNRESTRICTED;
	}
	return controls;
}

static bool trace_present(void)
{
	u32 out[4];

	if (machine.max_basic < 7)
		return false;
	cpu_cpuid(7, 0, out);
	return out[CPUID_EBX] & VMX_LEAF7_EBX_PT;
}

void vmx_caps(struct virt_caps *caps, bool slat_wanted)
{
	struct vmx_facts *f = &vmx_facts;
	bool slat = slat_wanted && ept_usable();

	*f = (struct vmx_facts){
		.pin = VMX_PIN_NMI | VMX_PIN_VIRTUAL_NMI | pin_range().must,
		.proc = VMX_PROC_MSR_BITMAPS | proc_range().must,
		.proc2 = choose_proc2(slat),
		.exit = VMX_EXIT_HOST_64 | VMX_EXIT_SAVE_DEBUG | exit_range().must,
		.entry = VMX_ENTRY_LONG_MODE | VMX_ENTRY_LOAD_DEBUG | entry_range().must,
		.vpid = vpid_usable(),
		.efer = efer_usable(),
		.pebs = vmx_pebs_present(),
		.cr0_fixed = cpu_rdmsr(MSR_VMX_CR0_FIXED0) & ~(CR0_PE | CR0_PG),
	};
	if (f->efer) {
		f->exit |= VMX_EXIT_SAVE_EFER | VMX_EXIT_LOAD_EFER;
		f->entry |= VMX_ENTRY_LOAD_EFER;
	}
	if (proc_range().may & VMX_PROC_SECONDARY)
		f->proc |= VMX_PROC_SECONDARY;
	machine.cr4_busy = CR4_VMXE;
	machine.hides_basic = slat && trace_present();
	*caps = (struct virt_caps){
		.facilities = FACILITY(MSR_BITMAP),
		.kvm_modes = 1u << KVM_HIDE | 1u << KVM_ASIDE,
	};
	if (proc2_range().may & VMX_PROC2_DESC)
		caps->facilities |= FACILITY(DESC);
	if (proc_range().may & VMX_PROC_IO_BITMAPS)
		caps->facilities |= FACILITY(IO_BITMAP);
	if (slat) {
		caps->facilities |= FACILITY(SLAT) | FACILITY(SLAT_TABLES);
		caps->slat = "EPT";
		/* Bits 2:0 are read, write, execute; 5:3 a leaf's type, WB being 6: 29.3.2. */
		machine.slat = (struct slat_format){
			.table = 7,
			.leaf = 7,
			.large = PTE_PS,
			.hidden = 1 | 6 << 3,
			.write = 2,
			.execute = 4,
			.levels = 4,
			.gbpages = ept_vpid_caps() & VMX_EPT_1G,
			.typed = true,
		};
	}
}

static bool fits(u32 controls, struct range r, const char *what, struct text *why)
{
	if (!(controls & ~r.may) && !(r.must & ~controls))
		return true;
	text_add(why, "VMX: this processor lacks ");
	text_add(why, what);
	text_add(why, "; bits ");
	text_add_hex(why, (controls & ~r.may) | (r.must & ~controls));
	return false;
}

/* A control that is forced on makes something exit that nobody here expects. */
static bool forced(u32 must, u32 known, const char *what, struct text *why)
{
	if (!(must & ~known))
		return true;
	text_add(why, "VMX: this processor forces ");
	text_add(why, what);
	text_add(why, "; bits ");
	text_add_hex(why, must & ~known);
	return false;
}

static bool controls_fit(struct text *why)
{
	const struct vmx_facts *f = &vmx_facts;

	return fits(f->pin, pin_range(), "NMI exiting with virtual NMIs", why) &&
	       fits(f->proc, proc_range(), "MSR bitmaps", why) &&
	       fits(f->proc2, proc2_range(), "a control that its own instructions need", why) &&
	       fits(f->exit, exit_range(), "exit controls", why) &&
	       fits(f->entry, entry_range(), "entry controls", why) &&
	       forced(pin_range().must, VMX_PIN_DEFAULT1, "pin-based controls", why) &&
	       forced(proc_range().must, VMX_PROC_DEFAULT1, "processor-based controls", why) &&
	       forced(proc2_range().must, 0, "secondary controls", why) &&
	       forced(exit_range().must, VMX_EXIT_DEFAULT1, "exit controls", why) &&
	       forced(entry_range().must, VMX_ENTRY_DEFAULT1, "entry controls", why);
}

/* Bits that VMX wants in CR0 and CR4: A.7, A.8. */
static bool registers_fit(struct text *why)
{
	u64 cr0 = cpu_read_cr0();
	u64 cr4 = cpu_read_cr4() | CR4_VMXE;

	if (!(cpu_rdmsr(MSR_VMX_CR0_FIXED0) & ~cr0) && !(cr0 & ~cpu_rdmsr(MSR_VMX_CR0_FIXED1)) &&
	    !(cpu_rdmsr(MSR_VMX_CR4_FIXED0) & ~cr4) && !(cr4 & ~cpu_rdmsr(MSR_VMX_CR4_FIXED1)))
		return true;
	text_add(why, "VMX: CR0 or CR4 has a bit that it does not allow");
	return false;
}

bool vmx_able(struct text *why)
{
	if (!controls_fit(why) || !registers_fit(why))
		return false;
	if ((machine.caps.slat && !ept_usable()) || (vmx_facts.vpid && !vpid_usable())) {
		text_add(why, "VMX: this processor has less than the first one");
		return false;
	}
	return true;
}
