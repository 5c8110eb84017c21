/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * describe.h - struct insn as one line, for tables of what is expected.
 */
#ifndef OLDGUARD_TEST_DESCRIBE_H
#define OLDGUARD_TEST_DESCRIBE_H

#include "../../decoder/decode.h"

/**
 * describe() - all that decode() tells of an instruction
 *
 * For example "add 3 o4 a8 ds:[0+5*4-16]/4 r2": length, operand and address size, the memory
 * operand with its size (registers by number), the register. Then, where they are set: "h" high
 * byte, "rm", "cr", "imm", "src" with the second operand, "lock", "rep", "repne".
 */
void describe(const struct insn *insn, char *text, size_t size);

#endif
