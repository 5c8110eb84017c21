// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reports: the ring and its numbers, the rate limit, who was running, what the guest can see.
 */
#include "sim.h"

#include <string.h>

#include "../../vmexit/insn.h"

#define HZ 1000000000ULL
#define DIRECT_MAP 0xffff888000000000ULL
#define FIRST_TASK 0xffffffff82a15940ULL

/* Guest-physical: the pointer to the running task, a task, the first one. */
#define CURRENT (SIM_REQUEST + 0x18)
#define TASK (SIM_DATA + 0x100)
#define INIT_TASK SIM_REQUEST

static struct vmexit exit_now;
static struct event_reason why;

static const struct event_ring *ring(void)
{
	return machine_ring(sim.cpu, NULL);
}

static const struct event *last(void)
{
	ck_assert_uint_ne(ring()->head, 0);
	return &ring()->events[(ring()->head - 1) % EVENT_RING];
}

static void put_task(u64 gpa, u32 pid, u32 tid, const char *comm)
{
	u32 i;

	guestmem_put(gpa + 8, 4, tid);
	guestmem_put(gpa + 12, 4, pid);
	for (i = 0; i < EVENT_COMM; i++)
		guestmem_page(gpa + 0x20 + i)[(gpa + 0x20 + i) % PAGE_BYTES] =
			i < strlen(comm) ? comm[i] : 0;
}

/* A program at CPL 3 has just executed SIDT; Linux has told where its task is. */
static void boot(enum sim_model model)
{
	sim_boot(model, "umip");
	machine.linux_side = (struct event_linux){
		.tsc_hz = HZ,
		.direct_map = DIRECT_MAP,
		.first_task = FIRST_TASK,
		.first_task_pa = INIT_TASK,
		.tid = 8,
		.pid = 12,
		.comm = 0x20,
	};
	V->current_pa = CURRENT;
	put_task(TASK, 4711, 4712, "nosy");
	guestmem_put(CURRENT, 8, DIRECT_MAP + TASK);
	sim.tsc = 5 * HZ;
	sim_cpl(3);
	sim_at(SIM_CODE + 0x234);
	memcpy(guestmem_page(SIM_CODE) + 0x234, "\x0f\x01\x4d\xf0\x90\x90", 6);
	C->rip = SIM_CODE + 0x234;
	exit_now = (struct vmexit){ .kind = VMEXIT_DESC_STORE,
				    .cpl = 3,
				    .sel = DESC_IDTR,
				    .feature = 3,
				    .reg = REG_UNKNOWN };
	why = (struct event_reason){ .action = ACTION_LOG, .rule = EVENT_NO_RULE, .rate = 10 };
}

static void report(void)
{
	event_report(V, &exit_now, &why);
}

START_TEST(a_report_says_all)
{
	static const enum sim_model models[] = { SIM_EPYC, SIM_TCG };
	const struct event *e;
	u32 i, writes;

	for (i = 0; i < ARRAY_SIZE(models); i++) {
		boot(models[i]);
		/* A processor that has executed it has set the accessed bits. */
		insn_length(V, &exit_now);
		exit_now.len = 0;
		writes = guestmem_writes();
		exit_now.value = 0x1111;
		exit_now.addr = 0x2222;
		why.old = 0x3333;
		why.rule = 7;
		why.action = ACTION_DENY;
		report();
		ck_assert_uint_eq(ring()->head, 1);
		ck_assert_uint_eq(ring()->suppressed, 0);
		e = last();
		ck_assert_uint_eq(e->seq, 2);
		ck_assert_uint_eq(e->time, 5 * HZ);
		ck_assert_uint_eq(e->rip, SIM_CODE + 0x234);
		ck_assert_uint_eq(e->value, 0x1111);
		ck_assert_uint_eq(e->addr, 0x2222);
		ck_assert_uint_eq(e->old, 0x3333);
		ck_assert_uint_eq(e->cpu, 0);
		ck_assert_uint_eq(e->pid, 4711);
		ck_assert_uint_eq(e->tid, 4712);
		ck_assert_uint_eq(e->sel, DESC_IDTR);
		ck_assert_uint_eq(e->rule, 7);
		ck_assert_uint_eq(e->kind, VMEXIT_DESC_STORE);
		ck_assert_uint_eq(e->feature, 3);
		ck_assert_uint_eq(e->action, ACTION_DENY);
		ck_assert_uint_eq(e->cpl, 3);
		ck_assert_uint_eq(e->mode, 64);
		ck_assert_str_eq(e->comm, "nosy");
		ck_assert_uint_eq(e->suppressed, 0);
		/* The decoder found its end: not a byte more. */
		ck_assert_uint_eq(e->len, 4);
		ck_assert_mem_eq(e->bytes, "\x0f\x01\x4d\xf0\0", 5);
		/* The guest has not felt it. */
		ck_assert_uint_eq(guestmem_writes(), writes);
		ck_assert_uint_eq(C->rip, SIM_CODE + 0x234);
	}
}
END_TEST

START_TEST(the_other_processor_has_its_own)
{
	u64 pa, other;

	boot(SIM_EPYC);
	report();
	ck_assert_uint_eq(machine_ring(1, &other)->head, 0);
	ck_assert_ptr_eq(machine_ring(0, &pa), ring());
	ck_assert_uint_eq(pa, block_pa(&machine, cpu_area(&machine, 0) + CPU_RING));
	ck_assert_uint_ne(pa, other);
	sim.cpu = 1;
	ck_assert(machine_take(1));
	exit_now.cpl = 0;
	report();
	ck_assert_uint_eq(machine_ring(0, NULL)->head, 1);
	ck_assert_uint_eq(machine_ring(1, NULL)->head, 1);
	ck_assert_uint_eq(last()->cpu, 1);
	/* Linux has not said where its pointer is there. */
	ck_assert_str_eq(last()->comm, "");
	ck_assert_uint_eq(last()->pid, 0);
}
END_TEST

START_TEST(the_ring_wraps)
{
	u32 i, j;

	boot(SIM_EPYC);
	why.rate = EVENT_RATE_MAX;
	for (i = 0; i < 3 * EVENT_RING + 5; i++) {
		sim.tsc += HZ;
		exit_now.value = i;
		report();
		ck_assert_uint_eq(ring()->head, i + 1);
		for (j = 0; j < EVENT_RING && j <= i; j++) {
			const struct event *e = &ring()->events[(i - j) % EVENT_RING];

			ck_assert_uint_eq(e->seq, 2 * (i - j) + 2);
			ck_assert_uint_eq(e->value, i - j);
		}
	}
	ck_assert_uint_eq(ring()->suppressed, 0);
}
END_TEST

/* How many of @count reports pass, @step ticks apart. */
static u32 passed(u32 count, u64 step)
{
	u64 before = ring()->head, held = ring()->suppressed;
	u32 i;

	for (i = 0; i < count; i++) {
		report();
		sim.tsc += step;
	}
	ck_assert_uint_eq(ring()->head - before + ring()->suppressed - held, count);
	return ring()->head - before;
}

START_TEST(the_rate_is_kept)
{
	boot(SIM_EPYC);
	/* Ten at once, then one each tenth of a second. */
	ck_assert_uint_eq(passed(25, 0), 10);
	ck_assert_uint_eq(ring()->suppressed, 15);
	sim.tsc += HZ / 10 - 1;
	ck_assert_uint_eq(passed(1, 1), 0);
	ck_assert_uint_eq(passed(3, 0), 1);
	ck_assert_uint_eq(last()->suppressed, 16);
	/* What comes evenly at that rate all passes. */
	sim.tsc += HZ;
	ck_assert_uint_eq(passed(100, HZ / 10), 100);
	ck_assert_uint_eq(last()->suppressed, 0);
	/* A long quiet time earns no more than a second of it does. */
	sim.tsc += 1000 * HZ;
	ck_assert_uint_eq(passed(25, 0), 10);
	/* Ten seconds of a flood, the last of which is just short of its token. */
	ck_assert_uint_eq(passed(1000000, 10 * HZ / 1000000), 99);
	/* None at all; all but all. */
	why.rate = 0;
	sim.tsc += 10 * HZ;
	ck_assert_uint_eq(passed(10, HZ), 0);
	why.rate = 1;
	ck_assert_uint_eq(passed(3, 0), 1);
	ck_assert_uint_eq(last()->suppressed > 10, 1);
	why.rate = EVENT_RATE_MAX;
	sim.tsc += 10 * HZ;
	ck_assert_uint_eq(passed(1000, HZ / EVENT_RATE_MAX), 1000);
	ck_assert_uint_eq(passed(100, 0), 16);
}
END_TEST

START_TEST(a_clock_that_is_set_back)
{
	boot(SIM_EPYC);
	ck_assert_uint_eq(passed(11, 0), 10);
	sim.tsc = 3;
	ck_assert_uint_eq(passed(11, 0), 10);
	sim.tsc += HZ;
	ck_assert_uint_eq(passed(11, 0), 10);
}
END_TEST

START_TEST(each_rule_has_its_own_rate)
{
	boot(SIM_EPYC);
	ck_assert_uint_eq(passed(20, 0), 10);
	why.rule = 0;
	ck_assert_uint_eq(passed(20, 0), 10);
	why.rule = EVENT_RULES - 1;
	ck_assert_uint_eq(passed(20, 0), 10);
	/* Rules beyond share their feature's. */
	why.rule = EVENT_RULES;
	ck_assert_uint_eq(passed(20, 0), 0);
	exit_now.feature = FEATURES_MAX - 1;
	ck_assert_uint_eq(passed(20, 0), 10);
	why.rule = EVENT_NO_RULE;
	ck_assert_uint_eq(passed(20, 0), 0);
	ck_assert_uint_eq(ring()->suppressed, 80);
	/* With other rules the numbers mean something else. */
	event_forget(V);
	ck_assert_uint_eq(passed(20, 0), 10);
	ck_assert_uint_eq(last()->suppressed, 0);
	ck_assert_uint_eq(ring()->suppressed, 90);
	/* That is what switching does. */
	sim_cpl(0);
	sim_at(SIM_CODE);
	ck_assert_uint_eq(machine_call(HYPERCALL_APPLY, 0, 0, 0), HYPERCALL_OK);
	ck_assert_uint_eq(passed(20, 0), 10);
}
END_TEST

/* --- who was running --- */

static void nobody(void)
{
	sim.tsc += HZ;
	report();
	ck_assert_uint_eq(last()->pid, 0);
	ck_assert_uint_eq(last()->tid, 0);
	ck_assert_str_eq(last()->comm, "");
	ck_assert_uint_eq(last()->len, 4);
}

START_TEST(pointers_that_lead_nowhere)
{
	static const u64 bad[] = {
		0,
		1,
		TASK,
		DIRECT_MAP - 8,
		DIRECT_MAP + SIM_NOTHING,
		DIRECT_MAP + SIM_PHYS_END - 4,
		DIRECT_MAP + SIM_PHYS_END,
		DIRECT_MAP + 0x7000000,
		~0ULL,
		~7ULL,
		FIRST_TASK + 1,
		0x8000000000000000,
		0x00007ffffffff000,
		DIRECT_MAP + SIM_DATA + 2 * PAGE_BYTES - 0x20,
	};
	u32 i;

	boot(SIM_EPYC);
	/* Nobody's pointer leads there but its own. */
	put_task(INIT_TASK + 0x40, 1, 1, "first");
	machine.linux_side.first_task_pa = INIT_TASK + 0x40;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		guestmem_put(CURRENT, 8, bad[i]);
		nobody();
	}
	guestmem_put(CURRENT, 8, DIRECT_MAP + TASK);
	sim.tsc += HZ;
	report();
	ck_assert_str_eq(last()->comm, "nosy");
	/* The pointer itself */
	V->current_pa = 0;
	nobody();
	V->current_pa = SIM_NOTHING;
	nobody();
	V->current_pa = ~0ULL - 3;
	nobody();
	V->current_pa = SIM_DATA + 2 * PAGE_BYTES - 4;
	nobody();
	/* Offsets */
	V->current_pa = CURRENT;
	machine.linux_side.comm = ~0u;
	nobody();
	ck_assert_uint_eq(machine.stopped, 0);
}
END_TEST

START_TEST(tasks_anywhere)
{
	const u64 across = SIM_DATA + PAGE_BYTES - 0x28;

	boot(SIM_EPYC);
	guestmem_put(CURRENT, 8, FIRST_TASK);
	put_task(INIT_TASK, 0, 0, "swapper/0");
	guestmem_put(CURRENT, 8, FIRST_TASK);
	report();
	ck_assert_str_eq(last()->comm, "swapper/0");
	/* The name lies across two pages; it fills its room, and more. */
	put_task(across, 1, 2, "fifteen letters+");
	guestmem_put(CURRENT, 8, DIRECT_MAP + across);
	report();
	ck_assert_mem_eq(last()->comm, "fifteen letters+", EVENT_COMM);
	ck_assert_uint_eq(last()->pid, 1);
	ck_assert_uint_eq(last()->tid, 2);
}
END_TEST

/* --- what was executed --- */

START_TEST(instructions_that_cannot_be_had)
{
	boot(SIM_TCG);
	C->rip = SIM_NOTHING;
	report();
	ck_assert_uint_eq(last()->len, 0);
	ck_assert_uint_eq(last()->rip, SIM_NOTHING);
	ck_assert_str_eq(last()->comm, "nosy");
	C->rip = 0x8000000000000000;
	report();
	ck_assert_uint_eq(last()->len, 0);
	/* Nothing behind the page's end: what there is. */
	C->rip = SIM_CODE + 2 * PAGE_BYTES - 2;
	memcpy(guestmem_page(SIM_CODE + PAGE_BYTES) + PAGE_BYTES - 2, "\x0f\x01", 2);
	report();
	ck_assert_uint_eq(last()->len, 2);
	ck_assert_mem_eq(last()->bytes, "\x0f\x01\0", 3);
	/* No instruction at all; one that another processor has just written there. */
	C->rip = SIM_CODE;
	memcpy(guestmem_page(SIM_CODE), "\x0f\xff\xff\xff\xff\xff\xff\xff", 8);
	report();
	ck_assert_uint_eq(last()->len, 15);
	exit_now.len = 3;
	report();
	ck_assert_uint_eq(last()->len, 3);
	exit_now.len = 200;
	report();
	ck_assert_uint_eq(last()->len, 15);
	ck_assert_uint_eq(machine.stopped, 0);
}
END_TEST

START_TEST(code_of_32_and_16_bits)
{
	boot(SIM_TCG);
	memcpy(guestmem_page(SIM_CODE) + 0x234, "\x0f\x01\x0e\x34\x12\x90\x90", 7);
	sim_mode(32);
	sim_cpl(3);
	C->rip = SIM_CODE + 0x234;
	report();
	ck_assert_uint_eq(last()->mode, 32);
	ck_assert_uint_eq(last()->len, 3);
	sim_mode(16);
	sim_cpl(3);
	C->rip = SIM_CODE + 0x234;
	C->cs.limit = ~0u;
	report();
	ck_assert_uint_eq(last()->mode, 16);
	ck_assert_uint_eq(last()->len, 5);
}
END_TEST

/* --- in words --- */

START_TEST(words)
{
	static const struct {
		struct event event;
		const char *asset;
	} assets[] = {
		{ { .kind = VMEXIT_DESC_STORE, .sel = DESC_IDTR }, "sidt" },
		{ { .kind = VMEXIT_DESC_STORE, .sel = DESC_TR }, "str" },
		{ { .kind = VMEXIT_DESC_STORE, .sel = ~0u }, "str" },
		{ { .kind = VMEXIT_DESC_LOAD, .sel = DESC_GDTR }, "lgdt" },
		{ { .kind = VMEXIT_SMSW }, "smsw" },
		{ { .kind = VMEXIT_CR_WRITE, .sel = 4 }, "cr4" },
		{ { .kind = VMEXIT_CR_READ, .sel = 8 }, "cr8" },
		{ { .kind = VMEXIT_MSR_WRITE, .sel = 0xc0000082 }, "msr:lstar" },
		{ { .kind = VMEXIT_MSR_READ, .sel = 0x1234 }, "msr:0x1234" },
		{ { .kind = VMEXIT_CR_WRITE, .sel = 4, .old = CR4_SMEP, .value = CR4_SMAP },
		  "cr4.smep+smap" },
		{ { .kind = VMEXIT_IO, .sel = 0x64 }, "io:0x64" },
		{ { .kind = VMEXIT_EXCEPTION, .sel = 14 }, "exc:page" },
		{ { .kind = VMEXIT_MEMORY, .addr = 0x123456000 }, "mem:0x123456000" },
		{ { .kind = VMEXIT_XSETBV }, "xcr0" },
		{ { .kind = VMEXIT_CPUID }, "cpuid" },
		{ { .kind = VMEXIT_KINDS }, "unknown" },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(assets); i++) {
		TEXT(text, 80);

		event_asset(&assets[i].event, &text);
		ck_assert_str_eq(text.at, assets[i].asset);
	}
	ck_assert_str_eq(action_name(ACTION_ALLOW), "allow");
	ck_assert_str_eq(action_name(ACTION_LOG), "log");
	ck_assert_str_eq(action_name(ACTION_IGNORE), "ignore");
	ck_assert_str_eq(action_name(ACTION_DENY), "deny");
	ck_assert_str_eq(action_name(ACTION_SKIP), "skip");
}
END_TEST

/* --- dispatch tells whose handler it is --- */

START_TEST(handlers_know_their_feature)
{
	struct vmexit e = { .kind = VMEXIT_DESC_STORE, .cpl = 3, .feature = 0xff };
	u32 umip;

	boot(SIM_EPYC);
	for (umip = 0; strcmp(feature_get(umip)->name, "umip"); umip++)
		;
	ck_assert_int_eq(dispatch(V, &e), VERDICT_INJECT);
	ck_assert_uint_eq(e.feature, umip);
}
END_TEST

/* Rules are carried out by one function, which reports all but what they allow. */
START_TEST(rules_report)
{
	struct rule *rule;
	u32 i, index = 0;

	sim_boot(SIM_EPYC, "msr_lock");
	machine.linux_side.tsc_hz = HZ;
	for (i = 0; i < V->plan->rule_count; i++)
		if (rule_covers(&V->plan->rules[i], ASSET_MSR, MSR_LSTAR))
			index = i;
	rule = &machine.plans[0].rules[index];
	rule->rate = 2;
	sim_add_msr(MSR_LSTAR, 0x1000);
	for (i = 0; i < 3; i++) {
		sim_at(SIM_CODE);
		sim.gpr[RCX] = MSR_LSTAR;
		sim.gpr[RAX] = 0x2000;
		sim.gpr[RDX] = 0;
		memcpy(guestmem_page(SIM_CODE), "\x0f\x30", 2);
		sim_exit(SVM_EXIT_MSR, 1, 0);
		sim_fault(SIM_CODE, VECTOR_GP, 0);
	}
	ck_assert_uint_eq(ring()->head, 2);
	ck_assert_uint_eq(ring()->suppressed, 1);
	ck_assert_uint_eq(last()->rule, index);
	ck_assert_uint_eq(last()->action, ACTION_DENY);
	ck_assert_uint_eq(last()->kind, VMEXIT_MSR_WRITE);
	ck_assert_uint_eq(last()->sel, MSR_LSTAR);
	ck_assert_uint_eq(last()->value, 0x2000);
	ck_assert_uint_eq(last()->old, 0x1000);
	ck_assert_str_eq(feature_get(last()->feature)->name, "msr_lock");
	rule->action = ACTION_ALLOW;
	sim.tsc += HZ;
	sim_at(SIM_CODE);
	sim.gpr[RCX] = MSR_LSTAR;
	sim.gpr[RAX] = 0x2000;
	sim.gpr[RDX] = 0;
	sim_exit(SVM_EXIT_MSR, 1, 0);
	ck_assert_uint_eq(ring()->head, 2);
	ck_assert_uint_eq(*sim_msr(MSR_LSTAR), 0x2000);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_report_says_all,
		the_other_processor_has_its_own,
		the_ring_wraps,
		the_rate_is_kept,
		a_clock_that_is_set_back,
		each_rule_has_its_own_rate,
		pointers_that_lead_nowhere,
		tasks_anywhere,
		instructions_that_cannot_be_had,
		code_of_32_and_16_bits,
		handlers_know_their_feature,
		words,
		rules_report,
	};

	return sim_main("event", tests, ARRAY_SIZE(tests));
}
