// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm=aside on the simulated AMD processor: what the guest sees of SVM, the write that asks for the
 * processor, what lands, and who may say no. The Intel half is in test_vmx_aside.c.
 */
#include "stage.h"

#include "../../guest-glue/aside.h"
#include "../../guest-glue/enlightened.h"
#include "../../guest-glue/vmx.h"

static u32 landed;

static void count(void)
{
	landed++;
}

static void boot(enum kvm_mode mode, const char *features)
{
	struct machine_request request;
	struct features_on wish;
	TEXT(why, 200);

	machine_probe(true, true, cpu_rdmsr_safe);
	ck_assert(machine.caps.kvm_modes >> mode & 1);
	machine.kvm = mode;
	machine.landed = count;
	ck_assert(features_parse(features, strlen(features), &wish, &why));
	ck_assert(plan_make(&machine.plans[0], &wish, NULL, machine.caps.facilities, &why));
	sim_block(&request, machine_pieces(2, SIM_PHYS_END));
	request.cpus = 2;
	request.phys_end = SIM_PHYS_END;
	ck_assert_msg(machine_build(&request, &why), "%s", why.at);
	ck_assert_int_eq(sim.copied.kvm, mode);
	ck_assert(machine_take(0));
}

static void aside(const char *features)
{
	sim_new(SIM_EPYC);
	*sim_msr(MSR_VM_HSAVE_PA) = 0x7000;
	boot(KVM_ASIDE, features);
}

static void access_msr(u32 msr, bool write, u64 value)
{
	sim_at(SIM_CODE);
	sim.gpr[RCX] = msr;
	sim.gpr[RAX] = (u32)value;
	sim.gpr[RDX] = value >> 32;
	guestmem_page(SIM_CODE)[0] = 0x0f;
	guestmem_page(SIM_CODE)[1] = write ? 0x30 : 0x32;
	C->next_rip = SIM_CODE + 2;
	sim_exit(SVM_EXIT_MSR, write, 0);
}

static u64 rdmsr(u32 msr)
{
	access_msr(msr, false, 0);
	sim_went_on(SIM_CODE + 2);
	return (u32)sim.gpr[RAX] | sim.gpr[RDX] << 32;
}

static void wrmsr(u32 msr, u64 value)
{
	access_msr(msr, true, value);
}

static u32 cpuid(u32 leaf, enum cpuid_reg reg)
{
	static const u8 gpr[] = { RAX, RBX, RCX, RDX };

	sim_at(SIM_CODE);
	sim.gpr[RAX] = leaf;
	sim.gpr[RCX] = 0;
	EXEC(SVM_EXIT_CPUID, "\x0f\xa2");
	return sim.gpr[gpr[reg]];
}

#define EFER0 (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)

START_TEST(what_is_seen)
{
	aside("umip");
	ck_assert_uint_eq(cpuid(0x80000001, CPUID_ECX) >> 2 & 1, 1);
	ck_assert_uint_eq(cpuid(0x80000001, CPUID_ECX) >> 12 & 1, 0); /* SKINIT */
	ck_assert_uint_eq(cpuid(0x8000000a, CPUID_EDX), 0xff);
	ck_assert_uint_eq(rdmsr(MSR_EFER), EFER0);
	ck_assert_uint_eq(rdmsr(MSR_VM_CR), VM_CR_LOCK);
	/* Where its own hypervisor's state goes is the guest's to say, and was before we came. */
	ck_assert_uint_eq(rdmsr(MSR_VM_HSAVE_PA), 0x7000);
	wrmsr(MSR_VM_HSAVE_PA, 0x8000);
	ck_assert_uint_eq(rdmsr(MSR_VM_HSAVE_PA), 0x8000);
	ck_assert_uint_ne(*sim_msr(MSR_VM_HSAVE_PA), 0x8000);
	wrmsr(MSR_VM_HSAVE_PA, 0x8001);
	sim_fault(SIM_CODE, VECTOR_GP, 0);
	wrmsr(MSR_VM_HSAVE_PA, 1ULL << 60);
	sim_fault(SIM_CODE, VECTOR_GP, 0);
	/* SVM's instructions are still none: SVME is clear. */
	sim_at(SIM_CODE);
	EXEC(SVM_EXIT_VMRUN, "\x0f\x01\xd8");
	ck_assert_uint_eq(C->event_inj, EVENT(SVM_EVENT_EXCEPTION, VECTOR_UD));
}
END_TEST

/* struct landing of aside.c, as landing.S pops it. */
static u64 frame(u32 n)
{
	u64 value = 0;
	u32 i;

	for (i = 0; i < sizeof(value); i++)
		((u8 *)&value)[i] = guestmem_page(sim.entered.rsp + n * 8 + i)
			[(sim.entered.rsp + n * 8 + i) % PAGE_BYTES];
	return value;
}

START_TEST(svme_asks_for_the_processor)
{
	static const u8 order[] = { R15, R14, R13, R12, R11, R10, R9, R8, RDI, RSI, RBP, RBX, RDX,
				    RCX, RAX };
	u64 efer = EFER0 | EFER_SVME;
	u32 i;

	aside("umip");
	wrmsr(MSR_VM_HSAVE_PA, 0x8000);
	for (i = 0; i < GPRS; i++)
		sim.gpr[i] = 0x1111111111111111ULL * i;
	/* Across two pages. */
	sim.gpr[RSP] = SIM_DATA + PAGE_BYTES + 0x28;
	C->rflags |= RFLAGS_IF;
	wrmsr(MSR_EFER, efer);
	ck_assert(!sim.held);
	ck_assert(V->aside && !V->active);
	ck_assert_uint_eq(sim.entered.rip, (uintptr_t)aside_landing);
	ck_assert_uint_eq(sim.entered.rsp, SIM_DATA + PAGE_BYTES + 0x28 - 17 * 8);
	/* Interrupts are off until the last moment. */
	ck_assert_uint_eq(sim.entered.rflags, RFLAGS_FIXED);
	for (i = 0; i < ARRAY_SIZE(order); i++)
		ck_assert_uint_eq(frame(i), sim.gpr[order[i]]);
	ck_assert_uint_eq(frame(15), RFLAGS_FIXED);
	ck_assert_uint_eq(frame(16), SIM_CODE + 2);
	/* The write is true now, and the rest as if we had never been here. */
	ck_assert_uint_eq(*sim_msr(MSR_EFER), efer);
	ck_assert_uint_eq(*sim_msr(MSR_VM_HSAVE_PA), 0x8000);
	ck_assert_uint_eq(*sim_msr(MSR_VM_CR), 0);
	landed = 0;
	aside_landed();
	ck_assert_uint_eq(landed, 1);
	/* Nobody but the one who has it can say that it is free. */
	{
		bool busy;
		TEXT(why, 100);

		ck_assert(!machine_usable(&busy, &why) && busy);
		*sim_msr(MSR_EFER) &= ~EFER_SVME;
		ck_assert(machine_usable(&busy, &why));
	}
	ck_assert(machine_take(0));
	ck_assert(V->active && !V->aside);
	ck_assert_uint_eq(rdmsr(MSR_VM_HSAVE_PA), 0x8000);
	ck_assert_uint_eq(rdmsr(MSR_EFER), EFER0);
	/* It follows the plan. */
	ck_assert(sim_exits(SVM_EXIT_IDTR_READ));
}
END_TEST

START_TEST(other_bits_are_written_with_it)
{
	aside("none");
	sim.gpr[RSP] = SIM_DATA + 0x800;
	/* What the processor refuses, it refuses as ever. */
	wrmsr(MSR_EFER, EFER0 | EFER_SVME | BIT64(40));
	sim_fault(SIM_CODE, VECTOR_GP, 0);
	wrmsr(MSR_EFER, (EFER0 & ~EFER_NXE) | EFER_SVME);
	ck_assert(!sim.held);
	ck_assert_uint_eq(*sim_msr(MSR_EFER), (EFER0 & ~EFER_NXE) | EFER_SVME);
}
END_TEST

/* Where nothing can land, nothing is handed over. */
START_TEST(it_needs_a_stack)
{
	static const u64 bad[] = { SIM_NOTHING + 0x800, SIM_READONLY + 0x800, BIT64(60) };
	u32 i;

	aside("none");
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		sim.gpr[RSP] = bad[i];
		wrmsr(MSR_EFER, EFER0 | EFER_SVME);
		ck_assert(sim.held && !V->aside);
		sim_fault(SIM_CODE, VECTOR_GP, 0);
	}
	/* An NMI that is due comes first, and the write again. */
	sim.gpr[RSP] = SIM_DATA + 0x800;
	V->nmis = 1;
	wrmsr(MSR_EFER, EFER0 | EFER_SVME);
	ck_assert(sim.held && !V->aside);
	ck_assert_uint_eq(C->event_inj, EVENT(SVM_EVENT_NMI, VECTOR_NMI));
	ck_assert_uint_eq(C->rip, SIM_CODE);
	wrmsr(MSR_EFER, EFER0 | EFER_SVME);
	ck_assert(!sim.held);
}
END_TEST

START_TEST(it_is_reported)
{
	const struct event *event;

	aside("umip:mode=log");
	sim.gpr[RSP] = SIM_DATA + 0x800;
	wrmsr(MSR_EFER, EFER0 | EFER_SVME);
	ck_assert(!sim.held);
	ck_assert_uint_eq(V->ring->head, 1);
	event = &V->ring->events[0];
	ck_assert_uint_eq(event->feature, EVENT_KVM);
	ck_assert_uint_eq(event->rule, EVENT_NO_RULE);
	ck_assert_uint_eq(event->action, ACTION_ALLOW);
	ck_assert_uint_eq(event->kind, VMEXIT_MSR_WRITE);
	ck_assert_uint_eq(event->sel, MSR_EFER);
	ck_assert_uint_eq(event->rip, SIM_CODE);
}
END_TEST

START_TEST(the_lock_ends_it)
{
	aside("umip");
	sim.gpr[RSP] = SIM_DATA + 0x800;
	/* Another processor is aside: the fuse cannot be blown. */
	machine_root_vcpu(1)->aside = true;
	ck_assert_uint_eq(call(HYPERCALL_LOCK), HYPERCALL_REFUSED);
	ck_assert(!V->machine->locked);
	machine_root_vcpu(1)->aside = false;
	ck_assert_uint_eq(call(HYPERCALL_LOCK), HYPERCALL_OK);
	ck_assert_uint_eq(call(HYPERCALL_APPLY), HYPERCALL_OK);
	/* As with kvm=hide. */
	ck_assert_uint_eq(cpuid(0x80000001, CPUID_ECX) >> 2 & 1, 0);
	ck_assert_uint_eq(cpuid(0x8000000a, CPUID_EDX), 0);
	ck_assert_uint_eq(rdmsr(MSR_VM_CR), VM_CR_LOCK | VM_CR_SVMDIS);
	ck_assert_uint_eq(rdmsr(MSR_VM_HSAVE_PA), 0);
	ck_assert_uint_eq(rdmsr(MSR_EFER), EFER0);
	wrmsr(MSR_EFER, EFER0 | EFER_SVME);
	sim_fault(SIM_CODE, VECTOR_GP, 0);
	ck_assert(sim.held);
	wrmsr(MSR_VM_HSAVE_PA, 0x8000);
	sim_fault(SIM_CODE, VECTOR_GP, 0);
}
END_TEST

static u64 stay(u64 on)
{
	sim_at(SIM_CODE);
	return machine_call(HYPERCALL_STAY, on, 0, 0);
}

/* A task relies on us: SVM is there, and somebody is using it. */
START_TEST(a_task_keeps_processors)
{
	aside("umip");
	machine_root_vcpu(1)->aside = true;
	ck_assert_uint_eq(stay(1), HYPERCALL_REFUSED);
	machine_root_vcpu(1)->aside = false;
	ck_assert_uint_eq(stay(1), HYPERCALL_OK);
	sim.gpr[RSP] = SIM_DATA + 0x800;
	ck_assert_uint_eq(rdmsr(MSR_EFER), EFER0 | EFER_SVME);
	ck_assert_uint_eq(cpuid(0x80000001, CPUID_ECX) >> 2 & 1, 1);
	wrmsr(MSR_EFER, EFER0 | EFER_SVME);
	sim_went_on(SIM_CODE + 2);
	ck_assert(sim.held && !V->aside);
	ck_assert_uint_eq(stay(0), HYPERCALL_OK);
	ck_assert_uint_eq(rdmsr(MSR_EFER), EFER0);
	/* A virtual CR4 bit that is set would be refused by the bare processor. */
	V->cr4 = CR4_UMIP;
	ck_assert_uint_eq(rdmsr(MSR_EFER), EFER0 | EFER_SVME);
	V->cr4 = 0;
	sim.gpr[RSP] = SIM_DATA + 0x800;
	wrmsr(MSR_EFER, EFER0 | EFER_SVME);
	ck_assert(!sim.held);
}
END_TEST

static u64 ask(u64 number, u64 a, u64 b)
{
	sim_at(SIM_CODE);
	return machine.virt->hypercall(number, a, b, 0);
}

/* Whoever has sealed a page must find somebody to unseal it. */
START_TEST(a_seal_keeps_processors)
{
	u64 handle;

	aside("seal");
	machine_root_vcpu(1)->aside = true;
	ck_assert_uint_eq(ask(OLDGUARD_CALL_SEAL, SIM_DATA, 1), OLDGUARD_CALL_REFUSED);
	machine_root_vcpu(1)->aside = false;
	ck_assert_uint_eq(ask(OLDGUARD_CALL_SEAL, SIM_DATA, 1), OLDGUARD_CALL_OK);
	handle = sim.gpr[RDX];
	ck_assert_uint_eq(ask(OLDGUARD_CALL_UNSEAL, ~handle, 0), OLDGUARD_CALL_BAD);
	ck_assert_uint_eq(rdmsr(MSR_EFER), EFER0 | EFER_SVME);
	ck_assert_uint_eq(ask(OLDGUARD_CALL_UNSEAL, handle, 0), OLDGUARD_CALL_OK);
	ck_assert_uint_eq(rdmsr(MSR_EFER), EFER0);
	/* A seal that does not come about keeps nobody. */
	ck_assert_uint_eq(ask(OLDGUARD_CALL_SEAL, SIM_DATA + 1, 1), OLDGUARD_CALL_BAD);
	ck_assert_uint_eq(rdmsr(MSR_EFER), EFER0);
	/* Nor does one that ends with its feature. */
	ck_assert_uint_eq(ask(OLDGUARD_CALL_SEAL, SIM_DATA, 1), OLDGUARD_CALL_OK);
	enforce("umip", "");
	ck_assert_uint_eq(rdmsr(MSR_EFER), EFER0);
	/* A processor that is left alone would write. */
	enforce("seal", "");
	V->machine->partial = true;
	ck_assert_uint_eq(ask(OLDGUARD_CALL_SEAL, SIM_DATA, 1), OLDGUARD_CALL_REFUSED);
}
END_TEST

/* On Intel it is the landing that ends VMX operation, and CR4.VMXE stays. */
START_TEST(intel_lands)
{
	bool busy;
	TEXT(why, 100);

	sim_new(SIM_INTEL);
	boot(KVM_ASIDE, "umip");
	V->aside = true;
	V->landing = 0x2000;
	vmx_leave(V, 3);
	ck_assert_uint_eq(sim_vmcs[VMCS_HOST_RIP], (uintptr_t)aside_landing);
	ck_assert_uint_eq(sim_vmcs[VMCS_HOST_RSP], 0x2000);
	sim_vmcs[VMCS_EXIT_REASON] = VMX_EXIT_CR;
	sim.cr4 |= CR4_VMXE;
	landed = 0;
	aside_landed();
	ck_assert_uint_eq(landed, 1);
	ck_assert(!sim.vmxon);
	ck_assert(sim.cr4 & CR4_VMXE);
	ck_assert(!machine_usable(&busy, &why) && busy);
	sim.cr4 &= ~CR4_VMXE;
	ck_assert(machine_usable(&busy, &why));
	ck_assert(machine_take(0));
	ck_assert(V->active && !V->aside);
}
END_TEST

START_TEST(found_aside)
{
	aside("umip");
	machine_set_aside(1, true);
	ck_assert_uint_eq(call(HYPERCALL_LOCK), HYPERCALL_REFUSED);
	machine_set_aside(1, false);
	ck_assert_uint_eq(call(HYPERCALL_LOCK), HYPERCALL_OK);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		what_is_seen,
		svme_asks_for_the_processor,
		other_bits_are_written_with_it,
		it_needs_a_stack,
		it_is_reported,
		the_lock_ends_it,
		a_task_keeps_processors,
		a_seal_keeps_processors,
		intel_lands,
		found_aside,
	};

	return sim_main("aside", tests, ARRAY_SIZE(tests));
}
