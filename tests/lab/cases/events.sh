# SPDX-License-Identifier: GPL-2.0-only
# umip:mode=log lets programs read what they could before, and reports it; report=on reports refusals.
# machine: EPYC smp=2
# machine: EPYC,-npt
# machine: EPYC kernel=6.12
# machine: zambezi
# machine: corei7_sandy_bridge_2600k
# program: nosy.c

# On VMX, SMSW cannot be seen.
reported=5
! grep -q 'flags.* vmx' /proc/cpuinfo || reported=4
# Reports come within a second.
wait_for() {
	local i

	for i in $(seq 50); do
		[ "$(oldguard events --json | grep -c '"type":"event"')" -lt "$1" ] || return 0
		usleep 100000
	done
	return 1
}
# field NAME: of the last report
field() {
	oldguard events --json | tail -n 1 | sed -n "s/.*\"$1\":\"\{0,1\}\([^,\"}]*\).*/\1/p"
}

# Each processor has its own GDT.
bare=$(taskset 1 ./nosy all)
load umip:mode=log
is "$(cat "$features")" umip:mode=log "the parameter says so"
is "$(has umip)" 0 "nothing announces UMIP"
echo 1 >/sys/kernel/tracing/events/oldguard/oldguard_event/enable
is "$(taskset 1 ./nosy all)" "$bare" "programs read what they read before"
ok "each is reported" wait_for $reported
is "$(oldguard events --json | sed 's/.*"asset":"\([^"]*\)".*/\1/' | head -n 4 | tr '\n' ' ')" \
	"sgdt sidt sldt str " "in this order"
is "$(fact reports 0)" written "status counts them"
./nosy sidt >/dev/null &
pid=$!
wait $pid
ok "another one is reported" wait_for $((reported + 1))
is "$(field comm)" nosy "by its name"
is "$(field pid)" $pid "by its process"
is "$(field cpl)" 3 "by its privilege"
is "$(field feature)" umip "by the feature"
is "$(field action)" log "by what was done"
is "$(field symbol)" null "a program's address is nobody's symbol"
like "$(field bytes)" "0f01" "by its bytes"
like "$(oldguard events | tail -n 2)" "sidt \[" "in words"
like "$(cat /sys/kernel/tracing/trace)" "oldguard_event: ns=*comm=nosy*asset=sidt*action=log" \
	"the tracepoint says it, too"
echo 0 >/sys/kernel/tracing/events/oldguard/oldguard_event/enable
# Readers do not take from each other; one that waits is woken.
oldguard events --follow --new --count 1 --json >/tmp/first &
first=$!
oldguard events --follow --new --count 1 --json >/tmp/second &
second=$!
usleep 500000
./nosy sidt >/dev/null
wait $first $second
is "$(grep -c '"asset":"sidt"' /tmp/first)" 1 "one that follows gets it"
is "$(cat /tmp/first)" "$(cat /tmp/second)" "and so does another"
is "$(stat -c %a /dev/oldguard-events)" 400 "only root may look"

sleep 1
ok "refusals can be reported" set_features umip:report=on
is "$(has umip)" "$cpus" "that is UMIP, and announced"
before=$(oldguard events --json | wc -l)
like "$(./nosy sidt 2>&1; echo $?)" 139 "which kills"
ok "and is reported" wait_for $((before + 1))
is "$(field action)" deny "as such"
is "$(field asset)" sidt "with the instruction"
ok "without that" set_features umip
before=$(oldguard events --json | wc -l)
./nosy all >/dev/null
sleep 1
is "$(oldguard events --json | wc -l)" "$before" "nothing is reported"
ok "a rate of none" set_features umip:mode=log:rate=0
./nosy all >/dev/null
sleep 1
is "$(oldguard events --json | wc -l)" "$before" "lets nothing through"
ok "the log has few lines" test "$(said | grep -c '^reports:')" -le 4
unload
ok "the device is gone" test ! -e /dev/oldguard-events
