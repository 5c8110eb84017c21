/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef OLDGUARD_MSR_H
#define OLDGUARD_MSR_H

#include "../guest-glue/vcpu.h"

/**
 * msr_get() - an MSR as the guest reads it when no feature has anything to say
 * @v: the processor
 * @msr: which
 * @value: what it holds
 *
 * Return: false if reading it raises #GP(0).
 */
bool msr_get(struct vcpu *v, u32 msr, u64 *value);

#endif
