# SPDX-License-Identifier: GPL-2.0-only
# A panic while the machine is held ends it, with the kernel's own message.
# machine: EPYC smp=2
# machine: EPYC smp=4 kernel=6.12
# machine: zambezi smp=2
# machine: corei7_sandy_bridge_2600k
# ends: the kernel panicked
load umip
echo c >/proc/sysrq-trigger
sleep 30
no "the machine panics" "it still runs"
