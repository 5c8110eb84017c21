/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * native.h - the processor's own opinion of an encoding.
 */
#ifndef OLDGUARD_TEST_NATIVE_H
#define OLDGUARD_TEST_NATIVE_H

#include "../../decoder/decode.h"

/** enum native - what became of the bytes given */
enum native {
	NATIVE_NONE,	/* this mode, or a child process, cannot be had here */
	NATIVE_LONGER,	/* the instruction goes on behind them */
	NATIVE_UD,	/* #UD */
	NATIVE_TAKEN,	/* executed, or refused for another reason than #UD */
};

/**
 * native_try() - let the processor have @count bytes at CPL 3, with nothing behind them
 *
 * In a child process, with the bytes at the end of a page. Instructions that a program must not
 * execute are told apart all the same: #UD comes before #GP.
 */
enum native native_try(enum decode_mode mode, const u8 *bytes, u32 count);

#endif
