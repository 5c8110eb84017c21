// SPDX-License-Identifier: GPL-2.0-only
/* guest_events.c - what comes to vmm.c's guest from outside: timers, interrupts, NMIs, other
 * processors. */
#include "guest.h"
#include "trap.h"

static volatile uint32_t *const apic = (void *)0xfee00000ull;

enum { TIMER = 0x40, IPI = 0x41, SHOOT = 0x42 };

/*
 * One interrupt, for which no HLT waits: QEMU's VMRUN does not load the interrupt shadow (APM vol.
 * 2, 15.5.1), so that an interrupt can come between STI and HLT.
 */
static void wait_for_tick(uint32_t before)
{
	asm volatile("sti" : : : "memory");
	while (ticks == before)
		asm volatile("pause");
	asm volatile("cli" : : : "memory");
}

static void apic_on(void)
{
	apic[0xf0 / 4] = 0x1ff;
	apic[0x80 / 4] = 0;
}

/* Interrupts at waiting instructions and in a loop that never exits by itself. */
void g_apic_timer(void)
{
	uint32_t was;

	apic_on();
	apic[0x3e0 / 4] = 0xb;
	apic[0x320 / 4] = 0x20000 | TIMER; /* periodic */
	apic[0x380 / 4] = 1000000;
	while (ticks < 10)
		asm volatile("sti\n\thlt\n\tcli" : : : "memory");
	was = ticks;
	asm volatile("sti" : : : "memory");
	while (ticks < was + 10)
		asm volatile("pause");
	asm volatile("cli" : : : "memory");
	apic[0x320 / 4] = 0x10000;
	/* One shot, many times. */
	apic[0x320 / 4] = TIMER;
	for (was = 0; was < 20; was++) {
		uint32_t before = ticks;

		apic[0x380 / 4] = 1000;
		wait_for_tick(before);
	}
}

void g_x2apic_timer(void)
{
	uint32_t i;

	wrmsr(0x1b, rdmsr(0x1b) | 0xc00);
	wrmsr(0x80f, 0x1ff);
	wrmsr(0x83e, 0xb);
	wrmsr(0x832, TIMER);
	for (i = 0; i < 20; i++) {
		uint32_t before = ticks;

		wrmsr(0x838, 1000);
		wait_for_tick(before);
	}
	/* To itself. */
	for (i = 0; i < 50; i++) {
		wrmsr(0x83f, IPI);
		asm volatile("sti\n\tnop\n\tcli" : : : "memory");
		must(ipis == i + 1);
	}
}

/* CR8 holds back what is not above it: in the processor, without an exit. */
void g_tpr(void)
{
	unsigned i;

	apic_on();
	for (i = 0; i < 50; i++) {
		WRITE_REG(cr8, 5);
		apic[0x310 / 4] = 0;
		apic[0x300 / 4] = 0x40000 | IPI; /* itself */
		asm volatile("sti\n\tnop\n\tnop\n\tcli" : : : "memory");
		must(ipis == i);
		must(READ_REG(cr8) == 5);
		WRITE_REG(cr8, 3);
		asm volatile("sti\n\tnop\n\tcli" : : : "memory");
		must(ipis == i + 1);
	}
}

/* Without an APIC: the host injects, and asks for a window where the guest takes none. */
void g_interrupts(void)
{
	unsigned i;

	for (i = 0; i < 50; i++) {
		host(0x50);
		asm volatile("nop" : : : "memory");
		must(ticks == i);
		asm volatile("sti\n\tnop\n\tnop\n\tcli" : : : "memory");
		must(ticks == i + 1);
	}
}

void g_nmis(void)
{
	unsigned i;

	apic_on();
	for (i = 0; i < 50; i++) {
		host(0);
		asm volatile("nop\n\tnop" : : : "memory");
		must(nmis == i + 1);
	}
	/* While it waits, with interrupts off. */
	stop = 0;
	host(1);
	while (nmis < 60)
		asm volatile("hlt" : : : "memory");
	stop = 1;
}

static void start_others(void)
{
	apic_on();
	apic[0x300 / 4] = 0xc4500; /* INIT for all others */
	while (apic[0x300 / 4] & 0x1000)
		;
	apic[0x300 / 4] = 0xc4609; /* start at page 9 */
	while (apic[0x300 / 4] & 0x1000)
		;
}

void g_smp_other(void)
{
	unsigned cpu = apic[0x20 / 4] >> 24;
	uint64_t i;

	apic_on();
	if (other)
		other();
	__atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
	asm volatile("sti" : : : "memory");
	while (!stop) {
		for (i = 0; i < 100; i++)
			__atomic_add_fetch(&counts[0], 1, __ATOMIC_SEQ_CST);
		counts[cpu] += 100;
		/* Where it is now mapped; an old translation would show what it was before. */
		if (*at(GUEST_PAGE(1)) == 0xdead)
			said = "a page that was gone is still seen";
	}
	asm volatile("cli" : : : "memory");
	__atomic_sub_fetch(&ready, 1, __ATOMIC_SEQ_CST);
	for (;;)
		asm volatile("hlt");
}

/* Counting together, and page-table edits that the others follow when they are told. */
void g_smp(void)
{
	uint32_t others = host(0) - 1, i;
	uint64_t sum = 0;

	*at(GUEST_PAGE(5)) = 0;
	*at(GUEST_PAGE(6)) = 0;
	start_others();
	while (ready < others)
		asm volatile("pause");
	for (i = 0; i < 50 / others; i++) {
		*entry(GUEST_PAGE(1)) = GUEST_PAGE(5 + i % 2) | 7;
		invlpg(GUEST_PAGE(1));
		ipis = 0;
		apic[0x300 / 4] = 0xc4000 | SHOOT;
		while (ipis < others)
			asm volatile("pause");
		/* Nobody sees this one any more. */
		*at(GUEST_PAGE(5 + (i + 1) % 2)) = 0xdead;
		in32(PORT_ECHO);
		*at(GUEST_PAGE(5 + (i + 1) % 2)) = 0;
	}
	stop = 1;
	while (ready)
		asm volatile("pause");
	for (i = 1; i <= others; i++) {
		must(counts[i] > 0);
		sum += counts[i];
	}
	must(sum == counts[0]);
	must(!said);
}

/* For ever: something to kill. */
void g_spin(void)
{
	uint32_t out[4];

	for (;;)
		cpuid(0, 0, out);
}

void g_spin_umip(void)
{
	WRITE_REG(cr4, READ_REG(cr4) | 1 << 11);
	g_spin();
}
