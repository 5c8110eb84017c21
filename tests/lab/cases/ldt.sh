# SPDX-License-Identifier: GPL-2.0-only
# Programs with LDTs and with I/O ports do as they did: on VMX the kernel's LLDT exits and is emulated.
# machine: EPYC smp=2
# machine: corei7_sandy_bridge_2600k smp=2
# program: ldt.c
loads() {
	awk -F '\t' '$1 == "exits" && $3 == "desc_load" { n += $4 } END { print n + 0 }' /dev/oldguard
}
bare=$(./ldt)
like "$bare" "own segment: 12345678" "without the module a program has a segment of its own"
like "$bare" "two LDTs in turns: 0 wrong" "two of them, each has its own"
like "$bare" "ioperm: 0, port: done" "and a port"
load umip
before=$(loads)
is "$(./ldt)" "$bare" "with the module it is the same"
if [ "$(fact backend)" = "Intel VMX" ]; then
	ok "each switch to another LDT was an exit" test $(($(loads) - before)) -gt 100
fi
unload
is "$(./ldt)" "$bare" "and afterwards"
