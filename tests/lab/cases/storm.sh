# SPDX-License-Identifier: GPL-2.0-only
# Processors go and come, features switch and the module loads and unloads, all at once and under load: no timer is
# lost, time goes on as it does, and no memory stays away.
# machine: EPYC smp=4
# program: clocks.c
# timeout: 400
# soak.sh plays this for longer, with another load.
rounds=${rounds:-5} end=${end:-0}

work() {
	if [ "$end" = 0 ]; then
		/bin/true
		dd if=/dev/zero of=/dev/null bs=64k count=4 2>/dev/null
	else
		stress
	fi
}
# What is in use for good.
room() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
	free_kib
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
		[ ! -e "$features" ] || set_features "$list"
	done 2>/dev/null
}

# What is there once and for all comes first.
load all
unload
work
before=$(room)
: >/tmp/going
./clocks >/tmp/clocks &
clocks=$!
workers=
for worker in 1 2; do
	until_over work &
	workers="$workers $!"
done
until_over processors &
workers="$workers $!"
until_over switch &
workers="$workers $!"
round=0
while [ $round -lt "$rounds" ] || [ "$(date +%s)" -lt "$end" ]; do
	round=$((round + 1))
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
# A block of each round would be more. What the kernel frees later is waited for.
for _ in $(seq 30); do
	lost=$((before - $(room)))
	[ $lost -ge 12288 ] || break
	sleep 1
done
ok "no memory was lost in $round rounds" test "$lost" -lt 12288
