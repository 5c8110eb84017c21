/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * svm_input.h - the VMCB of a guest and its exit, made from a fuzzer's input, as fuzz_svm.c needs
 * it.
 */
#ifndef OLDGUARD_FUZZ_SVM_INPUT_H
#define OLDGUARD_FUZZ_SVM_INPUT_H

#include "guest.h"

/* in guest_input.exit */
#define RAW_CODE 0x8000u /* the lower bits are the exit code itself */
#define EXIT_BUSY 0xfffe
#define EXIT_WIDE 0xfffd

/* svm_code() - the exit code that an input chooses */
u64 svm_code(const struct guest_input *in);

/* svm_has_error_code() - APM vol. 2, table 8-1 */
bool svm_has_error_code(u8 vector);

/* svm_interrupted() - EXITINTINFO: the event that was under delivery */
u64 svm_interrupted(const struct guest_input *in, u64 code);

/* svm_next_rip() - the instruction pointer behind the instruction */
u64 svm_next_rip(const struct guest_input *in);

/* svm_fill() - the VMCB as the exit leaves it, on a processor as the input has it */
void svm_fill(const struct guest_input *in, const struct guest *g, u64 code);

/* svm_info() - EXITINFO1 */
u64 svm_info(const struct guest_input *in, u64 code);

#endif
