# SPDX-License-Identifier: GPL-2.0-only
# Under the lock nothing is unsealed: not by its own module either. And no processor goes aside (kvm=aside):
# from then on the machine is as with kvm=hide.
# machine: EPYC smp=2
# machine: corei7_sandy_bridge_2600k
# alone
# module: sealed
# module: taker
sealed=/sys/module/sealed/parameters
taker=/sys/module/taker/parameters
flag=svm
refused=refused
if grep -q 'flags.* vmx' /proc/cpuinfo; then
	flag=vmx
	refused=taken
fi

load seal kvm=aside
insmod ./taker.ko
echo 0 >$taker/take
is "$(cat $taker/result)" used "a processor goes aside"
fails "Device or resource busy" "meanwhile the lock is refused" sh -c 'echo 1 >/sys/module/oldguard/parameters/lock'
echo 0 >$taker/give
wait_states "$(words "$cpus" guest)" "it comes back"
insmod ./sealed.ko
ok "the lock is set" sh -c 'echo 1 >/sys/module/oldguard/parameters/lock'
fails "Operation not permitted" "seal cannot be switched off" set_features none
is "$(cat $sealed/write)" "processors 0, alias 0, value 600d" "the page cannot be written"
ok "its module goes" rmmod sealed
like "$(dmesg)" "sealed: it stays so" "and leaves it sealed"
is "$(fact seals)" 1 "status counts it"
ok "another one comes" insmod ./sealed.ko
is "$(cat $sealed/sealed)" 0 "and has its page sealed"
is "$(cat $sealed/write)" "processors 0, alias 0, value 600d" "too"

is "$(has $flag)" 0 "/proc/cpuinfo has no $flag"
echo 0 >$taker/take
is "$(cat $taker/result)" $refused "no processor goes aside any more"
is "$(fact cpu 0)" guest "it is held"
fails "" "KVM finds nothing" sh -c 'modprobe kvm_amd || modprobe kvm_intel'
