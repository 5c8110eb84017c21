# SPDX-License-Identifier: GPL-2.0-only
# A debugger's single steps and a program's own trap flag see emulated instructions as any other.
# machine: EPYC smp=2
# machine: EPYC,-npt
# machine: zambezi
# machine: corei7_sandy_bridge_2600k
# program: single_step.c -fno-pie -no-pie -fcf-protection=none
bare=$(./single_step)
like "$bare" "ptrace cpuid: nop cpuid after" "without the module each instruction is a step"
load umip
is "$(./single_step)" "$bare" "with the module it is the same"
unload
