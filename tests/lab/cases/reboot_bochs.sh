# SPDX-License-Identifier: GPL-2.0-only
# As reboot: in Bochs a reset ends the machine.
# machine: zambezi
# machine: corei7_sandy_bridge_2600k
# ends: ended before the shell did: a reboot
load umip
reboot -f
sleep 30
no "the machine reboots" "it still runs"
