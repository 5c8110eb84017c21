/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * enlightened.h - for kernel modules that know of oldguard: pages of theirs that nobody can write
 * any more, themselves included, whatever page tables say. It needs no symbol of oldguard's: a
 * module that includes this file loads and works without, too.
 *
 * How it is done, for other kernels (version 1):
 *
 * CPUID: the first range of leaves from 0x40000000 in steps of 0x100 whose leaf +0 has "oldguard",
 * NUL-padded, in EBX, ECX, EDX. Leaf +1: EAX the version; ECX how a call is made, 0: VMMCALL, 1:
 * VMCALL; EDX bit 0: sealing is offered.
 *
 * Calls, CPL 0: the number in RAX, arguments in RDI and RSI. The answer is in RAX (OLDGUARD_CALL_OK
 * and so on), a handle in RDX; nothing else changes. Without oldguard the instruction raises #UD.
 *
 * A call works on the tables that all processors share; each processor must then have made
 * OLDGUARD_CALL_SYNC before what it says holds there.
 *
 * A write to a sealed page raises #GP(0) and is reported. Seals last until the handle is given
 * back, which the lock refuses, or until `seal` is switched off or the processors are given back
 * (rmmod of oldguard, sleep, a plug-in's coming or going), which the lock refuses as well.
 *
 * In a virtual machine whose hypervisor oldguard holds (kvm=nested), if its host allows it (seal:guests=on),
 * all of this is the same for the machine's kernel, about its own physical addresses:
 * - Only its 64-bit kernel finds the leaf and is answered. Without the host's leave a call is the hypervisor's.
 * - A seal holds against the machine's own processors, whatever memory the hypervisor puts there. What the
 *   host does for it goes past: devices, what KVM itself writes (its clock pages), instructions that it emulates.
 * - Whether there is memory, nobody knows: device registers can be sealed, too.
 * - A reset ends its seals, also an INIT of its first processor; the others are shut down then if nobody has
 *   reset them. Seals do not go along to another host, and stay where a host sets the machine back.
 * - It has no virtual machines itself: VM_CR says that SVM is disabled.
 */
#ifndef OLDGUARD_ENLIGHTENED_H
#define OLDGUARD_ENLIGHTENED_H

#define OLDGUARD_LEAF_FIRST 0x40000000u
#define OLDGUARD_LEAF_STEP 0x100u
#define OLDGUARD_LEAF_END 0x40010000u
#define OLDGUARD_SIGNATURE_EBX 0x67646c6fu /* "oldg" */
#define OLDGUARD_SIGNATURE_ECX 0x64726175u /* "uard" */
#define OLDGUARD_VERSION_1 1
#define OLDGUARD_BY_VMCALL 1u /* leaf +1, ECX */
#define OLDGUARD_OFFERS_SEAL (1u << 0) /* leaf +1, EDX */

/* RDI: physical address of the first page; RSI: pages. RDX: the handle. */
#define OLDGUARD_CALL_SEAL 0x6f6c646775000100ULL
/* RDI: the handle. */
#define OLDGUARD_CALL_UNSEAL 0x6f6c646775000101ULL
/* On each processor after either. */
#define OLDGUARD_CALL_SYNC 0x6f6c646775000102ULL

/* The answers: */
#define OLDGUARD_CALL_OK 0
/* not offered, or some processor is not oldguard's; to unsealing: locked */
#define OLDGUARD_CALL_REFUSED 1
/* not whole pages of RAM, or oldguard's own, or sealed already; no such handle */
#define OLDGUARD_CALL_BAD 2
/* as many seals as can be */
#define OLDGUARD_CALL_FULL 3

#ifdef __KERNEL__
#include <linux/errno.h>
#include <linux/smp.h>
#include <linux/types.h>
#include <asm/asm.h>
#include <asm/processor.h>

/* oldguard_call() - one call; @how: leaf +1's ECX. -ENODEV: nobody is there to answer. */
static inline int oldguard_call(u32 how, u64 number, u64 a, u64 b, u64 *handle)
{
	u64 answer = number, out = 0;

	/* It may have gone since CPUID was asked: #UD then, and RAX stays the number. */
	if (how == OLDGUARD_BY_VMCALL)
		asm volatile("1: vmcall\n2:\n" _ASM_EXTABLE(1b, 2b)
			     : "+a"(answer), "+d"(out)
			     : "D"(a), "S"(b)
			     : "memory");
	else
		asm volatile("1: vmmcall\n2:\n" _ASM_EXTABLE(1b, 2b)
			     : "+a"(answer), "+d"(out)
			     : "D"(a), "S"(b)
			     : "memory");
	if (handle)
		*handle = out;
	switch (answer) {
	case OLDGUARD_CALL_OK: return 0;
	case OLDGUARD_CALL_REFUSED: return -EPERM;
	case OLDGUARD_CALL_BAD: return -EINVAL;
	case OLDGUARD_CALL_FULL: return -ENOSPC;
	default: return -ENODEV;
	}
}

/**
 * oldguard_present() - whether oldguard holds this processor and seals pages
 * @how: gets how a call is made
 *
 * Return: false if it does not, now.
 */
static inline bool oldguard_present(u32 *how)
{
	u32 base, eax, ebx, ecx, edx;

	for (base = OLDGUARD_LEAF_FIRST; base < OLDGUARD_LEAF_END; base += OLDGUARD_LEAF_STEP) {
		cpuid(base, &eax, &ebx, &ecx, &edx);
		if (ebx != OLDGUARD_SIGNATURE_EBX || ecx != OLDGUARD_SIGNATURE_ECX || edx)
			continue;
		cpuid(base + 1, &eax, &ebx, how, &edx);
		return eax == OLDGUARD_VERSION_1 && edx & OLDGUARD_OFFERS_SEAL;
	}
	return false;
}

static inline void oldguard_sync(void *how)
{
	oldguard_call(*(u32 *)how, OLDGUARD_CALL_SYNC, 0, 0, NULL);
}

/**
 * oldguard_seal() - let nobody write these pages any more, on any processor
 * @pa: physical address of the first; memory that is contiguous there, too
 * @pages: how many
 * @handle: gets the number by which alone they can be unsealed
 *
 * In process context, interrupts on. What is to stay writable must not share a page with them.
 *
 * Return: 0; -ENODEV: no oldguard, or it does not seal; -EPERM, -EINVAL, -ENOSPC: see
 * OLDGUARD_CALL_REFUSED and behind.
 */
static inline int oldguard_seal(phys_addr_t pa, unsigned long pages, u64 *handle)
{
	u32 how;
	int error;

	if (!oldguard_present(&how))
		return -ENODEV;
	error = oldguard_call(how, OLDGUARD_CALL_SEAL, pa, pages, handle);
	if (!error)
		on_each_cpu(oldguard_sync, &how, 1);
	return error;
}

/**
 * oldguard_unseal() - let them be written again; before they are freed
 * @handle: from oldguard_seal()
 *
 * Return: 0; -EPERM: it is locked, the pages stay as they are and must not be freed; -EINVAL or
 * -ENODEV: they are not sealed any more.
 */
static inline int oldguard_unseal(u64 handle)
{
	u32 how;
	int error;

	if (!oldguard_present(&how))
		return -ENODEV;
	error = oldguard_call(how, OLDGUARD_CALL_UNSEAL, handle, 0, NULL);
	if (!error)
		on_each_cpu(oldguard_sync, &how, 1);
	return error;
}
#endif /* __KERNEL__ */
#endif
