# SPDX-License-Identifier: GPL-2.0-only
# cpus=: the processors that are not named stay native, whatever comes; the machine cannot be locked then.
# machine: EPYC smp=2
# machine: corei7_sandy_bridge_2600k smp=2
# program: cpuid_fault.c
for list in '' x 1- 0-8191999 4000; do
	dmesg -c >/dev/null
	fails "Invalid argument" "cpus=$list: EINVAL" insmod ./oldguard.ko cpus="$list"
	like "$(said)" "cpus=$list: it must be a list of processors" "cpus=$list: the log says what must be"
done
blocked=fault
! grep -q 'flags.* vmx' /proc/cpuinfo || blocked='fault stored'
cpu=/sys/devices/system/cpu/cpu1/online

load umip,cpuid_fault cpus=0
is "$(cpu_states)" "guest native" "CPU 1 is left alone"
is "$(cat /sys/module/oldguard/parameters/cpus)" 0 "the parameter says which"
is "$(answers 0)" "$blocked" "UMIP is on CPU 0"
is "$(answers 1)" stored "and not on CPU 1"
is "$(has umip)" 1 "/proc/cpuinfo has umip once"
./cpuid_fault absent
is "$(fact isolation)" off "isolation is off"
is "$(fact feature umip)" partial "the report says that umip is not everywhere"
fails "Device or resource busy" "it cannot be locked" sh -c 'echo 1 >/sys/module/oldguard/parameters/lock'
like "$(said)" "CPU 1 stays native" "the log says why"
ok "features are switched" set_features umip:mode=dummy
ok "and back" set_features umip
ok "CPU 1 goes offline" sh -c "echo 0 >$cpu"
fails "Device or resource busy" "it cannot be locked then" sh -c 'echo 1 >/sys/module/oldguard/parameters/lock'
ok "and comes online" sh -c "echo 1 >$cpu"
is "$(cpu_states)" "guest native" "it is left alone again"
is "$(answers 0)" "$blocked" "CPU 0 is held still"
unload
fails "Device or resource busy" "lock=1 at load is refused, and with it the load" insmod ./oldguard.ko features=umip cpus=0 lock=1
is "$(answers 0)" stored "nothing stays behind"
load umip cpus=0-1
is "$(cpu_states)" "guest guest" "all can be named"
unload
