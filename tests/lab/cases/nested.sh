# SPDX-License-Identifier: GPL-2.0-only
# kvm=nested: KVM runs its guests below oldguard, with nested and with shadow paging, and whoever comes and goes
# meanwhile, they go on.
# machine: EPYC smp=2
# soak: EPYC smp=2 parallel
# soak: EPYC smp=2 kernel=6.12
# soak: EPYC,+vgif,+v-vmsave-vmload smp=2
# program: nested_vm.c
# arrives ROUNDS: what a guest does in so many
arrives() {
	echo "halted after $1 outs and $1 writes"
}

load umip kvm=nested
is "$(fact kvm)" nested "the report says kvm=nested"
ok "the processor has SVM" has svm
modprobe cpuid
svm=0x$(dd if=/dev/cpu/0/cpuid bs=16 count=1 iflag=skip_bytes skip=$((0x8000000a)) 2>/dev/null | xxd -p -c 16 |
	sed 's/.*\(..\)\(..\)\(..\)\(..\)$/\4\3\2\1/')
rmmod cpuid
is "$((svm & ~0x20194f9))" 0 "and no more of it than is passed on: $svm"
ok "KVM loads" modprobe kvm_amd
is "$(./nested_vm 300)" "$(arrives 300)" "a guest runs"
ok "its exits are counted" test "$(exits_of nested)" -gt 600
taskset 1 ./nested_vm 2000 >/tmp/nested0 2>&1 &
taskset 2 ./nested_vm 2000 >/tmp/nested1 2>&1 &
wait
is "$(sort -u /tmp/nested0 /tmp/nested1)" "$(arrives 2000)" "one on each processor"
is "$(answers)" fault "programs get #GP"

# While one runs.
./nested_vm 4000 >/tmp/nested0 2>&1 &
./nested_vm 4000 >/tmp/nested1 2>&1 &
ok "a processor goes offline" sh -c 'echo 0 >/sys/devices/system/cpu/cpu1/online'
ok "and online" sh -c 'echo 1 >/sys/devices/system/cpu/cpu1/online'
is "$(cpu_states)" "$(words "$cpus" guest)" "each processor is in guest mode"
ok "features are switched" set_features umip,msr_lock
unload
load umip kvm=nested
is "$(cpu_states)" "$(words "$cpus" guest)" "oldguard takes processors that KVM has"
wait
is "$(sort -u /tmp/nested0 /tmp/nested1)" "$(arrives 4000)" "none of which guests have seen"
./nested_vm 1000000 >/tmp/nested0 2>&1 &
sleep 0.3
kill -9 $!
wait
is "$(./nested_vm 300)" "$(arrives 300)" "a killed one leaves nothing behind"
rmmod kvm_amd kvm
ok "with npt=0 KVM loads" modprobe kvm_amd npt=0
is "$(./nested_vm 300)" "$(arrives 300)" "a guest with shadow paging runs"
unload
rmmod kvm_amd kvm
load umip slat=0 kvm=nested
modprobe kvm_amd
is "$(./nested_vm 300)" "$(arrives 300)" "without tables of ours KVM's are used"
rmmod kvm_amd kvm
unload
load all kvm=nested
modprobe kvm_amd
is "$(./nested_vm 300)" "$(arrives 300)" "with all features a guest runs"
unload
rmmod kvm_amd kvm
