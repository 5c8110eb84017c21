// SPDX-License-Identifier: GPL-2.0-only
/*
 * hypercalls.c - calls to the root side that oldguard's own module would not make.
 */
#include <linux/gfp.h>
#include <linux/kthread.h>
#include <linux/smp.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include <asm/trapnr.h>

#include "hostile.h"
#include "oldguard.h"

#define TRY_CALL(insn)                                                                             \
	asm volatile("1: " insn "\n\t"                                                             \
		     "mov $-1, %[trap]\n\t"                                                        \
		     "jmp 3f\n"                                                                    \
		     "2: mov %%eax, %[trap]\n"                                                     \
		     "3:\n" _ASM_EXTABLE_FAULT(1b, 2b)                                             \
		     : "=&a"(*result), [trap] "=&r"(trap)                                          \
		     : "0"(HYPERCALL_MAGIC ^ number), "D"(a), "S"(b), "d"(0UL)                     \
		     : "memory")

bool oldguard_call(u64 number, u64 a, u64 b, u64 *result)
{
	int trap;

	if (boot_cpu_data.x86_vendor == X86_VENDOR_INTEL)
		TRY_CALL("vmcall");
	else
		TRY_CALL("vmmcall");
	return trap == NO_TRAP;
}

static void apply(void *unused)
{
	u64 result;

	oldguard_call(HYPERCALL_APPLY, 0, 0, &result);
}

/* The machine as the attacks of this file leave it: every processor follows the plan in force. */
static void apply_everywhere(void)
{
	on_each_cpu(apply, NULL, 1);
}

/* What has been staged beyond Linux's own text and, under the lock, has to stay. */
static char kept_before[128], kept_after[128];

/* A request with these rules before and behind those that are in force. */
static struct stage_request *request(const char *list, const char *before, const char *after)
{
	const struct guard *guard = (void *)find("oldguard:guard");
	struct stage_request *r =
		(void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, get_order(sizeof(*r)));

	if (!guard || !r) {
		free_pages((unsigned long)r, get_order(sizeof(*r)));
		impossible("oldguard is not there");
		return NULL;
	}
	strscpy(r->text, list ?: guard->list, sizeof(r->text));
	r->length = strlen(r->text);
	if (before || after)
		snprintf(r->policy, sizeof(r->policy), "%s\n%s\n%s\n%s\n%s", before ?: "",
			 kept_before, guard->policy, kept_after, after ?: "");
	r->policy_length = strlen(r->policy);
	return r;
}

static u64 stage(struct stage_request *r)
{
	u64 result = HYPERCALL_BAD;

	oldguard_call(HYPERCALL_STAGE, __pa(r), 0, &result);
	return result;
}

static void release(struct stage_request *r)
{
	free_pages((unsigned long)r, get_order(sizeof(*r)));
}

/* As it was before, where an attack was let through. */
static void restore(void)
{
	struct stage_request *r = request(NULL, "", "");

	if (!r)
		return;
	apply_everywhere();
	stage(r);
	apply_everywhere();
	release(r);
}

static void try_stage(struct stage_request *r)
{
	u64 result;
	bool done;

	if (!r)
		return;
	result = stage(r);
	done = result == HYPERCALL_OK;
	if (done)
		restore();
	if (done)
		succeeded("staged");
	else
		refused("%.120s", result == HYPERCALL_REFUSED ? r->why : "bad call");
	release(r);
}

/* Staged, followed, and LSTAR is anybody's: what the other ways want to come to. */
static void stage_loose(const struct attack *a)
{
	struct stage_request *r = request("umip", NULL, NULL);
	u64 was;
	int trap;

	if (!r)
		return;
	stage(r);
	apply_everywhere();
	rdmsrl(MSR_LSTAR, was);
	trap = try_wrmsr(MSR_LSTAR, was ^ 0x40);
	if (trap == NO_TRAP)
		wrmsrl(MSR_LSTAR, was);
	restore();
	release(r);
	came_of(trap, trap == NO_TRAP);
}

static bool locked(void)
{
	const struct guard *guard = (void *)find("oldguard:guard");

	return guard && guard->locked;
}

static void stage_none(const struct attack *a)
{
	try_stage(request("umip", NULL, NULL));
}

static void stage_allow(const struct attack *a)
{
	try_stage(request(NULL, "msr:lstar ro allow", ""));
}

/* It only denies, so it is no looser by its action; but it lets the port be read. */
static void stage_front(const struct attack *a)
{
	try_stage(request(NULL, "io:0x3ef ro deny", ""));
}

/* About another bit of the same register, to come before the rule that counts. */
static void stage_other_bit(const struct attack *a)
{
	struct stage_request *r = request(NULL, "msr:efer.13 ro deny", "");
	u64 was, result;
	int trap;

	if (!r)
		return;
	/* Allowed: it says no more than what it says. Whether EFER is still protected counts. */
	result = stage(r);
	apply_everywhere();
	rdmsrl(MSR_EFER, was);
	trap = try_wrmsr(MSR_EFER, was & ~1ULL);
	if (trap == NO_TRAP)
		wrmsrl(MSR_EFER, was);
	if (result == HYPERCALL_OK && locked())
		strscpy(kept_before, "msr:efer.13 ro deny", sizeof(kept_before));
	else if (result == HYPERCALL_OK)
		restore();
	if (result != HYPERCALL_OK)
		impossible("it is not staged: %.100s", r->why);
	else
		came_of(trap, trap == NO_TRAP);
	release(r);
}

/*
 * A plan that is accepted and that this processor does not follow; then one that is not accepted
 * and is made where the processor still looks.
 */
static void stage_unfollowed(const struct attack *a)
{
	struct stage_request *tight = request(NULL, "", "io:0x2ff ro deny");
	struct stage_request *loose = request("umip", NULL, NULL);
	u64 was, tight_result = 0, loose_result = 0;
	int trap = NO_TRAP;

	if (tight && loose) {
		preempt_disable();
		tight_result = stage(tight);
		loose_result = stage(loose);
		rdmsrl(MSR_LSTAR, was);
		trap = try_wrmsr(MSR_LSTAR, was ^ 0x40);
		if (trap == NO_TRAP)
			wrmsrl(MSR_LSTAR, was);
		preempt_enable();
		if (tight_result == HYPERCALL_OK && locked())
			strscpy(kept_after, "io:0x2ff ro deny", sizeof(kept_after));
		apply_everywhere();
		restore();
		if (tight_result != HYPERCALL_OK)
			impossible("it is not staged: %.100s", tight->why);
		else if (trap == NO_TRAP)
			succeeded("LSTAR can be written");
		else
			refused("%s; the second call: %.80s", trap_name(trap),
				loose_result == HYPERCALL_REFUSED ? loose->why : "bad");
	}
	if (tight)
		release(tight);
	if (loose)
		release(loose);
}

static int stage_for_ever(void *r)
{
	while (!kthread_should_stop()) {
		stage(r);
		cond_resched();
	}
	return 0;
}

/* One processor's request is checked, another's is carried out. */
static void stage_race(const struct attack *a)
{
	struct stage_request *tight = request(NULL, "", ""), *loose = request("umip", NULL, NULL);
	struct task_struct *other;
	int trap = X86_TRAP_GP, round;
	u64 was;

	if (!tight || !loose)
		return;
	other = kthread_create(stage_for_ever, loose, "hostile");
	if (IS_ERR(other))
		return;
	kthread_bind(other, cpumask_last(cpu_online_mask));
	wake_up_process(other);
	rdmsrl(MSR_LSTAR, was);
	for (round = 0; round < 300 && trap != NO_TRAP; round++) {
		stage(tight);
		apply_everywhere();
		trap = try_wrmsr(MSR_LSTAR, was ^ 0x40);
		if (trap == NO_TRAP)
			wrmsrl(MSR_LSTAR, was);
		cond_resched();
	}
	kthread_stop(other);
	apply_everywhere();
	restore();
	release(tight);
	release(loose);
	if (trap == NO_TRAP)
		succeeded("LSTAR can be written");
	else
		refused("%s in each of %d rounds", trap_name(trap), round);
}

/* The bare processor, and back: where it is allowed, as if nothing had been. */
static void leave(const struct attack *a)
{
	bool (*leave_it)(void) = (void *)find("oldguard:machine_leave");
	bool (*take_it)(u32 cpu) = (void *)find("oldguard:machine_take");
	unsigned long flags;
	bool left;

	if (!leave_it || !take_it) {
		impossible("oldguard is not there");
		return;
	}
	local_irq_save(flags);
	left = leave_it();
	if (left)
		take_it(smp_processor_id());
	local_irq_restore(flags);
	if (left)
		succeeded("the processor was bare");
	else
		refused("the call is answered with a refusal");
}

/* What Linux's side believes is Linux's to change; the root side has to know better. */
static void unlock(const struct attack *a)
{
	struct guard *guard = (void *)find("oldguard:guard");
	bool was;

	if (!guard) {
		impossible("oldguard is not there");
		return;
	}
	was = guard->locked;
	guard->locked = false;
	leave(a);
	guard->locked = was;
}

const struct attack hypercall_attacks[] = { { "call-leave", leave },
					    { "call-leave-unlocked", unlock },
					    { "stage-none", stage_none },
					    { "stage-loose", stage_loose },
					    { "stage-allow", stage_allow },
					    { "stage-front", stage_front },
					    { "stage-other-bit", stage_other_bit },
					    { "stage-unfollowed", stage_unfollowed },
					    { "stage-race", stage_race },
					    {} };
