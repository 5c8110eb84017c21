/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmx_input.h - the VMCS of a guest and its exit, made from a fuzzer's input, as fuzz_vmx.c needs
 * it.
 */
#ifndef OLDGUARD_FUZZ_VMX_INPUT_H
#define OLDGUARD_FUZZ_VMX_INPUT_H

#include "guest.h"

/* A VMCS by its fields' widths and types: bits 14:13 and 11:10 of their encodings. */
enum { TYPE_CONTROL, TYPE_EXIT, TYPE_GUEST, TYPE_HOST };
struct fields {
	u64 field[4][4][128];
};

void fields_save(struct fields *f);
void fields_restore(const struct fields *f);

/* field_in() - where @f has a field */
u64 *field_in(struct fields *f, u32 field);

/* in guest_input.exit */
#define EXIT_ENTRY_STATE 0xffff
#define EXIT_ENTRY_MSRS 0xfffe
#define EXIT_ENTRY_MACHINE_CHECK 0xfffd

/* exit_reason() - the reason that an input chooses */
u32 exit_reason(const struct guest_input *in);

/* vmx_fill() - the VMCS as the exit leaves it, on a processor as the input has it */
void vmx_fill(const struct guest_input *in, const struct guest *g, u32 reason);

/* vmx_exit_again() - the VMCS as another exit of the same guest leaves it, after an entry */
void vmx_exit_again(const struct guest_input *in, u32 reason);

/* vmx_has_error_code() - SDM vol. 3, table 6-1 */
bool vmx_has_error_code(u8 vector);

#endif
