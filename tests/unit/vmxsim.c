// SPDX-License-Identifier: GPL-2.0-only
#include "vmxsim.h"

#include <stdlib.h>
#include <string.h>

#include "../../decoder/decode.h"
#include "../../guest-glue/image.h"
#include "../../guest-glue/rootmap.h"

struct sim sim;
struct vcpu sim_vcpu;
struct machine machine;
u8 sim_piece[PIECE_BYTES];
jmp_buf sim_reset_point;
char vmx_host_start[1], vmx_host_exit[1];

extern const struct feature *const __start_oldguard_features[];
extern const struct feature *const __stop_oldguard_features[];
const struct image oldguard_image = {
	.features = __start_oldguard_features,
	.features_end = __stop_oldguard_features,
};

#define RANGE(must, may) ((u64)(may) << 32 | (must))

/* --- the processor --- */

void cpu_cpuid(u32 leaf, u32 subleaf, u32 out[4])
{
	memset(out, 0, 16);
	switch (leaf) {
	case 0:
		out[CPUID_EAX] = 13;
		out[CPUID_EBX] = 0x756e6547;
		break;
	case 1:
		out[CPUID_EAX] = 0x206a7;
		out[CPUID_EDX] = sim.leaf1_edx;
		/* XSAVE, and OSXSAVE as the root side's CR4 has it: set */
		out[CPUID_ECX] = sim.leaf1_ecx | 3u << 26;
		break;
	case 7:
		if (!subleaf) {
			out[CPUID_EBX] = sim.leaf7_ebx;
			out[CPUID_ECX] = sim.leaf7_ecx;
		}
		break;
	case 0xd:
		out[CPUID_EAX] = subleaf ? 1 : 7; /* no XSAVES */
		break;
	case 0x80000000:
		out[CPUID_EAX] = 0x80000008;
		break;
	case 0x80000001:
		out[CPUID_EDX] = sim.leaf80000001_edx;
		break;
	default:
		out[CPUID_EAX] = leaf * 3 + 1;
		out[CPUID_EDX] = subleaf;
	}
}

u64 cpu_rdmsr(u32 msr)
{
	switch (msr) {
	case MSR_FEATURE_CONTROL:
		return sim.feature_control;
	case MSR_VMX_BASIC:
		return sim.basic;
	case MSR_VMX_PIN:
	case MSR_VMX_TRUE_PIN:
		return sim.pin;
	case MSR_VMX_PROC:
		return sim.proc | VMX_PROC_DEFAULT1;
	case MSR_VMX_TRUE_PROC:
		return sim.proc;
	case MSR_VMX_EXIT:
	case MSR_VMX_TRUE_EXIT:
		return sim.exit;
	case MSR_VMX_ENTRY:
	case MSR_VMX_TRUE_ENTRY:
		return sim.entry;
	case MSR_VMX_PROC2:
		return sim.proc2;
	case MSR_VMX_EPT_VPID:
		return sim.ept_vpid;
	case MSR_VMX_CR0_FIXED0:
		return CR0_PG | CR0_NE | CR0_PE;
	case MSR_VMX_CR0_FIXED1:
		return 0xffffffff;
	case MSR_VMX_CR4_FIXED0:
		return CR4_VMXE;
	case MSR_VMX_CR4_FIXED1:
		return 0x1fffff;
	case MSR_EFER:
		return sim.efer;
	case MSR_APIC_BASE:
		return sim.apic_base;
	case MSR_MISC_ENABLE:
		return sim.misc_enable;
	case MSR_PERF_GLOBAL_CTRL:
		return sim.perf_global;
	case MSR_PEBS_ENABLE:
		return sim.pebs_enable;
	case MSR_MTRR_CAP:
		return 0x503; /* write-combining, fixed ranges, three others */
	default:
		return msr - 0x200 < ARRAY_SIZE(sim.mtrr) ? sim.mtrr[msr - 0x200] : 0;
	}
}

/* What must never be while the root side runs: counters that count, and PEBS. */
static bool perf_write(u32 msr, u64 value)
{
	if (value & ~sim.perf_valid)
		return false;
	*(msr == MSR_PEBS_ENABLE ? &sim.pebs_enable : &sim.perf_global) = value;
	ck_assert_msg(!sim.perf_global || !sim.pebs_enable, "PEBS counts on the root side");
	return true;
}

void cpu_wrmsr(u32 msr, u64 value)
{
	if (msr == MSR_EFER)
		sim.efer = value;
	else if (msr == MSR_PEBS_ENABLE || msr == MSR_PERF_GLOBAL_CTRL)
		ck_assert(perf_write(msr, value));
}

/* 0x1234 is the one MSR that it has beyond those. */
bool cpu_rdmsr_safe(u32 msr, u64 *value)
{
	*value = msr == MSR_PEBS_ENABLE ? sim.pebs_enable : 0x1122334455667788;
	return msr == 0x1234 || msr == MSR_PEBS_ENABLE;
}

/* No memory type is larger than 6, and nothing reserved may be set: SDM vol. 3, 12.11.2. */
static bool mtrr_valid(u32 msr, u64 value)
{
	if (msr == MSR_MTRR_DEF_TYPE)
		return !(value & ~0xcffULL) && (u8)value <= 6;
	if (msr >= MSR_MTRR_FIX64K_00000)
		return true; /* no test puts a bad type there */
	return msr & 1 ? !(value & 0x7ff) : (u8)value <= 6;
}

bool cpu_wrmsr_safe(u32 msr, u64 value)
{
	if (msr == MSR_PEBS_ENABLE || msr == MSR_PERF_GLOBAL_CTRL)
		return perf_write(msr, value);
	if (msr - 0x200 < ARRAY_SIZE(sim.mtrr) && mtrr_valid(msr, value)) {
		sim.mtrr[msr - 0x200] = value;
		return true;
	}
	return msr == 0x1234;
}

bool cpu_xsetbv_safe(u32 index, u64 value)
{
	if (index || !(value & 1))
		return false;
	sim.xcr0 = value;
	return true;
}

void cpu_out(u16 port, u32 bytes, u32 value)
{
	(void)bytes;
	sim.port = port;
	sim.port_value = value;
}

u32 cpu_in(u16 port, u32 bytes)
{
	return bytes == 4 ? 0xa1b2c300 | port : port;
}

/* What machine.c and maps.c do with a block, which there is none of. */
bool machine_maps(struct machine *m, u32 msr_pages, u32 io_pages)
{
	(void)m;
	return msr_pages && io_pages;
}

void machine_plan_maps(struct machine *m, u32 plan)
{
	(void)m;
	(void)plan;
}

void plan_follow(struct vcpu *v)
{
	v->virt->traps(v);
}

u64 cpu_read_cr0(void) { return sim.cr0; }
u64 cpu_read_cr2(void) { return sim.cr2; }
u64 cpu_read_cr3(void) { return 0; }
u64 cpu_read_cr4(void) { return sim.cr4; }
u64 cpu_rdtsc(void) { return 0; }
u64 cpu_read_dr6(void) { return sim.dr6; }
u64 cpu_read_dr7(void) { return 0x400; }
u64 cpu_read_flags(void) { return 2; }
void cpu_write_cr0(u64 value) { sim.cr0 = value; }
void cpu_write_cr3(u64 value)
{
	ck_assert_uint_eq(value, cpu_read_cr3());
	sim.root_flushes++;
}
void cpu_write_cr2(u64 value) { sim.cr2 = value; }
void cpu_write_cr4(u64 value) { sim.cr4 = value; }
void cpu_write_dr6(u64 value) { sim.dr6 = value; }
void cpu_write_dr7(u64 value) { (void)value; }
void cpu_wbinvd(void) { sim.wbinvds++; }
u16 cpu_read_ldtr(void) { return 0; }
u16 cpu_read_tr(void) { return 0x40; }
void cpu_read_selectors(u16 out[6]) { memset(out, 0, 12); }
void cpu_read_tables(struct table_reg *gdtr, struct table_reg *idtr)
{
	*gdtr = *idtr = (struct table_reg){ 0 };
}

u64 vmx_read(u32 field)
{
	return sim.vmcs[field];
}

void vmx_write(u32 field, u64 value)
{
	if (field == VMCS_PROC && sim.nmi_at_window_write) {
		sim.nmi_at_window_write = false;
		sim_vcpu.nmis++;
		vmx_nmi(&sim_vcpu);
	}
	sim.vmcs[field] = value;
}

bool vmx_write_checked(u32 field, u64 value)
{
	vmx_write(field, value);
	return true;
}

bool vmx_on(u64 pa) { return pa; }
void vmx_off(void) { }
bool vmx_clear(u64 pa) { return pa; }
bool vmx_load(u64 pa) { return pa; }
u64 vmx_current(void) { return 1; }
void vmx_invept_all(void) { sim.invepts++; }
void vmx_invvpid(u64 type, u64 vpid)
{
	ck_assert(type == INVVPID_ALL || vpid == VMX_OUR_VPID);
	sim.invalidated++;
}
u64 vmx_launch(void) { return 1; }
u64 vmx_hypercall(u64 number, u64 a, u64 b, u64 c) { return number + a + b + c; }
void vmx_reload(const struct vmx_reload *reload) { (void)reload; }
void vmx_raise_nmi(void) { }
void vmx_raise_machine_check(void) { }
struct vcpu *machine_vcpu(u32 cpu) { (void)cpu; return &sim_vcpu; }
void vmx_unblock_nmi(void) { sim.unblocked++; }

/* --- the machine --- */

void root_die(const char *what, u64 value)
{
	ck_abort_msg("root_die: %s %lx", what, (unsigned long)value);
	abort();
}

void root_say(const char *what, u64 value)
{
	(void)what;
	(void)value;
}

void machine_reset(void)
{
	sim.resets++;
	if (sim.may_reset)
		longjmp(sim_reset_point, 1);
	ck_abort_msg("machine_reset");
	abort();
}

void root_enter(struct vcpu *v) { v->active = 1; }
struct vcpu *machine_root_vcpu(u32 cpu) { (void)cpu; return &sim_vcpu; }
u64 block_offset(const struct machine *m, u64 pa) { (void)m; return pa == 0x5000 ? 0 : BLOCK_NONE; }
bool slat_fill(struct machine *m, u64 gpa) { (void)m; return gpa == 0xfee00000; }
bool slat_build(struct machine *m)
{
	m->slat_root = 0x8000;
	return true;
}
void slat_retype(struct machine *m)
{
	ck_assert_uint_eq(m->slat_root, 0x8000);
	sim.retyped++;
}
void *block_pages(struct machine *m, u32 count, u64 *pa)
{
	static u8 page[PAGE_BYTES];

	(void)m;
	ck_assert_uint_eq(count, 1);
	*pa = 0x9000;
	return memset(page, 0, sizeof(page));
}

int decode(struct decoder *d, enum decode_mode mode, const u8 *bytes, u32 count, struct insn *out)
{
	(void)d; (void)mode; (void)bytes; (void)count;
	memset(out, 0, sizeof(*out));
	sim.decoded++;
	return -DECODE_UNKNOWN;
}

/* --- a guest --- */

extern const struct virt *const __start_oldguard_virts[];

const struct virt *sim_virt(void)
{
	return __start_oldguard_virts[0];
}

static void map_memory(struct walk_state *s)
{
	static const u64 pages[] = { SIM_STACK, SIM_DATA, SIM_GDT };
	u32 i;

	guestmem_reset();
	*s = guestmem_state(PAGING_4);
	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		guestmem_page(pages[i]);
		guestmem_map(s, pages[i], 0, pages[i] | PTE_P | PTE_W | PTE_U);
	}
}

static void make_guest(void)
{
	struct guest_segment data = { 0, 0xffffffff, 0x18, 0xc93 };
	struct guest_segment code = { 0, 0xffffffff, 0x10, 0xa9b };
	struct walk_state s;
	u32 i;

	map_memory(&s);
	for (i = 0; i < GUEST_SEGS; i++)
		vmx_set_segment(&sim_vcpu, i, i == GUEST_CS ? &code : &data);
	sim.vmcs[VMCS_GUEST_CR0] = 0x80050033;
	sim.vmcs[VMCS_CR0_SHADOW] = 0x80050033;
	sim.vmcs[VMCS_GUEST_CR3] = s.cr3;
	sim.vmcs[VMCS_GUEST_CR4] = CR4_PAE | CR4_PGE | CR4_VMXE;
	sim.vmcs[VMCS_GUEST_EFER] = s.efer;
	sim.vmcs[VMCS_GUEST_RFLAGS] = RFLAGS_FIXED | RFLAGS_IF;
	sim.vmcs[VMCS_GUEST_RIP] = 0xffffffff81000000;
	sim.vmcs[VMCS_GUEST_RSP] = SIM_STACK + 0x800;
	sim.vmcs[VMCS_GUEST_GDTR_BASE] = SIM_GDT;
	sim.vmcs[VMCS_GUEST_GDTR_LIMIT] = 0x7f;
	sim.vmcs[VMCS_GUEST_IDTR_BASE] = 0xfffffe0000000000;
	sim.vmcs[VMCS_GUEST_IDTR_LIMIT] = 0xfff;
	sim.vmcs[VMCS_EXIT_LENGTH] = 2;
	sim.vmcs[VMCS_PROC] = vmx_facts.proc;
	sim.vmcs[VMCS_PROC2] = vmx_facts.proc2;
	sim.vmcs[VMCS_ENTRY] = vmx_facts.entry;
}

void sim_reset(const char *features)
{
	TEXT(why, 200);
	struct features_on wish;

	sim = (struct sim){
		.leaf1_ecx = 1u << 5 | 1u << 6,
		.leaf1_edx = 1u << 12, /* MTRRs */
		.leaf80000001_edx = 1u << 27,
		.pin = RANGE(VMX_PIN_DEFAULT1, 0x7f),
		.proc = RANGE(0x04006172, 0xfff9fffe),
		.proc2 = RANGE(0, 0xff),
		.exit = RANGE(0x36dfb, 0x7fffff),
		.entry = RANGE(0x11fb, 0xffff),
		.ept_vpid = VMX_EPT_LEVELS_4 | VMX_EPT_WB | VMX_EPT_2M | VMX_EPT_INVEPT |
			    VMX_VPID_INVVPID,
		.basic = VMX_BASIC_TRUE | 0x10,
		.feature_control = FEATURE_CONTROL_LOCKED | FEATURE_CONTROL_VMX | BIT64(16),
		.efer = EFER_LMA | EFER_LME | EFER_NXE,
		.cr0 = 0x80050033,
		.cr4 = CR4_PAE | CR4_PGE,
		.mtrr[0xff] = 0xc06,
	};
	machine = (struct machine){
		.virt = sim_virt(),
		.pieces = 1,
		.piece_va = { sim_piece },
		.piece_pa = { SIM_PIECE },
		.hypervisor_leaf = 0x40000000,
		.hypervisor_bit = true,
		.max_basic = 13,
		.max_extended = 0x80000008,
		.out_of_range_is_highest = true,
		.maxphyaddr = 36,
		.cr4_supported = CR4_PAE | CR4_PGE | CR4_OSXSAVE | CR4_PCIDE,
		.leaf1_ecx = ~(3u << 5),
	};
	sim_virt()->caps(&machine.caps, true);
	ck_assert(features_parse(features, strlen(features), &wish, &why));
	ck_assert(plan_make(&machine.plans[0], &wish, NULL, machine.caps.facilities, &why));
	sim_vcpu = (struct vcpu){
		.virt = sim_virt(), .machine = &machine, .plan = &machine.plans[0], .active = 1,
	};
	make_guest();
	sim_virt()->traps(&sim_vcpu);
	cpuid_prepare(&sim_vcpu);
}

void sim_user(void)
{
	struct guest_segment code = { 0, 0xffffffff, 0x33, 0xafb };
	struct guest_segment data = { 0, 0xffffffff, 0x2b, 0xcf3 };

	vmx_set_segment(&sim_vcpu, GUEST_CS, &code);
	vmx_set_segment(&sim_vcpu, GUEST_SS, &data);
	sim.vmcs[VMCS_GUEST_RIP] = 0x401000;
}

/* The MSR areas: one entry each at the most. SDM vol. 3, 25.7.2, 25.8.2. */
static void *msr_area(u32 field)
{
	u64 pa = sim.vmcs[field];

	ck_assert_uint_eq(pa % 16, 0);
	ck_assert(pa - SIM_PIECE < PIECE_BYTES);
	return sim_piece + (pa - SIM_PIECE);
}

static void load_msr(u32 count, u32 field)
{
	struct { u32 msr, reserved; u64 value; } *e;

	if (!sim.vmcs[count])
		return;
	ck_assert_uint_eq(sim.vmcs[count], 1);
	e = msr_area(field);
	ck_assert_uint_eq(e->msr, MSR_PERF_GLOBAL_CTRL);
	ck_assert_uint_eq(e->reserved, 0);
	sim.perf_global = e->value;
}

static void exit_msrs(void)
{
	if (sim.vmcs[VMCS_EXIT_MSR_STORES])
		((u64 *)msr_area(VMCS_EXIT_MSR_STORE_AREA))[1] = sim.perf_global;
	load_msr(VMCS_EXIT_MSR_LOADS, VMCS_EXIT_MSR_LOAD_AREA);
}

void sim_exit(u32 reason)
{
	exit_msrs();
	sim.vmcs[VMCS_EXIT_REASON] = reason;
	/* Each exit clears it: SDM vol. 3, 28.2. */
	sim.vmcs[VMCS_ENTRY_EVENT] = 0;
	ck_assert(!sim.perf_global || !sim.pebs_enable);
	if (!vmx_fast(&sim_vcpu))
		vmx_exit(&sim_vcpu);
	load_msr(VMCS_ENTRY_MSR_LOADS, VMCS_ENTRY_MSR_LOAD_AREA);
}

static void umip(void)
{
	sim_reset("umip");
}

int sim_main(const char *name, const TTest *const tests[], u32 count)
{
	Suite *suite = suite_create(name);
	TCase *all = tcase_create("all");
	SRunner *runner;
	int failed;
	u32 i;

	tcase_add_checked_fixture(all, umip, NULL);
	for (i = 0; i < count; i++)
		tcase_add_test(all, tests[i]);
	suite_add_tcase(suite, all);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
