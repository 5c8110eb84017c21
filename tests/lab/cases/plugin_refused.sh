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
taking='building the tables | Cannot allocate memory | the tables cannot be built
adding a hotplug state | No space left on device | CPU hotplug refuses another state
'"$(for cpu in $(seq 0 $((cpus - 1))); do
	echo "taking a processor | Operation not supported | CPU $cpu: it cannot be taken"
	echo "entering guest mode | Input/output error | CPU $cpu: entering guest mode failed"
done)"

come() {
	fail_next "$1"
	./insert ./post_port.ko
}
each_step come 'rmmod post_port' 2 <<END
allocating the list of processors | Cannot allocate memory | no memory for the list of processors
allocating the block | Cannot allocate memory | no 2 MiB of contiguous memory for the root side
$taking
END
is "$(answers)" "$before" "what was on is on"
# What follows is the same for each vendor, and Bochs is slow.
! grep -q hypervisor /proc/cpuinfo || more=1
ok "it comes afterwards" ./insert ./post_port.ko
is "$(fact feature post_port)" off "and status shows its feature"

switch_on() {
	fail_next "$1"
	set_features umip,post_port
}
[ -z "${more-}" ] || each_step switch_on 'set_features umip' <<END
allocating the plan | Cannot allocate memory | no memory for the plan
holding a plug-in | Device or resource busy | plug-in post_port is being unloaded
allocating the request | Cannot allocate memory | no memory for the request
END

go() {
	fail_next "$1"
	rmmod post_port
}

back() {
	set_features umip && ./insert ./post_port.ko
}
[ -z "${more-}" ] || each_loss go back <<END
$(echo "$taking" | sed -e 's/ | [^|]* | / | - | every feature is off: /')
END
[ -z "${more-}" ] || ok "it comes again" ./insert ./post_port.ko
is "$(answers)" "$before" "what was on is on"
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
lock() {
	fail_next "$1"
	sh -c 'echo 1 >/sys/module/oldguard/parameters/lock'
}
ok "nobody has CPUID faulting any more" set_features umip
state=$(machine_state)
fails "Device or resource busy" "the lock needs what plug-ins there are" lock 1
is "$(machine_state)" "$state" "and is not set then"
fail_next 0
ok "the lock is set" sh -c 'echo 1 >/sys/module/oldguard/parameters/lock'
fails "nknown symbol in module, or unknown parameter" "locked: no plug-in comes" insmod ./trial.ko
fails "Device or resource busy" "none goes, though it is off" rmmod post_port
fails "Device or resource busy" "not by force either" rmmod -f post_port
ok "its feature can be switched on" set_features umip,cpuid_fault,post_port
./port 0x80 0x77
is "$(./port 0x80)" 77 "and works"
is "$(cpu_states)" "$(words "$cpus" guest)" "processors are held"
