// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual machines that come and go, are moved between processors and nested tables, are reset, seal pages and
 * unseal them, at random, as KVM would have them do it: each finds its own seals at any time, and nobody else's.
 */
#include "nested_seal.h"

enum { MACHINES = 4, CPUS = 2, PAGES = 6, VMCBS = 12, ROOTS = 8, STEPS = 1500 };
#define VMCB_POOL 0x800000ULL
#define ROOT_POOL 0x900000ULL

/* A virtual processor: where it has run last, with what L1 has changed since. */
struct processor {
	u64 vmcb;
	u32 asid;
	int cpu;
	bool changed;
};

static struct vm {
	struct processor p[2];
	u64 root;
	bool filled;
	u32 sealed;
	u64 handle[PAGES];
} vms[MACHINES];

/* What each processor runs. */
static struct {
	struct vm *vm;
	struct processor *p;
} runs[CPUS];

static u64 free_vmcb[VMCBS], free_root[ROOTS], below;
static u32 free_vmcbs, free_roots, seed;

static u32 any(u32 below_this)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed % below_this;
}

/* A page of a pool, as an allocator gives them: any, often the last one that was given back. */
static u64 take(u64 *pool, u32 *count)
{
	u32 i = any(2) ? *count - 1 : any(*count);
	u64 page = pool[i];

	pool[i] = pool[--*count];
	return page;
}

static void stop(u32 cpu)
{
	sim.cpu = cpu;
	if (nested_runs())
		leave();
	runs[cpu].vm = NULL;
}

static void stop_all(const struct vm *vm)
{
	u32 cpu;

	for (cpu = 0; cpu < CPUS; cpu++)
		if (runs[cpu].vm == vm)
			stop(cpu);
}

static void give_root(struct vm *vm)
{
	u32 i;

	vm->root = take(free_root, &free_roots);
	memset(guestmem_page(vm->root), 0, PAGE_BYTES);
	vm->filled = false;
	for (i = 0; i < 2; i++) {
		vmcb(vm->p[i].vmcb)->nested_cr3 = vm->root;
		vm->p[i].changed = true;
	}
}

static void make(struct vm *vm)
{
	static u32 asid;
	u32 i;

	memset(vm, 0, sizeof(*vm));
	for (i = 0; i < 2; i++) {
		struct processor *p = &vm->p[i];

		p->vmcb = take(free_vmcb, &free_vmcbs);
		processor(p->vmcb, 0);
		p->cpu = -1;
		p->asid = vmcb(p->vmcb)->asid = 1 + asid++ % 500;
	}
	give_root(vm);
}

/* Its pages keep what they have until they are somebody's again. */
static void unmake(struct vm *vm)
{
	u32 i;

	stop_all(vm);
	for (i = 0; i < 2; i++)
		free_vmcb[free_vmcbs++] = vm->p[i].vmcb;
	free_root[free_roots++] = vm->root;
}

static void enter(u32 cpu, struct vm *vm, struct processor *p)
{
	u32 other;

	for (other = 0; other < CPUS; other++)
		if (runs[other].p == p || other == cpu)
			stop(other);
	sim.cpu = cpu;
	vmcb(p->vmcb)->clean = p->cpu == (int)cpu && !p->changed ? SVM_CLEAN_ALL : 0;
	p->cpu = cpu;
	p->changed = false;
	L1_VMRUN(p->vmcb);
	ck_assert(nested_runs());
	runs[cpu].vm = vm;
	runs[cpu].p = p;
	/* Its first fault. */
	if (!vm->filled)
		guestmem_put(vm->root, 8, below);
	vm->filled = true;
}

static u64 page(u32 i)
{
	return GPA + i * PAGE_BYTES;
}

static void look(u32 cpu)
{
	const struct vm *vm = runs[cpu].vm;
	u32 i = any(PAGES);
	bool sealed = vm->sealed >> i & 1;

	sim.cpu = cpu;
	ck_assert(!sealed || !(nested_leaf(page(i)) & PTE_W));
	ck_assert_uint_eq(refused(page(i)), sealed);
	ck_assert(sealed || nested_leaf(page(i)) & PTE_W);
}

static void change(u32 cpu)
{
	struct vm *vm = runs[cpu].vm;
	u32 i = any(PAGES), other;

	sim.cpu = cpu;
	if (vm->sealed >> i & 1) {
		ck_assert_uint_eq(unseal(vm->handle[i]), OLDGUARD_CALL_OK);
	} else {
		ck_assert_uint_eq(seal(page(i), 1), OLDGUARD_CALL_OK);
		vm->handle[i] = handle;
	}
	vm->sealed ^= 1u << i;
	/* As enlightened.h says: on each processor. */
	other = !cpu;
	if (runs[other].vm != vm)
		enter(other, vm, &vm->p[runs[cpu].p == &vm->p[0]]);
	sim.cpu = other;
	ck_assert_uint_eq(call2(OLDGUARD_CALL_SYNC, 0, 0), OLDGUARD_CALL_OK);
}

static void moved(struct vm *vm)
{
	u64 old = vm->root;

	stop_all(vm);
	give_root(vm);
	/* The last one that runs on it has left it. */
	free_root[free_roots++] = old;
}

/* One of them starts the other. */
static void reset(struct vm *vm)
{
	u32 i;

	stop_all(vm);
	reset_state(vm->p[0].vmcb);
	start_state(vm->p[1].vmcb);
	vm->sealed = 0;
	for (i = 0; i < 2; i++) {
		struct vmcb *b = vmcb(vm->p[i].vmcb);
		u64 token;

		vm->p[i].changed = true;
		enter(any(CPUS), vm, &vm->p[i]);
		look(sim.cpu);
		stop(sim.cpu);
		token = b->host_use[NESTED_TOKEN];
		processor(vm->p[i].vmcb, vm->root);
		b->host_use[NESTED_TOKEN] = token;
		b->asid = vm->p[i].asid;
		vm->p[i].changed = true;
	}
}

static void step(void)
{
	struct vm *vm = &vms[any(MACHINES)];
	u32 what = any(100), cpu = any(CPUS);

	if (what < 40) {
		enter(cpu, vm, &vm->p[any(2)]);
	} else if (what < 90) {
		if (runs[cpu].vm && what < 70)
			look(cpu);
		else if (runs[cpu].vm)
			change(cpu);
	} else if (what < 95) {
		moved(vm);
	} else if (what < 98) {
		reset(vm);
	} else {
		unmake(vm);
		make(vm);
	}
}

static void begin_all(void)
{
	u32 i;

	boot(SIM_EPYC, ON);
	for (i = 0; i < PAGES; i++)
		guestmem_map(&tables, page(i), 0, (DATA + i * PAGE_BYTES) | ALL);
	below = guestmem_get(tables.cr3, 8);
	for (free_vmcbs = 0; free_vmcbs < VMCBS; free_vmcbs++)
		free_vmcb[free_vmcbs] = VMCB_POOL + free_vmcbs * PAGE_BYTES;
	for (free_roots = 0; free_roots < ROOTS; free_roots++) {
		free_root[free_roots] = ROOT_POOL + free_roots * PAGE_BYTES;
		guestmem_page(free_root[free_roots]);
	}
	memset(runs, 0, sizeof(runs));
	second_processor();
	for (i = 0; i < MACHINES; i++)
		make(&vms[i]);
}

START_TEST(each_has_its_own_seals)
{
	u32 round, i, most = 0;

	for (round = 1; round <= 3; round++) {
		seed = 2463534242u + round;
		begin_all();
		for (i = 0; i < STEPS; i++) {
			step();
			if (machine.guests.count > most)
				most = machine.guests.count;
		}
		sim.cpu = 0;
	}
	/* They have all been there at once. */
	ck_assert_uint_ge(most, MACHINES);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { each_has_its_own_seals };

	return sim_main("nested_machines", tests, ARRAY_SIZE(tests));
}
