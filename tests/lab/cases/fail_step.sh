# SPDX-License-Identifier: GPL-2.0-only
# Whatever step of a load fails, everything before it is undone.
# machine: EPYC smp=2
# machine: EPYC,-npt smp=2
# What a failed load keeps, no report shows: repeat each, and look at the machine's memory.
failures=5
step=1
while ! insmod ./oldguard.ko features=umip fail_step=$step 2>/tmp/out; do
	before=$(free_kib)
	for failure in $(seq $failures); do
		insmod ./oldguard.ko features=umip fail_step=$step 2>/dev/null
	done
	ok "step $step: no memory is lost" test $((before - $(free_kib))) -lt $((failures * 1024))
	like "$(said)" "is made to fail" "step $step: a step failed by itself"
	ok "step $step: the module is not there" test ! -e /dev/oldguard
	is "$(has umip)" 0 "step $step: no umip in /proc/cpuinfo"
	is "$(answers)" stored "step $step: no processor was kept"
	load umip
	is "$(cpu_states)" "$(words "$cpus" guest)" "step $step: a load succeeds afterwards"
	unload
	dmesg -c >/dev/null
	step=$((step + 1))
	[ $step -lt 30 ] || give_up "more steps than there can be"
done
ok "at least five steps can fail" test $step -gt 5
unload
