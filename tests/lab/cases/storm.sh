# SPDX-License-Identifier: GPL-2.0-only
# Processors go and come, features switch and the module loads and unloads, all at once and under load: no timer is
# lost, time goes on as it does, and no memory stays away.
# machine: EPYC smp=4
# soak: EPYC smp=4 kernel=6.12
# soak: EPYC,-npt smp=4
# soak: phenom smp=4
# soak: zambezi smp=2
# soak: corei7_sandy_bridge_2600k smp=2
# program: clocks.c
# timeout: 400
rounds=${STORM_ROUNDS:-5}

# until_over COMMAND...: again and again while the file is there.
until_over() {
	while [ -e /tmp/going ]; do
		"$@"
	done
}
fork() {
	/bin/true
	dd if=/dev/zero of=/dev/null bs=64k count=4 2>/dev/null
}
# What fails does so because of the others: a processor that is busy coming, a module that is not there.
processors() {
	local cpu

	for cpu in $(seq $((cpus - 1))); do
		echo 0 >/sys/devices/system/cpu/cpu"$cpu"/online
	done 2>/dev/null
	online_all 2>/dev/null
}
switch() {
	local list

	for list in umip all none umip:mode=dummy,cr_pin; do
		[ ! -e $features ] || set_features "$list"
	done 2>/dev/null
}

load all
unload
before=$(free_kib)
: >/tmp/going
./clocks >/tmp/clocks &
clocks=$!
workers=
for worker in 1 2; do
	until_over fork &
	workers="$workers $!"
done
until_over processors &
workers="$workers $!"
until_over switch &
workers="$workers $!"
for round in $(seq "$rounds"); do
	insmod ./oldguard.ko features=all || no "round $round: it loads" "$(said | tail -n 3)"
	sleep 0.5
	rmmod oldguard || no "round $round: it unloads" "$(said | tail -n 3)"
done
rm /tmp/going
# shellcheck disable=SC2086 # words are meant
wait $workers
online_all
kill $clocks
wait $clocks
is "$(cat /tmp/clocks)" "as it should be" "timers and clocks went on"
is "$(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)" tsc "by the TSC still"
load all
is "$(cpu_states)" "$(words "$cpus" guest)" "then each processor can be held"
unload
is "$(has umip)" 0 "and given back"
ok "no memory was lost" test $((before - $(free_kib))) -lt $((rounds * 1024 + 4096))
