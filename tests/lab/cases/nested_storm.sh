# SPDX-License-Identifier: GPL-2.0-only
# KVM's guests on four processors, under load, with NMIs and timers throughout, while others are killed, features
# are switched, processors go and come, and the module does: nobody notices.
# machine: EPYC smp=4
# soak: EPYC smp=4 parallel
# soak: EPYC smp=4 kernel=6.12
# run: --nmi-every 20
# program: nested_vm.c
# program: clocks.c
# timeout: 300

nmis() {
	awk '$1 == "NMI:" { for (i = 2; i < 6; i++) sum += $i; print sum }' /proc/interrupts
}
work() {
	/bin/true
	dd if=/dev/zero of=/dev/null bs=64k count=4 2>/dev/null
	# An NMI for each processor.
	echo l >/proc/sysrq-trigger
}
killed() {
	./nested_vm 1000000 >/dev/null 2>&1 &
	sleep 0.2
	kill -KILL $!
	wait $! 2>/dev/null
}

load umip kvm=nested
modprobe kvm_amd
: >/tmp/going
./clocks >/tmp/clocks &
clocks=$!
before=$(nmis)
until_over work &
workers=$!
until_over killed &
workers="$workers $!"
guests=
for cpu in 0 1 2 3; do
	taskset $((1 << cpu)) ./nested_vm 3000 >/tmp/nested$cpu 2>&1 &
	guests="$guests $!"
done
for list in umip,msr_lock all none umip; do
	ok "features are switched: $list" set_features "$list"
done
for cpu in 1 2 3; do
	ok "processor $cpu goes" sh -c "echo 0 >/sys/devices/system/cpu/cpu$cpu/online"
done
online_all
is "$(cpu_states)" "$(words "$cpus" guest)" "all are back in guest mode"
unload
load all kvm=nested
# shellcheck disable=SC2086 # words are meant
wait $guests
rm /tmp/going
# shellcheck disable=SC2086 # words are meant
wait $workers
is "$(sort -u /tmp/nested?)" "halted after 3000 outs and 3000 writes" "each guest did what it does"
ok "NMIs came" test $(($(nmis) - before)) -gt 40
kill $clocks
wait $clocks
is "$(cat /tmp/clocks)" "as it should be" "timers and clocks went on"
is "$(answers 3)" fault "programs get #GP"
rmmod kvm_amd kvm
unload
# A backtrace of all processors has one of these; it is asked for, the others are not.
# shellcheck disable=SC2154 # lib.sh's
is "$(dmesg -c | grep -E "$trouble" | grep -v 'Call Trace:')" "" "the kernel says nothing else"
is "$(has umip)" 0 "each processor is given back"
