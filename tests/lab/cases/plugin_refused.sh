# SPDX-License-Identifier: GPL-2.0-only
# When a plug-in cannot come, everything is as it was, and says why.
# machine: EPYC smp=2
# machine: corei7_sandy_bridge_2600k
# alone
# program: port.c
# program: insert.c
# program: cpuid_fault.c
# plugin: tests/plugin/post_port
# plugin: tests/plugin/trial
load umip
before=$(answers)

# Each step that can fail.
step=1
echo $step >/sys/module/oldguard/parameters/fail_step
while ! ./insert ./post_port.ko 2>/dev/null; do
	is "$(cpu_states)" "$(words "$cpus" guest)" "step $step fails: processors are held as before"
	is "$(answers)" "$before" "step $step: what was on is on"
	is "$(fact feature post_port)" "" "step $step: the plug-in is not there"
	step=$((step + 1))
	[ $step -lt 30 ] || give_up "more steps than there can be"
	echo $step >/sys/module/oldguard/parameters/fail_step
done
echo 0 >/sys/module/oldguard/parameters/fail_step
ok "at least two steps can fail" test $step -gt 2
is "$(fact feature post_port)" off "it comes afterwards"

ok "it goes again" rmmod post_port

# For a moment the processors would be bare.
ok "a program can have CPUID faulting" set_features umip,cpuid_fault
./cpuid_fault watch /tmp/begun &
watching=$!
for _ in $(seq 100); do
	[ ! -e /tmp/begun ] || break
	sleep 0.1
done
fails "Device or resource busy" "while one has it no plug-in comes" ./insert ./post_port.ko
like "$(said)" "cpuid_fault: it is on for process $watching" "the log says for whom"
kill $watching
wait $watching
ok "then it comes" ./insert ./post_port.ko
ok "and what was on is on" ./cpuid_fault all

ok "one of its name twice" cp post_port.ko twice.ko
fails "File exists" "cannot come" ./insert ./twice.ko
ok "the lock is set" sh -c 'echo 1 >/sys/module/oldguard/parameters/lock'
fails "nknown symbol in module, or unknown parameter" "locked: no plug-in comes" insmod ./trial.ko
fails "Device or resource busy" "none goes, though it is off" rmmod post_port
fails "Device or resource busy" "not by force either" rmmod -f post_port
ok "its feature can be switched on" set_features umip,cpuid_fault,post_port
./port 0x80 0x77
is "$(./port 0x80)" 77 "and works"
is "$(cpu_states)" "$(words "$cpus" guest)" "processors are held"
