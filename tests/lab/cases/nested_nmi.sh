# SPDX-License-Identifier: GPL-2.0-only
# An NMI that is kept while a hypervisor in the guest has GIF clear keeps the next one out until its handler has
# ended, as on a processor of its own. Linux's handler loses its way where it does not.
# machine: EPYC smp=2
# machine: EPYC kernel=6.12
# module: two_nmis

# seen CPU
seen() {
	echo "$1" >/sys/module/two_nmis/parameters/cpu
	cat /sys/module/two_nmis/parameters/result
}
insmod two_nmis.ko
is "$(seen 0)" "2 came, 1 deep" "on a bare processor one comes after the other"
load umip kvm=nested
for cpu in $(seq 0 $((cpus - 1))); do
	is "$(seen "$cpu")" "2 came, 1 deep" "and so they do on a held one, processor $cpu"
done
unload
is "$(seen 0)" "2 came, 1 deep" "and on one that has been given back"
rmmod two_nmis
