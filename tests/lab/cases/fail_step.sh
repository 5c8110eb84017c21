# SPDX-License-Identifier: GPL-2.0-only
# Every step that can fail does so once: the machine is as before, and the error says what failed.
# machine: EPYC smp=2
# machine: corei7_sandy_bridge_2600k smp=2
# program: insert.c
# timeout: 300
rules='cr0.wp pinned log'
# From nothing held to all processors held.
taking='allocating the list of processors | Cannot allocate memory | no memory for the list of processors
allocating the block | Cannot allocate memory | no 2 MiB of contiguous memory for the root side
building the tables | Cannot allocate memory | the tables cannot be built
adding a hotplug state | No space left on device | CPU hotplug refuses another state
taking a processor | Operation not supported | CPU 0: it cannot be taken
entering guest mode | Input/output error | CPU 0: entering guest mode failed
taking a processor | Operation not supported | CPU 1: it cannot be taken
entering guest mode | Input/output error | CPU 1: entering guest mode failed'

grep -q hypervisor /proc/cpuinfo || few=1

load none
switch_on() {
	fail_next "$1"
	set_features umip
}
each_step switch_on 'set_features none' 3 <<END
allocating the plan | Cannot allocate memory | no memory for the plan
$taking
END

ok "umip is on" set_features umip
cpu_online() {
	fail_next "$1"
	sh -c 'echo 1 >/sys/devices/system/cpu/cpu1/online'
}

cpu_offline() {
	echo 0 >/sys/devices/system/cpu/cpu1/online
}
cpu_offline
each_step cpu_online cpu_offline <<'END'
taking a processor | Operation not supported | CPU 1: it cannot be taken: it stays offline
entering guest mode | Input/output error | CPU 1: entering guest mode failed: it stays offline
END
cpu_online 0

# What follows is the same for each vendor, and Bochs is slow.
if [ -z "${few-}" ]; then
switch_more() {
	fail_next "$1"
	set_features umip,cpuid_fault
}
each_step switch_more 'set_features umip' 3 <<'END'
allocating the plan | Cannot allocate memory | no memory for the plan
probing arch_prctl | - | goes on
allocating the request | Cannot allocate memory | no memory for the request
END

write_policy() {
	fail_next "$1"
	set_policy "$rules"
}
each_step write_policy 'set_policy ' 3 <<'END'
copying the policy | Cannot allocate memory | no memory for a copy of the policy
allocating the plan | Cannot allocate memory | no memory for the plan
allocating the request | Cannot allocate memory | no memory for the request
END

# Who opens this says that the machine is about to sleep, who closes it that it is awake again.
wake() {
	fail_next "$1"
	sh -c ': </dev/snapshot'
}
again() {
	set_features umip && set_policy ''
}
each_loss wake again <<END
$(echo "$taking" | sed 's/ | [^|]* | / | - | /')
END

read_status() {
	fail_next "$1"
	cat /dev/oldguard >/dev/null
}
each_step read_status true 9 <<'END'
opening the device | Cannot allocate memory | -
allocating room for counts | Cannot allocate memory | -
END

open_events() {
	fail_next "$1"
	sh -c ': </dev/oldguard-events'
}
each_step open_events true 9 <<'END'
allocating a reader | Cannot allocate memory | -
END
fi
unload

if [ -z "${few-}" ]; then
load_all() {
	./insert ./oldguard.ko "fail_step=$1 features=umip,cpuid_fault policy=\"$rules\""
}

unload_all() {
	set_features none && rmmod oldguard
}
each_step load_all unload_all 1 <<END
keeping a parameter | Cannot allocate memory | \`umip,cpuid_fault' invalid for parameter \`features'
keeping a parameter | Cannot allocate memory | \`cr0.wp pinned log' invalid for parameter \`policy'
registering the device | Cannot allocate memory | /dev/oldguard cannot be set up: error -12
allocating the readers of rings | Cannot allocate memory | /dev/oldguard-events cannot be set up: error -12
registering the device of reports | Cannot allocate memory | /dev/oldguard-events cannot be set up: error -12
asking to be told of reboots | Cannot allocate memory | what is told of reboots, sleep and modules cannot be set up: error -12
asking to be told of sleep | Cannot allocate memory | what is told of reboots, sleep and modules cannot be set up: error -12
asking to be told of memory | Cannot allocate memory | what is told of reboots, sleep and modules cannot be set up: error -12
asking to be told of modules | Cannot allocate memory | what is told of reboots, sleep and modules cannot be set up: error -12
making the folder | Cannot allocate memory | /sys/kernel/oldguard cannot be set up: error -12
making the file of the policy | Cannot allocate memory | /sys/kernel/oldguard cannot be set up: error -12
allocating the plan | Cannot allocate memory | no memory for the plan
allocating room for reports | Cannot allocate memory | no memory for reports
probing arch_prctl | - | goes on
$taking
END
fi
