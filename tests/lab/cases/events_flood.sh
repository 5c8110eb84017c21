# SPDX-License-Identifier: GPL-2.0-only
# Programs that do nothing but what is reported: every time is counted, the log stays short, and others
# get as much of the processors as if those programs did something harmless.
# machine: EPYC smp=2
# machine: corei7_sandy_bridge_2600k
# program: nosy.c
# timeout: 200
loops=20000
! grep -q 'flags.* vmx' /proc/cpuinfo || loops=3000

# sum KIND: over all processors.
sum() {
	awk -F '\t' -v kind="$1" '$1 == "reports" && $3 == kind { n += $4 } END { print n + 0 }' /dev/oldguard
}
# four WORD...: four such processes at once, to their end.
four() {
	local i pids=''

	for i in 1 2 3 4; do
		./nosy "$@" >/dev/null &
		pids="$pids $!"
	done
	# shellcheck disable=SC2086 # words are meant
	wait $pids
}
# told NAME: sum of such numbers in what the reader has seen.
told() {
	sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" /tmp/events | awk '{ n += $1 } END { print n + 0 }'
}

for rate in 10 1000000; do
	load umip:mode=log:rate=$rate
	dmesg -c >/dev/null
	start=$(date +%s)
	oldguard events --follow --json >/tmp/events &
	reader=$!
	four sidt $loops
	sleep 1
	took=$(($(date +%s) - start))
	is $(($(sum written) + $(sum suppressed))) $((4 * loops)) "rate $rate: each one is counted"
	is $(($(grep -c '"type":"event"' /tmp/events) + $(told lost))) "$(sum written)" \
		"rate $rate: what was reported is shown or lost"
	[ $rate != 10 ] || is "$(sum lost)" 0 "rate $rate: nothing is lost"
	[ $rate != 10 ] || ok "rate $rate: no more than that" \
		test "$(sum written)" -le $((cpus * (took + 2) * rate))
	[ $rate = 10 ] || ok "rate $rate: more than the rings hold" test "$(sum lost)" -gt 0
	ok "rate $rate: the log has a line in ten seconds" \
		test "$(said | wc -l)" -le $((took / 10 + 1))
	kill $reader
	wait $reader 2>/dev/null
	unload
done

# beside WORD...: what one that computes gets of a processor beside four of these.
beside() {
	local i pids='' got

	for i in 1 2 3 4; do
		./nosy "$@" >/dev/null 2>&1 &
		pids="$pids $!"
	done
	got=$(./nosy share 4)
	# shellcheck disable=SC2086
	kill $pids
	# shellcheck disable=SC2086
	wait $pids 2>/dev/null
	echo "$got"
}
load umip:mode=log
# What else the host does is measured, too: a share that is really smaller is smaller each time.
fair=no
for attempt in 1 2 3; do
	harmless=$(beside spin 1000000000000)
	hostile=$(beside sidt 1000000000000)
	echo "share beside harmless loops: $harmless %, beside hostile ones: $hostile %"
	[ $((10 * hostile)) -lt $((9 * harmless)) ] || { fair=yes; break; }
done
is "$fair" yes "others get at least nine tenths of what they get beside harmless loops"
ok "the report can be read meanwhile" oldguard status
unload
