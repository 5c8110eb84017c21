// SPDX-License-Identifier: GPL-2.0-only
/*
 * nested_vm ROUNDS: a virtual machine whose guest executes CPUID, writes to memory and to a port, so many times.
 * Says what has arrived.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define MEMORY 0x100000
#define CODE 0x1000
#define PAGES 128 /* from 0x10000 on */

extern const char guest[], guest_end[];
asm(".pushsection .rodata\n"
    "	.code16\n"
    "guest:	xor %eax, %eax\n"
    "	cpuid\n"
    "	mov %di, %ax\n"
    "	and $127, %ax\n"
    "	add $16, %ax\n"
    "	shl $8, %ax\n"
    "	mov %ax, %ds\n"
    "	incl 0\n"
    "	out %al, $0x10\n"
    "	dec %edi\n"
    "	jnz guest\n"
    "	hlt\n"
    "guest_end:\n"
    "	.code64\n"
    "	.popsection\n");

static int must(int result, const char *what)
{
	if (result < 0)
		err(1, "%s", what);
	return result;
}

int main(int argc, char **argv)
{
	struct kvm_userspace_memory_region region = { .memory_size = MEMORY };
	struct kvm_regs regs = { .rip = CODE, .rflags = 2, .rdi = argc > 1 ? atoi(argv[1]) : 1 };
	int kvm, vm, vcpu, size, outs = 0, writes = 0;
	struct kvm_sregs s;
	struct kvm_run *run;
	uint8_t *memory;

	kvm = must(open("/dev/kvm", O_RDWR), "/dev/kvm");
	vm = must(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
	memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		err(1, "mmap");
	memcpy(memory + CODE, guest, guest_end - guest);
	region.userspace_addr = (uintptr_t)memory;
	must(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
	vcpu = must(ioctl(vm, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
	size = must(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");
	run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (run == MAP_FAILED)
		err(1, "mmap of the vCPU");
	must(ioctl(vcpu, KVM_GET_SREGS, &s), "KVM_GET_SREGS");
	s.cs.base = s.cs.selector = 0;
	must(ioctl(vcpu, KVM_SET_SREGS, &s), "KVM_SET_SREGS");
	must(ioctl(vcpu, KVM_SET_REGS, &regs), "KVM_SET_REGS");
	for (;;) {
		if (ioctl(vcpu, KVM_RUN, 0) < 0 && errno != EINTR)
			err(1, "KVM_RUN");
		if (run->exit_reason == KVM_EXIT_IO)
			outs += run->io.port == 0x10;
		else if (run->exit_reason != KVM_EXIT_INTR)
			break;
	}
	for (size = 0; size < PAGES; size++)
		writes += *(uint32_t *)(memory + 0x10000 + size * 0x1000);
	printf("%s after %d outs and %d writes\n",
	       run->exit_reason == KVM_EXIT_HLT ? "halted" : "ended", outs, writes);
	return run->exit_reason != KVM_EXIT_HLT;
}
