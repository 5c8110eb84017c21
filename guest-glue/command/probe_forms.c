// SPDX-License-Identifier: GPL-2.0-only
/*
 * The encodings that `oldguard probe` runs: the usual one of each instruction, SMSW's memory form,
 * and for --all the rest. 0F 01 /0 SGDT, /1 SIDT, /4 SMSW; 0F 00 /0 SLDT, /1 STR (AMD APM vol. 3,
 * Intel SDM vol. 2). ModRM.rm=6 is [RSI] or [ESI], rm=4 asks for a SIB byte.
 */
#include "probe.h"

const char *const probe_insn_name[PROBE_INSNS] = {
	[PROBE_SGDT] = "SGDT",
	[PROBE_SIDT] = "SIDT",
	[PROBE_SLDT] = "SLDT",
	[PROBE_STR] = "STR",
	[PROBE_SMSW] = "SMSW",
};

#define FORM(i, name, b, n, ...) \
	.insn = PROBE_##i, .form = name, .bits = b, .size = n, \
	.length = sizeof((uint8_t[]){ __VA_ARGS__ }), .bytes = { __VA_ARGS__ }
#define MEMORY(...) { FORM(__VA_ARGS__), .memory = true }
#define REGISTER(...) { FORM(__VA_ARGS__) }
#define MEMORY_ALL(...) { FORM(__VA_ARGS__), .memory = true, .all = true }
#define REGISTER_ALL(...) { FORM(__VA_ARGS__), .all = true }

const struct probe_form probe_forms[] = {
	MEMORY(SGDT, "mem", 64, 10, 0x0f, 0x01, 0x06),
	MEMORY_ALL(SGDT, "mem, 66", 64, 10, 0x66, 0x0f, 0x01, 0x06),
	MEMORY_ALL(SGDT, "mem, 67", 64, 10, 0x67, 0x0f, 0x01, 0x06),
	MEMORY_ALL(SGDT, "mem, REX.W", 64, 10, 0x48, 0x0f, 0x01, 0x06),
	MEMORY_ALL(SGDT, "mem, disp8", 64, 10, 0x0f, 0x01, 0x46, 0x00),
	MEMORY_ALL(SGDT, "mem, SIB", 64, 10, 0x0f, 0x01, 0x04, 0x26),
	MEMORY(SIDT, "mem", 64, 10, 0x0f, 0x01, 0x0e),
	MEMORY_ALL(SIDT, "mem, 66", 64, 10, 0x66, 0x0f, 0x01, 0x0e),
	MEMORY_ALL(SIDT, "mem, 67", 64, 10, 0x67, 0x0f, 0x01, 0x0e),
	MEMORY_ALL(SIDT, "mem, REX.W", 64, 10, 0x48, 0x0f, 0x01, 0x0e),
	MEMORY_ALL(SIDT, "mem, disp8", 64, 10, 0x0f, 0x01, 0x4e, 0x00),
	MEMORY_ALL(SIDT, "mem, SIB", 64, 10, 0x0f, 0x01, 0x0c, 0x26),
	REGISTER(SLDT, "r32", 64, 4, 0x0f, 0x00, 0xc0),
	REGISTER_ALL(SLDT, "r16", 64, 2, 0x66, 0x0f, 0x00, 0xc0),
	REGISTER_ALL(SLDT, "r64", 64, 8, 0x48, 0x0f, 0x00, 0xc0),
	MEMORY_ALL(SLDT, "mem", 64, 2, 0x0f, 0x00, 0x06),
	MEMORY_ALL(SLDT, "mem, REX.W", 64, 2, 0x48, 0x0f, 0x00, 0x06),
	REGISTER(STR, "r32", 64, 4, 0x0f, 0x00, 0xc8),
	REGISTER_ALL(STR, "r16", 64, 2, 0x66, 0x0f, 0x00, 0xc8),
	REGISTER_ALL(STR, "r64", 64, 8, 0x48, 0x0f, 0x00, 0xc8),
	MEMORY_ALL(STR, "mem", 64, 2, 0x0f, 0x00, 0x0e),
	MEMORY_ALL(STR, "mem, REX.W", 64, 2, 0x48, 0x0f, 0x00, 0x0e),
	REGISTER(SMSW, "r32", 64, 4, 0x0f, 0x01, 0xe0),
	REGISTER_ALL(SMSW, "r16", 64, 2, 0x66, 0x0f, 0x01, 0xe0),
	REGISTER_ALL(SMSW, "r64", 64, 8, 0x48, 0x0f, 0x01, 0xe0),
	MEMORY(SMSW, "mem", 64, 2, 0x0f, 0x01, 0x26),
	MEMORY_ALL(SMSW, "mem, REX.W", 64, 2, 0x48, 0x0f, 0x01, 0x26),

	MEMORY(SGDT, "mem", 32, 6, 0x0f, 0x01, 0x06),
	MEMORY_ALL(SGDT, "mem, 66", 32, 6, 0x66, 0x0f, 0x01, 0x06),
	MEMORY_ALL(SGDT, "mem, disp8", 32, 6, 0x0f, 0x01, 0x46, 0x00),
	MEMORY_ALL(SGDT, "mem, SIB", 32, 6, 0x0f, 0x01, 0x04, 0x26),
	MEMORY_ALL(SGDT, "mem, ES", 32, 6, 0x26, 0x0f, 0x01, 0x06),
	MEMORY(SIDT, "mem", 32, 6, 0x0f, 0x01, 0x0e),
	MEMORY_ALL(SIDT, "mem, 66", 32, 6, 0x66, 0x0f, 0x01, 0x0e),
	MEMORY_ALL(SIDT, "mem, disp8", 32, 6, 0x0f, 0x01, 0x4e, 0x00),
	MEMORY_ALL(SIDT, "mem, SIB", 32, 6, 0x0f, 0x01, 0x0c, 0x26),
	MEMORY_ALL(SIDT, "mem, ES", 32, 6, 0x26, 0x0f, 0x01, 0x0e),
	REGISTER(SLDT, "r32", 32, 4, 0x0f, 0x00, 0xc0),
	REGISTER_ALL(SLDT, "r16", 32, 2, 0x66, 0x0f, 0x00, 0xc0),
	MEMORY_ALL(SLDT, "mem", 32, 2, 0x0f, 0x00, 0x06),
	REGISTER(STR, "r32", 32, 4, 0x0f, 0x00, 0xc8),
	REGISTER_ALL(STR, "r16", 32, 2, 0x66, 0x0f, 0x00, 0xc8),
	MEMORY_ALL(STR, "mem", 32, 2, 0x0f, 0x00, 0x0e),
	REGISTER(SMSW, "r32", 32, 4, 0x0f, 0x01, 0xe0),
	REGISTER_ALL(SMSW, "r16", 32, 2, 0x66, 0x0f, 0x01, 0xe0),
	MEMORY(SMSW, "mem", 32, 2, 0x0f, 0x01, 0x26),
};

const size_t probe_nr_forms = sizeof(probe_forms) / sizeof(probe_forms[0]);
