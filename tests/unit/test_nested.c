// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm=nested: what a hypervisor in the guest finds, its instructions, its VMRUN and the exits of its guests.
 */
#include "nested.h"
#include "stage.h"

static u64 read_msr(u32 msr)
{
	sim_at(SIM_CODE);
	sim.gpr[RCX] = msr;
	EXEC(SVM_EXIT_MSR, "\x0f\x32");
	sim_went_on(SIM_CODE + 2);
	return (u32)sim.gpr[RAX] | sim.gpr[RDX] << 32;
}

/* --- what L1 sees --- */

START_TEST(the_processor_has_svm)
{
	u32 out[4];

	nested_boot(SIM_EPYC, "umip");
	cpuid_view(V, 0x80000001, 0, out);
	ck_assert_uint_eq(out[CPUID_ECX] & (1u << 2 | 1u << 12), 1u << 2);
	cpuid_view(V, 0x8000000a, 0, out);
	ck_assert_uint_eq(out[CPUID_EBX], 0x7fff);
	ck_assert_uint_eq(out[CPUID_EDX], 0xf9); /* neither LBRV nor SVML */
	ck_assert_uint_eq(read_msr(MSR_VM_CR), 0);
	sim_wrmsr(MSR_VM_CR, VM_CR_SVMDIS);
	sim_went_on(SIM_CODE + 2);
	ck_assert_uint_eq(read_msr(MSR_VM_CR), 0);
	ck_assert(read_msr(MSR_EFER) & EFER_SVME);
	nested_efer(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE);
	ck_assert(!(read_msr(MSR_EFER) & EFER_SVME));
	ck_assert(C->efer & EFER_SVME);
	/* VmcbClean needs nothing of the processor. */
	nested_boot(SIM_TCG, "umip");
	cpuid_view(V, 0x8000000a, 0, out);
	ck_assert_uint_eq(out[CPUID_EDX], SVM_HAS_NPT | SVM_HAS_CLEAN);
	/* Too few ASIDs. */
	sim_new(SIM_EPYC);
	sim_cpuid(0x8000000a, 0)[CPUID_EBX] = 3;
	ck_assert(!svm_nested_caps());
}
END_TEST

START_TEST(a_save_area_is_a_page_of_its_own)
{
	nested_boot(SIM_EPYC, "umip");
	sim_wrmsr(MSR_VM_HSAVE_PA, L1_OTHER);
	sim_went_on(SIM_CODE + 2);
	ck_assert_uint_eq(read_msr(MSR_VM_HSAVE_PA), L1_OTHER);
	ck_assert_uint_ne(cpu_rdmsr(MSR_VM_HSAVE_PA), L1_OTHER);
	sim_wrmsr(MSR_VM_HSAVE_PA, L1_OTHER + 8);
	sim_fault(SIM_CODE, VECTOR_GP, 0);
	sim_wrmsr(MSR_VM_HSAVE_PA, BIT64(48));
	sim_fault(SIM_CODE, VECTOR_GP, 0);
	sim_wrmsr(MSR_VM_HSAVE_PA, SIM_PIECE_PA(0));
	sim_fault(SIM_CODE, VECTOR_GP, 0);
	ck_assert_uint_eq(read_msr(MSR_VM_HSAVE_PA), L1_OTHER);
}
END_TEST

/* --- its instructions --- */

static const struct {
	u64 code;
	const char *bytes;
} insns[] = {
	{ SVM_EXIT_VMRUN, VMRUN }, { SVM_EXIT_VMLOAD, VMLOAD }, { SVM_EXIT_VMSAVE, VMSAVE },
	{ SVM_EXIT_STGI, STGI }, { SVM_EXIT_CLGI, CLGI }, { SVM_EXIT_SKINIT, "\x0f\x01\xde" },
	{ SVM_EXIT_INVLPGA, "\x0f\x01\xdf" },
};

START_TEST(instructions_need_svme_and_cpl_0)
{
	u32 i;

	nested_boot(SIM_EPYC, "umip");
	for (i = 0; i < ARRAY_SIZE(insns); i++) {
		if (insns[i].code == SVM_EXIT_SKINIT)
			continue;
		sim_cpl(3);
		L1(insns[i].code, CLGI, L1_VMCB);
		sim_fault(SIM_CODE, VECTOR_GP, 0);
	}
	/* SKINIT is not there at all. */
	sim_cpl(0);
	L1(SVM_EXIT_SKINIT, "\x0f\x01\xde", 0);
	ck_assert_uint_eq(C->event_inj, EVENT(SVM_EVENT_EXCEPTION, VECTOR_UD));
}
END_TEST

START_TEST(instructions_do_not_exist_without_svme)
{
	u32 i;

	nested_boot(SIM_EPYC, "umip");
	nested_efer(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE);
	for (i = 0; i < ARRAY_SIZE(insns); i++) {
		sim_at(SIM_CODE);
		sim.gpr[RAX] = L1_VMCB;
		sim_exec(insns[i].code, insns[i].bytes, 3);
		ck_assert_uint_eq(C->event_inj, EVENT(SVM_EVENT_EXCEPTION, VECTOR_UD));
		ck_assert_uint_eq(C->rip, SIM_CODE);
	}
	ck_assert(!nested_runs());
}
END_TEST

START_TEST(addresses_are_checked)
{
	const u64 bad[] = { L1_VMCB + 1, SIM_PHYS_END, BIT64(47), SIM_PIECE_PA(0),
			    SIM_PIECE_PA(0) + PIECE_BYTES - PAGE_BYTES, ~0ULL };
	u32 i, insn;

	nested_boot(SIM_EPYC, "umip");
	for (insn = 0; insn < 3; insn++) {
		for (i = 0; i < ARRAY_SIZE(bad); i++) {
			sim_at(SIM_CODE);
			sim.gpr[RAX] = bad[i];
			sim_exec(insns[insn].code, insns[insn].bytes, 3);
			sim_fault(SIM_CODE, VECTOR_GP, 0);
		}
	}
	/* With a prefix only half of RAX counts. */
	sim_at(SIM_CODE);
	sim.gpr[RAX] = L1_VMCB | BIT64(40);
	EXEC(SVM_EXIT_VMSAVE, "\x67\x0f\x01\xdb");
	sim_went_on(SIM_CODE + 4);
	ck_assert_uint_eq(sim.vmsaved, L1_VMCB);
}
END_TEST

START_TEST(vmload_and_vmsave_are_done_for_it)
{
	static const enum sim_model models[] = { SIM_EPYC, SIM_TCG };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(models); i++) {
		nested_boot(models[i], "umip");
		L1(SVM_EXIT_VMSAVE, VMSAVE, L1_OTHER);
		sim_went_on(SIM_CODE + 3);
		ck_assert_uint_eq(sim.vmsaved, L1_OTHER);
		B->lstar = 0x77;
		L1(SVM_EXIT_VMLOAD, VMLOAD, L1_VMCB);
		sim_went_on(SIM_CODE + 3);
		ck_assert_uint_eq(*sim_msr(MSR_LSTAR), 0x77);
		/* The second time they are quick. */
		sim.quick = 0;
		L1(SVM_EXIT_VMLOAD, VMLOAD, L1_OTHER);
		L1(SVM_EXIT_VMSAVE, VMSAVE, L1_VMCB);
		sim_went_on(SIM_CODE + 3);
		ck_assert_uint_eq(sim.quick, 2);
		ck_assert_uint_eq(*sim_msr(MSR_LSTAR), 0);
		ck_assert_uint_eq(sim.vmsaved, L1_VMCB);
		/* A step is due: not quick. */
		sim_at(SIM_CODE);
		C->rflags |= RFLAGS_TF;
		sim.gpr[RAX] = L1_VMCB;
		EXEC(SVM_EXIT_VMSAVE, VMSAVE);
		ck_assert_uint_eq(C->event_inj, EVENT(SVM_EVENT_EXCEPTION, VECTOR_DB));
		ck_assert_uint_eq(sim.quick, 2);
	}
}
END_TEST

START_TEST(invlpga_has_the_asids_of_l1)
{
	static const u32 asids[][2] = { { 0, 0x7fff }, { 5, 5 }, { 0x7fff, 0x7ffe } };
	u32 i;

	nested_boot(SIM_EPYC, "umip");
	for (i = 0; i < ARRAY_SIZE(asids); i++) {
		sim.gpr[RCX] = asids[i][0];
		L1(SVM_EXIT_INVLPGA, "\x0f\x01\xdf", 0x1234);
		sim_went_on(SIM_CODE + 3);
		ck_assert_uint_eq(sim.invlpga_at, 0x1234);
		ck_assert_uint_eq(sim.invlpga_asid, asids[i][1]);
	}
	sim.invlpga_asid = 1;
	sim.gpr[RCX] = 0x8000;
	L1(SVM_EXIT_INVLPGA, "\x0f\x01\xdf", 0x1234);
	sim_went_on(SIM_CODE + 3);
	ck_assert_uint_eq(sim.invlpga_asid, 1);
	ck_assert_uint_eq(C->asid, 0x7fff);
}
END_TEST

/* --- GIF --- */

START_TEST(gif_holds_interrupts_and_nmis)
{
	nested_boot(SIM_EPYC, "umip");
	L1_CLGI();
	L1_STGI();
	sim.quick = 0;
	sim.cr8 = 5;
	L1_CLGI();
	sim_went_on(SIM_CODE + 3);
	ck_assert_uint_eq(C->virtual_interrupt, SVM_V_INTR_MASKING | 5);
	ck_assert(C->intercept3 & SVM_ICPT_NMI);
	ck_assert(!sim.interrupts);
	/* What programs may not do is no matter now. */
	ck_assert(!(C->intercept3 & SVM_ICPT_STORE(DESC_GDTR)));
	/* An NMI comes, and CR8 changes. */
	sim_at(SIM_CODE);
	sim_exit(SVM_EXIT_NMI, 0, 0);
	sim_went_on(SIM_CODE);
	ck_assert_uint_eq(V->nmis, 1);
	sim_exit(SVM_EXIT_NMI, 0, 0);
	C->virtual_interrupt = SVM_V_INTR_MASKING | 3;
	L1_STGI();
	ck_assert_uint_eq(C->event_inj, EVENT(SVM_EVENT_NMI, VECTOR_NMI));
	ck_assert_uint_eq(C->rip, SIM_CODE + 3);
	ck_assert_uint_eq(C->virtual_interrupt, 0);
	ck_assert_uint_eq(sim.cr8, 3);
	ck_assert(!(C->intercept3 & SVM_ICPT_NMI));
	ck_assert(C->intercept3 & SVM_ICPT_STORE(DESC_GDTR));
	/* Twice is once. */
	L1_STGI();
	sim_went_on(SIM_CODE + 3);
	L1_CLGI();
	L1_CLGI();
	sim_went_on(SIM_CODE + 3);
	/* Without SVME GIF is set. */
	nested_efer(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE);
	ck_assert(svm_nested_gif(V));
	ck_assert_uint_eq(C->virtual_interrupt, 0);
}
END_TEST

START_TEST(a_virtual_gif_saves_exits)
{
	sim_new(SIM_EPYC);
	sim.kvm = KVM_NESTED;
	sim_cpuid(0x8000000a, 0)[CPUID_EDX] |= SVM_HAS_VGIF | SVM_HAS_VIRTUAL_VMLOAD;
	sim_take("cpuid_fault");
	ck_assert(sim_exits(SVM_EXIT_VMLOAD) && sim_exits(SVM_EXIT_VMSAVE));
	nested_prepare();
	/* Virtual VMLOAD and VMSAVE, as long as SVME is set. */
	ck_assert_uint_eq(C->lbr_control, SVM_VIRTUAL_VMLOAD);
	ck_assert(!sim_exits(SVM_EXIT_VMLOAD) && !sim_exits(SVM_EXIT_VMSAVE));
	ck_assert(sim_exits(SVM_EXIT_CLGI));
	L1_CLGI();
	ck_assert(!sim_exits(SVM_EXIT_CLGI) && !sim_exits(SVM_EXIT_STGI));
	ck_assert(sim_exits(SVM_EXIT_INTR) && sim_exits(SVM_EXIT_NMI) && sim_exits(SVM_EXIT_CR_WRITE(8)));
	ck_assert(sim.interrupts);
	ck_assert_uint_eq(C->virtual_interrupt, SVM_V_INTR_MASKING | SVM_V_GIF_ENABLE);
	/* An interrupt with GIF clear: held, and STGI tells when. */
	sim_at(SIM_CODE);
	sim_exit(SVM_EXIT_INTR, 0, 0);
	sim_went_on(SIM_CODE);
	ck_assert(!sim.interrupts && sim_exits(SVM_EXIT_STGI) && !sim_exits(SVM_EXIT_INTR));
	L1_STGI();
	ck_assert(svm_nested_gif(V) && !sim_exits(SVM_EXIT_NMI));
	ck_assert(!sim_exits(SVM_EXIT_CR_WRITE(8)));
	ck_assert_uint_eq(C->virtual_interrupt, 0);
	/* With GIF set it is L1's at once; so is its CR8. */
	L1_CLGI();
	C->virtual_interrupt |= SVM_V_GIF;
	ck_assert(svm_nested_gif(V));
	sim_at(SIM_CODE);
	sim_exit(SVM_EXIT_NMI, 0, 0);
	ck_assert(!sim_exits(SVM_EXIT_NMI) && !sim_exits(SVM_EXIT_INTR));
	ck_assert_uint_eq(V->nmis, 0);
	L1_CLGI();
	sim_at(SIM_CODE);
	sim_exit(SVM_EXIT_CR_WRITE(8), 0, 0);
	sim_went_on(SIM_CODE);
	ck_assert(!svm_nested_gif(V) && !sim_exits(SVM_EXIT_CR_WRITE(8)));
	L1_STGI();
	/* From L2 to L2: two exits. */
	L1_CLGI();
	L1_VMRUN(L1_VMCB);
	sim_exit(SVM_EXIT_CPUID, 0, 0);
	nested_exited(SVM_EXIT_CPUID);
	ck_assert(!sim_exits(SVM_EXIT_STGI) && sim.interrupts);
	C->virtual_interrupt |= SVM_V_GIF;	/* STGI */
	C->virtual_interrupt &= ~SVM_V_GIF;	/* CLGI */
	B->clean = ~0u;
	sim.quick = 0;
	L1_VMRUN(L1_VMCB);
	ck_assert(nested_runs());
	/* An interrupt is pending: it is held at once. */
	sim_exit(SVM_EXIT_INTR, 0, 0);
	nested_exited(SVM_EXIT_INTR);
	ck_assert(sim_exits(SVM_EXIT_STGI) && !sim.interrupts);
	ck_assert_uint_eq(sim.quick, 2);
}
END_TEST

/* --- virtual VMLOAD and VMSAVE --- */

static void boot_virtual(const char *features)
{
	sim_new(SIM_EPYC);
	sim.kvm = KVM_NESTED;
	sim_cpuid(0x8000000a, 0)[CPUID_EDX] |= SVM_HAS_VGIF | SVM_HAS_VIRTUAL_VMLOAD;
	sim_take(features);
	nested_prepare();
}

START_TEST(vmload_exits_where_locks_need_it)
{
	boot_virtual("msr_lock");
	*sim_msr(MSR_LSTAR) = 0x1000;
	B->lstar = 0x666;
	ck_assert_uint_eq(C->lbr_control, SVM_VIRTUAL_VMLOAD);
	ck_assert(sim_exits(SVM_EXIT_VMLOAD) && !sim_exits(SVM_EXIT_VMSAVE));
	L1_CLGI();
	ck_assert(!sim_exits(SVM_EXIT_VMLOAD) && !sim_exits(SVM_EXIT_VMSAVE) && sim_exits(SVM_EXIT_STGI));
	/* From L2 to L2: VMRUN, STGI, CLGI. */
	L1_VMRUN(L1_VMCB);
	sim_exit(SVM_EXIT_CPUID, 0, 0);
	ck_assert(!sim_exits(SVM_EXIT_VMLOAD) && !sim_exits(SVM_EXIT_VMSAVE));
	svm_vmload(L1_VMCB);
	L1_STGI();
	ck_assert_uint_eq(*sim_msr(MSR_LSTAR), 0x1000);
	ck_assert(sim_exits(SVM_EXIT_VMLOAD) && sim_exits(SVM_EXIT_CLGI));
	/* What locks come and go by is L1's as well. */
	L1_CLGI();
	enforce("umip", "");
	L1_STGI();
	ck_assert(!sim_exits(SVM_EXIT_VMLOAD));
	enforce("msr_lock", "");
	ck_assert(sim_exits(SVM_EXIT_VMLOAD) && !sim_exits(SVM_EXIT_VMSAVE));
	nested_efer(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE);
	ck_assert(sim_exits(SVM_EXIT_VMLOAD) && sim_exits(SVM_EXIT_VMSAVE));
	ck_assert_uint_eq(C->lbr_control, 0);
}
END_TEST

/* The processor meets our tables in the place of the intercept. */
static void virtually(const char *bytes, u32 count, u64 rax, u64 info, u64 gpa)
{
	sim_at(SIM_CODE);
	memcpy(guestmem_page(SIM_CODE), bytes, count);
	sim.gpr[RAX] = rax;
	sim_exit(SVM_EXIT_NPF, BIT64(32) | PF_USER | info, gpa);
}

START_TEST(a_virtual_vmsave_is_refused_what_any_is)
{
	boot_virtual("none");
	enforce("none", "mem:0x51800-0x5180f r deny");
	ck_assert(!sim_exits(SVM_EXIT_VMSAVE));
	/* Other bytes of the page: a VMCB is a page. */
	virtually(VMSAVE, 3, L1_OTHER, PF_PRESENT | PF_WRITE, L1_OTHER + 0x440);
	sim_fault(SIM_CODE, VECTOR_GP, 0);
	ck_assert_uint_eq(V->ring->head, 1);
	virtually(VMSAVE, 3, SIM_PIECE_PA(0), PF_PRESENT | PF_WRITE, SIM_PIECE_PA(0) + 0x440);
	sim_fault(SIM_CODE, VECTOR_GP, 0);
	ck_assert_uint_eq(sim.vmsaved, 0);
	/* A rule that lets it through, and half of RAX. */
	enforce("none", "mem:0x51800-0x5180f r log");
	virtually("\x67" VMSAVE, 4, L1_OTHER | BIT64(40), PF_PRESENT | PF_WRITE, L1_OTHER + 0x440);
	sim_went_on(SIM_CODE + 4);
	ck_assert_uint_eq(sim.vmsaved, L1_OTHER);
	/* Memory that nobody has touched. */
	virtually(VMLOAD, 3, L1_VMCB, 0, L1_VMCB + 0x440);
	sim_went_on(SIM_CODE + 3);
	ck_assert_uint_eq(sim.vmloaded, L1_VMCB);
	/* Something else of that instruction's: it comes again. */
	virtually(VMSAVE, 3, L1_OTHER, PF_PRESENT | PF_WRITE, L1_VMCB);
	sim_went_on(SIM_CODE);
	/* In a step, whose tables let an instruction write, they exit. */
	virtually("\xc6\x00\x01", 3, L1_OTHER + 0x800, PF_PRESENT | PF_WRITE, L1_OTHER + 0x800);
	ck_assert(V->step.kind);
	ck_assert(sim_exits(SVM_EXIT_VMLOAD) && sim_exits(SVM_EXIT_VMSAVE));
	C->dr6 |= DR6_BS;
	sim_exit(SVM_EXIT_EXCEPTION(VECTOR_DB), 0, 0);
	ck_assert(!V->step.kind);
	ck_assert(!sim_exits(SVM_EXIT_VMLOAD) && !sim_exits(SVM_EXIT_VMSAVE));
}
END_TEST

/* KVM gives its guests what it has found in the processor: they may be hypervisors, too. */
START_TEST(what_is_virtual_for_l2_is_its_own)
{
	u32 out[4];

	boot_virtual("umip");
	cpuid_view(V, 0x8000000a, 0, out);
	ck_assert_uint_eq(out[CPUID_EDX] & ~0xf9u, SVM_HAS_VGIF | SVM_HAS_VIRTUAL_VMLOAD);
	B->nested_control = 1;
	B->nested_cr3 = L1_OTHER;
	B->lbr_control = ~0ULL;
	B->virtual_interrupt = ~0ULL;
	L1_CLGI();
	L1_VMRUN(L1_VMCB);
	ck_assert_uint_eq(A->lbr_control, SVM_VIRTUAL_VMLOAD);
	ck_assert_uint_eq(A->virtual_interrupt, SVM_VIRTUAL_INTERRUPT | SVM_V_GIF | SVM_V_GIF_ENABLE);
	ck_assert(!sim_exits(SVM_EXIT_CLGI) && !sim_exits(SVM_EXIT_STGI));
	ck_assert(!sim_exits(SVM_EXIT_VMLOAD) && !sim_exits(SVM_EXIT_VMSAVE));
	ck_assert(sim_exits(SVM_EXIT_VMRUN) && sim_exits(SVM_EXIT_SKINIT));
	/* Outside long mode VMLOAD exits for all that. */
	sim_vmexit(SVM_EXIT_VMLOAD, 0, 0, true);
	nested_exited(SVM_EXIT_VMLOAD);
	B->clean = ~0u;
	sim.quick = 0;
	L1_VMRUN(L1_VMCB);
	A->virtual_interrupt &= ~SVM_V_GIF; /* CLGI */
	sim_exit(SVM_EXIT_CPUID, 0, 0);
	nested_exited(SVM_EXIT_CPUID);
	ck_assert_uint_eq(B->virtual_interrupt, ~SVM_V_GIF);
	ck_assert_uint_eq(sim.quick, 2);
	/* L1 takes the virtual GIF away, without calling anything but that unclean: CLGI would clear the real one. */
	B->virtual_interrupt = SVM_V_INTR_MASKING;
	B->clean = ~SVM_CLEAN_TPR;
	L1_VMRUN(L1_VMCB);
	ck_assert(nested_runs() && sim_exits(SVM_EXIT_CLGI) && sim_exits(SVM_EXIT_STGI));
	ck_assert_uint_eq(A->virtual_interrupt, SVM_V_INTR_MASKING);
	sim_exit(SVM_EXIT_CPUID, 0, 0);
	/* And VMLOAD, or the tables that it needs. */
	B->lbr_control = 0;
	B->clean = ~SVM_CLEAN_LBR;
	L1_VMRUN(L1_VMCB);
	ck_assert(sim_exits(SVM_EXIT_VMLOAD) && sim_exits(SVM_EXIT_VMSAVE));
	sim_exit(SVM_EXIT_CPUID, 0, 0);
	B->lbr_control = SVM_VIRTUAL_VMLOAD;
	B->nested_control = 0;
	B->clean = 0;
	L1_VMRUN(L1_VMCB);
	ck_assert(sim_exits(SVM_EXIT_VMLOAD));
	ck_assert_uint_eq(A->lbr_control, 0);
	/* What L1 intercepts exits. */
	sim_exit(SVM_EXIT_CPUID, 0, 0);
	B->nested_control = 1;
	B->virtual_interrupt = SVM_V_GIF_ENABLE;
	B->intercept4 |= SVM_ICPT_VMSAVE | SVM_ICPT_STGI;
	L1_VMRUN(L1_VMCB);
	ck_assert(sim_exits(SVM_EXIT_VMSAVE) && sim_exits(SVM_EXIT_STGI));
	ck_assert(!sim_exits(SVM_EXIT_VMLOAD) && !sim_exits(SVM_EXIT_CLGI));
}
END_TEST

START_TEST(nmis_of_l2_are_virtual_where_they_can_be)
{
	sim_new(SIM_EPYC);
	sim.kvm = KVM_NESTED;
	sim_cpuid(0x8000000a, 0)[CPUID_EDX] |= SVM_HAS_VNMI;
	sim_take("umip");
	nested_prepare();
	B->virtual_interrupt = ~0ULL;
	L1_VMRUN(L1_VMCB);
	ck_assert_uint_eq(A->virtual_interrupt,
			  SVM_VIRTUAL_INTERRUPT | SVM_V_NMI_PENDING | SVM_V_NMI_MASK | SVM_V_NMI_ENABLE);
	A->virtual_interrupt &= ~SVM_V_NMI_PENDING;
	sim_exit(SVM_EXIT_CPUID, 0, 0);
	ck_assert_uint_eq(B->virtual_interrupt, ~SVM_V_NMI_PENDING);
}
END_TEST

/* --- VMRUN --- */

START_TEST(forged_vmcbs_are_refused)
{
	u32 i;

	nested_boot(SIM_EPYC, "umip");
	for (i = 0; i < 10; i++) {
		nested_vmcb(L1_VMCB);
		switch (i) {
		case 0: B->intercept4 &= ~SVM_ICPT_VMRUN; break;
		case 1: B->asid = 0; break;
		case 2: B->asid = 0x8000; break;
		case 3: B->msrpm_pa = SIM_PIECE_PA(0); break;
		case 4: B->msrpm_pa = SIM_PIECE_PA(0) - PAGE_BYTES; break;
		case 5: B->msrpm_pa = BIT64(48) - PAGE_BYTES; break;
		case 6: B->iopm_pa = SIM_PIECE_PA(0) - 2 * PAGE_BYTES; break;
		case 7: B->iopm_pa = BIT64(48) - PAGE_BYTES; break;
		case 8: B->nested_control = 1; B->nested_cr3 = BIT64(48); break;
		case 9: B->nested_control = 1; C->cr0 &= ~CR0_PG; C->clean &= ~SVM_CLEAN_CR; break;
		}
		L1_VMRUN(L1_VMCB);
		nested_exited(SVM_EXIT_INVALID);
		L1_STGI();
	}
}
END_TEST

START_TEST(l2_runs_with_our_intercepts_and_exits_to_l1)
{
	nested_boot(SIM_EPYC, "umip");
	C->rflags |= RFLAGS_IF;
	B->nested_control = ~0ULL & ~1ULL;
	B->lbr_control = ~0ULL;
	B->virtual_interrupt = ~0ULL;
	B->cr4 |= CR4_UMIP;
	B->cs = (struct vmcb_segment){ 0x10, 0xa9b, ~0u, 0 };
	B->tsc_offset = 0x99;
	B->event_inj = EVENT(SVM_EVENT_INTR, 0x30);
	sim.gpr[RBX] = 0xbb;
	sim_at(SIM_CODE);
	C->rflags |= RFLAGS_IF;
	sim.gpr[RAX] = L1_VMCB;
	EXEC(SVM_EXIT_VMRUN, VMRUN);
	ck_assert(nested_runs() && sim.interrupts);
	ck_assert_uint_eq(A->intercept3 & ~(0xfu << 6), B->intercept3 | NESTED_ICPT3);
	ck_assert_uint_eq(A->intercept4, B->intercept4 | NESTED_ICPT4);
	ck_assert_uint_eq(A->virtual_interrupt, SVM_VIRTUAL_INTERRUPT);
	ck_assert_uint_eq(A->nested_control, 1);
	ck_assert_uint_eq(A->nested_cr3, machine.slat_root);
	ck_assert_uint_eq(A->lbr_control, 0);
	ck_assert_uint_eq(A->cr4, CR4_PAE);
	ck_assert_uint_eq(A->tsc_offset, 0x99);
	ck_assert_uint_eq(A->event_inj, B->event_inj);
	ck_assert_uint_eq(A->asid, 1);
	/* The first time. */
	ck_assert_uint_eq(A->tlb_control, SVM_FLUSH_ALL);
	ck_assert_uint_eq(sim.gpr[RAX], 0x1111);
	/* Something happens to L2. */
	A->rip = L2_CODE + 5;
	A->next_rip = L2_CODE + 7;
	A->cs.selector = 0x18;
	A->cr2 = 0x222;
	A->exit_int_info = EVENT(SVM_EVENT_INTR, 0x31);
	A->interrupt_shadow = 1;
	A->fetched_count = 2;
	A->fetched[1] = 0xa2;
	sim.gpr[RAX] = 0x2222;
	sim.gpr[RBX] = 0xcc;
	sim_exit(SVM_EXIT_CPUID, 1, 2);
	nested_exited(SVM_EXIT_CPUID);
	ck_assert(!sim.interrupts);
	ck_assert_uint_eq(B->rip, L2_CODE + 5);
	ck_assert_uint_eq(B->next_rip, L2_CODE + 7);
	ck_assert_uint_eq(B->rax, 0x2222);
	ck_assert_uint_eq(sim.gpr[RBX], 0xcc);
	ck_assert_uint_eq(B->cs.selector, 0x18);
	ck_assert_uint_eq(B->cr2, 0x222);
	ck_assert_uint_eq(B->cr4, CR4_PAE | CR4_UMIP);
	ck_assert_uint_eq(B->exit_info1, 1);
	ck_assert_uint_eq(B->exit_info2, 2);
	ck_assert_uint_eq(B->exit_int_info, EVENT(SVM_EVENT_INTR, 0x31));
	ck_assert_uint_eq(B->interrupt_shadow, 1);
	ck_assert_uint_eq(B->event_inj, 0);
	ck_assert_uint_eq(B->fetched[1], 0xa2);
	ck_assert_uint_eq(V->exits[VMEXIT_NESTED], 1);
}
END_TEST

START_TEST(clean_bits_are_believed)
{
	nested_boot(SIM_EPYC, "umip");
	L1_CLGI();
	L1_VMRUN(L1_VMCB);
	sim_exit(SVM_EXIT_CPUID, 0, 0);
	sim.quick = 0;
	B->clean = ~0u & ~(SVM_CLEAN_CR2 | SVM_CLEAN_SEG);
	B->cr2 = 0x333;
	B->ds.selector = 0x28;
	B->gdtr.base = 0x444;
	B->rip = L2_CODE + 2;
	L1_VMRUN(L1_VMCB);
	ck_assert(nested_runs());
	ck_assert_uint_eq(sim.quick, 1);
	ck_assert_uint_eq(A->cr2, 0x333);
	ck_assert_uint_eq(A->ds.selector, 0x28);
	ck_assert_uint_eq(A->gdtr.base, 0);
	ck_assert_uint_eq(A->rip, L2_CODE + 2);
	ck_assert_uint_eq(A->tlb_control, 0);
	sim_exit(SVM_EXIT_CPUID, 0, 0);
	/* Another one has been run: nothing is as it was. */
	L1_VMRUN(L1_OTHER);
	sim_exit(SVM_EXIT_CPUID, 0, 0);
	B->clean = ~0u;
	B->gdtr.base = 0x444;
	L1_VMRUN(L1_VMCB);
	ck_assert_uint_eq(A->gdtr.base, 0x444);
	sim_exit(SVM_EXIT_CPUID, 0, 0);
	/* Our tables have changed: the VMCB may be what a rule protects now. */
	svm_nested_flush(V);
	B->clean = ~0u;
	sim.quick = 0;
	L1_VMRUN(L1_VMCB);
	ck_assert(nested_runs());
	ck_assert_uint_eq(sim.quick, 0);
	ck_assert_uint_eq(A->tlb_control, SVM_FLUSH_ALL);
	sim_exit(SVM_EXIT_CPUID, 0, 0);
	/* New intercepts of L1's own: nothing is built. Whatever stands for that is no address, either. */
	svm_nested_traps(V);
	B->clean = ~0u;
	L1_VMRUN(~0ULL);
	sim_fault(SIM_CODE, VECTOR_GP, 0);
	L1_VMRUN(L1_VMCB);
	sim_exit(SVM_EXIT_CPUID, 0, 0);
	/* New intercepts are looked at. */
	B->clean = ~SVM_CLEAN_INTERCEPTS;
	B->intercept4 = 0;
	L1_VMRUN(L1_VMCB);
	nested_exited(SVM_EXIT_INVALID);
}
END_TEST

/* --- exits that may be ours --- */

static u8 *l1_map(u64 base, u32 bit)
{
	return guestmem_page(base + bit / 8) + bit / 8 % PAGE_BYTES;
}

static void l2_msr(u32 msr, bool write)
{
	sim.gpr[RCX] = msr;
	sim_exit(SVM_EXIT_MSR, write, 0);
}

START_TEST(msrs_go_by_the_live_bitmap)
{
	u32 bit = 0x800 * 8 + (MSR_LSTAR & 0x1fff) * 2;

	nested_boot(SIM_EPYC, "umip");
	L1_VMRUN(L1_VMCB);
	l2_msr(MSR_LSTAR, false);
	nested_exited(SVM_EXIT_MSR);
	*l1_map(L1_MSRPM, bit) &= ~(1u << bit % 8);
	L1_VMRUN(L1_VMCB);
	/* The first access opens it. */
	l2_msr(MSR_LSTAR, false);
	ck_assert(nested_runs());
	sim.gpr[RCX] = MSR_LSTAR;
	A->exit_info1 = 0;
	ck_assert(!sim_exits(SVM_EXIT_MSR));
	A->exit_info1 = 1;
	ck_assert(sim_exits(SVM_EXIT_MSR));
	sim_exit(SVM_EXIT_CPUID, 0, 0);
	/* L1 closes it, without an exit. */
	*l1_map(L1_MSRPM, bit) |= 1u << bit % 8;
	B->clean = ~0u;
	L1_VMRUN(L1_VMCB);
	A->exit_info1 = 0;
	ck_assert(sim_exits(SVM_EXIT_MSR));
	l2_msr(MSR_LSTAR, false);
	nested_exited(SVM_EXIT_MSR);
	/* What is ours stays ours; what no map reaches is L1's. */
	bit = 0x800 * 8 + (MSR_EFER & 0x1fff) * 2;
	*l1_map(L1_MSRPM, bit) = 0;
	L1_VMRUN(L1_VMCB);
	l2_msr(MSR_EFER, true);
	ck_assert(nested_runs());
	ck_assert_uint_eq(A->event_inj, FAULT(VECTOR_GP, 0));
	l2_msr(0x40000000, true);
	nested_exited(SVM_EXIT_MSR);
}
END_TEST

START_TEST(ports_go_by_a_map_of_ours_where_rules_need_one)
{
	nested_boot(SIM_EPYC, "umip");
	L1_VMRUN(L1_VMCB);
	ck_assert_uint_eq(A->iopm_pa, L1_IOPM);
	sim_exit(SVM_EXIT_IOIO, 0x80ULL << 16 | 0x10, 0);
	nested_exited(SVM_EXIT_IOIO);

	nested_boot(SIM_EPYC, "io_lock");
	memset(l1_map(L1_IOPM, 0), 0, 0x100 / 8);
	L1_VMRUN(L1_VMCB);
	ck_assert_uint_ne(block_offset(&machine, A->iopm_pa), BLOCK_NONE);
	sim_exit(SVM_EXIT_IOIO, 0x80ULL << 16 | 0x10, 0);
	ck_assert(nested_runs());
	ck_assert_uint_eq(A->event_inj, 0);
	ck_assert(!(((u8 *)N->map)[2 * PAGE_BYTES + 0x10] & 1));
	sim_exit(SVM_EXIT_IOIO, 0xb2ULL << 16 | 0x10, 0);
	ck_assert(nested_runs());
	ck_assert_uint_eq(A->event_inj, FAULT(VECTOR_GP, 0));
	/* The last byte is L1's. */
	sim_exit(SVM_EXIT_IOIO, 0xffULL << 16 | 0x20, 0);
	nested_exited(SVM_EXIT_IOIO);
}
END_TEST

START_TEST(svm_is_not_there_for_l2)
{
	u32 i;

	nested_boot(SIM_EPYC, "umip");
	L1_VMRUN(L1_VMCB);
	for (i = 0; i < ARRAY_SIZE(insns); i++) {
		if (insns[i].code == SVM_EXIT_VMRUN)
			continue;
		sim_exit(insns[i].code, 0, 0);
		ck_assert(nested_runs());
		ck_assert_uint_eq(A->event_inj, EVENT(SVM_EVENT_EXCEPTION, VECTOR_UD));
	}
	sim_exit(SVM_EXIT_VMRUN, 0, 0);
	nested_exited(SVM_EXIT_VMRUN);
	B->intercept4 |= SVM_ICPT_CLGI;
	L1_VMRUN(L1_VMCB);
	sim_exit(SVM_EXIT_CLGI, 0, 0);
	nested_exited(SVM_EXIT_CLGI);
	L1_VMRUN(L1_VMCB);
	sim_exit(SVM_EXIT_VMMCALL, 0, 0);
	nested_exited(SVM_EXIT_VMMCALL);
}
END_TEST

START_TEST(init_shutdown_and_nmi)
{
	nested_boot(SIM_EPYC, "umip");
	L1_VMRUN(L1_VMCB);
	A->exit_int_info = EVENT(SVM_EVENT_INTR, 0x31);
	sim_exit(SVM_EXIT_INIT, 0, 0);
	ck_assert(nested_runs());
	ck_assert_uint_eq(sim.inits, 1);
	ck_assert_uint_eq(A->event_inj, EVENT(SVM_EVENT_INTR, 0x31));
	A->exit_int_info = 0;
	/* Rules change while L2 runs: L1's own VMCB and TLB hear of it. */
	plan_follow(V);
	ck_assert(N->dirty);
	sim_exit(SVM_EXIT_NMI, 0, 0);
	ck_assert_uint_eq(C->tlb_control, SVM_FLUSH_ALL);
	ck_assert_uint_eq(C->clean, 0);
	nested_exited(SVM_EXIT_NMI);
	L1_VMRUN(L1_VMCB);
	sim_exit(SVM_EXIT_SHUTDOWN, 0, 0);
	nested_exited(SVM_EXIT_SHUTDOWN);
	/* One that L1 does not want is the machine's. */
	B->intercept3 &= ~SVM_ICPT_SHUTDOWN;
	L1_VMRUN(L1_VMCB);
	ck_assert(SIM_HALTS(sim_exit(SVM_EXIT_SHUTDOWN, 0, 0)));
	ck_assert(sim_said("triple fault"));
}
END_TEST

/* --- rules, taking and giving back --- */

START_TEST(locked_msrs_are_what_they_were)
{
	nested_boot(SIM_EPYC, "msr_lock");
	*sim_msr(MSR_LSTAR) = 0x1000;
	B->lstar = 0x666;
	L1_CLGI();
	L1(SVM_EXIT_VMLOAD, VMLOAD, L1_VMCB);
	ck_assert_uint_eq(*sim_msr(MSR_LSTAR), 0x666);
	L1_STGI();
	ck_assert_uint_eq(*sim_msr(MSR_LSTAR), 0x1000);
	ck_assert_uint_eq(V->ring->head, 1);
	/* With GIF set at once. */
	L1(SVM_EXIT_VMLOAD, VMLOAD, L1_VMCB);
	ck_assert_uint_eq(*sim_msr(MSR_LSTAR), 0x1000);
	/* What is as it was is quick. */
	((struct vmcb *)(void *)guestmem_page(L1_OTHER))->lstar = 0x1000;
	L1_CLGI();
	L1(SVM_EXIT_VMLOAD, VMLOAD, L1_OTHER);
	sim.quick = 0;
	L1_STGI();
	L1_CLGI();
	ck_assert_uint_eq(sim.quick, 2);
}
END_TEST

/* Clearing SVME sets GIF, too. */
START_TEST(locked_msrs_are_what_they_were_without_svme)
{
	nested_boot(SIM_EPYC, "msr_lock");
	*sim_msr(MSR_LSTAR) = 0x1000;
	B->lstar = 0x666;
	L1_CLGI();
	L1(SVM_EXIT_VMLOAD, VMLOAD, L1_VMCB);
	nested_efer(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE);
	ck_assert(svm_nested_gif(V));
	ck_assert_uint_eq(*sim_msr(MSR_LSTAR), 0x1000);
	ck_assert_uint_eq(V->ring->head, 1);
}
END_TEST

/* L1 clears GIF, loads another VMCB's MSRs, sets it. */
static void clear_load_set(u64 lstar, u64 kernel_gs_base)
{
	B->lstar = lstar;
	B->kernel_gs_base = kernel_gs_base;
	L1_CLGI();
	L1(SVM_EXIT_VMLOAD, VMLOAD, L1_VMCB);
	L1_STGI();
}

START_TEST(what_is_held_is_read_when_it_can_have_changed)
{
	nested_boot(SIM_EPYC, "none");
	enforce("none", "msr:lstar ro log; msr:0xc0000102 ro log");
	*sim_msr(MSR_LSTAR) = 0x1000;
	clear_load_set(0x1000, *sim_msr(MSR_KERNEL_GS_BASE));
	ck_assert_uint_eq(V->ring->head, 0);
	/* L1 has written it, by WRMSR, then by VMLOAD with GIF set: told once. */
	sim_wrmsr(MSR_LSTAR, 0x2000);
	ck_assert_uint_eq(V->ring->head, 1);
	clear_load_set(0x2000, *sim_msr(MSR_KERNEL_GS_BASE));
	ck_assert_uint_eq(V->ring->head, 1);
	B->lstar = 0x3000;
	L1(SVM_EXIT_VMLOAD, VMLOAD, L1_VMCB);
	ck_assert_uint_eq(V->ring->head, 2);
	clear_load_set(0x3000, *sim_msr(MSR_KERNEL_GS_BASE));
	ck_assert_uint_eq(V->ring->head, 2);
	/* By VMLOAD with GIF clear. */
	clear_load_set(0x4000, *sim_msr(MSR_KERNEL_GS_BASE));
	ck_assert_uint_eq(V->ring->head, 3);
	clear_load_set(0x4000, *sim_msr(MSR_KERNEL_GS_BASE));
	ck_assert_uint_eq(V->ring->head, 3);
	/* SWAPGS does not exit. */
	*sim_msr(MSR_KERNEL_GS_BASE) = 0x77;
	clear_load_set(0x4000, 0x77);
	ck_assert_uint_eq(V->ring->head, 3);
	/* Nothing else writes LSTAR: it is not read. */
	*sim_msr(MSR_LSTAR) = 0x5000;
	clear_load_set(0x4000, 0x77);
	ck_assert_uint_eq(V->ring->head, 3);
}
END_TEST

START_TEST(l1_goes_on_as_it_is_when_it_is_given_back)
{
	nested_boot(SIM_EPYC, "umip");
	sim_wrmsr(MSR_VM_HSAVE_PA, L1_OTHER);
	L1_CLGI();
	ck_assert(machine_call(HYPERCALL_APPLY, 0, 0, 0) == HYPERCALL_OK);
	sim_at(SIM_CODE);
	/* The first exit flushes, the second one gives back. */
	machine_call(HYPERCALL_LEAVE, 0, 0, 0);
	ck_assert(sim.held);
	ck_assert_uint_eq(C->tlb_control, SVM_FLUSH_ALL);
	ck_assert_uint_eq(C->virtual_interrupt, 0);
	sim_at(SIM_CODE);
	ck_assert(machine_leave());
	ck_assert(!sim.held);
	ck_assert(cpu_rdmsr(MSR_EFER) & EFER_SVME);
	ck_assert_uint_eq(cpu_rdmsr(MSR_VM_HSAVE_PA), L1_OTHER);
	ck_assert(!(cpu_rdmsr(MSR_VM_CR) & VM_CR_R_INIT));
	/* And is taken with it. */
	sim_take("umip");
	ck_assert_uint_eq(N->state, NESTED_ON);
	ck_assert_uint_eq(read_msr(MSR_VM_HSAVE_PA), L1_OTHER);
	nested_efer(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE);
	sim_at(SIM_CODE);
	machine_call(HYPERCALL_LEAVE, 0, 0, 0);
	sim_at(SIM_CODE);
	ck_assert(machine_leave());
	ck_assert(!(cpu_rdmsr(MSR_EFER) & EFER_SVME));
	ck_assert_uint_eq(cpu_rdmsr(MSR_VM_HSAVE_PA), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		the_processor_has_svm, a_save_area_is_a_page_of_its_own,
		instructions_need_svme_and_cpl_0, instructions_do_not_exist_without_svme,
		addresses_are_checked, vmload_and_vmsave_are_done_for_it,
		invlpga_has_the_asids_of_l1, gif_holds_interrupts_and_nmis,
		a_virtual_gif_saves_exits, forged_vmcbs_are_refused,
		l2_runs_with_our_intercepts_and_exits_to_l1, clean_bits_are_believed,
		msrs_go_by_the_live_bitmap, ports_go_by_a_map_of_ours_where_rules_need_one,
		svm_is_not_there_for_l2, init_shutdown_and_nmi,
		what_is_virtual_for_l2_is_its_own, nmis_of_l2_are_virtual_where_they_can_be,
		vmload_exits_where_locks_need_it, a_virtual_vmsave_is_refused_what_any_is,
		locked_msrs_are_what_they_were, locked_msrs_are_what_they_were_without_svme,
		what_is_held_is_read_when_it_can_have_changed, l1_goes_on_as_it_is_when_it_is_given_back,
	};

	return sim_main("nested", tests, ARRAY_SIZE(tests));
}
