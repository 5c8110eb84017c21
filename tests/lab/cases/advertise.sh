# SPDX-License-Identifier: GPL-2.0-only
# umip:advertise=complete: where only four of the five can be blocked, nothing says UMIP.
# machine: EPYC smp=2
# machine: corei7_sandy_bridge_2600k smp=2
blocked=fault known=$cpus
! grep -q 'flags.* vmx' /proc/cpuinfo || blocked='fault stored' known=0

# shown COUNT SENTENCE: CPUID on each processor, and /proc/cpuinfo
shown() {
	is "$(has umip)" "$1" "$2: /proc/cpuinfo"
	is "$(oldguard probe --json | grep -c '"umip": true')" $(($1 > 0)) "$2: CPUID"
}
load umip:advertise=complete
is "$(cat "$features")" umip:mode=gp:advertise=complete "the parameter says so"
is "$(answers 1)" "$blocked" "the instructions are blocked all the same"
shown "$known" "complete"
if [ "$known" = 0 ]; then
	is "$(fact feature umip)" partial "the report says that it is partial"
	like "$(cat /dev/oldguard)" "SMSW is not blocked on this processor: not advertised" \
		"and that it is not advertised"
	like "$(said)" "not advertised" "the log says it, too"
fi
ok "it is switched while it runs" set_features umip:advertise=always
shown "$cpus" "always"
is "$(answers 1)" "$blocked" "the instructions are still blocked"
ok "and back" set_features umip:advertise=complete
shown "$known" "complete again"
unload
