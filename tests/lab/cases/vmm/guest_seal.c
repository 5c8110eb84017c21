// SPDX-License-Identifier: GPL-2.0-only
/*
 * guest_seal.c - what vmm.c's guest does with oldguard below its hypervisor: pages of its own that it has
 * sealed (guest-glue/enlightened.h), and what it could try against them.
 */
#include "guest.h"
#include "trap.h"

#include "../../../../guest-glue/enlightened.h"

enum { UD = 6, GP = 13 };
#define PAGE GUEST_PAGE(7) /* the one that the host lets go */
#define GOOD 0x600du
#define KVM_ENOSYS ((uint64_t)-1000)
#define KVM_EPERM ((uint64_t)-1)

static volatile uint32_t *const apic = (void *)0xfee00000ull;
static uint64_t handle;
static volatile uint64_t handle_of_first;
static volatile uint64_t user_result;

static uint64_t oldguard(uint64_t number, uint64_t a, uint64_t b)
{
	register uint64_t out asm("rdx") = 0;

	asm volatile("vmmcall" : "+a"(number), "+r"(out) : "D"(a), "S"(b), "b"(0ull), "c"(0ull) : "memory");
	if (out)
		handle = out;
	return number;
}

static uint64_t seal(uint64_t page, uint64_t pages)
{
	return oldguard(OLDGUARD_CALL_SEAL, page, pages);
}

/* As enlightened.h looks for it; 0: it is not there. */
static uint32_t leaf(uint32_t *offers)
{
	uint32_t base, out[4];

	for (base = OLDGUARD_LEAF_FIRST; base < OLDGUARD_LEAF_END; base += OLDGUARD_LEAF_STEP) {
		cpuid(base, 0, out);
		if (out[1] != OLDGUARD_SIGNATURE_EBX || out[2] != OLDGUARD_SIGNATURE_ECX || out[3])
			continue;
		cpuid(base + 1, 0, out);
		must(out[0] == OLDGUARD_VERSION_1 && out[2] == 0);
		*offers = out[3];
		return base;
	}
	return 0;
}

static bool writable(uint64_t address)
{
	uint32_t was = *at(address);
	unsigned how = TRAP("movl $0xbad, (%[address])", [address] "r"(address));

	must(how == NO_TRAP || (how == GP && trapped.error == 0));
	must(*at(address) == (how == NO_TRAP ? 0xbad : was));
	return how == NO_TRAP;
}

static void seal_it(void)
{
	uint32_t offers;

	must(leaf(&offers) && offers == OLDGUARD_OFFERS_SEAL);
	*at(PAGE) = GOOD;
	must(seal(PAGE, 1) == OLDGUARD_CALL_OK && handle);
	must(oldguard(OLDGUARD_CALL_SYNC, 0, 0) == OLDGUARD_CALL_OK);
	must(!writable(PAGE) && *at(PAGE) == GOOD);
}

void g_no_leaf(void)
{
	uint32_t offers;

	must(!leaf(&offers));
	must(seal(PAGE, 1) == KVM_ENOSYS);
	must(writable(PAGE));
}

void g_no_seals(void)
{
	uint32_t offers;

	must(leaf(&offers) && !offers);
	must(seal(PAGE, 1) == OLDGUARD_CALL_REFUSED);
	must(writable(PAGE));
}

static void u_seal(void)
{
	user_result = oldguard(OLDGUARD_CALL_SEAL, GUEST_PAGE(9), 1);
	user_back();
}

void g_seals(void)
{
	static const uint64_t bad[][2] = {
		{ PAGE, 1 }, { PAGE - 0x1000, 2 }, { GUEST_PAGE(9) + 8, 1 }, { GUEST_PAGE(9), 0 },
		{ GUEST_PAGE(9), ~0ull }, { GUEST_PAGE(9), 1ull << 52 }, { ~0xfffull, 1 }, { 1ull << 63, 1 },
	};
	uint64_t first;
	unsigned i;

	seal_it();
	first = handle;
	/* By another address, beside it, after exits. */
	*entry(GUEST_PAGE(1)) = PAGE | 7;
	invlpg(GUEST_PAGE(1));
	must(!writable(GUEST_PAGE(1)));
	*entry(GUEST_PAGE(1)) = GUEST_PAGE(1) | 7;
	invlpg(GUEST_PAGE(1));
	must(writable(PAGE - 4) && writable(PAGE + 0x1000));
	for (i = 0; i < 50; i++) {
		in32(PORT_ECHO);
		must(!writable(PAGE + 0xffc));
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		must(seal(bad[i][0], bad[i][1]) == OLDGUARD_CALL_BAD);
	must(oldguard(OLDGUARD_CALL_UNSEAL, first + 1, 0) == OLDGUARD_CALL_BAD);
	/* Calls that are not for it, and its hypervisor's. */
	for (i = 0; i < 9; i++)
		must(oldguard(0x6f6c646775000000ull ^ i, PAGE, PAGE) == KVM_ENOSYS);
	must(oldguard(OLDGUARD_CALL_SYNC + 1, 0, 0) == KVM_ENOSYS);
	must(oldguard(12345, 0, 0) == KVM_ENOSYS);
	must(TRAP("mov %[page], %%rax\n\tvmrun", [page] "r"((uint64_t)GUEST_PAGE(9))) == UD);
	must(rdmsr(0xc0010114) == 0x18); /* VM_CR: locked, no SVM */
	/* A program's. */
	asm volatile("pushf\n\torl $0x3000, (%%rsp)\n\tpopf" : : : "memory");
	run_user(u_seal);
	must(user_result == KVM_EPERM);
	must(writable(GUEST_PAGE(9)));
	must(!writable(PAGE) && *at(PAGE) == GOOD);
	must(oldguard(OLDGUARD_CALL_UNSEAL, first, 0) == OLDGUARD_CALL_OK);
	must(writable(PAGE));
	/* Many of them, and all that there is. */
	for (i = 0; seal(GUEST_PAGE(20 + 2 * i), 1) == OLDGUARD_CALL_OK; i++)
		must(!writable(GUEST_PAGE(20 + 2 * i)) && writable(GUEST_PAGE(21 + 2 * i)));
	must(i == 16);
}

/* A step over a call, which exits, ends behind it. */
void g_seals_step(void)
{
	must(TRAP("pushf\n\torl $0x100, (%%rsp)\n\tmov %[sync], %%rax\n\tpopf\n\tvmmcall\n\tud2",
		  [sync] "r"(OLDGUARD_CALL_SYNC)) == 1);
	must(TRAP("pushf\n\torl $0x100, (%%rsp)\n\tmov $0x40000400, %%eax\n\tpopf\n\tcpuid\n\tud2", ) == 1);
}

/* The host lets the page go and gives another: the seal is the address's. */
void g_seals_dontneed(void)
{
	unsigned i;

	seal_it();
	for (i = 0; i < 20; i++) {
		host(0);
		must(!writable(PAGE) && *at(PAGE) == 0);
	}
}

void g_seals_dirty(void)
{
	seal_it();
	host(0);
	must(!writable(PAGE) && writable(PAGE + 0x1000));
	host(100);
	must(!writable(PAGE) && writable(PAGE + 0x1000) && *at(PAGE) == GOOD);
}

static void after_reset(void)
{
	must(*at(PAGE) == GOOD && writable(PAGE));
	*at(PAGE) = GOOD;
	must(seal(PAGE, 1) == OLDGUARD_CALL_OK && !writable(PAGE));
}

/* The host resets it: its memory is as it was, and the seal is gone. */
void g_seals_reset(void)
{
	seal_it();
	second_life = after_reset;
	guest_gdt[SEL_TSS / 8] &= ~(1ull << 41); /* not busy */
	host(1);
	must(false);
}

/* --- several processors --- */

static void start_other(void (*what)(void))
{
	other = what;
	apic[0xf0 / 4] = 0x1ff;
	apic[0x300 / 4] = 0xc4500;
	while (apic[0x300 / 4] & 0x1000)
		;
	apic[0x300 / 4] = 0xc4609;
	while (!ready)
		asm volatile("pause");
}

static void other_syncs(void)
{
	must(writable(PAGE));
	ready = 1;
	while (!stop)
		asm volatile("pause");
	must(oldguard(OLDGUARD_CALL_SYNC, 0, 0) == OLDGUARD_CALL_OK);
	must(!writable(PAGE));
	must(oldguard(OLDGUARD_CALL_UNSEAL, handle_of_first, 0) == OLDGUARD_CALL_OK);
	must(writable(PAGE));
	ready = 2;
	for (;;)
		asm volatile("hlt");
}

void g_seals_smp(void)
{
	start_other(other_syncs);
	seal_it();
	handle_of_first = handle;
	stop = 1;
	while (ready == 1)
		asm volatile("pause");
	must(oldguard(OLDGUARD_CALL_SYNC, 0, 0) == OLDGUARD_CALL_OK);
	must(writable(PAGE));
	must(!said);
}

/* It has the first one reset, and hopes to write the page behind its back. */
static void other_resets(void)
{
	ready = 1;
	while (!stop)
		asm volatile("pause");
	guest_gdt[SEL_TSS / 8] &= ~(1ull << 41);
	apic[0x310 / 4] = 0;
	apic[0x300 / 4] = 0x4500; /* INIT for the first */
	for (;;) {
		counts[1]++;
		TRAP("movl $0xbad, (%[page])", [page] "r"((uint64_t)PAGE));
		in32(PORT_ECHO);
	}
}

static void after_init(void)
{
	uint64_t was;
	unsigned i;

	/* The other one is given time; it has been shut down by now. */
	for (i = 0; i < 200; i++)
		in32(PORT_ECHO);
	was = counts[1];
	for (i = 0; i < 200; i++)
		in32(PORT_ECHO);
	must(counts[1] == was);
	must(*at(PAGE) == GOOD);
}

void g_seals_init(void)
{
	second_life = after_init;
	start_other(other_resets);
	seal_it();
	stop = 1;
	for (;;)
		asm volatile("pause");
}
