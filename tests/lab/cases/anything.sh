# SPDX-License-Identifier: GPL-2.0-only
# Any instructions of programs end on a machine that is held, with every feature on, as on the bare one.
# machine: EPYC,-smap smp=2
# machine: zambezi
# machine: corei7_sandy_bridge_2600k
# program: anything.c tests/lab/cases/anything_make.c tests/lab/cases/anything_compare.c -fno-stack-protector -fcf-protection=none
# timeout: 300
# (QEMU 7.2 reads the stack of a far return as the kernel would, which SMAP refuses: the kernel dies of it.)
seed=1 count=4000 but=
if ! grep -q hypervisor /proc/cpuinfo; then
	count=1000
	# Bochs 2.7 does not say of a #GP that it came of INT n, but of the event before (EXITINTINFO), which makes #DF.
	! grep -q AuthenticAMD /proc/cpuinfo || but=no-int
fi
ok "$count cases on the bare machine" sh -c "./anything $seed 0 $count $but >/tmp/bare"
load all
ok "on the machine that is held" sh -c "./anything $seed 0 $count $but >/tmp/held"
is "$(exits_of unknown)" 0 "no exit was of an unknown kind"
ok "nothing differs that is not allowed to" sh -c './anything compare /tmp/bare /tmp/held | tee /tmp/said |
	grep "others differ in 0$" || { cat /tmp/said; exit 1; }'
tail -n 1 /tmp/said
is "$(grep -c -e ends -e lasts /tmp/held)" 0 "every case came to an end by itself"
unload
ok "afterwards" sh -c "./anything $seed 0 $count $but >/tmp/again"
ok "all is as it was" cmp /tmp/bare /tmp/again
