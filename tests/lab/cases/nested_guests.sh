# SPDX-License-Identifier: GPL-2.0-only
# Guests of KVM's that use what a guest can use: every mode, exceptions, ports, MSRs, page tables, memory that
# comes and goes beneath them, timers, NMIs, several processors.
# machine: EPYC smp=2
# program: vmm/vmm.c @tests/lab/cases/vmm/build
# timeout: 300

# guests SENTENCE [CHECK]...
guests() {
	local sentence="$1" out status=0

	shift
	out=$(./vmm "$@" 2>&1) || status=$?
	if [ $status = 0 ]; then
		echo "@@ ok $sentence"
	else
		no "$sentence" "$(echo "$out" | grep -v ^ok)"
	fi
}

# What a guest finds without oldguard is what it is to find with it.
ok "KVM loads" modprobe kvm_amd
guests "its guests work without oldguard" exceptions "ring 3" "page tables" "apic timer"
rmmod kvm_amd kvm
