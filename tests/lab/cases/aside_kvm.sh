# SPDX-License-Identifier: GPL-2.0-only
# kvm=aside and KVM, whose module may be here first or second and takes the processors when it likes. See aside.sh.
# machine: EPYC smp=2
# machine: EPYC smp=2 kernel=6.12
# machine: corei7_sandy_bridge_2600k
# program: kvm_vm.c
vendor=kvm_amd
blocked=fault
if grep -q 'flags.* vmx' /proc/cpuinfo; then
	vendor=kvm_intel
	blocked='fault stored'
fi
online=/sys/devices/system/cpu/cpu1/online

held=$(words "$cpus" guest)
gone=$(words "$cpus" aside)

load umip kvm=aside
ok "$vendor loads" modprobe $vendor
./kvm_vm 300 >/tmp/vm &
vm=$!
wait_states "$gone" "KVM gets all processors for a virtual machine"
for _ in $(seq 300); do
	[ -s /tmp/vm ] || sleep 0.1
done
is "$(cat /tmp/vm)" created "which runs"
if [ "$cpus" -gt 1 ]; then
	ok "CPU 1 goes offline under it" sh -c "echo 0 >$online"
	ok "and comes online" sh -c "echo 1 >$online"
	is "$(cpu_states)" "aside aside" "as KVM's"
fi
kill -KILL $vm
wait $vm
rmmod $vendor kvm
wait_states "$held" "it is killed, KVM goes: all processors come back"
is "$(answers)" "$blocked" "UMIP is there"
ok "$vendor loads again" modprobe $vendor
./kvm_vm 300 >/tmp/vm &
vm=$!
wait_states "$gone" "KVM has them again"
unload
kill -KILL $vm
wait $vm
rmmod $vendor kvm
