// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvmguest - how long a user program in a KVM guest waits for CPUID, and for a SIDT that UMIP
 * blocks: the peer that oldguard is measured against, on the same processor and kernel.
 *
 * A virtual machine of one page of code: no BIOS, no devices. It starts at CPL 3.
 */
#include <cpuid.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include "kvmguest.h"

#define CR0_PE 0x1
#define CR0_ET 0x10
#define CR0_NE 0x20
#define CR4_UMIP 0x800
#define VECTOR_GP 13

/* Selectors: CPL 0 code and data, CPL 3 code and data, TSS. */
enum { CODE0 = 0x08, DATA0 = 0x10, CODE3 = 0x1b, DATA3 = 0x23, TSS = 0x28 };

extern const char kvmguest_code[], kvmguest_code_end[], kvmguest_fault[], kvmguest_done[];

static uint8_t *memory;

static int must(int result, const char *what)
{
	if (result < 0)
		err(1, "%s", what);
	return result;
}

static void put(uint32_t at, uint64_t value, size_t bytes)
{
	memcpy(memory + at, &value, bytes);
}

static void gate(uint8_t vector, const char *handler, uint8_t dpl)
{
	uint32_t at = GUEST_CODE + (handler - kvmguest_code);

	put(GUEST_IDT + 8 * vector, at | CODE0 << 16, 4);
	put(GUEST_IDT + 8 * vector + 4, 0x8e00 | dpl << 13, 4);
}

static void lay_out(void)
{
	memcpy(memory + GUEST_CODE, kvmguest_code, kvmguest_code_end - kvmguest_code);
	/* Flat 4 GiB segments. */
	put(GUEST_GDT + CODE0, 0x00cf9b000000ffff, 8);
	put(GUEST_GDT + DATA0, 0x00cf93000000ffff, 8);
	put(GUEST_GDT + (CODE3 & ~7), 0x00cffb000000ffff, 8);
	put(GUEST_GDT + (DATA3 & ~7), 0x00cff3000000ffff, 8);
	put(GUEST_GDT + TSS, 0x00008b0000000067 | GUEST_TSS << 16, 8);
	put(GUEST_TSS + 4, GUEST_STACK, 4);
	put(GUEST_TSS + 8, DATA0, 4);
	put(GUEST_TSS + 0x66, 0x68, 2); /* no I/O map */
	gate(VECTOR_GP, kvmguest_fault, 0);
	gate(GUEST_DONE, kvmguest_done, 3);
}

static struct kvm_segment flat(uint16_t selector, uint8_t type)
{
	return (struct kvm_segment){
		.limit = 0xffffffff, .selector = selector, .type = type, .present = 1,
		.dpl = selector & 3, .db = 1, .s = 1, .g = 1,
	};
}

static bool processor_is_intel(void)
{
	uint32_t eax, ebx, ecx, edx;

	return __get_cpuid(0, &eax, &ebx, &ecx, &edx) && ebx == signature_INTEL_ebx;
}

/* Return: whether the guest has UMIP. */
static int set_registers(int vcpu)
{
	struct kvm_regs regs = { .rip = GUEST_CODE, .rflags = 2 };
	struct kvm_sregs s;

	must(ioctl(vcpu, KVM_GET_SREGS, &s), "KVM_GET_SREGS");
	s.cs = flat(CODE3, 11);
	s.ds = s.es = s.fs = s.gs = s.ss = flat(DATA3, 3);
	/* Busy, or VMX refuses it (SDM vol. 3, 27.3.1.2). QEMU's SVM takes a busy one for an error. */
	s.tr = (struct kvm_segment){ .base = GUEST_TSS, .limit = 0x67, .selector = TSS,
				     .type = processor_is_intel() ? 11 : 9, .present = 1 };
	s.ldt = (struct kvm_segment){ .unusable = 1 };
	s.gdt = (struct kvm_dtable){ .base = GUEST_GDT, .limit = TSS + 7 };
	s.idt = (struct kvm_dtable){ .base = GUEST_IDT, .limit = 8 * 256 - 1 };
	s.cr0 = CR0_PE | CR0_ET | CR0_NE;
	s.efer = 0;
	must(ioctl(vcpu, KVM_SET_REGS, &regs), "KVM_SET_REGS");
	s.cr4 = CR4_UMIP;
	if (!ioctl(vcpu, KVM_SET_SREGS, &s))
		return 1;
	s.cr4 = 0;
	must(ioctl(vcpu, KVM_SET_SREGS, &s), "KVM_SET_SREGS");
	return 0;
}

static void set_cpuid(int kvm, int vcpu)
{
	enum { ENTRIES = 200 };
	struct kvm_cpuid2 *cpuid = calloc(1, sizeof(*cpuid) + ENTRIES * sizeof(cpuid->entries[0]));

	if (!cpuid)
		err(1, "calloc");
	cpuid->nent = ENTRIES;
	must(ioctl(kvm, KVM_GET_SUPPORTED_CPUID, cpuid), "KVM_GET_SUPPORTED_CPUID");
	must(ioctl(vcpu, KVM_SET_CPUID2, cpuid), "KVM_SET_CPUID2");
	free(cpuid);
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void show(const char *what, uint32_t *ticks)
{
	qsort(ticks, ROUNDS, sizeof(*ticks), compare);
	printf("= kvm.%s.min %u ticks\n", what, ticks[0]);
	printf("= kvm.%s.median %u ticks\n", what, ticks[ROUNDS / 2]);
}

int main(void)
{
	struct kvm_userspace_memory_region region = { .memory_size = GUEST_MEMORY };
	uint32_t *ticks;
	struct kvm_run *run;
	int kvm, vm, vcpu, size, umip;

	kvm = must(open("/dev/kvm", O_RDWR), "/dev/kvm");
	vm = must(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
	memory = mmap(NULL, GUEST_MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		err(1, "mmap");
	lay_out();
	region.userspace_addr = (uintptr_t)memory;
	must(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
	/* Where Intel's may not run real mode natively, KVM wants room of its own; AMD's ignores it. */
	ioctl(vm, KVM_SET_TSS_ADDR, 0xfffbd000UL);
	vcpu = must(ioctl(vm, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
	size = must(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");
	run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (run == MAP_FAILED)
		err(1, "mmap of the vCPU");
	set_cpuid(kvm, vcpu);
	umip = set_registers(vcpu);
	while (must(ioctl(vcpu, KVM_RUN, 0) && errno != EINTR ? -1 : 0, "KVM_RUN"),
	       run->exit_reason == KVM_EXIT_INTR)
		;
	if (run->exit_reason != KVM_EXIT_HLT)
		errx(1, "the guest ended with exit reason %u", run->exit_reason);
	ticks = (uint32_t *)(memory + GUEST_TICKS);
	show("cpuid32", ticks);
	show("cli32.fault", ticks + ROUNDS);
	if (umip)
		show("sidt32.fault", ticks + 2 * ROUNDS);
	printf("= kvm.umip %d bool\n", umip);
	return 0;
}
