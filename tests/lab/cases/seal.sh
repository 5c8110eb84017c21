# SPDX-License-Identifier: GPL-2.0-only
# A module that knows of oldguard has a page of its own sealed: nobody can write it until it goes.
# machine: EPYC smp=2
# machine: EPYC smp=2 kernel=6.12
# machine: corei7_sandy_bridge_2600k
# module: sealed
sealed=/sys/module/sealed/parameters

ok "without oldguard the module works, too" insmod ./sealed.ko
is "$(cat $sealed/sealed)" -19 "it is told that there is none (ENODEV)"
is "$(cat $sealed/write)" "processors $cpus, alias 1, value bad" "and anybody can write its page"
rmmod sealed

load umip
ok "oldguard without seal" insmod ./sealed.ko
is "$(cat $sealed/sealed)" -19 "offers none"
rmmod sealed

ok "seal is switched on" set_features umip,seal
ok "the module comes" insmod ./sealed.ko
is "$(cat $sealed/sealed)" 0 "its page is sealed"
is "$(fact seals)" 1 "status counts it"
is "$(cat $sealed/write)" "processors 0, alias 0, value 600d" \
	"no processor can write it, by whatever address"
is "$(cat $sealed/forge)" "-22 -22 -22 -22 -22" "wrong handles and bad pages are refused (EINVAL)"
is "$(awk -F '\t' '$1 == "handled" && $3 == "seal" { n += $4 } END { print n }' /dev/oldguard)" \
	$((cpus + 1)) "each write is counted"
like "$(oldguard events)" "seal" "and reported"
ok "other features come and go" set_features seal
is "$(cat $sealed/write)" "processors 0, alias 0, value 600d" "and the page stays sealed"
rmmod sealed
like "$(dmesg)" "sealed: unsealed 0, then written 1" "when the module goes, the page can be written"
is "$(fact seals)" 0 "and none is sealed"

insmod ./sealed.ko
ok "seal is switched off" set_features umip
is "$(cat $sealed/write)" "processors $cpus, alias 1, value bad" "by that the page can be written"
rmmod sealed
set_features seal
insmod ./sealed.ko
unload
like "$(said)" "what modules have sealed can be written again" "so it can when oldguard goes; the log says so"
is "$(cat $sealed/write)" "processors $cpus, alias 1, value bad" "that it can"
rmmod sealed
