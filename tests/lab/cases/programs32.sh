# SPDX-License-Identifier: GPL-2.0-only
# 32-bit programs run on a machine that is held, and get #GP, too.
# machine: EPYC smp=2
# machine: zambezi
# program: program32.c -m32
is "$(./program32 sidt)" stored "SIDT tells all before"
load umip
is "$(./program32 hello)" hello "a 32-bit program runs"
is "$(./program32 sidt)" fault "SIDT raises #GP"
is "$(./program32 sldt)" fault "SLDT raises #GP"
is "$(./program32 cpuid)" umip "CPUID says UMIP"
unload
is "$(./program32 sidt)" stored "SIDT tells all afterwards"
