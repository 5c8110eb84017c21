// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processors taken and given back, and exceptions on the root side.
 */
#include "machine_harness.h"

#include <string.h>

#include "../../guest-glue/fault.h"
#include "../../guest-glue/vmx.h"

/* --- on the root stack --- */

/* Calls @function on a root stack whose next push goes below @top. */
static u64 call_on(u64 top, void *function, const void *argument)
{
	u64 result;

	asm volatile("mov %%rsp, %%rbx\n\tmov %[top], %%rsp\n\tcall *%[function]\n\t"
		     "mov %%rbx, %%rsp"
		     : "=a"(result), "+D"(argument)
		     : [top] "r"(top), [function] "r"(function)
		     : "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "memory", "cc");
	return result;
}

extern char root_text_start[];

static u64 stack_top(u32 cpu)
{
	return (uintptr_t)machine_root_vcpu(cpu);
}

START_TEST(every_stack_knows_its_processor)
{
	static const u32 counts[] = {
		1, 2, CPUS_PER_PIECE - 1, CPUS_PER_PIECE, CPUS_PER_PIECE + 1, 2 * CPUS_PER_PIECE, 80
	};
	u32 i, cpu, pieces;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		sim_new(SIM_EPYC);
		machine_probe(true, true, cpu_rdmsr_safe);
		pieces = machine_pieces(counts[i], 1ULL << 30);
		ck_assert(build(pieces, counts[i], 1ULL << 30));
		for (cpu = 0; cpu < counts[i]; cpu++) {
			u64 v = stack_top(cpu);

			ck_assert_uint_eq(call_on(v, machine_here, NULL), v);
			ck_assert_uint_eq(call_on(v - CPU_STACK_BYTES + 512, machine_here, NULL),
					  v);
		}
	}
}
END_TEST

bool root_fault(struct fault_frame *frame);

/* Whether an exception on that stack stops the processor; longjmp() leaves that stack behind. */
static bool halts_on(u64 top, struct fault_frame *frame)
{
	bool halted = SIM_HALTS(call_on(top, root_fault, frame));

	return halted;
}

START_TEST(exceptions_below)
{
	struct fault_frame frame = { .vector = VECTOR_NMI, .rip = 0x1234 };

	sim_new(SIM_EPYC);
	ck_assert(build(3, 40, 1ULL << 30));
	ck_assert((u8)call_on(stack_top(39), root_fault, &frame));
	ck_assert_uint_eq(machine_root_vcpu(39)->nmis, 1);
	ck_assert_uint_eq(machine_root_vcpu(38)->nmis, 0);
	/* No way back from any has an IRET, which would let the next NMI in. */
	frame.vector = VECTOR_DB;
	ck_assert(root_fault(&frame));
	frame.vector = VECTOR_SX;
	ck_assert(root_fault(&frame));
	ck_assert_uint_eq(frame.rip, 0x1234);
	frame.vector = VECTOR_GP;
	frame.rip = 0x1111;
	ck_assert(root_fault(&frame));
	ck_assert_uint_eq(frame.rip, 0x2222);
	frame.rip = 0x1111;
	frame.vector = VECTOR_PF;
	root_fault(&frame);
	ck_assert_uint_eq(frame.rip, 0x2222);
	ck_assert_uint_eq(sim.said, 0);
	/* A place without a fix-up, and a vector that is none of theirs. */
	ck_assert(SIM_HALTS(root_fault(&frame)));
	ck_assert(sim_said("fault on the root side: vector 14, error 0x0, CR2 0x1234"));
	ck_assert_uint_eq(machine.stopped, 1);
	frame.rip = 0x1111;
	frame.vector = VECTOR_UD;
	ck_assert(SIM_HALTS(root_fault(&frame)));
	ck_assert(sim_said("vector 6"));
}
END_TEST

/* What a processor that stops leaves on its page, and the word that the others look at. */
START_TEST(a_dump_for_those_who_are_left)
{
	struct vmexit e = { .kind = VMEXIT_IO, .sel = 0x85, .addr = 0x1d };
	struct fault_frame frame = { .vector = VECTOR_PF, .error = 2, .rflags = 0x10202 };
	const struct root_dump *d;

	sim_boot(SIM_EPYC, "none");
	d = &machine_ring(0, NULL)->dump;
	ck_assert_uint_eq(d->state, ROOT_DUMP_NONE);
	V->exit = &e;
	C->rip = 0xffffffff81234567;
	frame.rip = (uintptr_t)root_text_start + 0x123;
	frame.rsp = stack_top(0) - 0x18;
	frame.gpr[RBX] = 0xb0b;
	frame.gpr[R15] = 0xf15;
	*(u64 *)(uintptr_t)(stack_top(0) - 0x18) = 0x1111;
	*(u64 *)(uintptr_t)(stack_top(0) - 8) = 0x3333;
	ck_assert(halts_on(stack_top(0) - 0x400, &frame));
	ck_assert_uint_eq(d->state, ROOT_DUMP_THERE);
	ck_assert_str_eq(d->what, "fault on the root side");
	ck_assert_uint_eq(d->vector, VECTOR_PF);
	ck_assert_uint_eq(d->error, 2);
	ck_assert_uint_eq(d->cr2, sim.cr2);
	ck_assert_uint_eq(d->rip, frame.rip);
	ck_assert_uint_eq(d->rsp, frame.rsp);
	ck_assert_uint_eq(d->rflags, 0x10202);
	ck_assert_uint_eq(d->gpr[RBX], 0xb0b);
	ck_assert_uint_eq(d->gpr[RSP], frame.rsp);
	ck_assert_uint_eq(d->gpr[R15], 0xf15);
	/* What is above is struct vcpu, no stack. */
	ck_assert_uint_eq(d->stack[0], 0x1111);
	ck_assert_uint_eq(d->stack[2], 0x3333);
	ck_assert_uint_eq(d->stack[3], 0);
	ck_assert_str_eq(d->image, "oldguard");
	ck_assert_uint_eq(d->offset, 0x123);
	ck_assert_uint_eq(d->exit, VMEXIT_IO);
	ck_assert_uint_eq(d->sel, 0x85);
	ck_assert_uint_eq(d->addr, 0x1d);
	ck_assert_uint_eq(d->guest_rip, 0xffffffff81234567);
	ck_assert_uint_eq(machine_ring(0, NULL)->stopped, 1);
	ck_assert_uint_eq(machine_ring(1, NULL)->stopped, 1);
	ck_assert_uint_eq(machine_ring(1, NULL)->dump.state, ROOT_DUMP_NONE);
	ck_assert(sim_said("fault on the root side: vector 14"));
	ck_assert(sim_said("in the text of oldguard at 0x123"));
	ck_assert(sim_said("this processor is stopped"));
	/* The first one is the one that counts; a stack that is none is not read. */
	frame.vector = VECTOR_UD;
	ck_assert(halts_on(stack_top(0) - 0x400, &frame));
	ck_assert_uint_eq(d->vector, VECTOR_PF);
	sim_boot(SIM_EPYC, "none");
	frame.rsp = 0x10;
	ck_assert(halts_on(stack_top(0) - 0x400, &frame));
	ck_assert_uint_eq(d->stack[0], 0);
	ck_assert_uint_eq(d->exit, VMEXIT_KINDS);
}
END_TEST

struct last_words {
	const char *what;
	u64 value;
};

static void die(const struct last_words *words)
{
	root_die(words->what, words->value);
}

START_TEST(a_dump_without_a_fault)
{
	static const struct last_words words = { "VMRESUME fails", 7 };
	const struct root_dump *d;

	sim_boot(SIM_INTEL, "none");
	d = &machine_ring(0, NULL)->dump;
	ck_assert(SIM_HALTS(call_on(stack_top(0) - 0x400, die, &words)));
	ck_assert_uint_eq(d->state, ROOT_DUMP_THERE);
	ck_assert_str_eq(d->what, "VMRESUME fails");
	ck_assert_uint_eq(d->value, 7);
	ck_assert_uint_eq(d->vector, DUMP_NO_VECTOR);
	ck_assert(sim_said("VMRESUME fails (0x7)"));
}
END_TEST

START_TEST(machine_checks_below)
{
	struct fault_frame frame = { .vector = VECTOR_MC, .rip = 0x1234 };

	sim_boot(SIM_INTEL, "none");
	sim_add_msr(MSR_MCG_STATUS, 5);
	/* On VMX the way back is IRET: the guest's NMIs have a blocking of their own. */
	ck_assert(!(u8)call_on(stack_top(0), root_fault, &frame));
	ck_assert(V->machine_check);
	ck_assert(sim_vmcs[VMCS_PROC] & VMX_PROC_NMI_WINDOW);
	ck_assert_uint_eq(V->nmis, 0);
	ck_assert_uint_eq(sim.said, 0);
	/* What it interrupted is lost: all that the banks know, and an end. */
	V->machine_check = false;
	*sim_msr(MSR_MCG_STATUS) = 4;
	sim_add_msr(MSR_MCG_CAP, 3);
	sim_add_msr(0x401, 0);
	sim_add_msr(0x405, 0xbe00000000800400);
	sim_add_msr(0x406, 0x12345000);
	ck_assert(halts_on(stack_top(0), &frame));
	ck_assert(!V->machine_check);
	ck_assert(sim_said("cannot go on; status (0x4)"));
	ck_assert(sim_said("machine check; bank (0x1)"));
	ck_assert(sim_said("its status (0xbe00000000800400)"));
	ck_assert(sim_said("its address (0x12345000)"));
	ck_assert(!sim_said("bank (0x0)") && !sim_said("bank (0x2)"));
	ck_assert(sim_said("fault on the root side: vector 18"));
	/* On SVM it cannot come. */
	sim_boot(SIM_EPYC, "none");
	sim_add_msr(MSR_MCG_STATUS, 5);
	ck_assert(halts_on(stack_top(0), &frame));
	ck_assert(sim_said("vector 18"));
}
END_TEST

START_TEST(reset_tries_every_way)
{
	static const u16 ports[] = { 0xcf9, 0xcf9, 0x64 };

	sim_new(SIM_EPYC);
	ck_assert(SIM_HALTS(machine_reset()));
	ck_assert(sim_said("triple fault"));
	ck_assert_uint_eq(sim.ports, 3);
	ck_assert_mem_eq(sim.port, ports, sizeof(ports));
	ck_assert_uint_eq(sim.port_value[0], 0x02);
	ck_assert_uint_eq(sim.port_value[1], 0x06);
	ck_assert_uint_eq(sim.port_value[2], 0xfe);
}
END_TEST

/* --- taking and giving back --- */

START_TEST(take_makes_the_processor_the_guest)
{
	const struct svm_switch *sw = &sim.entered;
	u64 area;

	sim_boot(SIM_EPYC, "none");
	area = ROOT_BLOCK + cpu_area(&machine, 0);
	ck_assert_uint_eq(V->active, 1);
	ck_assert_uint_eq(sw->vcpu, (uintptr_t)V);
	ck_assert_uint_eq(sw->cr3, machine.root_cr3);
	ck_assert_uint_eq(sw->gdtr.base, area + CPU_TABLES);
	ck_assert_uint_eq(sw->gdtr.limit, 39);
	ck_assert_uint_eq(sw->idtr.base, machine.idt);
	ck_assert_uint_eq(sw->idtr.limit, 32 * 16 - 1);
	ck_assert_uint_eq(*sim_msr(MSR_VM_HSAVE_PA),
			  block_pa(&machine, cpu_area(&machine, 0) + CPU_SAVE));
	ck_assert_uint_eq(C->cr0, sim.cr0);
	ck_assert_uint_eq(C->cr2, 0x1234);
	ck_assert_uint_eq(C->cr3, sim.cr3);
	ck_assert_uint_eq(C->cr4, sim.cr4);
	ck_assert_uint_eq(C->dr6, 0xffff0ff0);
	ck_assert_uint_eq(C->dr7, 0x400);
	ck_assert_uint_eq(C->efer, EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE | EFER_SVME);
	ck_assert_uint_eq(C->g_pat, *sim_msr(MSR_PAT));
	ck_assert_uint_eq(C->cs.attr, 0xa9b);
	ck_assert_uint_eq(C->cs.limit, 0xffffffff);
	ck_assert_uint_eq(C->cs.selector, 0x10);
	ck_assert_uint_eq(C->ss.attr, 0xc93);
	ck_assert_uint_eq(C->ds.attr, 0);
	ck_assert_uint_eq(C->tr.selector, 0x40);
	ck_assert_uint_eq(C->gdtr.base, (uintptr_t)sim.gdt);
	ck_assert_uint_eq(C->idtr.limit, 0xfff);
	ck_assert_uint_eq(C->nested_control, 1);
	ck_assert_uint_eq(C->nested_cr3, machine.slat_root);
	ck_assert_uint_eq(C->cpl, 0);
	ck_assert_uint_eq(C->intercept3, SVM_ICPT_INIT | SVM_ICPT_CPUID | SVM_ICPT_INVLPGA |
						 SVM_ICPT_MSR | SVM_ICPT_SHUTDOWN);
	ck_assert_uint_eq(C->intercept4, 0x7f);
	ck_assert_uint_eq(C->intercept_cr_read | C->intercept_cr_write | C->intercept_exceptions,
			  0);
}
END_TEST

/* noexec=off: the guest has its EFER, the root side NX. */
START_TEST(the_root_side_has_nx_and_wp)
{
	sim_new(SIM_EPYC);
	*sim_msr(MSR_EFER) &= ~EFER_NXE;
	sim_take("none");
	ck_assert_uint_eq(C->efer & EFER_NXE, 0);
	ck_assert(*sim_msr(MSR_EFER) & EFER_NXE);
	ck_assert(sim.entered.cr0 & CR0_WP);
	sim_new(SIM_INTEL);
	*sim_msr(MSR_EFER) &= ~EFER_NXE;
	sim_take("none");
	ck_assert_uint_eq(sim_vmcs[VMCS_GUEST_EFER] & EFER_NXE, 0);
	ck_assert(sim_vmcs[VMCS_HOST_EFER] & EFER_NXE);
	ck_assert(sim_vmcs[VMCS_HOST_CR0] & CR0_WP);
}
END_TEST

START_TEST(segments_out_of_the_tables)
{
	/* A 16-bit data segment in the LDT, byte-granular; the root side reads the LDT as Linux. */
	static const u64 ldt[2] = { 0, 0x12409334567889abULL };

	sim_new(SIM_EPYC);
	ck_assert(build(1, 1, 1ULL << 30));
	sim.ldtr.base = (uintptr_t)ldt;
	sim.selectors[GUEST_DS] = 0xf;
	sim.selectors[GUEST_ES] = 3;
	ck_assert(machine_take(0));
	ck_assert_uint_eq(C->ds.selector, 0xf);
	ck_assert_uint_eq(C->ds.limit, 0x089ab);
	ck_assert_uint_eq(C->ds.base, 0x12345678);
	ck_assert_uint_eq(C->ds.attr, 0x493);
	ck_assert_uint_eq(C->es.selector, 3);
	ck_assert_uint_eq(C->es.attr, 0);
}
END_TEST

START_TEST(leave_gives_everything_back)
{
	sim_boot(SIM_EPYC, "umip");
	/* What the guest has changed meanwhile is in the VMCB. */
	C->cr0 ^= CR0_AM;
	C->cr2 = 0x5678;
	C->cr3 += 7;
	C->cr4 |= CR4_DE;
	C->dr6 = 0xffff4ff0;
	C->dr7 = 0x401;
	C->g_pat = 0x0606060606060606;
	C->efer &= ~EFER_SCE;
	C->gdtr.limit = 0x77;
	C->idtr.base = 0xfffffe0000001000;
	sim_at(SIM_CODE);
	C->rflags |= BIT64(6);
	sim.gpr[RBX] = 99;
	machine_leave();
	ck_assert(!sim.held);
	ck_assert_uint_eq(V->active, 0);
	ck_assert_uint_eq(sim.entered.rip, SIM_CODE + 3);
	ck_assert_uint_eq(sim.entered.rsp, C->rsp);
	ck_assert_uint_eq(sim.entered.rflags, RFLAGS_FIXED | BIT64(6));
	ck_assert_uint_eq(sim.entered.cs, 0x10);
	ck_assert_uint_eq(sim.entered.ss, 0x18);
	ck_assert_uint_eq(sim.cr0, 0x80050033 ^ CR0_AM);
	ck_assert_uint_eq(sim.cr2, 0x5678);
	ck_assert_uint_eq(sim.cr3 & 0xfff, 7);
	ck_assert_uint_eq(sim.cr4, C->cr4);
	ck_assert_uint_eq(sim.dr6, 0xffff4ff0);
	ck_assert_uint_eq(sim.dr7, 0x401);
	ck_assert_uint_eq(*sim_msr(MSR_PAT), 0x0606060606060606);
	ck_assert_uint_eq(*sim_msr(MSR_EFER), EFER_LME | EFER_LMA | EFER_NXE);
	ck_assert_uint_eq(*sim_msr(MSR_VM_CR), 0);
	ck_assert_uint_eq(*sim_msr(MSR_VM_HSAVE_PA), 0);
	ck_assert_uint_eq(sim.gdtr.limit, 0x77);
	ck_assert_uint_eq(sim.idtr.base, 0xfffffe0000001000);
	/* And it can be taken again. */
	ck_assert(machine_take(0));
	ck_assert_uint_eq(V->active, 1);
}
END_TEST

START_TEST(the_first_processor_opens_every_decoder)
{
	struct decoder *first, *second;

	sim_boot(SIM_EPYC, "none");
	first = machine_root_vcpu(0)->decoder;
	second = machine_root_vcpu(1)->decoder;
	ck_assert_ptr_eq(first, (char *)machine_root_vcpu(0) - CPU_VCPU + CPU_DECODER);
	ck_assert_ptr_eq(second, (char *)machine_root_vcpu(1) - CPU_VCPU + CPU_DECODER);
	memset(second, 0xaa, 16); /* would not be there after another opening */
	sim.cpu = 1;
	sim.held = false;
	*sim_msr(MSR_EFER) &= ~EFER_SVME;
	ck_assert(machine_take(1));
	ck_assert_ptr_eq(V->decoder, second);
	ck_assert_mem_eq(second, "\xaa\xaa", 2);
	ck_assert_uint_eq(sim.entered.vcpu, (uintptr_t)V);
}
END_TEST

/* --- the same on Intel --- */

START_TEST(intel_take_and_leave)
{
	u64 area;

	sim_boot(SIM_INTEL, "umip");
	area = ROOT_BLOCK + cpu_area(&machine, 0);
	ck_assert(sim.vmxon && V->active);
	ck_assert_uint_eq(sim_vmcs[VMCS_HOST_CR3], machine.root_cr3);
	ck_assert_uint_eq(sim_vmcs[VMCS_HOST_RSP], area + CPU_VCPU + GPRS * 8);
	ck_assert_uint_eq(sim_vmcs[VMCS_HOST_GDTR_BASE], area + CPU_TABLES);
	ck_assert_uint_eq(sim_vmcs[VMCS_HOST_IDTR_BASE], machine.idt);
	ck_assert_uint_eq(sim_vmcs[VMCS_HOST_RIP], (uintptr_t)vmx_host_exit);
	ck_assert_uint_eq(sim_vmcs[VMCS_EPTP], machine.slat_root | 6 | 3 << 3);
	ck_assert_uint_eq(sim_vmcs[VMCS_GUEST_CR3], sim.cr3);
	ck_assert_uint_eq(sim_vmcs[VMCS_GUEST_SELECTOR(SEG_TR)], 0x40);
	ck_assert_uint_eq(sim_vmcs[VMCS_GUEST_BASE(SEG_TR)], 0xfffffe0000000300);
	ck_assert_uint_eq(sim_vmcs[VMCS_GUEST_LIMIT(SEG_TR)], 0x206f);
	ck_assert_uint_eq(sim_vmcs[VMCS_GUEST_BASE(SEG_LDTR)], 0xffff888000002000);
	ck_assert_uint_eq(sim_vmcs[VMCS_GUEST_IDTR_LIMIT], 0xfff);
	ck_assert_uint_eq(sim_vmcs[VMCS_LINK], ~0ULL);
	/* What the guest has changed meanwhile is what the last exit loads. */
	sim_vmcs[VMCS_GUEST_CR3] = 0x7000;
	sim_vmcs[VMCS_GUEST_RIP] = 0x1000;
	sim_vmcs[VMCS_GUEST_RSP] = 0x2000;
	sim_vmcs[VMCS_GUEST_DR7] = 0x401;
	sim_vmcs[VMCS_GUEST_DEBUGCTL] = 2;
	sim_vmcs[VMCS_GUEST_SELECTOR(GUEST_FS)] = 0x18;
	sim_vmcs[VMCS_GUEST_BASE(GUEST_FS)] = 0x7777;
	sim_vmcs[VMCS_EXIT_REASON] = VMX_EXIT_VMCALL;
	vmx_leave(V, 3);
	ck_assert(!V->active);
	ck_assert_uint_eq(sim_vmcs[VMCS_HOST_CR3], 0x7000);
	ck_assert_uint_eq(sim_vmcs[VMCS_HOST_RIP], 0x1003);
	ck_assert_uint_eq(sim_vmcs[VMCS_HOST_RSP], 0x2000);
	ck_assert_uint_eq(sim_vmcs[VMCS_HOST_SELECTOR(GUEST_CS)], 0x10);
	ck_assert_uint_eq(sim_vmcs[VMCS_HOST_SELECTOR(GUEST_FS)], 0);
	ck_assert_uint_eq(sim_vmcs[VMCS_HOST_TR_BASE], 0xfffffe0000000300);
	machine.virt->left();
	ck_assert(!sim.vmxon);
	ck_assert_uint_eq(sim.cr4 & CR4_VMXE, 0);
	/* TR is loaded out of a copy in which the TSS is not busy; Linux's own table stays. */
	ck_assert_uint_eq(sim.reload_tss, 0x000089000300206f);
	ck_assert_uint_eq(sim.gdt[8], 0x00008b000300206f);
	ck_assert_uint_eq(sim.reload.gdtr.base, (uintptr_t)sim.gdt);
	ck_assert_uint_eq(sim.reload.idtr.limit, 0xfff);
	ck_assert_uint_eq(sim.reload.ldtr, 0x50);
	ck_assert_uint_eq(*sim_msr(MSR_FS_BASE), 0x7777);
	ck_assert_uint_eq(sim.dr7, 0x401);
	ck_assert_uint_eq(*sim_msr(MSR_DEBUGCTL), 2);
	ck_assert_uint_eq(sim.nmis, 0);
	/* An NMI that the last exit brought, or that was due before, is Linux's. */
	sim_vmcs[VMCS_EXIT_REASON] = VMX_EXIT_EVENT;
	sim_vmcs[VMCS_EXIT_EVENT] = VMX_EVENT_VALID | VMX_EVENT_TYPE_OF(VMX_EVENT_NMI) | 2;
	machine.virt->left();
	ck_assert_uint_eq(sim.nmis, 1);
	sim_vmcs[VMCS_EXIT_REASON] = VMX_EXIT_VMCALL;
	V->nmis = 1;
	machine.virt->left();
	ck_assert_uint_eq(sim.nmis, 2);
	/* A machine check opens the same window, and is none. */
	V->nmis = 0;
	ck_assert_uint_eq(sim.machine_checks, 0);
	V->machine_check = true;
	sim_vmcs[VMCS_PROC] |= VMX_PROC_NMI_WINDOW;
	machine.virt->left();
	ck_assert_uint_eq(sim.nmis, 2);
	ck_assert_uint_eq(sim.machine_checks, 1);
}
END_TEST

START_TEST(intel_refuses_and_changes_nothing)
{
	u64 cr4;

	sim_new(SIM_INTEL);
	ck_assert(build(1, 2, 1ULL << 30));
	cr4 = sim.cr4;
	sim.launch_fails = true;
	ck_assert(!machine_take(0));
	ck_assert(sim_said("VMLAUNCH fails"));
	ck_assert(!sim.vmxon && sim.cr4 == cr4 && !V->active);
	sim.launch_fails = false;
	sim.lacks = VMCS_EPTP;
	ck_assert(!machine_take(0));
	ck_assert(!sim.vmxon && sim.cr4 == cr4);
	sim.lacks = 0;
	sim.tr.selector = 63 * 8;
	ck_assert(!machine_take(0));
	sim.tr.selector = 0x40;
	/* Firmware that has left the choice to us. */
	*sim_msr(MSR_FEATURE_CONTROL) = 0;
	ck_assert(machine_take(0));
	ck_assert_uint_eq(*sim_msr(MSR_FEATURE_CONTROL),
			  FEATURE_CONTROL_LOCKED | FEATURE_CONTROL_VMX);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		every_stack_knows_its_processor,
		exceptions_below,
		a_dump_for_those_who_are_left,
		a_dump_without_a_fault,
		machine_checks_below,
		reset_tries_every_way,
		take_makes_the_processor_the_guest,
		the_root_side_has_nx_and_wp,
		segments_out_of_the_tables,
		leave_gives_everything_back,
		the_first_processor_opens_every_decoder,
		intel_take_and_leave,
		intel_refuses_and_changes_nothing,
	};

	return sim_main("take", tests, ARRAY_SIZE(tests));
}
