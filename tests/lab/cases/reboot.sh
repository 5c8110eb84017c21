# SPDX-License-Identifier: GPL-2.0-only
# A machine that is held reboots, with and without the kernel's orderly way.
# machine: EPYC smp=2
# machine: EPYC smp=2 kernel=6.12
# run: --allow-reboot
case $LAB_BOOT in
1)	load umip
	reboot -f
	sleep 30 ;;
2)	load umip
	# Without asking anybody who would like to be told before.
	echo b >/proc/sysrq-trigger
	sleep 30 ;;
*)	ok "it has booted three times" true ;;
esac
