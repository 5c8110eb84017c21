// SPDX-License-Identifier: GPL-2.0-only
/*
 * sim.c - the bare processor, its memory and the machine around it; sim.h says what for.
 */
#include "sim.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct sim sim;

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

u32 *sim_cpuid(u32 leaf, u32 subleaf)
{
	struct sim_leaf *l;

	for (l = sim.leaf; l < sim.leaf + sim.leaves; l++)
		if (l->leaf == leaf && l->subleaf == subleaf)
			return l->out;
	ck_assert(sim.leaves < SIM_LEAVES);
	*l = (struct sim_leaf){ leaf, subleaf, { 0 } };
	sim.leaves++;
	return l->out;
}

void cpu_cpuid(u32 leaf, u32 subleaf, u32 out[4])
{
	u32 basic = sim_cpuid(0, 0)[CPUID_EAX], extended = sim_cpuid(0x80000000, 0)[CPUID_EAX];
	struct sim_leaf *l;

	sim.cpuids++;
	if (sim.intel && ((leaf < 0x40000000 && leaf > basic) || leaf > extended))
		leaf = basic;
	memset(out, 0, 16);
	if ((leaf < 0x40000000 && leaf > basic) || leaf > extended)
		return;
	for (l = sim.leaf; l < sim.leaf + sim.leaves; l++) {
		/* Only some leaves look at ECX. */
		bool same = l->subleaf == subleaf || (leaf != 7 && leaf != 0xd);

		if (l->leaf == leaf && same) {
			memcpy(out, l->out, 16);
			break;
		}
	}
	if (leaf == 1 && cpu_read_cr4() & CR4_OSXSAVE)
		out[CPUID_ECX] |= 1u << 27;
	if (leaf == 7 && !subleaf && cpu_read_cr4() & CR4_PKE)
		out[CPUID_ECX] |= 1u << 4;
}

void cpu_cpuid_gpr(u64 *rax, u64 gpr[GPRS])
{
	u32 out[4];

	cpu_cpuid(*rax, gpr[RCX], out);
	*rax = out[CPUID_EAX];
	gpr[RBX] = out[CPUID_EBX];
	gpr[RCX] = out[CPUID_ECX];
	gpr[RDX] = out[CPUID_EDX];
}

u64 *sim_msr(u32 msr)
{
	u32 i;

	for (i = 0; i < sim.msrs; i++)
		if (sim.msr[i].msr == msr)
			return &sim.msr[i].value;
	return NULL;
}

void sim_add_msr(u32 msr, u64 value)
{
	if (!sim_msr(msr)) {
		ck_assert(sim.msrs < SIM_MSRS);
		sim.msr[sim.msrs++].msr = msr;
	}
	*sim_msr(msr) = value;
}

bool cpu_rdmsr_safe(u32 msr, u64 *value)
{
	u64 *at = sim_msr(msr);

	if (at)
		*value = *at;
	return at;
}

bool cpu_wrmsr_safe(u32 msr, u64 value)
{
	u64 *at = sim_msr(msr);

	if (!at || (msr == MSR_EFER && value & ~sim.efer_valid))
		return false;
	*at = value;
	return true;
}

u64 cpu_rdmsr(u32 msr)
{
	u64 value = 0;

	ck_assert_msg(cpu_rdmsr_safe(msr, &value), "#GP below: RDMSR %x", msr);
	return value;
}

void cpu_wrmsr(u32 msr, u64 value)
{
	ck_assert_msg(cpu_wrmsr_safe(msr, value), "#GP below: WRMSR %x", msr);
}

bool cpu_xsetbv_safe(u32 index, u64 value)
{
	if (index || !(value & 1))
		return false;
	sim.xcr0 = value;
	return true;
}

u64 cpu_read_cr0(void) { return sim.held ? machine.root_cr0 : sim.cr0; }
u64 cpu_read_cr2(void) { return sim.cr2; }
u64 cpu_read_cr3(void) { return sim.held ? sim.root_cr3 : sim.cr3; }
u64 cpu_read_cr4(void) { return sim.held ? sim.root_cr4 : sim.cr4; }
u64 cpu_read_dr6(void) { return sim.dr6; }
u64 cpu_read_dr7(void) { return sim.dr7; }
u64 cpu_rdtsc(void) { return sim.tsc; }
u64 cpu_read_flags(void) { return sim.rflags; }
void cpu_write_cr0(u64 value) { sim.cr0 = value; }
void cpu_write_cr3(u64 value) { ck_assert_uint_eq(value, cpu_read_cr3()); }
void cpu_write_cr2(u64 value) { sim.cr2 = value; }
void cpu_write_cr4(u64 value) { sim.cr4 = value; }
void cpu_write_dr6(u64 value) { sim.dr6 = value; }
void cpu_write_dr7(u64 value) { sim.dr7 = value; }
void cpu_wbinvd(void) { sim.wbinvds++; }
u16 cpu_read_ldtr(void) { return sim.ldtr.selector; }
u16 cpu_read_tr(void) { return sim.tr.selector; }
void cpu_read_selectors(u16 out[6]) { memcpy(out, sim.selectors, sizeof(sim.selectors)); }

void cpu_read_tables(struct table_reg *gdtr, struct table_reg *idtr)
{
	*gdtr = sim.gdtr;
	*idtr = sim.idtr;
}

void cpu_outb(u16 port, u8 value)
{
	if (port == 0x3f8) {
		if (sim.said < sizeof(sim.serial) - 1)
			sim.serial[sim.said++] = value;
		return;
	}
	ck_assert(sim.ports < ARRAY_SIZE(sim.port));
	sim.port[sim.ports] = port;
	sim.port_value[sim.ports++] = value;
}

u8 cpu_inb(u16 port)
{
	return port == 0x3fd ? 0x20 : 0xff;
}

void cpu_out(u16 port, u32 bytes, u32 value)
{
	ck_assert(bytes == 1 || bytes == 2 || bytes == 4);
	ck_assert(sim.ports < ARRAY_SIZE(sim.port));
	sim.port[sim.ports] = port;
	sim.port_value[sim.ports++] = bytes == 4 ? value : value & ((1u << bytes * 8) - 1);
}

u32 cpu_in(u16 port, u32 bytes)
{
	u32 value = 0xa1b2c300 | (port & 0xff);

	return bytes == 4 ? value : value & ((1u << bytes * 8) - 1);
}

void cpu_halt(void)
{
	if (sim.can_halt) {
		sim.can_halt = false;
		longjmp(sim.halt, 1);
	}
	ck_abort_msg("the root side has stopped the processor: %s", sim.serial);
	abort();
}

bool sim_said(const char *what)
{
	return strstr(sim.serial, what);
}

/* --- VMX, as far as taking and giving back goes: test_vmx.c has the exits --- */

char vmx_host_start[1], vmx_host_exit[1];
u64 sim_vmcs[0x8000];

u64 vmx_read(u32 field) { return sim_vmcs[field]; }
void vmx_write(u32 field, u64 value) { sim_vmcs[field] = value; }
void vmx_off(void) { sim.vmxon = false; }
bool vmx_clear(u64 pa) { return sim.vmxon && pa; }
bool vmx_load(u64 pa) { return sim.vmxon && pa; }
u64 vmx_current(void) { return V->control_pa; }
void vmx_invept_all(void) { }
void vmx_invvpid(u64 type, u64 vpid) { (void)type; (void)vpid; }
u64 vmx_hypercall(u64 number, u64 a, u64 b, u64 c)
{
	return number == (HYPERCALL_MAGIC ^ HYPERCALL_LEAVE) ? 0 : number ^ a ^ b ^ c;
}
void vmx_unblock_nmi(void) { }
void vmx_raise_nmi(void) { sim.nmis++; }
void vmx_raise_machine_check(void) { sim.machine_checks++; }

bool vmx_write_checked(u32 field, u64 value)
{
	vmx_write(field, value);
	return field != sim.lacks;
}

/* SDM vol. 3, 24.8 and the description of VMXON. */
bool vmx_on(u64 pa)
{
	u32 *region = block_va(&machine, block_offset(&machine, pa));

	ck_assert(cpu_read_cr4() & CR4_VMXE);
	ck_assert(cpu_rdmsr(MSR_FEATURE_CONTROL) & FEATURE_CONTROL_LOCKED);
	ck_assert_uint_eq(*region, cpu_rdmsr(MSR_VMX_BASIC) & 0x7fffffff);
	sim.vmxon = true;
	return true;
}

u64 vmx_launch(void)
{
	if (sim.launch_fails)
		return 0;
	vmx_start(V);
	return 1;
}

void vmx_reload(const struct vmx_reload *reload)
{
	sim.reload = *reload;
	sim.reload_tss = ((const u64 *)(uintptr_t)reload->own_gdtr.base)[reload->tr / 8];
}

/* --- the machine --- */

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

void __real_root_image_copy(void *to);
void __wrap_root_image_copy(void *to);
void __wrap_root_image_copy(void *to)
{
	sim.copied = machine;
	__real_root_image_copy(to);
}

void sim_boot(enum sim_model model, const char *features)
{
	struct machine_request request;
	struct features_on wish;
	TEXT(why, 200);

	sim_new(model);
	machine_probe(true, true, cpu_rdmsr_safe);
	ck_assert_msg(features_parse(features, strlen(features), &wish, &why), "%s", why.at);
	ck_assert_msg(plan_make(&machine.plans[0], &wish, NULL, machine.caps.facilities, &why), "%s",
		      why.at);
	sim_block(&request, machine_pieces(2, SIM_PHYS_END));
	request.cpus = 2;
	request.phys_end = SIM_PHYS_END;
	ck_assert_msg(machine_build(&request, &why), "%s", why.at);
	ck_assert(machine_take(0));
}

int sim_main(const char *name, const TTest *const tests[], u32 count)
{
	Suite *suite = suite_create(name);
	TCase *all = tcase_create("all");
	SRunner *runner;
	int failed;
	u32 i;

	for (i = 0; i < count; i++)
		tcase_add_test(all, tests[i]);
	tcase_set_timeout(all, 60);
	suite_add_tcase(suite, all);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
