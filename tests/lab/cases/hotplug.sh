# SPDX-License-Identifier: GPL-2.0-only
# A processor that goes offline is given back, and one that comes online is taken as it comes.
# machine: EPYC smp=2
# machine: EPYC smp=4
# machine: EPYC smp=4 kernel=6.12
# machine: zambezi smp=2
# machine: corei7_sandy_bridge_2600k smp=2
blocked=fault
! grep -q 'flags.* vmx' /proc/cpuinfo || blocked='fault stored'
cpu=/sys/devices/system/cpu/cpu1/online

load umip
for round in 1 2 3; do
	ok "round $round: CPU 1 goes offline" sh -c "echo 0 >$cpu"
	is "$(fact cpu 1)" offline "round $round: the report says so"
	is "$(fact cpu 0)" guest "round $round: CPU 0 stays in guest mode"
	is "$(has umip)" $((cpus - 1)) "round $round: the others keep umip"
	ok "round $round: CPU 1 comes online" sh -c "echo 1 >$cpu"
	is "$(cpu_states)" "$(words "$cpus" guest)" "round $round: each processor is in guest mode"
	is "$(answers 1)" "$blocked" "round $round: programs on CPU 1 get #GP"
	is "$(has umip)" "$cpus" "round $round: /proc/cpuinfo has umip on each processor"
done

ok "CPU 1 goes offline" sh -c "echo 0 >$cpu"
ok "features switch meanwhile: off" set_features none
ok "features switch meanwhile: on" set_features umip
ok "CPU 1 comes online" sh -c "echo 1 >$cpu"
is "$(answers 1)" "$blocked" "programs on CPU 1 get #GP"

ok "CPU 1 goes offline again" sh -c "echo 0 >$cpu"
unload
ok "CPU 1 comes online after the module went" sh -c "echo 1 >$cpu"
is "$(has umip)" 0 "no processor has umip"
is "$(answers 1)" stored "programs on CPU 1 read the tables"

ok "CPU 1 goes offline before the module comes" sh -c "echo 0 >$cpu"
load umip
ok "CPU 1 comes online" sh -c "echo 1 >$cpu"
is "$(cpu_states)" "$(words "$cpus" guest)" "it was taken, too"
is "$(has umip)" "$cpus" "/proc/cpuinfo has umip on each processor"
is "$(answers 1)" "$blocked" "programs on CPU 1 get #GP"
unload
