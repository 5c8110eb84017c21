/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmx.h - between the VMX files of guest-glue/ and vmexit/; struct virt says what most of these
 * are for.
 */
#ifndef OLDGUARD_GLUE_VMX_H
#define OLDGUARD_GLUE_VMX_H

#include "machine.h"

/* vmx_controls.c */
void vmx_caps(struct virt_caps *caps, bool slat_wanted);

/**
 * vmx_able() - whether the processor we run on can do what vmx_facts says
 * @why: if not, a sentence
 */
bool vmx_able(struct text *why);

/* vmx_take.c */
bool vmx_take(struct vcpu *v);
void vmx_left(void);

/**
 * vmx_leave() - let the next exit arrive in Linux's world, behind the instruction that exited
 * @v: the processor; the exit was VMCALL, at CPL 0 and with interrupts off
 * @len: bytes of that instruction
 */
void vmx_leave(struct vcpu *v, u32 len);

/* vmx_fields.c */
u64 vmx_get(struct vcpu *v, enum vcpu_field field);
void vmx_set(struct vcpu *v, enum vcpu_field field, u64 value);
void vmx_segment(struct vcpu *v, u32 which, struct guest_segment *out);
void vmx_set_segment(struct vcpu *v, u32 which, const struct guest_segment *segment);
void vmx_traps(struct vcpu *v);
void vmx_view(struct vcpu *v);
void vmx_flush(struct vcpu *v);

/* vmx_eptp() - the EPT pointer of tables with this root */
u64 vmx_eptp(u64 root);

/* vmx_msr.c */
enum msr_answer vmx_msr(struct vcpu *v, u32 msr, bool write, u64 *value);

/* vmx.c */

/* vmx_intercept_write() - let writes of an MSR exit; @map: the bitmaps, @msr: below 0x2000. */
void vmx_intercept_write(u8 *map, u32 msr);

/* vmx_mtrr.c */

/* vmx_mtrr_intercept() - let the guest's writes of MTRRs exit. */
void vmx_mtrr_intercept(u8 *map);

/**
 * vmx_mtrr_write() - write an MTRR for the guest
 * @v: the processor
 * @msr: one of those that vmx_mtrr_intercept() has found
 * @value: what the guest writes
 *
 * Return: MSR_DONE, or MSR_FAULT if the processor refuses the value.
 */
enum msr_answer vmx_mtrr_write(struct vcpu *v, u32 msr, u64 value);

/* vmx_mtrr_cr0() - the guest's CR0 is about to be this, by a MOV that has exited. */
void vmx_mtrr_cr0(struct vcpu *v, u64 value);

/* vmx_pebs.c */

/* vmx_pebs_present() - whether the processor has PEBS as far as it concerns us. */
bool vmx_pebs_present(void);

/* vmx_pebs_take() - fill in what PEBS needs of the VMCS; false if the processor lacks a field. */
bool vmx_pebs_take(struct vcpu *v);

/* vmx_pebs_leave() - the next exit arrives in Linux's world. */
void vmx_pebs_leave(void);

/* vmx_pebs_msr() - struct virt.msr for the MSRs that PEBS is about. */
enum msr_answer vmx_pebs_msr(struct vcpu *v, u32 msr, bool write, u64 *value);

/* vmx_microcode.c */

/**
 * vmx_microcode_load() - load a microcode update that the guest has
 * @v: the processor
 * @linear: where its data is, as the guest writes it to IA32_BIOS_UPDT_TRIG
 *
 * Return: MSR_DONE, whether it was loaded or not; MSR_FAULT if the processor says so.
 */
enum msr_answer vmx_microcode_load(struct vcpu *v, u64 linear);

/* vmx_reset.c */
void vmx_init(struct vcpu *v);
void vmx_sipi(struct vcpu *v, u8 vector);

#endif
