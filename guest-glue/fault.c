// SPDX-License-Identifier: GPL-2.0-only
/*
 * fault.c - exceptions on the root side: expected ones go on at their fix-up, an NMI or a machine
 * check is kept for the guest, all else is a bug of ours and stops this processor with a dump.
 *
 * No gate uses an IST stack: on SVM an exit does not load TR (APM vol. 2, 15.6), so the TSS that
 * the processor would look in is the guest's. A fault therefore stays on the stack it came on; if
 * that stack has run into its guard page the processor shuts down, and the machine resets.
 */
#include "fault.h"

#include "image.h"

extern char root_fault_entries[];

#define FAULT_ENTRY_BYTES 16
#define COM1 0x3f8

/* A gate of the IDT: APM vol. 2, 4.8.4. */
struct gate {
	u16 offset0;
	u16 selector;
	u16 attr;
	u16 offset16;
	u32 offset32;
	u32 reserved;
};

bool fault_build(struct machine *m)
{
	struct gate *idt;
	u32 vector;
	u64 pa;

	idt = block_pages(m, 1, &pa);
	if (!idt)
		return false;
	for (vector = 0; vector < 32; vector++) {
		u64 at = (uintptr_t)root_fault_entries + vector * FAULT_ENTRY_BYTES;

		idt[vector] = (struct gate){
			.offset0 = at,
			.selector = ROOT_CS,
			.attr = 0x8e00, /* present, DPL 0, interrupt gate */
			.offset16 = at >> 16,
			.offset32 = at >> 32,
		};
	}
	m->idt = ROOT_BLOCK + block_offset(m, pa);
	return true;
}

static bool fix_up(struct fault_frame *frame)
{
	u64 to = image_fix_up(frame->rip);

	if (to)
		frame->rip = to;
	return to;
}

/* Where in which image's text: offsets are what a linker's map tells. */
static void add_place(struct text *text, u64 rip)
{
	const struct image *image = image_at(rip);

	if (!image)
		return;
	text_add(text, "; in the text of ");
	text_add(text, image->name);
	text_add(text, " at ");
	text_add_hex(text, rip - (uintptr_t)image->part[IMAGE_TEXT]);
}

#define MCG_STATUS_RIPV BIT64(0)
#define MC_STATUS_VALID BIT64(63)

/* What the banks have: SDM vol. 3, 16.3.2. Nobody else may come to read them. */
static void say_banks(void)
{
	u64 cap = 0, status, i;

	cpu_rdmsr_safe(MSR_MCG_CAP, &cap);
	for (i = 0; i < (cap & 0xff); i++) {
		if (!cpu_rdmsr_safe(MSR_MC0_STATUS + 4 * i, &status) || !(status & MC_STATUS_VALID))
			continue;
		root_say("machine check; bank", i);
		root_say("its status", status);
		if (cpu_rdmsr_safe(MSR_MC0_STATUS + 4 * i + 1, &status))
			root_say("its address", status);
	}
}

/*
 * A machine check belongs to the machine, and Linux is the one that can tell what it means: it is
 * kept, as an NMI is, if what it interrupted can go on. The banks and IA32_MCG_STATUS stay as they
 * are, so a second one before Linux has seen this one ends the machine, as on bare hardware.
 * On SVM the guest itself gets it: GIF is 0 here, which holds it back (APM vol. 2, 15.17).
 */
static bool keep_machine_check(void)
{
	struct vcpu *v = machine_here();
	u64 status = 0;

	if (!v->virt->nmi)
		return false;
	cpu_rdmsr_safe(MSR_MCG_STATUS, &status);
	if (!(status & MCG_STATUS_RIPV)) {
		root_say("a machine check from which the root side cannot go on; status", status);
		say_banks();
		return false;
	}
	v->machine_check = true;
	v->virt->nmi(v);
	return true;
}

/*
 * Returns whether fault.S is to go back without IRET, with which NMIs would come again. On SVM they come here only
 * to be handed to the guest (svm_take_nmi()), and injection keeps no other one out: that NMIs are blocked
 * from here to the IRET of the guest's handler is what it has on a bare processor (APM vol. 2, 8.2.3). On VMX
 * they come at any time, and injection does (SDM vol. 3, 27.6.1).
 */
bool root_fault(struct fault_frame *frame);
bool root_fault(struct fault_frame *frame)
{
	TEXT(text, 320);
	bool blocked = !machine.virt->nmi;
	struct vcpu *v;
	u32 i;

	switch (frame->vector) {
	case VECTOR_DB:
		/* Bochs raises it after an exit of an instruction that ran with TF set. */
		return blocked;
	case VECTOR_NMI:
		v = machine_here();
		v->nmis++;
		if (v->virt->nmi)
			v->virt->nmi(v);
		return blocked;
	case VECTOR_MC:
		if (keep_machine_check())
			return blocked;
		break;
	case VECTOR_SX:
		/* An INIT that was intercepted, redirected here (svm.c). */
		return blocked;
	case VECTOR_GP:
	case VECTOR_PF:
		if (fix_up(frame))
			return blocked;
	}
	dump_write(frame, "fault on the root side", frame->vector);
	text_add(&text, "fault on the root side: vector ");
	text_add_u64(&text, frame->vector);
	text_add(&text, ", error ");
	text_add_hex(&text, frame->error);
	text_add(&text, ", CR2 ");
	text_add_hex(&text, cpu_read_cr2());
	text_add(&text, ", RSP ");
	text_add_hex(&text, frame->rsp);
	for (i = 0; i < 8; i++) {
		text_add(&text, " ");
		text_add_hex(&text, frame->gpr[i]);
	}
	add_place(&text, frame->rip);
	root_die(text.at, frame->rip);
}

/* Serial port, polled; a port that is not there reads 0xff and counts as ready. */
static void say(const char *what)
{
	u32 patience;

	for (; *what; what++) {
		for (patience = 0; patience < 100000; patience++)
			if (cpu_inb(COM1 + 5) & 0x20)
				break;
		cpu_outb(COM1, *what);
	}
}

void root_say(const char *what, u64 value)
{
	TEXT(number, 24);

	text_add_hex(&number, value);
	say("\r\noldguard: ");
	say(what);
	say(" (");
	say(number.at);
	say(")\r\n");
}

void root_die(const char *what, u64 value)
{
	machine.stopped = 1;
	dump_write(NULL, what, value);
	root_say(what, value);
	say("oldguard: this processor is stopped\r\n");
	cpu_halt();
}

void machine_reset(void)
{
	/* Chipset reset (0xcf9), then the keyboard controller's: one of them is on every PC. */
	say("\r\noldguard: the guest has shut down (triple fault): reset\r\n");
	cpu_outb(0xcf9, 0x02);
	cpu_outb(0xcf9, 0x06);
	cpu_outb(0x64, 0xfe);
	root_die("reset has no effect", 0);
}
