// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_hypercall.c - any calls of a hostile kernel's, with any request in memory, which another
 * processor of its goes on writing while it is read: a plan is made of what was checked, a call
 * that is refused changes nothing, and nothing of the root side is written over.
 *
 * The input is calls, one behind the other: a struct call, then the bytes that its lengths say.
 */
#include <string.h>

#include "../../guest-glue/enlightened.h"
#include "../../guest-glue/phys.h"
#include "guest.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
bool __real_phys_read(u64 gpa, void *dst, u32 len);
void __real_event_refused(struct vcpu *v, const struct vmexit *e);
void __wrap_event_refused(struct vcpu *v, const struct vmexit *e);
bool __wrap_phys_read(u64 gpa, void *dst, u32 len);

/* in call.flags */
#define CALL_USER 0x01	 /* outside ring 0 */
#define CALL_RAW 0x02	 /* the lengths in the request are any */
#define CALL_SECOND 0x04 /* by the other processor's hand: it follows another plan meanwhile */

/**
 * struct call - a call
 * @number: enum hypercall, then those of enlightened.h, then any
 * @where: the request's address: which of a few
 * @flags: CALL_*
 * @race: what is written over the request after each part of it was read; 0: nothing
 * @list: which feature list
 * @policy: bytes of policy that follow
 * @areas: how many areas follow
 * @length: for CALL_RAW
 * @a: argument
 * @b: argument
 */
struct call {
	u8 number;
	u8 where;
	u8 flags;
	u8 race;
	u8 list;
	u8 policy;
	u8 areas;
	u32 length;
	u64 a;
	u64 b;
} __attribute__((packed));

static struct world fresh, before;
static struct stage_request request;
static u8 image[4 * PAGE_BYTES];

/* --- memory that changes while it is read --- */

static bool watching;
static u8 race;
static u64 read_first[32], read_last[32];
static u32 reads;

/* What is read twice could be another thing the second time. */
bool __wrap_phys_read(u64 gpa, void *dst, u32 len)
{
	bool done = __real_phys_read(gpa, dst, len);
	u8 *at;
	u32 i;

	if (!watching || !done)
		return done;
	for (i = 0; i < reads; i++)
		REQUIRE(gpa > read_last[i] || gpa + len - 1 < read_first[i]);
	REQUIRE(reads < ARRAY_SIZE(read_first));
	read_first[reads] = gpa;
	read_last[reads++] = gpa + len - 1;
	for (at = guestmem_page(gpa) + gpa % PAGE_BYTES, i = 0; race && i < len; i += 64)
		at[i] ^= race;
	return done;
}

/* What the report of a refused call reads decides nothing. */
void __wrap_event_refused(struct vcpu *v, const struct vmexit *e)
{
	bool was = watching;

	watching = false;
	__real_event_refused(v, e);
	watching = was;
}

/* --- the call --- */

static u64 address(u8 where, u64 any)
{
	const u64 pool[] = {
		SIM_REQUEST,	     SIM_REQUEST,
		SIM_REQUEST,	     SIM_REQUEST + 8,
		SIM_NOTHING,	     SIM_PIECE_PA(0),
		SIM_READONLY,	     SIM_REQUEST + 2 * PAGE_BYTES,
		~0ULL << 12,	     any,
		SIM_REQUEST + 0xff0, SIM_DATA,
	};

	return pool[where % ARRAY_SIZE(pool)];
}

static u64 number(const struct call *c)
{
	if (c->number < HYPERCALLS)
		return HYPERCALL_MAGIC ^ c->number;
	if (c->number < HYPERCALLS + 4)
		return OLDGUARD_CALL_SEAL + c->number - HYPERCALLS;
	return HYPERCALL_MAGIC ^ c->number ^ c->a;
}

static void make_request(const struct call *c, const u8 *rest)
{
	static const char *const lists[] = {
		"none",
		"umip",
		"all",
		"umip:mode=dummy,cr_pin",
		"seal",
		"mem_guard",
		"exc_guard,cpuid_fault",
		"umip,",
	};
	const char *list = lists[c->list % ARRAY_SIZE(lists)];
	u32 i;

	memset(&request, 0, sizeof(request));
	request.length = strlen(list);
	memcpy(request.text, list, request.length);
	request.policy_length = c->policy;
	memcpy(request.policy, rest, c->policy);
	request.area_count = c->areas;
	memcpy(request.areas, rest + c->policy, c->areas * sizeof(struct area_range));
	if (c->flags & CALL_RAW) {
		request.length = c->length;
		request.policy_length = c->length >> 8;
		request.area_count = c->length >> 16;
	}
	for (i = 0; i < sizeof(request); i += PAGE_BYTES)
		memcpy(guestmem_page(SIM_REQUEST + i), (u8 *)&request + i,
		       sizeof(request) - i < PAGE_BYTES ? sizeof(request) - i : PAGE_BYTES);
}

/* --- what must hold after it --- */

static void check_root(void)
{
	const struct plan *plan = &machine.plans[machine.current_plan];
	const struct page_ranges *guard = &machine.guard[machine.current_plan];
	u32 i;

	REQUIRE(!memcmp(image, (void *)(uintptr_t)ROOT_BLOCK, sizeof(image)));
	REQUIRE(machine.current_plan < PLANS && machine.next <= machine.limit);
	REQUIRE(!machine.stopped && !machine.stage_lock && !machine.slat_lock &&
		!machine.seals.lock);
	REQUIRE(machine.root_cr3 == fresh.machine.root_cr3 &&
		machine.slat_root == fresh.machine.slat_root);
	REQUIRE(machine.seals.count <= SEALS_MAX && guard->count <= PAGE_RANGES_MAX);
	REQUIRE(plan->rule_count <= RULES_MAX && plan->area_count <= AREA_RANGES_MAX &&
		plan->policy_count <= plan->rule_count && plan->claim_count <= PLAN_CLAIMS_MAX);
	for (i = 0; i < feature_count(); i++)
		REQUIRE(!(plan->on >> feature_count()));
	for (i = 0; i < machine.cpus; i++) {
		const struct vcpu *v = machine_root_vcpu(i);

		REQUIRE(v->id == i && v->machine == &machine && !v->step.kind);
		REQUIRE(v->plan == &machine.plans[0] || v->plan == &machine.plans[1]);
	}
	/* Our own memory stays hidden: nothing there becomes the guest's. */
	REQUIRE(slat_guarded(&machine, SIM_PIECE_PA(0)) == false);
}

/*
 * A refused one has changed nothing but its sentence; the second-level tables may be split. Where it is reported its
 * bytes are fetched, and a walk sets accessed bits.
 */
static void check_refused(u64 result)
{
	u32 i, at = 0;

	REQUIRE(machine.current_plan == before.machine.current_plan);
	REQUIRE(!memcmp(&machine.plans[machine.current_plan],
			&before.machine.plans[machine.current_plan], sizeof(struct plan)));
	REQUIRE(!memcmp(&machine.guard[machine.current_plan],
			&before.machine.guard[machine.current_plan], sizeof(struct page_ranges)));
	REQUIRE(machine.locked == before.machine.locked);
	REQUIRE(!memcmp(&machine.seals, &before.machine.seals, sizeof(machine.seals)));
	if (race)
		return;
	for (i = 0; i < world_pages; i++) {
		if (result == HYPERCALL_REFUSED)
			at = sizeof(request.why);
		REQUIRE(!memcmp(guestmem_nth(i) + at, before.memory[i] + at, PAGE_BYTES - at) ||
			world_only_bits(i, &before));
	}
}

/* The plan is the one that the request asked for when it was read, whatever became of it since. */
static void check_staged(void)
{
	const struct plan *plan = &machine.plans[machine.current_plan];
	static struct features_on wish;
	static struct policy policy;
	static struct plan wanted;
	TEXT(why, 200);
	u32 i;

	REQUIRE(machine.current_plan == !before.machine.current_plan);
	REQUIRE(request.length <= sizeof(request.text) &&
		request.policy_length <= sizeof(request.policy) &&
		request.area_count <= AREA_RANGES_MAX);
	REQUIRE(features_parse(request.text, request.length, &wish, &why));
	REQUIRE(policy_parse(request.policy, request.policy_length, &policy, &why));
	REQUIRE(plan_make(&wanted, &wish, &policy, machine.caps.facilities, &why));
	REQUIRE(plan->on == wanted.on && plan->rule_count == wanted.rule_count);
	for (i = 0; i < plan->rule_count; i++)
		REQUIRE(rule_same(&plan->rules[i], &wanted.rules[i]));
	if (machine.locked)
		REQUIRE(plan_tightens(&before.machine.plans[before.machine.current_plan], plan,
				      &why));
	else
		REQUIRE(plan->area_count == request.area_count &&
			!memcmp(plan->areas, request.areas,
				plan->area_count * sizeof(plan->areas[0])));
}

/* Returns false where the guest is one no longer. */
static bool make_call(const struct call *c, const u8 *rest)
{
	struct vcpu *other = machine_root_vcpu(1);
	u64 rax = number(c), result;
	u8 cpl = c->flags & CALL_USER ? 3 : 0;
	bool ours = rax - OLDGUARD_CALL_SEAL <= OLDGUARD_CALL_SYNC - OLDGUARD_CALL_SEAL ||
		    (rax ^ HYPERCALL_MAGIC) < HYPERCALLS;

	make_request(c, rest);
	sim_at(SIM_CODE);
	sim_cpl(cpl);
	sim.gpr[RAX] = rax;
	sim.gpr[RDI] = address(c->where, c->a);
	sim.gpr[RSI] = c->b & 1 ? address(c->b >> 8, c->a) : c->b >> 1;
	if (rax == (HYPERCALL_MAGIC ^ HYPERCALL_COUNTS))
		sim.gpr[RDI] = c->a >> 60 ? c->a : c->a % 3;
	C->next_rip = SIM_CODE + 3;
	other->active = c->flags & CALL_SECOND;
	other->plan = &machine.plans[c->a & 1];
	memcpy(guestmem_page(SIM_CODE), "\x0f\x01\xd9", 3);
	world_save(&before);
	reads = 0;
	race = c->race;
	watching = rax == (HYPERCALL_MAGIC ^ HYPERCALL_STAGE) && !cpl;
	sim_vmexit(SVM_EXIT_VMMCALL, 0, 0, true);
	watching = false;
	if (!sim.held) {
		REQUIRE(!cpl && rax == (HYPERCALL_MAGIC ^ HYPERCALL_LEAVE) &&
			!before.machine.locked);
		return false;
	}
	result = sim.gpr[RAX];
	check_root();
	if (cpl || !ours) {
		REQUIRE(C->event_inj == EVENT(SVM_EVENT_EXCEPTION, VECTOR_UD) &&
			C->rip == SIM_CODE);
		REQUIRE(result == rax);
		check_refused(HYPERCALL_BAD);
		return true;
	}
	REQUIRE(C->rip == SIM_CODE + 3 && !(C->event_inj & SVM_EVENT_VALID));
	switch (rax ^ HYPERCALL_MAGIC) {
	case HYPERCALL_STAGE:
		REQUIRE(result <= HYPERCALL_BAD);
		if (result == HYPERCALL_OK)
			check_staged();
		else
			check_refused(result);
		break;
	case HYPERCALL_LOCK: REQUIRE(machine.locked); break;
	case HYPERCALL_APPLY: REQUIRE(V->plan == &machine.plans[machine.current_plan]); break;
	}
	return true;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct call c;

	if (size > 4096)
		return -1;
	if (!world_pages) {
		guest_boot(SIM_EPYC);
		world_save(&fresh);
		memcpy(image, (void *)(uintptr_t)ROOT_BLOCK, sizeof(image));
	}
	world_restore(&fresh);
	block_restore();
	while (size >= sizeof(c)) {
		u32 bytes;

		memcpy(&c, data, sizeof(c));
		c.areas %= 8;
		bytes = sizeof(c) + c.policy + c.areas * sizeof(struct area_range);
		if (size < bytes || !make_call(&c, data + sizeof(c)))
			break;
		data += bytes;
		size -= bytes;
	}
	return 0;
}
