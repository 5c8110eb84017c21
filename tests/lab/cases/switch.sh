# SPDX-License-Identifier: GPL-2.0-only
# Features are switched while the machine runs, on every processor before the write returns.
# machine: EPYC smp=4
# machine: EPYC,-npt smp=2
# machine: corei7_sandy_bridge_2600k smp=2
blocked=fault
! grep -q 'flags.* vmx' /proc/cpuinfo || blocked='fault stored'

load none
for round in $(seq 5); do
	ok "round $round: on" set_features umip
	for cpu in $(seq 0 $((cpus - 1))); do
		is "$(answers "$cpu")" "$blocked" "round $round: programs on CPU $cpu get #GP"
	done
	is "$(has umip)" "$cpus" "round $round: /proc/cpuinfo has umip"
	ok "round $round: the same list again" set_features umip:mode=gp
	is "$(cpu_states)" "$(words "$cpus" guest)" "round $round: each processor is in guest mode"
	ok "round $round: off" set_features none
	is "$(cpu_states)" "$(words "$cpus" bare)" "round $round: each processor is bare"
	is "$(answers)" stored "round $round: programs read the tables again"
	is "$(has umip)" 0 "round $round: /proc/cpuinfo has no umip"
	is "$(fact memory)" 0 "round $round: no memory is held"
done
ok "the command switches on" oldguard enable umip
is "$(answers)" "$blocked" "it did"
ok "the command switches off" oldguard disable umip
is "$(answers)" stored "it did, too"
unload
