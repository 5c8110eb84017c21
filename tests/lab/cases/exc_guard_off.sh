# SPDX-License-Identifier: GPL-2.0-only
# Without exc_guard, or where it only logs, the kernel dies of its mistakes: the task, at least.
# machine: EPYC
# machine: corei7_sandy_bridge_2600k
# module: blunder
# alone
blunder=/sys/module/blunder/parameters
oopses=0
echo 0 >/proc/sys/kernel/panic_on_oops
ok "the module with mistakes is there" insmod ./blunder.ko

# A task that dies there keeps the module's lock: one mistake a load.
load umip
sh -c "echo divide32 >$blunder/make"
like "$(dmesg)" "divide error: 0000" "the kernel oopses without the feature"
like "$(dmesg)" "divide+0x" "at that place"
dmesg -c >/dev/null
unload
