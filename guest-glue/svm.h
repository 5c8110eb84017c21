/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * svm.h - between svm.c and svm_take.c; struct virt says what each function is for.
 */
#ifndef OLDGUARD_GLUE_SVM_H
#define OLDGUARD_GLUE_SVM_H

#include "machine.h"

bool svm_present(void);
bool svm_usable(bool *busy, struct text *why);
void svm_caps(struct virt_caps *caps, bool slat_wanted);
void svm_maps(struct machine *m, u32 plan);
bool svm_build(struct machine *m, struct text *why);
void svm_build_vcpu(struct vcpu *v);
bool svm_take(struct vcpu *v);
void svm_left(void);

/**
 * svm_mtrr_write() - write an MTRR for the guest, under nested paging
 * @v: the processor
 * @msr: one of those that mtrr_each() finds
 * @value: what the guest writes
 *
 * Return: MSR_DONE, or MSR_FAULT if the processor refuses the value.
 */
enum msr_answer svm_mtrr_write(struct vcpu *v, u32 msr, u64 value);

#endif
