# SPDX-License-Identifier: GPL-2.0-only
# The guest's kernel can read the rings of reports and not write them, whatever address it goes by.
# machine: EPYC smp=2
# machine: EPYC smp=2 kernel=6.12
# machine: corei7_sandy_bridge_2600k
# module: ring_write
# program: nosy.c
reported() {
	oldguard events --json | grep "\"feature\":\"$1\""
}

load umip:mode=log
./nosy sidt 5 >/dev/null
sleep 1
before=$(reported umip)
is "$(reported umip | wc -l)" 5 "there are some"
ok "a module tries to change them" insmod ./ring_write.ko
tries=$(dmesg | grep -c 'ring_write: .*: \(refused\|written\)')
is "$tries" $((2 * cpus)) "by two addresses on each processor"
is "$(dmesg | grep -c 'ring_write: .*: written')" 0 "none goes through"
is "$(reported umip)" "$before" "what was reported is as it was"
like "$(reported isolation)" '"asset":"hidden mem:0x*"comm":"insmod"*"kind":"hidden_write"*ring_write' \
	"but that somebody tries is reported, though no rule asks for it"
./nosy sidt >/dev/null
sleep 1
is "$(reported umip | wc -l)" 6 "reports go on"
is "$(awk -F '\t' '$1 == "reports" && $3 == "lost" { n += $4 } END { print n + 0 }' /dev/oldguard)" 0 \
	"none is lost"
rmmod ring_write
unload
