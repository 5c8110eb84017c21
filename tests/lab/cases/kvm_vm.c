// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_vm [SECONDS]: makes a virtual machine with one processor, lets it run, and keeps it for so long,
 * running again and again.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define CODE 0x1000

/* Real mode: INC AX, HLT, and so on. */
static const unsigned char code[] = { 0x40, 0xf4, 0xeb, 0xfc };

static struct kvm_run *run;

/* Returns its virtual processor, or -1. */
static int make(void)
{
	struct kvm_userspace_memory_region memory = { .guest_phys_addr = CODE, .memory_size = 4096 };
	struct kvm_regs regs = { .rip = CODE, .rflags = 2 };
	struct kvm_sregs sregs;
	int kvm = open("/dev/kvm", O_RDWR), vm = -1, cpu;
	void *page;

	if (kvm >= 0)
		vm = ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm < 0)
		return -1;
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	memcpy(page, code, sizeof(code));
	memory.userspace_addr = (unsigned long)page;
	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &memory) < 0)
		return -1;
	cpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	if (cpu < 0 || ioctl(cpu, KVM_GET_SREGS, &sregs) < 0)
		return -1;
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	run = mmap(NULL, ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), PROT_READ | PROT_WRITE, MAP_SHARED,
		   cpu, 0);
	if (ioctl(cpu, KVM_SET_SREGS, &sregs) < 0 || ioctl(cpu, KVM_SET_REGS, &regs) < 0)
		return -1;
	return cpu;
}

/* Until it halts. */
static int let_run(int cpu)
{
	struct kvm_regs before, after;

	if (ioctl(cpu, KVM_GET_REGS, &before) < 0 || ioctl(cpu, KVM_RUN, 0) < 0 ||
	    ioctl(cpu, KVM_GET_REGS, &after) < 0)
		return -1;
	errno = EPROTO;
	return run->exit_reason == KVM_EXIT_HLT && after.rax == before.rax + 1 ? 0 : -1;
}

int main(int argc, char **argv)
{
	time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 0);
	int cpu = make();

	if (cpu < 0 || let_run(cpu)) {
		puts(strerror(errno));
		return 1;
	}
	puts("created");
	fflush(stdout);
	while (time(NULL) < end) {
		if (let_run(cpu)) {
			puts(strerror(errno));
			return 1;
		}
		usleep(1000);
	}
	return 0;
}
