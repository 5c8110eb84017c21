# SPDX-License-Identifier: GPL-2.0-only
# CPUID faulting: programs switch it on for themselves, wherever they run, and while one has it on
# the feature stays, and the module.
# machine: EPYC smp=2
# machine: EPYC smp=2 kernel=6.12
# machine: phenom
# machine: corei7_sandy_bridge_2600k smp=2
# program: cpuid_fault.c
# timeout: 200
is "$(has cpuid_fault)" 0 "/proc/cpuinfo has no cpuid_fault before"
./cpuid_fault absent

begin() {
	rm -f /tmp/begun
	./cpuid_fault watch /tmp/begun &
	watching=$!
	for _ in $(seq 100); do
		[ ! -e /tmp/begun ] || return
		sleep 0.1
	done
	no "a program begins to watch" "it does not"
}

end() {
	kill $watching
	wait $watching
}

load umip,cpuid_fault
is "$(has cpuid_fault)" "$cpus" "/proc/cpuinfo has cpuid_fault on each processor"
./cpuid_fault all

if [ "$cpus" -gt 1 ]; then
	online=/sys/devices/system/cpu/cpu1/online
	begin
	for round in 1 2 3; do
		ok "round $round: CPU 1 goes offline" sh -c "echo 0 >$online"
		ok "round $round: CPU 1 comes online" sh -c "echo 1 >$online"
		is "$(has cpuid_fault)" "$cpus" "round $round: each processor has cpuid_fault"
	done
	end
	./cpuid_fault all
fi

begin
fails 'Device or resource busy' "the feature stays" set_features umip
fails 'Device or resource busy' "and with it the others" set_features none
like "$(said)" "cpuid_fault: it is on for process $watching, cpuid_fault" "the log says for whom"
is "$(cat "$features")" "umip:mode=gp,cpuid_fault" "nothing has changed"
is "$(has cpuid_fault)" "$cpus" "/proc/cpuinfo either"
fails 'Device or resource busy' "the module stays" rmmod oldguard
if grep -q freeze /sys/power/state; then
	fails 'Device or resource busy' "the machine stays awake" sh -c 'echo freeze >/sys/power/state'
fi
ok "other features come and go" set_features cpuid_fault
ok "they come back" set_features umip,cpuid_fault
end

ok "then the feature goes" set_features umip
is "$(has cpuid_fault)" 0 "/proc/cpuinfo has no cpuid_fault"
./cpuid_fault absent
ok "it comes back" set_features umip,cpuid_fault
./cpuid_fault all

begin
fails 'Device or resource busy' "the module stays again" rmmod oldguard
sleep 3
fails 'Device or resource busy' "for as long as it takes" rmmod oldguard
end
sleep 2.5
ok "then it goes at once" rmmod oldguard
is "$(has cpuid_fault)" 0 "no processor has cpuid_fault"
./cpuid_fault absent

load cpuid_fault
ok "a module that nobody uses goes at once" rmmod oldguard

# Where arch_prctl() cannot be probed.
step=1
until load_error=$(insmod ./oldguard.ko features=cpuid_fault fail_step=$step 2>&1) ||
	[ $step -gt 30 ]; do
	step=$((step + 1))
done
like "$(said)" "cpuid_fault: no probe" "a load without the probe succeeds: ${load_error:-}"
fails 'Device or resource busy' "then the module stays" rmmod oldguard
./cpuid_fault all
ok "without the feature" set_features none
ok "it goes" rmmod oldguard
