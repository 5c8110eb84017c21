// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmx_microcode.c - microcode updates. In VMX non-root operation WRMSR of IA32_BIOS_UPDT_TRIG loads
 * nothing, and says nothing either (Intel SDM vol. 3, 26.3; its chapter on virtualisation of resources
 * warns of worse). So the root side loads for the guest.
 *
 * The MSR takes the linear address of the update's data, behind its header of 48 bytes (10.11.1).
 * The root side sees the guest's memory at ROOT_PHYS, so it can name an update to the processor that
 * lies in one piece of physical memory, as Linux's do. Whether it is a good one the processor decides,
 * by its signature; as on bare hardware a bad one is not loaded and not complained about.
 */
#include "../vmexit/vmx.h"

#include "../vmexit/insn.h"
#include "phys.h"
#include "vmx.h"

#define HEADER_BYTES 48
#define HEADER_DATA_SIZE 28 /* of the data; 0: 2000 */
#define USUAL_DATA_BYTES 2000u
#define DATA_BYTES_MAX (4u << 20)

/* Where a piece of the guest's linear memory begins, if it is in one piece of physical memory. */
static bool in_one_piece(const struct guest_mem *mem, u64 linear, u32 bytes, u64 *gpa)
{
	struct guest_fault fault;
	u64 at, here;

	for (at = linear; at < linear + bytes; at = (at | (PAGE_BYTES - 1)) + 1) {
		if (guest_walk(&mem->walk, at, WALK_READ | WALK_PEEK, &here, &fault) != WALK_OK)
			return false;
		if (at == linear)
			*gpa = here;
		else if (here != *gpa + (at - linear))
			return false;
	}
	return *gpa + bytes <= ROOT_PHYS_MAX;
}

enum msr_answer vmx_microcode_load(struct vcpu *v, u64 linear)
{
	u64 size_at = linear - HEADER_BYTES + HEADER_DATA_SIZE;
	struct guest_fault fault;
	struct guest_mem mem;
	u64 gpa = 0;
	u32 bytes;

	insn_memory(v, &mem);
	if (guest_load_linear(&mem, size_at, sizeof(bytes), &bytes, &fault) != WALK_OK)
		return MSR_DONE;
	if (!bytes)
		bytes = USUAL_DATA_BYTES;
	if (bytes > DATA_BYTES_MAX || !in_one_piece(&mem, linear, bytes, &gpa))
		return MSR_DONE;
	return cpu_wrmsr_safe(MSR_BIOS_UPDT_TRIG, ROOT_PHYS + gpa) ? MSR_DONE : MSR_FAULT;
}
