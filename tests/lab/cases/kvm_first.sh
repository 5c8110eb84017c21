# SPDX-License-Identifier: GPL-2.0-only
# KVM is there already. Where it has taken the processors, oldguard is refused; where it has not,
# whoever comes second is refused: in neither case does the kernel complain.
# machine: EPYC smp=2
# machine: EPYC smp=2 kernel=6.12
# machine: corei7_sandy_bridge_2600k
# program: kvm_vm.c
vendor=kvm_amd
! grep -q 'flags.* vmx' /proc/cpuinfo || vendor=kvm_intel
ok "$vendor loads" modprobe $vendor
is "$(./kvm_vm)" created "a virtual machine can be had before"

if insmod ./oldguard.ko features=umip 2>/tmp/out; then
	like "$(answers)" fault "oldguard loaded: programs get #GP"
	isnt "$(./kvm_vm)" created "no virtual machine can be had"
	is "$(cpu_states)" "$(words "$cpus" guest)" "each processor is in guest mode"
	unload
else
	like "$(cat /tmp/out)" "Device or resource busy" "oldguard is refused with EBUSY"
	like "$(said)" "another hypervisor is active" "and says why"
	like "$(said)" "enable_virt_at_load=0" "and what to do"
	is "$(answers)" stored "nothing was taken over"
fi
is "$(./kvm_vm)" created "a virtual machine can be had afterwards"

# While one is there, the processors are KVM's.
./kvm_vm 1000 >/tmp/machine &
machine=$!
while ! grep -q created /tmp/machine; do sleep 1; done
fails "Device or resource busy" "oldguard is refused while a virtual machine lives" \
	insmod ./oldguard.ko features=umip
kill $machine
wait $machine 2>/dev/null
ok "$vendor unloads" rmmod $vendor kvm
load umip
is "$(cpu_states)" "$(words "$cpus" guest)" "then each processor can be held"
unload
