/* SPDX-License-Identifier: GPL-2.0-only */
/* vm.h - a virtual machine of KVM's, as small as can be: memory, processors, and what they exit
 * for. */
#ifndef VMM_VM_H
#define VMM_VM_H

#include <linux/kvm.h>
#include <pthread.h>
#include <stddef.h>
#include "guest.h"

struct vm;

struct cpu {
	struct vm *vm;
	int fd;
	struct kvm_run *run;
	pthread_t thread;
	unsigned pending; /* vector to be injected, where there is no APIC */
	struct kvm_sregs fresh; /* as it is made */
};

/**
 * struct vm - a virtual machine
 * @memory: guest-physical 0
 * @host: answers host() of the guest
 * @said: what is wrong; NULL: nothing
 * @shut: it has ended by a triple fault
 * @steps: exits of KVM_GUESTDBG_SINGLESTEP
 */
struct vm {
	int kvm, fd, slots;
	uint8_t *memory;
	unsigned cpus;
	struct cpu cpu[GUEST_CPUS];
	uint64_t (*host)(struct cpu *c, uint64_t ask);
	const char *said;
	volatile bool over, shut;
	bool irqchip;
	unsigned steps, mmio_writes;
	uint8_t echo[8], mmio[8];
	uint32_t features_edx;
};

/* The next machine's processors have SVM. */
extern bool vm_svm;

/* GUEST() - the guest's own copy of a variable */
#define GUEST(vm, variable) (*(typeof(variable) *)((vm)->memory + (uintptr_t) & (variable)))

/* call() - an ioctl that must not fail */
int call(int fd, unsigned long request, void *argument, const char *what);

/**
 * vm_make() - a machine with the program's image in it, its processors not yet running
 * @vm: is filled in
 * @cpus: processors
 * @irqchip: KVM brings APICs, as it does for others
 * @huge: memory that may be had in large pages
 */
void vm_make(struct vm *vm, unsigned cpus, bool irqchip, bool huge);
void vm_free(struct vm *vm);

/* vm_long() - the first processor begins in long mode, at @entry */
void vm_long(struct vm *vm, void (*entry)(void));

/* vm_real() - the first processor begins in 16-bit mode */
void vm_real(struct vm *vm);

/* vm_rom() - memory where processors begin after a reset, and code that goes to GUEST_REAL */
void vm_rom(struct vm *vm);

/* vm_reset() - let a processor begin there; called where it has exited */
void vm_reset(struct cpu *c);

/* vm_run() - run all processors until the first has done its work; vm->said is the verdict */
void vm_run(struct vm *vm);

/* vm_slot() - put @bytes of host memory at a guest-physical address, with these flags; 0: take them
 * away */
void vm_slot(struct vm *vm, unsigned slot, uint64_t at, void *memory, uint64_t bytes,
	     uint32_t flags);

#endif
