# SPDX-License-Identifier: GPL-2.0-only
# Loading and unloading again and again, while programs start and end on every processor: no memory stays away and no
# timer is lost.
# machine: EPYC smp=4
# machine: EPYC,-npt smp=2
# soak: zambezi smp=2
# program: clocks.c
# timeout: 300
before=$(free_kib)
workers=
for worker in $(seq $((cpus * 2))); do
	while :; do /bin/true; done &
	workers="$workers $!"
done
./clocks >/tmp/clocks &
clocks=$!
rounds=${CYCLES:-20}
! grep -q 'AMD FX' /proc/cpuinfo || rounds=5
for round in $(seq "$rounds"); do
	load umip
	[ "$(cpu_states)" = "$(words "$cpus" guest)" ] || no "round $round: each is held" "$(cpu_states)"
	unload
done
is "$(has umip)" 0 "$rounds rounds were clean"
# shellcheck disable=SC2086 # words are meant
kill $workers $clocks
wait
is "$(cat /tmp/clocks)" "as it should be" "timers and clocks went on"
# Each round takes 2 MiB and more: none of it may stay away.
ok "no memory was lost" test $((before - $(free_kib))) -lt $((rounds * 1024))
