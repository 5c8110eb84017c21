# SPDX-License-Identifier: GPL-2.0-only
# Under the lock nothing is unsealed: not by its own module either.
# machine: EPYC smp=2
# machine: corei7_sandy_bridge_2600k
# alone
# module: sealed
sealed=/sys/module/sealed/parameters

load seal
insmod ./sealed.ko
ok "the lock is set" sh -c 'echo 1 >/sys/module/oldguard/parameters/lock'
fails "Operation not permitted" "seal cannot be switched off" set_features none
is "$(cat $sealed/write)" "processors 0, alias 0, value 600d" "the page cannot be written"
ok "its module goes" rmmod sealed
like "$(dmesg)" "sealed: it stays so" "and leaves it sealed"
is "$(fact seals)" 1 "status counts it"
ok "another one comes" insmod ./sealed.ko
is "$(cat $sealed/sealed)" 0 "and has its page sealed"
is "$(cat $sealed/write)" "processors 0, alias 0, value 600d" "too"
