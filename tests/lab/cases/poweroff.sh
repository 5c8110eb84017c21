# SPDX-License-Identifier: GPL-2.0-only
# A machine that is held can be switched off.
# machine: EPYC smp=2
# ends: ended before the shell did$
load umip
poweroff -f
sleep 30
no "the machine powers off" "it still runs"
