# SPDX-License-Identifier: GPL-2.0-only
# NMIs reach the kernel while the machine is held, as many as come, and harm nothing.
# machine: EPYC smp=2
# machine: EPYC smp=2 kernel=6.12
# run: --nmi-every 7
# These come on CPU 0; a backtrace of all processors that CPU 0 asks for sends one to the others.
nmis() {
	awk -v column=$(($1 + 2)) '$1 == "NMI:" { print $column }' /proc/interrupts
}
fault_loop() {
	while :; do oldguard probe --cpu 0 >/dev/null; done
}
load umip
fault_loop &
looper=$!
before=$(nmis 0)
others=$(nmis 1)
for round in $(seq 20); do
	sleep 0.2
	taskset 1 sh -c 'echo l >/proc/sysrq-trigger'
done
kill $looper
ok "CPU 0 got some" test $(($(nmis 0) - before)) -gt 20
ok "CPU 1 got some" test $(($(nmis 1) - others)) -ge 20
is "$(cpu_states)" "$(words "$cpus" guest)" "each processor is still in guest mode"
is "$(answers)" fault "programs get #GP"
# That is how a backtrace looks.
dmesg -c >/dev/null
for round in $(seq 5); do
	unload
	load umip
done
is "$(cpu_states)" "$(words "$cpus" guest)" "it loads and unloads under NMIs"
unload
