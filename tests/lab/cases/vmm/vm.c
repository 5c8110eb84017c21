// SPDX-License-Identifier: GPL-2.0-only
#include "vm.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

extern char __executable_start[], end_of_image[] asm("_end");

int call(int fd, unsigned long request, void *argument, const char *what)
{
	int result = ioctl(fd, request, argument);

	if (result < 0)
		err(1, "%s", what);
	return result;
}
#define CALL(fd, request, argument) call(fd, request, (void *)(uintptr_t)(argument), #request)

static void descriptors(void)
{
	extern const char user_done[];
	unsigned i;

	guest_gdt[SEL_CODE / 8] = 0x00af9b000000ffff;
	guest_gdt[SEL_DATA / 8] = 0x00cf93000000ffff;
	guest_gdt[SEL_CODE32 / 8] = 0x00cf9b000000ffff;
	guest_gdt[SEL_USER_DATA / 8] = 0x00cff3000000ffff;
	guest_gdt[SEL_USER / 8] = 0x00affb000000ffff;
	for (i = 0; i < GUEST_CPUS; i++) {
		uint64_t base = (uintptr_t)&guest_tss[i];

		guest_gdt[SEL_TSS / 8 + 2 * i] = 0x0000890000000000 | (sizeof(struct tss) - 1) |
						 (base & 0xffffff) << 16 |
						 (base >> 24 & 0xff) << 56;
		guest_gdt[SEL_TSS / 8 + 2 * i + 1] = base >> 32;
		guest_tss[i].rsp[0] = GUEST_STACKS + 0x10000 * (i + 1) - 0x2000;
	}
	for (i = 0; i < 256; i++) {
		uint64_t to = (uintptr_t)guest_vectors + 16 * i;

		if (i == 0x80)
			to = (uintptr_t)user_done;
		guest_idt[i] = (struct gate){ .low = to,
					      .selector = SEL_CODE,
					      .flags = i == 0x80 || i == 3 ? 0xee00 : 0x8e00,
					      .middle = to >> 16,
					      .high = to >> 32 };
	}
}

/* Every address to itself: 4 GiB by 2 MiB, the pages to play with by 4 KiB. */
static void tables(uint8_t *memory)
{
	uint64_t *t = (uint64_t *)(memory + GUEST_TABLES), i;
	const uint64_t bits = 7;

	t[0] = (GUEST_TABLES + 0x1000) | bits;
	for (i = 0; i < 4; i++)
		t[512 + i] = (GUEST_TABLES + 0x2000 + 0x1000 * i) | bits;
	for (i = 0; i < 2048; i++)
		t[1024 + i] = i << 21 | 0x80 | bits;
	t[1024 + (GUEST_PAGES >> 21)] = (GUEST_TABLES + 0x6000) | bits;
	for (i = 0; i < 512; i++)
		t[512 * 6 + i] = GUEST_PAGE(i) | bits;
}

void vm_slot(struct vm *vm, unsigned slot, uint64_t at, void *memory, uint64_t bytes,
	     uint32_t flags)
{
	struct kvm_userspace_memory_region region = { .slot = slot,
						      .flags = flags,
						      .guest_phys_addr = at,
						      .memory_size = bytes,
						      .userspace_addr = (uintptr_t)memory };

	CALL(vm->fd, KVM_SET_USER_MEMORY_REGION, &region);
}

bool vm_svm;

static void set_cpuid(struct vm *vm, int fd)
{
	enum { ENTRIES = 200 };
	struct kvm_cpuid2 *cpuid = calloc(1, sizeof(*cpuid) + ENTRIES * sizeof(cpuid->entries[0]));
	unsigned i;

	if (!cpuid)
		err(1, "calloc");
	cpuid->nent = ENTRIES;
	CALL(vm->kvm, KVM_GET_SUPPORTED_CPUID, cpuid);
	for (i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *e = &cpuid->entries[i];

		if (e->function == 0x40000000) {
			e->eax = 0x40000001;
			e->ebx = 0x6d6d7600;
			e->ecx = 0x01020304;
			e->edx = 0xfffefdfc;
		} else if (e->function == 0x80000001) {
			e->ecx &= ~(vm_svm ? 0 : 4u);
		} else if (e->function == 1) {
			vm->features_edx = e->edx;
			e->ecx |= 1u << 31;
		}
	}
	CALL(fd, KVM_SET_CPUID2, cpuid);
	free(cpuid);
}

void vm_make(struct vm *vm, unsigned cpus, bool irqchip, bool huge)
{
	uint64_t start = (uintptr_t)__executable_start;
	uint8_t *room;
	unsigned i;
	int size;

	memset(vm, 0, sizeof(*vm));
	vm->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm->kvm < 0)
		err(1, "/dev/kvm");
	vm->fd = CALL(vm->kvm, KVM_CREATE_VM, 0);
	vm->cpus = cpus;
	vm->irqchip = irqchip;
	room = mmap(NULL, GUEST_BYTES + (2 << 20), PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (room == MAP_FAILED)
		err(1, "mmap");
	vm->memory = (uint8_t *)(((uintptr_t)room + (2 << 20) - 1) & -(uintptr_t)(2 << 20));
	madvise(vm->memory, GUEST_BYTES, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	descriptors();
	memcpy(vm->memory + start, __executable_start, end_of_image - __executable_start);
	tables(vm->memory);
	memcpy(vm->memory + GUEST_REAL, real_start, real_end - real_start);
	memcpy(vm->memory + 0x9000, real_trampoline, real_trampoline_end - real_trampoline);
	vm_slot(vm, 0, 0, vm->memory, GUEST_BYTES, 0);
	/* Where Intel's may not run real mode natively, KVM wants room of its own; AMD's ignores
	 * it. */
	ioctl(vm->fd, KVM_SET_TSS_ADDR, 0xfffbd000UL);
	if (irqchip)
		CALL(vm->fd, KVM_CREATE_IRQCHIP, 0);
	size = CALL(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	for (i = 0; i < cpus; i++) {
		struct cpu *c = &vm->cpu[i];

		c->vm = vm;
		c->fd = CALL(vm->fd, KVM_CREATE_VCPU, i);
		c->run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, c->fd, 0);
		if (c->run == MAP_FAILED)
			err(1, "mmap of the vCPU");
		set_cpuid(vm, c->fd);
		CALL(c->fd, KVM_GET_SREGS, &c->fresh);
	}
}

void vm_free(struct vm *vm)
{
	unsigned i;

	for (i = 0; i < vm->cpus; i++) {
		munmap(vm->cpu[i].run, CALL(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0));
		close(vm->cpu[i].fd);
	}
	close(vm->fd);
	close(vm->kvm);
	munmap(vm->memory, GUEST_BYTES);
}

void vm_rom(struct vm *vm)
{
	static const uint8_t go[] = { 0xea, GUEST_REAL & 0xff, GUEST_REAL >> 8, 0, 0 }; /* a far jump */
	static uint8_t rom[0x10000] __attribute__((aligned(0x1000)));

	memcpy(rom + 0xfff0, go, sizeof(go));
	vm_slot(vm, 2, GUEST_ROM, rom, sizeof(rom), 0);
}

void vm_reset(struct cpu *c)
{
	struct kvm_regs regs = { .rip = 0xfff0, .rflags = 2 };

	CALL(c->fd, KVM_SET_SREGS, &c->fresh);
	CALL(c->fd, KVM_SET_REGS, &regs);
}

void vm_long(struct vm *vm, void (*entry)(void))
{
	struct kvm_regs regs = { .rip = (uintptr_t)guest_cpu,
				 .rflags = 2,
				 .rdi = (uintptr_t)entry,
				 .rsp = GUEST_STACKS + 0x10000 };
	struct kvm_segment code = { .limit = 0xffffffff,
				    .selector = SEL_CODE,
				    .type = 11,
				    .present = 1,
				    .s = 1,
				    .l = 1,
				    .g = 1 };
	struct kvm_segment data = { .limit = 0xffffffff,
				    .selector = SEL_DATA,
				    .type = 3,
				    .present = 1,
				    .db = 1,
				    .s = 1,
				    .g = 1 };
	struct kvm_sregs s;

	CALL(vm->cpu[0].fd, KVM_GET_SREGS, &s);
	s.cs = code;
	s.ds = s.es = s.fs = s.gs = s.ss = data;
	s.cr0 = 0x80010031;
	s.cr3 = GUEST_TABLES;
	s.cr4 = 0x6a0;
	s.efer = 0xd01; /* NXE, LMA, LME, SCE */
	CALL(vm->cpu[0].fd, KVM_SET_SREGS, &s);
	CALL(vm->cpu[0].fd, KVM_SET_REGS, &regs);
}

void vm_real(struct vm *vm)
{
	struct kvm_regs regs = { .rip = GUEST_REAL, .rflags = 2 };
	struct kvm_sregs s;

	CALL(vm->cpu[0].fd, KVM_GET_SREGS, &s);
	s.cs.base = s.cs.selector = 0;
	CALL(vm->cpu[0].fd, KVM_SET_SREGS, &s);
	CALL(vm->cpu[0].fd, KVM_SET_REGS, &regs);
}

static void invert(uint8_t *to, const uint8_t *from, unsigned bytes)
{
	while (bytes--)
		*to++ = ~*from++;
}

/* Return: the guest goes on. */
static bool io(struct cpu *c)
{
	struct vm *vm = c->vm;
	uint8_t *data = (uint8_t *)c->run + c->run->io.data_offset;
	unsigned i, size = c->run->io.size;

	switch (c->run->io.port) {
	case PORT_END:
		vm->said = *data ? GUEST(vm, said) ? GUEST(vm, said) : "it says so" : NULL;
		return false;
	case PORT_ECHO:
		for (i = 0; i < c->run->io.count; i++, data += size)
			if (c->run->io.direction == KVM_EXIT_IO_OUT)
				memcpy(vm->echo, data, size);
			else
				invert(data, vm->echo, size);
		return true;
	case PORT_HOST: GUEST(vm, answer) = vm->host ? vm->host(c, GUEST(vm, ask)) : 0; return true;
	default: vm->said = "it uses a port that nobody knows"; return false;
	}
}

static void mmio(struct cpu *c)
{
	struct vm *vm = c->vm;

	if (c->run->mmio.is_write) {
		memcpy(vm->mmio, c->run->mmio.data, c->run->mmio.len);
		vm->mmio_writes++;
	} else {
		invert(c->run->mmio.data, vm->mmio, c->run->mmio.len);
	}
}

/* Injected when it can be; until then KVM is asked to say when. */
static void inject(struct cpu *c)
{
	struct kvm_interrupt interrupt = { .irq = c->pending };

	c->run->request_interrupt_window = 0;
	if (!c->pending)
		return;
	if (c->run->ready_for_interrupt_injection && c->run->if_flag) {
		CALL(c->fd, KVM_INTERRUPT, &interrupt);
		c->pending = 0;
	} else {
		c->run->request_interrupt_window = 1;
	}
}

static bool exited(struct cpu *c)
{
	static char text[60];
	struct vm *vm = c->vm;

	switch (c->run->exit_reason) {
	case KVM_EXIT_IO: return io(c);
	case KVM_EXIT_MMIO: mmio(c); return true;
	case KVM_EXIT_INTR:
	case KVM_EXIT_IRQ_WINDOW_OPEN: return true;
	case KVM_EXIT_DEBUG: vm->steps++; return true;
	case KVM_EXIT_SHUTDOWN: vm->shut = true; return false;
	default:
		snprintf(text, sizeof(text), "it ends with KVM's exit reason %u, %#llx",
			 c->run->exit_reason, (unsigned long long)c->run->hw.hardware_exit_reason);
		vm->said = text;
		return false;
	}
}

static void *run(void *argument)
{
	static char text[60];
	struct cpu *c = argument;
	struct vm *vm = c->vm;

	while (!vm->over) {
		if (!vm->irqchip)
			inject(c);
		/* EAGAIN: a processor that has waited for its start-up IPI. */
		if (ioctl(c->fd, KVM_RUN, 0)) {
			if (errno == EINTR || errno == EAGAIN)
				continue;
			snprintf(text, sizeof(text), "KVM_RUN: %s", strerror(errno));
			vm->said = text;
			break;
		}
		if (!vm->over && !exited(c))
			break;
	}
	return NULL;
}

static void nothing(int signal)
{
	(void)signal;
}

void vm_run(struct vm *vm)
{
	unsigned i;

	sigaction(SIGUSR1, &(struct sigaction){ .sa_handler = nothing }, NULL);
	for (i = 1; i < vm->cpus; i++)
		if (pthread_create(&vm->cpu[i].thread, NULL, run, &vm->cpu[i]))
			errx(1, "pthread_create");
	run(&vm->cpu[0]);
	vm->over = true;
	for (i = 1; i < vm->cpus; i++) {
		vm->cpu[i].run->immediate_exit = 1;
		pthread_kill(vm->cpu[i].thread, SIGUSR1);
		pthread_join(vm->cpu[i].thread, NULL);
	}
}
