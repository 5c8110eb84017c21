# SPDX-License-Identifier: GPL-2.0-only
# The kernel's msr and cpuid modules work on a machine that is held, and say what programs see.
# machine: EPYC smp=2
# machine: corei7_sandy_bridge_2600k
# The cpuid device takes leaf and, above, subleaf as the offset, and moves by whole leaves.
leaf() {
	dd if=/dev/cpu/0/cpuid bs=16 iflag=skip_bytes skip="$1" count=1 2>/dev/null | xxd -p -c 16
}
# LSTAR, where system calls enter the kernel.
lstar=$((0xc0000082))
rdmsr() {
	dd if=/dev/cpu/0/msr of=/tmp/msr bs=8 iflag=skip_bytes skip=$lstar count=1 2>/dev/null &&
		xxd -p /tmp/msr
}
wrmsr() {
	dd if=/tmp/msr of=/dev/cpu/0/msr bs=8 oflag=seek_bytes seek=$lstar conv=notrunc 2>/dev/null
}
ok "they load before" modprobe -a msr cpuid
before=$(rdmsr)
isnt "$before" "" "LSTAR can be read before"
bare=$(leaf 7)
load umip
is "$(rdmsr)" "$before" "LSTAR reads the same"
ok "LSTAR can be written (what it holds already)" wrmsr
isnt "$(leaf 7)" "$bare" "CPUID leaf 7 differs"
ecx=0x$(leaf 7 | cut -c 17-18)
is $((ecx & 4)) 4 "by UMIP"
unload
is "$(leaf 7)" "$bare" "CPUID leaf 7 is as before"
