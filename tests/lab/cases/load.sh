# SPDX-License-Identifier: GPL-2.0-only
# Loading takes every processor over and gives user programs UMIP; unloading takes it back.
# machine: EPYC
# machine: EPYC smp=2
# machine: EPYC smp=4
# machine: phenom smp=2
# machine: EPYC,-npt smp=2
# machine: EPYC,-pdpe1gb smp=2
# machine: max,-umip,+la57 smp=2
# machine: EPYC smp=2 kernel=6.12
# machine: phenom kernel=6.12
# machine: zambezi
# machine: zambezi smp=2
# machine: trinity_apu
# machine: corei7_sandy_bridge_2600k smp=2
# machine: corei5_lynnfield_750

# On VMX, SMSW cannot be blocked.
blocked=fault
! grep -q 'flags.* vmx' /proc/cpuinfo || blocked='fault stored'

for round in first second; do
	is "$(has umip)" 0 "$round: /proc/cpuinfo has no umip before"
	is "$(answers)" stored "$round: the instructions tell all before"

	load umip
	is "$(cpu_states)" "$(words "$cpus" guest)" "$round: each processor is in guest mode"
	is "$(fact state)" active "$round: the report says so"
	if [ "$(fact slat)" = none ]; then
		is "$(fact isolation)" off "$round: without second-level paging the report says that isolation is off"
		like "$(said)" "isolation is off: without second-level paging" "$round: so does the log"
		like "$(oldguard status)" "isolation            off: no second-level paging" "$round: status"
		like "$(oldguard status --json)" '"isolation": "off"' "$round: and its JSON"
	else
		is "$(fact isolation)" on "$round: the report says that isolation is on"
	fi
	is "$(cat "$features")" umip:mode=gp "$round: the parameter says what is on"
	is "$(has umip)" "$cpus" "$round: /proc/cpuinfo has umip on each processor"
	for cpu in $(seq 0 $((cpus - 1))); do
		is "$(answers "$cpu")" "$blocked" "$round: programs on CPU $cpu get #GP"
	done
	ok "$round: all processors give the same answers" oldguard probe --all-cpus

	unload
	is "$(has umip)" 0 "$round: /proc/cpuinfo has no umip afterwards"
	is "$(answers)" stored "$round: the instructions tell all again"
	ok "$round: the device is gone" test ! -e /dev/oldguard
done
