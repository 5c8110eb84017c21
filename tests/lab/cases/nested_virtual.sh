# SPDX-License-Identifier: GPL-2.0-only
# kvm=nested where the processor has a virtual GIF and a virtual VMLOAD and VMSAVE: what KVM's guests cost is two
# exits more each time, three with locked MSRs, and what VMLOAD loads and VMSAVE writes goes by the rules as it
# does where they exit.
# machine: EPYC,+vgif,+v-vmsave-vmload
# program: nested_vm.c
# program: vmm/vmm.c @tests/lab/cases/vmm/build
# prepare: make -s -f tests/attack/attack.mk attack-files
# run: --copy build/attack/hostile.ko
# timeout: 200

# costs FEATURES EXITS: how many exits there are in all for one of KVM's guests'
costs() {
	load "$1" kvm=nested
	ok "KVM loads, features=$1" modprobe kvm_amd
	is "$(./nested_vm 2000)" "halted after 2000 outs and 2000 writes" "a guest runs"
	guests=$(exits_of nested) insns=$(exits_of virt_insn)
	# An interrupt that comes while GIF is a virtual one adds some.
	ok "$insns exits of SVM's instructions for $guests of the guest, $2 for each" \
		test "$insns" -le $((guests * $2 + guests / 4))
	ok "and no fewer than that" test "$insns" -ge $((guests * $2 - guests / 10))
	ok "guests of all kinds run" ./vmm exceptions "ring 3" msrs "page tables" "apic timer" nmi
	# KVM gives them what it has found in the processor.
	ok "and have guests of their own" ./vmm "a guest of its own"
}

# attack WANTED NAME...: the outcome of each is WANTED.
attack() {
	local wanted="$1" name out

	shift
	for name; do
		echo "nested-$name" >/sys/module/hostile/parameters/attack
		out=$(cat /sys/module/hostile/parameters/attack)
		is "${out%%	*}" "$wanted" "$name: $out"
	done
}

grep -qE '^flags.* v_vmsave_vmload( |$)' /proc/cpuinfo || no "the processor has them" "$(grep -m 1 ^flags /proc/cpuinfo)"
insmod ./hostile.ko
attack succeeded vmload-lstar stgi-lstar svme-lstar vmsave-rodata vmsave
rmmod hostile

# VMRUN, STGI
costs umip 2
rmmod kvm_amd kvm
unload
# VMRUN, STGI, CLGI
costs all 3
rmmod kvm_amd kvm
insmod ./hostile.ko
attack refused vmsave vmsave-rodata l2-vmsave l2-vmload
attack ignored vmload-lstar stgi-lstar svme-lstar
is "$(cpu_states)" "$(words "$cpus" guest)" "the processor is held"
sleep 1
like "$(oldguard events)" "msr:lstar deny" "who writes LSTAR by VMLOAD is told of"
rmmod hostile
unload
