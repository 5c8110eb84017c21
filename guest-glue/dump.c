// SPDX-License-Identifier: GPL-2.0-only
/*
 * dump.c - the record of a processor that stops. It is written before a word goes to the serial
 * port: that takes long, and the others may need to know.
 */
#include "dump.h"

#include "fault.h"
#include "image.h"
#include "string.h"

/* Whose stack this is; NULL: nobody's, this is not the root side or it has lost its stack. */
static struct vcpu *here(void)
{
	u64 offset = (uintptr_t)__builtin_frame_address(0) - ROOT_BLOCK;
	struct vcpu *v;

	if (offset >= machine.pieces * PIECE_BYTES)
		return NULL;
	v = machine_here();
	return v->machine == &machine ? v : NULL;
}

static void copy_text(char *to, const char *from, u32 size)
{
	u32 i;

	for (i = 0; i < size - 1 && from[i]; i++)
		to[i] = from[i];
}

static void copy_stack(struct root_dump *d, const struct vcpu *v)
{
	const u64 *at = (const u64 *)(uintptr_t)(d->rsp & ~7ULL);
	u32 i;

	for (i = 0; i < DUMP_STACK; i++)
		if ((uintptr_t)(at + i) - ((uintptr_t)v - CPU_STACK_BYTES) < CPU_STACK_BYTES)
			d->stack[i] = at[i];
}

static void copy_frame(struct root_dump *d, const struct vcpu *v, const struct fault_frame *frame)
{
	const struct image *image = image_at(frame->rip);

	d->vector = frame->vector;
	d->error = frame->error;
	d->cr2 = frame->vector == VECTOR_PF ? cpu_read_cr2() : 0;
	d->rip = frame->rip;
	d->rsp = frame->rsp;
	d->rflags = frame->rflags;
	memcpy(d->gpr, frame->gpr, sizeof(d->gpr));
	d->gpr[RSP] = frame->rsp;
	copy_stack(d, v);
	if (!image)
		return;
	copy_text(d->image, image->name, sizeof(d->image));
	d->offset = frame->rip - (uintptr_t)image->part[IMAGE_TEXT];
}

void dump_write(const struct fault_frame *frame, const char *what, u64 value)
{
	struct vcpu *v = here();
	struct root_dump *d;
	u32 cpu;

	if (!v || v->ring->dump.state != ROOT_DUMP_NONE)
		return;
	d = &v->ring->dump;
	*(volatile u64 *)&d->state = ROOT_DUMP_BEGUN;
	d->value = value;
	d->vector = DUMP_NO_VECTOR;
	copy_text(d->what, what, sizeof(d->what));
	d->exit = VMEXIT_KINDS;
	if (v->exit) {
		d->exit = v->exit->kind;
		d->sel = v->exit->sel;
		d->addr = v->exit->addr;
	}
	if (frame)
		copy_frame(d, v, frame);
	d->guest_rip = vcpu_get(v, VCPU_RIP);
	__atomic_store_n(&d->state, ROOT_DUMP_THERE, __ATOMIC_RELEASE);
	for (cpu = 0; cpu < machine.cpus; cpu++)
		__atomic_store_n(&machine_root_vcpu(cpu)->ring->stopped, 1, __ATOMIC_RELEASE);
}
