# SPDX-License-Identifier: GPL-2.0-only
# What developers look at a kernel and its programs with goes on as before: function tracer, kprobes, uprobes, perf's
# software events, core dumps, sysrq, the
# TSC as the source of time.
# machine: EPYC smp=2
# soak: corei7_sandy_bridge_2600k smp=2
# soak: EPYC smp=2 kernel=6.12
# program: sampled.c
tracing=/sys/kernel/tracing
# trace: what is in the buffer, which is empty afterwards.
trace() {
	cat $tracing/trace
	echo >$tracing/trace
}
round() {
	local where

	# Not all 40000 functions.
	echo schedule >$tracing/set_ftrace_filter
	echo function >$tracing/current_tracer
	echo 1 >$tracing/tracing_on
	sleep 0.1
	like "$(trace)" "schedule <-" "$1: the function tracer shows calls"
	echo nop >$tracing/current_tracer
	echo >$tracing/set_ftrace_filter

	echo 'p:probed do_sys_openat2' >$tracing/kprobe_events
	echo 'r:returned do_sys_openat2' >>$tracing/kprobe_events
	# In busybox, where a program begins.
	where=$(od -An -t x8 -j 24 -N 8 /bin/busybox | tr -d ' ')
	where=$((0x$where - 0x400000))
	echo "p:begun /bin/busybox:$where" >$tracing/uprobe_events
	echo 1 >$tracing/events/kprobes/enable
	echo 1 >$tracing/events/uprobes/enable
	/bin/busybox cat /dev/null
	where=$(trace)
	like "$where" probed: "$1: a kprobe is hit"
	like "$where" returned: "$1: and one on return"
	like "$where" begun: "$1: a uprobe is hit"
	echo 0 >$tracing/events/kprobes/enable
	echo 0 >$tracing/events/uprobes/enable
	echo >$tracing/kprobe_events
	echo >$tracing/uprobe_events

	is "$(./sampled)" "counted, sampled" "$1: perf's software events count and sample"
	rm -f /tmp/core
	(ulimit -c unlimited; sh -c 'kill -SEGV $$') >/dev/null 2>&1
	is "$(head -c 4 /tmp/core | xxd -p)" 7f454c46 "$1: a program that dies leaves a core"
	dmesg -c >/dev/null
	echo m >/proc/sysrq-trigger
	like "$(dmesg -c)" "sysrq: Show Memory" "$1: sysrq answers"
	is "$(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)" tsc "$1: time is the TSC's"
}

echo /tmp/core >/proc/sys/kernel/core_pattern
round "without the module"
load all
round "with everything on"
is "$(cpu_states)" "$(words "$cpus" guest)" "each processor is in guest mode still"
unload
round "afterwards"
echo core >/proc/sys/kernel/core_pattern
