/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sim.h - a simulated processor for the tests of the root side: what cpu.h, svm.h and vmx.h
 * declare, over plain variables, and SVM's #VMEXIT and VMRUN as far as software sees them.
 *
 * It is stricter than emulators: an absent MSR faults, an exit comes only if its intercept is on,
 * VMRUN checks the state as the manual says, and a VMCB field that changes without its clean bit
 * being cleared is an error. guestmem.h is its memory; the block lies apart, where the root side
 * expects it (ROOT_BLOCK) and once more where Linux would see it.
 */
#ifndef OLDGUARD_TEST_SIM_H
#define OLDGUARD_TEST_SIM_H

#include <check.h>
#include <setjmp.h>

#include "../../guest-glue/hypercall.h"
#include "../../guest-glue/rootmap.h"
#include "../../vmexit/svm.h"
#include "../../vmexit/vmx.h"
#include "guestmem.h"

enum sim_model {
	SIM_EPYC,   /* NPT, NRIP, decode assists, leaf 7 */
	SIM_TCG,    /* the same as QEMU makes it: neither NRIP nor decode assists */
	SIM_PHENOM, /* CPUID ends at 5 and 0x8000001a; no 1 GiB nested pages */
	SIM_INTEL,  /* VMX and EPT; out-of-range leaves are the highest one's */
	SIM_MODELS
};

#define SIM_LEAVES 48
#define SIM_MSRS 96

struct sim_leaf {
	u32 leaf, subleaf, out[4];
};

/**
 * struct sim - the processor and what was seen of it
 * @leaf: CPUID; what is not here is zeros or, out of range on Intel, the highest basic leaf
 * @msr: the MSRs that exist
 * @efer_valid: bits of EFER that exist
 * @gpr: the guest's registers
 * @fs: what VMSAVE stores, with the next four
 * @cpu: which of the machine's processors this is now
 * @held: it runs a guest; control registers are the root side's then
 * @kvm: machine.kvm of the next sim_take()
 * @was: for each processor, the VMCB as it was at the last #VMEXIT; and VMCB02
 * @quick: how many exits svm_quick() has answered
 * @cpuids: how often CPUID was executed below
 * @flushes: how many VMRUNs flushed the TLB
 * @inits: svm_swallow_init()
 * @interrupts: RFLAGS.IF of the root side
 * @vmsaved, @vmloaded: the guest's addresses of its last VMSAVE and VMLOAD
 * @invlpga_at: its last INVLPGA's, and @invlpga_asid
 * @nmis: vmx_raise_nmi()
 * @machine_checks: vmx_raise_machine_check()
 * @vmxon: between vmx_on() and vmx_off()
 * @lacks: a VMCS field that does not exist
 * @launch_fails: VMLAUNCH is refused
 * @reload: what vmx_reload() was given, and its GDT's TSS descriptor
 * @nmi_meanwhile: an NMI comes to the root side in svm_swallow_init()
 * @tsc: time
 * @pages: how many times the block's pages were asked for
 * @no_page: which of those times there was none; 0: there always was
 * @copied: the machine as it was when the image was copied
 * @serial: what the root side has said
 * @ports: how many writes to ports other than the serial one's
 * @halt: where cpu_halt() goes on, see SIM_HALTS()
 */
struct sim {
	struct sim_leaf leaf[SIM_LEAVES];
	u32 leaves;
	struct {
		u32 msr;
		u64 value;
	} msr[SIM_MSRS];
	u32 msrs;
	u64 efer_valid;
	bool intel;
	u64 gpr[GPRS];
	u64 cr0, cr2, cr3, cr4, cr8, dr6, dr7, rflags, xcr0;
	struct table_reg gdtr, idtr;
	u16 selectors[GUEST_SEGS];
	struct vmcb_segment fs, gs, tr, ldtr;
	u64 gdt[16];
	u32 cpu;
	enum kvm_mode kvm;
	bool held;
	u64 root_cr3, root_cr4;
	struct vmcb was[2][2];
	u32 quick;
	u32 cpuids, flushes, inits, wbinvds, vmsaves;
	bool interrupts;
	u64 vmsaved, vmloaded, invlpga_at;
	u32 invlpga_asid;
	bool nmi_meanwhile;
	u32 nmis, machine_checks, lacks;
	bool vmxon, launch_fails;
	struct vmx_reload reload;
	u64 reload_tss;
	u64 tsc;
	struct svm_switch entered;
	u32 pages, no_page;
	struct machine copied;
	char serial[8192];
	u32 said;
	u32 ports;
	u16 port[8];
	u32 port_value[8];
	jmp_buf halt;
	bool can_halt;
};
extern struct sim sim;
extern u64 sim_vmcs[0x8000]; /* by field */

/* Guest-physical and linear, mapped onto themselves, for all privilege levels. */
#define SIM_CODE 0x10000ULL /* two pages */
#define SIM_DATA 0x20000ULL /* two pages */
#define SIM_READONLY 0x22000ULL
#define SIM_NOTHING 0x30000ULL
#define SIM_REQUEST 0x40000ULL /* three pages */

#define SIM_PIECE_PA(i) (0x40000000ULL + (i) * 2 * PIECE_BYTES)
#define SIM_PHYS_END (3ULL << 30)

/* Short names for what the tests say in every line: the vcpu and its VMCB as the root side has them. */
#define V machine_root_vcpu(sim.cpu)
#define C ((struct vmcb *)V->control)
#define EVENT(type, vector) (SVM_EVENT_VALID | (u64)(type) << 8 | (vector))
#define FAULT(vector, error)                                                                       \
	(EVENT(SVM_EVENT_EXCEPTION, vector) | SVM_EVENT_HAS_ERROR | (u64)(error) << 32)

/* --- the processor: sim.c, sim_machine.c --- */

/* sim_new() - a bare processor, and memory with a 64-bit kernel's page tables */
void sim_new(enum sim_model model);

/* sim_cpuid() - a leaf's registers, to be changed; made if it is not there */
u32 *sim_cpuid(u32 leaf, u32 subleaf);

/* sim_msr() - an MSR's value, to be changed; NULL if there is none */
u64 *sim_msr(u32 msr);

/* sim_add_msr() - let an MSR exist */
void sim_add_msr(u32 msr, u64 value);

/* sim_block() - a block of @pieces in @request, empty; the last one's is given back */
void sim_block(struct machine_request *request, u32 pieces);

/* sim_take() - oldguard takes the first processor with these features */
void sim_take(const char *features);

/* sim_boot() - sim_new(), then sim_take() */
void sim_boot(enum sim_model model, const char *features);

/* sim_said() - whether the root side's serial line has had this */
bool sim_said(const char *what);

/* SIM_HALTS() - whether @statement ends in the processor being stopped */
#define SIM_HALTS(statement)                                                                       \
	(sim.can_halt = true, setjmp(sim.halt) ? true : ((statement), sim.can_halt = false, false))

/* --- the guest under SVM: sim_svm.c --- */

/* sim_exit() - the processor exits; the intercept must be on */
void sim_exit(u64 code, u64 info1, u64 info2);

/* sim_vmexit() - the same whatever is intercepted; svm_quick() is asked only if @quick */
void sim_vmexit(u64 code, u64 info1, u64 info2, bool quick);

/**
 * sim_exec() - the guest executes an instruction that exits
 * @code: the exit it makes
 * @bytes: the instruction, put at the guest's CS:RIP
 * @count: its length
 *
 * Tells the length and the operand of a CR move where this processor does.
 */
void sim_exec(u64 code, const char *bytes, u32 count);
#define EXEC(code, bytes) sim_exec(code, bytes, sizeof(bytes) - 1)

/* sim_wrmsr() - a WRMSR that exits, at SIM_CODE; what lies above EAX and EDX is nobody's */
void sim_wrmsr(u32 msr, u64 value);

/* sim_current() - the VMCB that runs: the guest's, or that of a guest of the guest's hypervisor */
struct vmcb *sim_current(void);

/* sim_exits() - whether the intercept of an exit code is on */
bool sim_exits(u64 code);

/* sim_cpl() - the guest's privilege level */
void sim_cpl(u8 cpl);

/* sim_mode() - 64-bit mode, or 32- or 16-bit compatibility mode */
void sim_mode(u32 bits);

/* sim_vm86() - virtual-8086 mode, unpaged */
void sim_vm86(void);

/* sim_at() - let the guest be at an address, with no events around */
void sim_at(u64 rip);

/* sim_fault() - assert that this fault with an error code is raised at @rip, nothing skipped */
void sim_fault(u64 rip, u8 vector, u32 error);

/* sim_went_on() - assert that the guest goes on at @rip without an event */
void sim_went_on(u64 rip);

/* sim_main() - run tests; a program's exit status: sim_main.c */
int sim_main(const char *name, const TTest *const tests[], u32 count);

#endif
