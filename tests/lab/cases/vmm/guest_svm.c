// SPDX-License-Identifier: GPL-2.0-only
/* guest_svm.c - what vmm.c's guest does as a hypervisor: one more below. */
#include "guest.h"
#include "trap.h"

enum { ROUNDS = 200, INTERCEPT4 = 0x10, ASID = 0x58, EXIT_CODE = 0x70, VMMCALL = 0x81, STATE = 0x400 };

static uint8_t vmcb[4096] __attribute__((aligned(4096))), own[4096] __attribute__((aligned(4096)));
static uint8_t saved[4096] __attribute__((aligned(4096))), stack[4096] __attribute__((aligned(16)));

extern const char below[];
asm("below: incq %r12\n\tvmmcall\n\tjmp below");

static volatile uint64_t *field(uint32_t offset)
{
	return (volatile uint64_t *)(vmcb + offset);
}

static void segment(unsigned number, uint16_t selector, uint16_t attributes)
{
	*field(STATE + 16 * number) = selector | attributes << 16 | 0xffffffffull << 32;
}

/* 64-bit mode on the same tables, as the guest itself. */
static void lay_out(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) gdtr, idtr;

	asm volatile("sgdt %0\n\tsidt %1" : "=m"(gdtr), "=m"(idtr));
	*field(INTERCEPT4) = 3; /* VMRUN, VMMCALL */
	*field(ASID) = 1;
	segment(0, SEL_DATA, 0xc93);
	segment(1, SEL_CODE, 0xa9b);
	segment(2, SEL_DATA, 0xc93);
	segment(3, SEL_DATA, 0xc93);
	segment(6, 0, 0);
	*field(STATE + 0x64) = gdtr.limit | gdtr.base << 32;
	*field(STATE + 0x68) = gdtr.base;
	*field(STATE + 0x84) = idtr.limit | idtr.base << 32;
	*field(STATE + 0x88) = idtr.base;
	*field(0x4d0) = rdmsr(0xc0000080);
	*field(0x548) = READ_REG(cr4);
	*field(0x550) = READ_REG(cr3);
	*field(0x558) = READ_REG(cr0);
	*field(0x560) = 0x400;
	*field(0x568) = 0xffff0ff0;
	*field(0x570) = 2;
	*field(0x578) = (uintptr_t)below;
	*field(0x5d8) = (uintptr_t)stack + sizeof(stack);
}

/* How often the one below has got round. What VMRUN does not load is its own as well: R12 counts. */
static uint64_t run(void)
{
	uint64_t rax = (uintptr_t)vmcb, own_address = (uintptr_t)own;
	register uint64_t rounds asm("r12") = 0;

	asm volatile("clgi\n\tvmload\n\tvmrun\n\tvmsave\n\tmov %[own], %%rax\n\tvmload\n\tstgi"
		     : "+a"(rax), "+r"(rounds)
		     : [own] "m"(own_address)
		     : "memory", "cc");
	return rounds;
}

static unsigned try_vmsave(void *to)
{
	return TRAP("mov %[to], %%rax\n\tvmsave", [to] "r"(to));
}

void g_svm(void)
{
	uint32_t i;

	wrmsr(0xc0000080, rdmsr(0xc0000080) | 1 << 12);
	wrmsr(0xc0010117, (uintptr_t)saved);
	must(TRAP("clgi", ) == NO_TRAP);
	must(TRAP("stgi", ) == NO_TRAP);
	wrmsr(0xc0000082, 0x1234560);
	must(try_vmsave(own) == NO_TRAP);
	must(*(uint64_t *)(own + 0x608) == 0x1234560);
	must(try_vmsave(vmcb) == NO_TRAP);
	lay_out();
	for (i = 0; i < ROUNDS; i++) {
		/* What is loaded for the one below is its own. */
		*field(0x608) = 0x10000 + i;
		must(run() == 1);
		must(*field(EXIT_CODE) == VMMCALL);
		must(*field(0x608) == 0x10000 + i);
		must(rdmsr(0xc0000082) == 0x1234560);
		*field(0x578) = (uintptr_t)below;
	}
}
