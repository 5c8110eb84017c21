/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * defaults.h - the core's own answers: what an exit means to a guest when no feature has
 * anything to say about it, which is what bare hardware would have done.
 */
#ifndef OLDGUARD_DEFAULTS_H
#define OLDGUARD_DEFAULTS_H

#include "vmexit.h"

/* cr.c */
enum verdict default_smsw(struct vcpu *v, struct vmexit *e);
enum verdict default_cr_read(struct vcpu *v, struct vmexit *e);
enum verdict default_cr_write(struct vcpu *v, struct vmexit *e);
enum verdict default_xsetbv(struct vcpu *v, struct vmexit *e);

/* desc.c */
enum verdict default_desc_store(struct vcpu *v, struct vmexit *e);

/* desc_load.c */
enum verdict default_desc_load(struct vcpu *v, struct vmexit *e);

/* io.c */
enum verdict default_io(struct vcpu *v, struct vmexit *e);

/* misc.c */
enum verdict default_cpuid(struct vcpu *v, struct vmexit *e);
enum verdict default_msr_read(struct vcpu *v, struct vmexit *e);
enum verdict default_msr_write(struct vcpu *v, struct vmexit *e);
enum verdict default_exception(struct vcpu *v, struct vmexit *e);
enum verdict default_memory(struct vcpu *v, struct vmexit *e);
enum verdict default_virt_insn(struct vcpu *v, struct vmexit *e);
enum verdict default_invd(struct vcpu *v, struct vmexit *e);
enum verdict default_init(struct vcpu *v, struct vmexit *e);
enum verdict default_sipi(struct vcpu *v, struct vmexit *e);
enum verdict default_nmi(struct vcpu *v, struct vmexit *e);
enum verdict default_shutdown(struct vcpu *v, struct vmexit *e);

/* step.c */
enum verdict default_step(struct vcpu *v, struct vmexit *e);

/* guest-glue/hypercall.c */
enum verdict default_hypercall(struct vcpu *v, struct vmexit *e);

#endif
