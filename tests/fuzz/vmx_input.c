// SPDX-License-Identifier: GPL-2.0-only
#include "vmx_input.h"

#include <string.h>

#include "../../guest-glue/vmx.h"

#define RAW_REASON 0x8000u /* in guest_input.exit: the lower bits are the reason itself */

/* in guest_input.facts */
#define FACT_NO_EFER 0x01
#define FACT_NO_VPID 0x02
#define FACT_RESTRICTED 0x04 /* no "unrestricted guest" */
#define FACT_MOV_SS 0x08     /* the shadow is that of MOV SS */
#define FACT_NMI_BLOCKED 0x10

void fields_save(struct fields *f)
{
	u32 width, type;

	for (width = 0; width < 4; width++)
		for (type = 0; type < 4; type++)
			memcpy(f->field[width][type], &sim_vmcs[width << 13 | type << 10],
			       sizeof(f->field[width][type]));
}

void fields_restore(const struct fields *f)
{
	u32 width, type;

	for (width = 0; width < 4; width++)
		for (type = 0; type < 4; type++)
			memcpy(&sim_vmcs[width << 13 | type << 10], f->field[width][type],
			       sizeof(f->field[width][type]));
}

u64 *field_in(struct fields *f, u32 field)
{
	return &f->field[field >> 13][field >> 10 & 3][field & 127];
}

u32 exit_reason(const struct guest_input *in)
{
	static const u8 reasons[] = {
		VMX_EXIT_CPUID,	 VMX_EXIT_GDTR_IDTR,	VMX_EXIT_LDTR_TR,
		VMX_EXIT_EVENT,	 VMX_EXIT_CR,		VMX_EXIT_RDMSR,
		VMX_EXIT_WRMSR,	 VMX_EXIT_XSETBV,	VMX_EXIT_EPT_VIOLATION,
		VMX_EXIT_VMCALL, VMX_EXIT_VMCLEAR,	VMX_EXIT_VMXON,
		VMX_EXIT_INVEPT, VMX_EXIT_INVVPID,	VMX_EXIT_VMFUNC,
		VMX_EXIT_GETSEC, VMX_EXIT_INVD,		VMX_EXIT_INIT,
		VMX_EXIT_SIPI,	 VMX_EXIT_TRIPLE_FAULT, VMX_EXIT_NMI_WINDOW,
		VMX_EXIT_IO,	 VMX_EXIT_INTERRUPT,
	};

	switch (in->exit) {
	case EXIT_ENTRY_STATE: return VMX_REASON_ENTRY_FAILED | 33;
	case EXIT_ENTRY_MSRS: return VMX_REASON_ENTRY_FAILED | 34;
	case EXIT_ENTRY_MACHINE_CHECK: return VMX_REASON_ENTRY_FAILED | VMX_ENTRY_MACHINE_CHECK;
	}
	if (in->exit & RAW_REASON)
		return in->exit & 0xff;
	return reasons[in->exit % ARRAY_SIZE(reasons)];
}

bool vmx_has_error_code(u8 vector)
{
	return 0x27d00u >> vector & 1;
}

/* Interruption information: 25.9.2, table 25-18. @choice: type, vector below it. */
static u32 event_info(u16 choice, const u8 *types, u32 count)
{
	u32 type = types[(choice >> 8 & 7) % count];
	u8 vector = choice;
	u32 event = VMX_EVENT_VALID | VMX_EVENT_TYPE_OF(type);

	switch (type) {
	case VMX_EVENT_NMI: return event | VECTOR_NMI;
	case VMX_EVENT_INT1: return event | VECTOR_DB;
	case VMX_EVENT_INT3_INTO: return event | (vector & 1 ? VECTOR_OF : VECTOR_BP);
	case VMX_EVENT_EXCEPTION:
		vector &= 31;
		if (vector == VECTOR_NMI)
			vector = VECTOR_GP;
		if (vmx_has_error_code(vector) && vmx_read(VMCS_GUEST_CR0) & CR0_PE)
			event |= VMX_EVENT_HAS_ERROR;
	}
	return event | vector;
}

static void fill_event(const struct guest_input *in)
{
	static const u8 exceptions[] = { VMX_EVENT_EXCEPTION, VMX_EVENT_NMI, VMX_EVENT_INT3_INTO,
					 VMX_EVENT_INT1 };
	u32 event = event_info(in->value[2], exceptions, ARRAY_SIZE(exceptions));

	if (in->value[2] & 0x8000 && VMX_EVENT_TYPE(event) == VMX_EVENT_EXCEPTION)
		event |= VMX_EVENT_NMI_UNBLOCKED;
	vmx_write(VMCS_EXIT_EVENT, event);
	vmx_write(VMCS_EXIT_ERROR, event & VMX_EVENT_HAS_ERROR ? (u16)in->value[0] : 0);
	vmx_write(VMCS_QUALIFICATION,
		  (u8)event == VECTOR_DB ? in->value[1] & 0x600f : in->value[1]);
}

/* The event that was under delivery: 25.9.3. Then there is no shadow. */
static void fill_vectoring(const struct guest_input *in)
{
	static const u8 types[] = { VMX_EVENT_INTERRUPT, VMX_EVENT_NMI,	 VMX_EVENT_EXCEPTION,
				    VMX_EVENT_INT_N,	 VMX_EVENT_INT1, VMX_EVENT_INT3_INTO };
	u32 event;

	if (!(in->event & 0x8000))
		return;
	event = event_info(in->event, types, ARRAY_SIZE(types));
	if (VMX_EVENT_TYPE(event) == VMX_EVENT_INTERRUPT)
		vmx_write(VMCS_GUEST_RFLAGS, vmx_read(VMCS_GUEST_RFLAGS) | RFLAGS_IF);
	vmx_write(VMCS_VECTORING, event);
	vmx_write(VMCS_VECTORING_ERROR, event & VMX_EVENT_HAS_ERROR ? (u16)in->value[1] : 0);
	vmx_write(VMCS_GUEST_BLOCKING,
		  VMX_EVENT_TYPE(event) == VMX_EVENT_NMI ? VMX_BLOCKING_NMI : 0);
	vmx_write(VMCS_GUEST_PENDING_DEBUG, 0);
}

/* What goes with the reason: 28.2.1, 28.2.5, tables 28-3, 28-7 to 28-9. */
static void fill_reason(const struct guest_input *in, u32 reason, u8 cpl)
{
	static const u8 crs[] = { 0, 3, 4, 8 };
	u64 value = in->value[0];
	u32 info;

	vmx_write(VMCS_EXIT_REASON, reason);
	vmx_write(VMCS_EXIT_LENGTH, in->length);
	switch (reason) {
	case VMX_EXIT_EVENT:
		fill_event(in);
		fill_vectoring(in);
		break;
	case VMX_EXIT_EPT_VIOLATION:
		vmx_write(VMCS_QUALIFICATION, value & 0x1fff);
		vmx_write(VMCS_GUEST_PHYSICAL, in->value[1] & 0xfffffffff);
		fill_vectoring(in);
		break;
	case VMX_EXIT_CR:
		vmx_write(VMCS_QUALIFICATION, (value & 0xffff0f70) | crs[value & 3]);
		break;
	case VMX_EXIT_GDTR_IDTR:
	case VMX_EXIT_LDTR_TR:
		info = value & 0x3fffffff;
		/* Address sizes of 2, 4 and 8 bytes, six segments */
		if ((info >> 7 & 7) > 2)
			info &= ~(7u << 7);
		if ((info >> 15 & 7) > GUEST_GS)
			info &= ~(7u << 15);
		/* The loads are refused outside ring 0 before they could exit: 26.1.1. */
		if (cpl)
			info &= ~(2u << 28);
		vmx_write(VMCS_EXIT_INFO, info);
		vmx_write(VMCS_QUALIFICATION, (s64)(s32)in->value[1]);
		break;
	/* Bytes 1, 2 or 4, port: table 28-5 */
	case VMX_EXIT_IO:
		vmx_write(VMCS_QUALIFICATION, (value & 0xffff0038) | (1 << (value & 3) % 3) - 1);
		break;
	case VMX_EXIT_SIPI: vmx_write(VMCS_QUALIFICATION, value & 0xff); break;
	}
}

void vmx_fill(const struct guest_input *in, const struct guest *g, u32 reason)
{
	static struct vmx_facts fresh;
	enum guest_mode mode = in->mode % MODES;
	u32 blocking = 0, i;

	/* The first guest finds the processor as it was taken. */
	if (!fresh.pin)
		fresh = vmx_facts;
	vmx_facts = fresh;
	vmx_facts.efer = !(in->facts & FACT_NO_EFER);
	vmx_facts.vpid = !(in->facts & FACT_NO_VPID);
	if (in->facts & FACT_RESTRICTED && mode != MODE_FLAT && mode != MODE_REAL) {
		vmx_facts.proc2 &= ~VMX_PROC2_UNRESTRICTED;
		vmx_facts.cr0_fixed = CR0_PG | CR0_NE | CR0_PE;
	}
	for (i = 0; i < SEGMENTS; i++)
		vmx_set_segment(V, i, &g->seg[i]);
	vmx_set(V, VCPU_CR0, g->cr0);
	vmx_set(V, VCPU_CR3, g->cr3);
	vmx_set(V, VCPU_CR4, g->cr4);
	vmx_set(V, VCPU_EFER, g->efer);
	vmx_write(VMCS_ENTRY, (vmx_read(VMCS_ENTRY) & ~VMX_ENTRY_LONG_MODE) |
				      (g->efer & EFER_LMA ? VMX_ENTRY_LONG_MODE : 0));
	vmx_write(VMCS_GUEST_RFLAGS, g->rflags);
	vmx_write(VMCS_GUEST_RIP, g->rip);
	vmx_write(VMCS_GUEST_RSP, g->gpr[RSP]);
	vmx_write(VMCS_GUEST_GDTR_BASE, GUEST_GDT);
	vmx_write(VMCS_GUEST_GDTR_LIMIT, GUEST_GDT_LIMIT);
	if (g->shadow)
		blocking = in->facts & FACT_MOV_SS || !(g->rflags & RFLAGS_IF) ? VMX_BLOCKING_MOV_SS
									       : VMX_BLOCKING_STI;
	if (in->facts & FACT_NMI_BLOCKED && reason != VMX_EXIT_NMI_WINDOW)
		blocking |= VMX_BLOCKING_NMI;
	if (reason == VMX_EXIT_NMI_WINDOW)
		blocking &= ~VMX_BLOCKING_MOV_SS;
	vmx_write(VMCS_GUEST_BLOCKING, blocking);
	/* A step that is due behind the shadow: 27.3.1.5 */
	vmx_write(VMCS_GUEST_PENDING_DEBUG, blocking & 3 && g->rflags & RFLAGS_TF ? BIT64(14) : 0);
	vmx_write(VMCS_VECTORING, 0);
	vmx_write(VMCS_ENTRY_EVENT, 0);
	fill_reason(in, reason, g->cpl);
	guest_ready(in);
	if (in->more & IN_PENDING_NMI) {
		V->nmis = 1;
		vmx_nmi(V);
	}
	for (i = 0; i < GPRS; i++)
		V->gpr[i] = i == RSP ? 0xdeadbeefdeadbeef : g->gpr[i];
}

void vmx_exit_again(const struct guest_input *in, u32 reason)
{
	u8 cpl = vmx_read(VMCS_GUEST_ATTR(GUEST_SS)) >> SEG_DPL_SHIFT & 3;

	/* The entry has delivered what it had to, and the guest has left a shadow behind. */
	vmx_write(VMCS_ENTRY_EVENT, 0);
	vmx_write(VMCS_VECTORING, 0);
	vmx_write(VMCS_GUEST_BLOCKING, 0);
	vmx_write(VMCS_GUEST_PENDING_DEBUG, 0);
	vmx_write(VMCS_GUEST_ACTIVITY, VMX_ACTIVITY_ACTIVE);
	fill_reason(in, reason, cpl);
}
