// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmm [NAME]...: small virtual machines under KVM, one for each check (all but umip, seals and a guest below): a line "ok
 * NAME" or "no NAME: what is wrong", and at the end how many. "vmm spin [CPUS [umip]]" makes one
 * that never ends, with CR4.UMIP if that is said, and says "spinning" when it runs.
 */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "vm.h"

#define LIMIT 100 /* seconds of a check's */

static struct vm vm;
static uint32_t slot_memory[2][0x4000] __attribute__((aligned(0x1000)));
static pthread_t helper;
static bool helping;

static uint64_t tell_features(struct cpu *c, uint64_t ask)
{
	(void)ask;
	return c->vm->features_edx;
}

static void *let_go(void *argument)
{
	unsigned i;

	(void)argument;
	for (i = 0; i < 300; i++)
		madvise(vm.memory + GUEST_PAGE(16 + i % 8), 4096, MADV_DONTNEED);
	GUEST(&vm, stop) = 1;
	return NULL;
}

static void help(void *(*function)(void *))
{
	if (pthread_create(&helper, NULL, function, NULL))
		errx(1, "pthread_create");
	helping = true;
}

static uint64_t dontneed(struct cpu *c, uint64_t ask)
{
	if (ask)
		help(let_go);
	else
		madvise(c->vm->memory + GUEST_PAGE(7), 4096, MADV_DONTNEED);
	return 0;
}

static bool dirty_are(struct vm *v, unsigned round)
{
	static uint64_t bits[GUEST_BYTES / 4096 / 64];
	struct kvm_dirty_log log = { .slot = 0, .dirty_bitmap = bits };
	unsigned i, page;
	bool same = true;

	memset(bits, 0, sizeof(bits));
	call(v->fd, KVM_GET_DIRTY_LOG, &log, "KVM_GET_DIRTY_LOG");
	for (i = 0; i < 256; i++) {
		page = GUEST_PAGE(i) / 4096;
		same &= (bits[page / 64] >> page % 64 & 1) ==
			(i >= round && (i - round) % (8 + round) == 0);
	}
	return same;
}

static uint64_t dirty(struct cpu *c, uint64_t ask)
{
	switch (ask) {
	case 0:
	case 100:
		vm_slot(c->vm, 0, 0, c->vm->memory, GUEST_BYTES, ask ? 0 : KVM_MEM_LOG_DIRTY_PAGES);
		return 0;
	default: return dirty_are(c->vm, ask - 1);
	}
}

static uint64_t slots(struct cpu *c, uint64_t ask)
{
	struct vm *v = c->vm;

	switch (ask) {
	case 4: return v->mmio_writes;
	case 0: vm_slot(v, 1, GUEST_WINDOW, slot_memory[0], 0, 0); return 0;
	default:
		vm_slot(v, 1, GUEST_WINDOW, slot_memory[ask == 3 ? 0 : ask - 1],
			sizeof(slot_memory[0]), ask == 3 ? KVM_MEM_READONLY : 0);
		return 0;
	}
}

static uint64_t interrupt(struct cpu *c, uint64_t ask)
{
	c->pending = ask;
	return 0;
}

static void *send_nmis(void *argument)
{
	/* As a device would: the processor's own file is taken while it runs. */
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = 0x400 };

	(void)argument;
	while (!GUEST(&vm, stop)) {
		call(vm.fd, KVM_SIGNAL_MSI, &msi, "KVM_SIGNAL_MSI");
		usleep(2000);
	}
	return NULL;
}

static uint64_t nmi(struct cpu *c, uint64_t ask)
{
	if (ask)
		help(send_nmis);
	else
		call(c->fd, KVM_NMI, NULL, "KVM_NMI");
	return 0;
}

static uint64_t count_cpus(struct cpu *c, uint64_t ask)
{
	(void)ask;
	return c->vm->cpus;
}

static uint64_t reset(struct cpu *c, uint64_t ask)
{
	(void)ask;
	vm_reset(c);
	return 0;
}

enum how { PLAIN = 0, APIC = 1, HUGE = 2, REAL = 4, TRIPLE = 8, STEPPED = 16, ASKED = 32, ROM = 64, SVM = 128 };

static const struct check {
	const char *name;
	void (*guest)(void);
	unsigned how, cpus;
	uint64_t (*host)(struct cpu *c, uint64_t ask);
} checks[] = {
	{ "exceptions", g_traps, PLAIN, 1, NULL },
	{ "ring 3", g_user, PLAIN, 1, NULL },
	{ "16-bit, 32-bit, PAE, long", NULL, REAL, 1, NULL },
	{ "cpuid", g_cpuid, APIC, 1, tell_features },
	{ "cpuid 2000 times", g_cpuid_loop, PLAIN, 1, NULL },
	{ "ports", g_ports, PLAIN, 1, NULL },
	{ "mmio", g_mmio, PLAIN, 1, NULL },
	{ "msrs", g_msrs, PLAIN, 1, NULL },
	{ "fpu", g_fpu, PLAIN, 1, NULL },
	{ "debug registers", g_debug, PLAIN, 1, NULL },
	{ "host single-steps", g_few, STEPPED, 1, NULL },
	{ "page tables", g_tables, PLAIN, 1, NULL },
	{ "page tables, large pages below", g_tables, HUGE, 1, NULL },
	{ "address spaces", g_pcid, PLAIN, 1, NULL },
	{ "memory let go", g_dontneed, PLAIN, 1, dontneed },
	{ "memory let go, large pages", g_dontneed, HUGE, 1, dontneed },
	{ "dirty log", g_dirty, PLAIN, 1, dirty },
	{ "dirty log, large pages", g_dirty, HUGE, 1, dirty },
	{ "memory slots", g_slots, PLAIN, 1, slots },
	{ "read-only slot", g_read_only, PLAIN, 1, slots },
	{ "apic timer", g_apic_timer, APIC, 1, NULL },
	{ "x2apic timer", g_x2apic_timer, APIC, 1, NULL },
	{ "task priority", g_tpr, APIC, 1, NULL },
	{ "interrupts without apic", g_interrupts, PLAIN, 1, interrupt },
	{ "nmi", g_nmis, APIC, 1, nmi },
	{ "hypercall", g_hypercall, PLAIN, 1, NULL },
	{ "triple fault", g_triple, TRIPLE, 1, NULL },
	{ "2 processors", g_smp, APIC, 2, count_cpus },
	{ "umip", g_umip, ASKED, 1, NULL },
	{ "4 processors", g_smp, APIC, 4, count_cpus },
	{ "a guest of its own", g_svm, ASKED | SVM, 1, NULL },
	{ "no leaf", g_no_leaf, ASKED, 1, NULL },
	{ "no seals", g_no_seals, ASKED, 1, NULL },
	{ "seals", g_seals, ASKED, 1, NULL },
	{ "seals, large pages below", g_seals, ASKED | HUGE, 1, NULL },
	{ "seals, steps", g_seals_step, ASKED, 1, NULL },
	{ "seals, memory let go", g_seals_dontneed, ASKED, 1, dontneed },
	{ "seals, dirty log", g_seals_dirty, ASKED, 1, dirty },
	{ "seals, dirty log, large pages", g_seals_dirty, ASKED | HUGE, 1, dirty },
	{ "seals, reset", g_seals_reset, ASKED | ROM, 1, reset },
	{ "seals, 2 processors", g_seals_smp, ASKED | APIC, 2, NULL },
	{ "seals, INIT", g_seals_init, ASKED | APIC | ROM | TRIPLE, 2, NULL },
};

static const char *now;

static void late(int signal)
{
	(void)signal;
	dprintf(1, "no %s: not done after %d seconds\n", now, LIMIT);
	_exit(1);
}

static bool run_check(const struct check *c)
{
	struct kvm_guest_debug debug = { .control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP };
	const char *said;

	now = c->name;
	alarm(LIMIT);
	vm_svm = c->how & SVM;
	vm_make(&vm, c->cpus, c->how & APIC, c->how & HUGE);
	vm.host = c->host;
	if (c->how & ROM)
		vm_rom(&vm);
	if (c->how & REAL)
		vm_real(&vm);
	else
		vm_long(&vm, c->guest);
	if (c->how & STEPPED)
		call(vm.cpu[0].fd, KVM_SET_GUEST_DEBUG, &debug, "KVM_SET_GUEST_DEBUG");
	vm_run(&vm);
	if (helping) {
		/* Also where the guest has not come so far. */
		GUEST(&vm, stop) = 1;
		pthread_join(helper, NULL);
		helping = false;
	}
	said = vm.said;
	if (!said && vm.shut != !!(c->how & TRIPLE))
		said = vm.shut ? "a triple fault" : "no triple fault";
	if (!said && c->how & STEPPED && vm.steps < 400)
		said = "too few steps";
	vm_free(&vm);
	if (said)
		printf("no %s: %s\n", c->name, said);
	else
		printf("ok %s\n", c->name);
	fflush(stdout);
	return !said;
}

static void spin(unsigned cpus, void (*guest)(void))
{
	vm_make(&vm, cpus, true, false);
	vm_long(&vm, guest);
	puts("spinning");
	fflush(stdout);
	vm_run(&vm);
	errx(1, "it ended: %s", vm.said ? vm.said : "");
}

int main(int argc, char **argv)
{
	unsigned i, failed = 0, done = 0;
	int n;

	if (argc > 1 && !strcmp(argv[1], "spin"))
		spin(argc > 2 ? atoi(argv[2]) : 1, argc > 3 ? g_spin_umip : g_spin);
	for (i = 0; i < 0x4000; i++) {
		slot_memory[0][i] = 0x1111 + i / 1024;
		slot_memory[1][i] = 0x2222 + i / 1024;
	}
	signal(SIGALRM, late);
	for (i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		bool wanted = argc == 1 && !(checks[i].how & ASKED);

		for (n = 1; n < argc; n++)
			wanted |= !strcmp(argv[n], checks[i].name);
		if (!wanted)
			continue;
		failed += !run_check(&checks[i]);
		done++;
	}
	printf("%u checks, %u failed\n", done, failed);
	return failed || !done;
}
