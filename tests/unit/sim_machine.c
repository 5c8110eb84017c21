// SPDX-License-Identifier: GPL-2.0-only
/*
 * sim_machine.c - the processor's models, its memory and the machine around it.
 */
#include "sim.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * What root.lds gives: an image of four pages, each with its own filling; entries for exceptions;
 * one line of fix-ups.
 */
asm(".pushsection .data\n"
    ".balign 4096\n"
    ".globl root_text_start, root_text_end, root_rodata_start, root_rodata_end\n"
    ".globl root_data_start, root_data_end, root_fault_entries\n"
    ".globl root_extable_start, root_extable_end\n"
    "root_text_start: root_fault_entries: .fill 8192, 1, 0x11\n"
    "root_text_end: root_rodata_start: .fill 4096, 1, 0x22\n"
    "root_rodata_end: root_data_start: .fill 4096, 1, 0x33\n"
    "root_data_end:\n"
    "root_extable_start: .quad 0x1111, 0x2222\n"
    "root_extable_end:\n"
    ".popsection\n");

static const struct sim_leaf epyc[] = {
	{ 0, 0, { 0xd, 0x68747541, 0x444d4163, 0x69746e65 } },
	{ 1, 0, { 0x800f12, 0x800, 0x76d8320b, 0x178bfbff } },
	{ 5, 0, { 0x40, 0x40, 3, 0x11 } },
	{ 6, 0, { 4, 0, 1, 0 } },
	{ 7, 0, { 0, 0x209c01a9, 0, 0 } },
	{ 0xd, 0, { 7, 0x340, 0x340, 0 } },
	{ 0xd, 1, { 0xf, 0x340, 0, 0 } },
	{ 0x80000000, 0, { 0x8000001f, 0x68747541, 0x444d4163, 0x69746e65 } },
	{ 0x80000001, 0, { 0x800f12, 0x40000000, 0x35c233ff, 0x2fd3fbff } },
	{ 0x80000008, 0, { 0x3030, 0x1007, 0, 0 } },
	{ 0x8000000a, 0, { 1, 0x8000, 0, 0xff } },
	{ 0x8000001f, 0, { 0x1f, 0x16f, 0xf, 1 } },
};

static const struct sim_leaf phenom[] = {
	{ 0, 0, { 5, 0x68747541, 0x444d4163, 0x69746e65 } },
	{ 1, 0, { 0x100f23, 0x800, 0x00802009, 0x178bfbff } },
	{ 5, 0, { 0x40, 0x40, 3, 0 } },
	{ 0x80000000, 0, { 0x8000001a, 0x68747541, 0x444d4163, 0x69746e65 } },
	{ 0x80000001, 0, { 0x100f23, 0x10000000, 0x7ff, 0xebd3fbff } },
	{ 0x80000008, 0, { 0x3030, 0, 0, 0 } },
	{ 0x8000000a, 0, { 1, 0x40, 0, 1 } },
	{ 0x8000001a, 0, { 3, 0, 0, 0 } },
};

static const struct sim_leaf intel[] = {
	{ 0, 0, { 0xd, 0x756e6547, 0x6c65746e, 0x49656e69 } },
	{ 1, 0, { 0x206a7, 0x800, 0x17bae3ff, 0xbfebfbff } },
	{ 0xd, 0, { 7, 0x340, 0x340, 0 } },
	{ 0xd, 1, { 1, 0, 0, 0 } },
	{ 0x80000000, 0, { 0x80000008, 0, 0, 0 } },
	{ 0x80000001, 0, { 0, 0, 1, 0x28100800 } },
	{ 0x80000008, 0, { 0x3024, 0, 0, 0 } },
};

#define CODE64 0x00af9b000000ffffULL
#define DATA 0x00cf93000000ffffULL

static void add_msrs(void)
{
	static const u32 common[] = {
		MSR_APIC_BASE, MSR_SYSENTER_CS, MSR_SYSENTER_ESP, MSR_SYSENTER_EIP, MSR_STAR,
		MSR_LSTAR, MSR_CSTAR, MSR_SFMASK, MSR_FS_BASE, MSR_GS_BASE, MSR_KERNEL_GS_BASE,
		MSR_DEBUGCTL, MSR_MTRR_FIX64K_00000, MSR_MTRR_FIX16K_80000,
		MSR_MTRR_FIX16K_A0000,
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(common); i++)
		sim_add_msr(common[i], 0);
	for (i = 0; i < 8; i++) {
		sim_add_msr(MSR_MTRR_FIX4K_C0000 + i, 0);
		sim_add_msr(MSR_MTRR_PHYS_BASE0 + 2 * i, 0);
		sim_add_msr(MSR_MTRR_PHYS_MASK0 + 2 * i, 0);
	}
	/* Eight variable ranges and the fixed ones; all is write-back. */
	sim_add_msr(MSR_MTRR_CAP, 0x508);
	sim_add_msr(MSR_MTRR_DEF_TYPE, 0x806);
	sim_add_msr(MSR_PAT, 0x0007040600070406);
	sim_add_msr(MSR_EFER, EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE);
	sim.efer_valid = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;
	if (!sim.intel) {
		sim_add_msr(MSR_VM_CR, 0);
		sim_add_msr(MSR_VM_HSAVE_PA, 0);
		sim_add_msr(0xc0010010, 0); /* SYSCFG */
		sim.efer_valid |= EFER_SVME;
		return;
	}
	sim_add_msr(MSR_FEATURE_CONTROL, FEATURE_CONTROL_LOCKED | FEATURE_CONTROL_VMX);
	sim_add_msr(MSR_VMX_BASIC, VMX_BASIC_TRUE | 0x10);
	sim_add_msr(MSR_VMX_TRUE_PIN, 0x7fULL << 32 | VMX_PIN_DEFAULT1);
	sim_add_msr(MSR_VMX_TRUE_PROC, 0xfff9fffeULL << 32 | 0x04006172);
	sim_add_msr(MSR_VMX_TRUE_EXIT, 0x7fffffULL << 32 | 0x36dfb);
	sim_add_msr(MSR_VMX_TRUE_ENTRY, 0xffffULL << 32 | 0x11fb);
	sim_add_msr(MSR_VMX_PROC2, 0xffULL << 32);
	sim_add_msr(MSR_VMX_EPT_VPID, VMX_EPT_LEVELS_4 | VMX_EPT_WB | VMX_EPT_2M | VMX_EPT_INVEPT |
					      VMX_VPID_INVVPID);
	sim_add_msr(MSR_VMX_CR0_FIXED0, CR0_PG | CR0_NE | CR0_PE);
	sim_add_msr(MSR_VMX_CR0_FIXED1, 0xffffffff);
	sim_add_msr(MSR_VMX_CR4_FIXED0, CR4_VMXE);
	sim_add_msr(MSR_VMX_CR4_FIXED1, 0x1fffff);
}

static void add_memory(void)
{
	static const u64 rw[] = {
		SIM_CODE, SIM_CODE + PAGE_BYTES, SIM_DATA, SIM_DATA + PAGE_BYTES, SIM_REQUEST,
		SIM_REQUEST + PAGE_BYTES, SIM_REQUEST + 2 * PAGE_BYTES,
	};
	struct walk_state s;
	u32 i;

	guestmem_reset();
	s = guestmem_state(PAGING_4);
	for (i = 0; i < ARRAY_SIZE(rw); i++) {
		guestmem_page(rw[i]);
		guestmem_map(&s, rw[i], 0, rw[i] | PTE_P | PTE_W | PTE_U);
	}
	guestmem_page(SIM_READONLY);
	guestmem_map(&s, SIM_READONLY, 0, SIM_READONLY | PTE_P | PTE_U);
	sim.cr3 = s.cr3;
}

void sim_new(enum sim_model model)
{
	static const struct {
		const struct sim_leaf *leaf;
		u32 leaves;
	} models[SIM_MODELS] = {
		[SIM_EPYC] = { epyc, ARRAY_SIZE(epyc) },
		[SIM_TCG] = { epyc, ARRAY_SIZE(epyc) },
		[SIM_PHENOM] = { phenom, ARRAY_SIZE(phenom) },
		[SIM_INTEL] = { intel, ARRAY_SIZE(intel) },
	};

	sim = (struct sim){
		.leaves = models[model].leaves,
		.intel = model == SIM_INTEL,
		.cr0 = 0x80050033,
		.cr2 = 0x1234,
		.cr4 = CR4_PAE | CR4_PGE | CR4_PSE | CR4_MCE | CR4_OSFXSR,
		.dr6 = 0xffff0ff0,
		.dr7 = 0x400,
		.rflags = RFLAGS_FIXED,
		.gdt = { [2] = CODE64, [3] = DATA,
			 [8] = 0x00008b000300206fULL, [9] = 0xfffffe00,
			 [10] = 0x0000820020000fffULL, [11] = 0xffff8880 },
		.selectors = { [GUEST_CS] = 0x10, [GUEST_SS] = 0x18 },
		.fs = { .base = 0x7f0000001000 },
		.gs = { .base = 0xffff888000100000 },
		.tr = { .selector = 0x40, .attr = 0x8b, .limit = 0x206f, .base = 0xfffffe0000003000 },
		.ldtr = { .selector = 0x50, .attr = 0x82, .limit = 0xfff, .base = 0xffff888000002000 },
	};
	memcpy(sim.leaf, models[model].leaf, sim.leaves * sizeof(sim.leaf[0]));
	if (model == SIM_TCG)
		sim_cpuid(0x8000000a, 0)[CPUID_EDX] = SVM_HAS_NPT;
	sim.gdtr = (struct table_reg){ sizeof(sim.gdt) - 1, (uintptr_t)sim.gdt };
	sim.idtr = (struct table_reg){ 0xfff, 0xfffffe0000000000 };
	add_msrs();
	add_memory();
}

/* The same memory twice: where the root side has it, and where Linux's world would see it. */
void sim_block(struct machine_request *request, u32 pieces)
{
	static char *linux_view;
	static u64 mapped;
	u64 bytes = pieces * PIECE_BYTES;
	int fd = memfd_create("block", MFD_CLOEXEC);
	void *root = (void *)(uintptr_t)ROOT_BLOCK;
	u32 i;

	if (linux_view) {
		munmap(linux_view, mapped);
		munmap(root, mapped);
	}
	ck_assert(fd >= 0 && !ftruncate(fd, bytes));
	linux_view = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert(linux_view != MAP_FAILED);
	ck_assert_ptr_eq(mmap(root, bytes, PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0), root);
	close(fd);
	mapped = bytes;
	*request = (struct machine_request){ .pieces = pieces };
	for (i = 0; i < pieces; i++) {
		request->piece[i] = linux_view + i * PIECE_BYTES;
		request->piece_pa[i] = SIM_PIECE_PA(i);
	}
}

void *__real_block_pages(struct machine *m, u32 count, u64 *pa);
void *__wrap_block_pages(struct machine *m, u32 count, u64 *pa);
void *__wrap_block_pages(struct machine *m, u32 count, u64 *pa)
{
	return ++sim.pages == sim.no_page ? NULL : __real_block_pages(m, count, pa);
}

void __real_root_image_copy(void *const piece[]);
void __wrap_root_image_copy(void *const piece[]);
void __wrap_root_image_copy(void *const piece[])
{
	sim.copied = machine;
	__real_root_image_copy(piece);
}

void sim_take(const char *features)
{
	struct machine_request request;
	struct features_on wish;
	TEXT(why, 200);

	machine_probe(true, true, cpu_rdmsr_safe);
	machine_kvm(sim.kvm);
	ck_assert_msg(features_parse(features, strlen(features), &wish, &why), "%s", why.at);
	ck_assert_msg(plan_make(&machine.plans[0], &wish, NULL, machine.caps.facilities, &why), "%s",
		      why.at);
	sim_block(&request, machine_pieces(2, SIM_PHYS_END));
	request.cpus = 2;
	request.phys_end = SIM_PHYS_END;
	ck_assert_msg(machine_build(&request, &why), "%s", why.at);
	ck_assert(machine_take(0));
}

void sim_boot(enum sim_model model, const char *features)
{
	sim_new(model);
	sim_take(features);
}
