# SPDX-License-Identifier: GPL-2.0-only
# kvm=aside: a processor goes to whoever switches SVM or VMX on, and is held again once that is off; what
# features do meanwhile, and how all comes to an end in any order. KVM's turn: aside_kvm.sh.
# machine: EPYC smp=2
# machine: corei7_sandy_bridge_2600k
# program: cpuid_fault.c
# module: taker
flag=svm
blocked=fault
if grep -q 'flags.* vmx' /proc/cpuinfo; then
	flag=vmx
	blocked='fault stored'
fi
taker=/sys/module/taker/parameters
all=0-$((cpus - 1))

# take CPUS, give CPUS: what the other user of the extension gets; see taker.c.
take() {
	echo "$1" >$taker/take
	cat $taker/result
}
give() {
	echo "$1" >$taker/give
	cat $taker/result
}

held=$(words "$cpus" guest)
gone=$(words "$cpus" aside)
used=$(words "$cpus" used, | sed 's/,$//')
insmod ./taker.ko

load umip kvm=aside
is "$(fact kvm)" aside "the report says kvm=aside"
is "$(has $flag)" "$cpus" "/proc/cpuinfo keeps $flag"
is "$(answers)" "$blocked" "UMIP is there before"
if [ "$cpus" -gt 1 ]; then
	is "$(take 1)" used "another user gets CPU 1"
	is "$(cpu_states)" "guest aside" "which is aside, CPU 0 is held"
	is "$(answers 0) $(answers 1)" "fault stored" "UMIP is on CPU 0 only"
	is "$(fact isolation)" off "isolation is off"
	is "$(fact feature umip)" partial "the report says that umip is not everywhere"
	ok "features are switched meanwhile" set_features umip,io_lock
	fails "Device or resource busy" "it cannot be locked" sh -c 'echo 1 >/sys/module/oldguard/parameters/lock'
	like "$(said)" "CPU 1 is aside" "the log says why"
	give 1 >/dev/null
	wait_states "$held" "CPU 1 comes back"
	is "$(answers 1)" "$blocked" "and follows"
	is "$(fact isolation)" on "isolation is on again"
fi
echo 1 >$taker/interrupts
is "$(take $all)" "$used" "another user gets all, with interrupts on"
is "$(cpu_states)" "$gone" "they are aside"
is "$(answers)" stored "UMIP is not there"
is "$(fact feature umip)" lapsed "the report says that umip is nowhere"
ok "features are switched where nobody is held" set_features umip:mode=dummy,cr_pin:pin=wp
is "$(take $all)" "$(words "$cpus" taken, | sed 's/,$//')" "it is native: the bit reads as set"
give $all >/dev/null
wait_states "$held" "all come back"
is "$(cat "$features")" umip:mode=dummy,cr_pin:pin=wp "with what was switched on"
is "$(answers)" stored "and it is in force"
ok "it is another mode's" set_features umip
is "$(answers)" "$blocked" "which can be switched"
is "$(take $all)" "$used" "they go again"
ok "all features go while they are aside" set_features none
ok "and one comes" set_features umip
is "$(cpu_states)" "$gone" "which takes nobody's processor"
unload
ok "oldguard is gone, they are in use still" test "$(take $all)" = "$(words "$cpus" taken, | sed 's/,$//')"
load umip kvm=aside
is "$(cpu_states)" "$gone" "loaded where all are in use"
if [ "$cpus" -gt 1 ]; then
	online=/sys/devices/system/cpu/cpu1/online
	ok "a processor that is aside goes offline" sh -c "echo 0 >$online"
	ok "and comes online" sh -c "echo 1 >$online"
	is "$(cpu_states)" "aside guest" "that has reset it: it is held"
fi
give $all >/dev/null
wait_states "$held" "they are taken when they are free"
is "$(answers)" "$blocked" "UMIP is there"
unload

# A program relies on what only we can give: then somebody is using the extension.
load cpuid_fault kvm=aside
rm -f /tmp/begun
./cpuid_fault watch /tmp/begun &
watching=$!
for _ in $(seq 100); do
	[ -e /tmp/begun ] || sleep 0.1
done
is "$(take 0)" taken "no processor goes while a program has CPUID faulting on"
is "$(cpu_states)" "$held" "all are held"
# It wants ten rounds.
sleep 2
kill $watching
wait $watching
for _ in $(seq 300); do
	[ "$(take 0)" = taken ] || break
	sleep 0.1
done
is "$(cat $taker/result)" used "one goes when it has ended"
is "$(has cpuid_fault)" $((cpus - 1)) "which has no cpuid_fault"
./cpuid_fault absent
give 0 >/dev/null
wait_states "$held" "it comes back"
# arch_prctl() was asked just now.
sleep 2.5
unload
rmmod taker
