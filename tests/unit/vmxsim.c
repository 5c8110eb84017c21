// SPDX-License-Identifier: GPL-2.0-only
/* The machine and the guest of vmxsim.h; the processor is in vmxsim_cpu.c. */
#include "vmxsim.h"

#include <stdlib.h>
#include <string.h>

#include "../../decoder/decode.h"
#include "../../guest-glue/image.h"
#include "../../guest-glue/rootmap.h"

struct vcpu sim_vcpu;
struct machine machine;
u8 sim_piece[PIECE_BYTES];
jmp_buf sim_reset_point;

extern const struct feature *const __start_oldguard_features[];
extern const struct feature *const __stop_oldguard_features[];
const struct image oldguard_image = {
	.features = __start_oldguard_features,
	.features_end = __stop_oldguard_features,
};

#define RANGE(must, may) ((u64)(may) << 32 | (must))

/* --- the machine --- */

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
struct vcpu *machine_vcpu(u32 cpu) { (void)cpu; return &sim_vcpu; }
struct vcpu *machine_root_vcpu(u32 cpu) { (void)cpu; return &sim_vcpu; }
u64 block_offset(const struct machine *m, u64 pa) { (void)m; return pa == 0x5000 ? 0 : BLOCK_NONE; }
bool block_overlaps(const struct machine *m, u64 pa, u64 bytes) { (void)m; return pa <= 0x5000 && pa + bytes > 0x5000; }
bool rootmap_more(struct machine *m, u64 start, u64 end) { (void)m; return start < end; }
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
bool slat_guarded(const struct machine *m, u64 gpa)
{
	(void)m;
	return sim.guarded && gpa - gpa % PAGE_BYTES == sim.guarded;
}
u64 slat_view_open(struct machine *m, bool fetch)
{
	(void)m;
	ck_assert_uint_eq(sim.view, 0);
	sim.view = 1;
	sim.view_fetch = fetch;
	sim.view_pages = 0;
	return SIM_VIEW;
}
bool slat_view_add(struct machine *m, u64 gpa)
{
	(void)m;
	ck_assert_uint_eq(sim.view, 1);
	sim.view_page[sim.view_pages++] = gpa;
	return true;
}
void slat_view_close(struct machine *m)
{
	(void)m;
	ck_assert_uint_eq(sim.view, 1);
	sim.view = 0;
}
bool slat_guard_prepare(struct machine *m, u32 plan) { (void)m; (void)plan; return true; }
void slat_guard_apply(struct machine *m, u32 plan) { (void)m; (void)plan; }
bool slat_guard_add(struct machine *m, u64 first, u64 last)
{
	(void)m, (void)last;
	return first != 0x9000;
}
void slat_guard_remove(struct machine *m, u64 first, u64 last) { (void)m, (void)first, (void)last; }
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

void machine_show(struct machine *m)
{
	u32 out[4] = { [CPUID_ECX] = ~0u };

	m->virt->hide(1, 0, out);
	m->leaf1_ecx = out[CPUID_ECX];
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
	static struct event_buckets buckets;
	static struct event_ring ring;
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
		.syscall_in_64_only = true,
		.maxphyaddr = 36,
		.cr4_supported = CR4_PAE | CR4_PGE | CR4_OSXSAVE | CR4_PCIDE,
		.leaf1_ecx = ~(3u << 5),
	};
	sim_virt()->caps(&machine.caps, true);
	ck_assert(features_parse(features, strlen(features), &wish, &why));
	ck_assert(plan_make(&machine.plans[0], &wish, NULL, machine.caps.facilities, &why));
	sim_vcpu = (struct vcpu){
		.virt = sim_virt(), .machine = &machine, .plan = &machine.plans[0], .active = 1,
		.ring = &ring, .buckets = &buckets,
	};
	ring = (struct event_ring){ 0 };
	buckets = (struct event_buckets){ 0 };
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

void check_fault(u32 vector, u32 error)
{
	ck_assert_uint_eq(F(ENTRY_EVENT), FAULT(vector));
	ck_assert_uint_eq(F(ENTRY_ERROR), error);
	ck_assert_uint_eq(F(GUEST_RIP), RIP0);
	ck_assert(F(GUEST_RFLAGS) & RFLAGS_RF);
}

void check_skipped(u32 len)
{
	ck_assert_uint_eq(F(ENTRY_EVENT), 0);
	ck_assert_uint_eq(F(GUEST_RIP), RIP0 + len);
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
