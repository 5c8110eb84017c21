/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernels are configured for gcc, which knows `asm inline`; clang-tidy, which only looks, does
 * not. Included behind Linux's own compiler headers.
 */
#undef asm_inline
#define asm_inline asm
