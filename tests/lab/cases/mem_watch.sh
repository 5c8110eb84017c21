# shellcheck shell=dash disable=SC2154 # busybox sh, after lib.sh
# Kernel text under watch: static keys, kprobes, module loading work, and each write is seen; with the
# default choice they are not even noticed. A fork and copy load makes no exit.
#
# Two processors in Bochs alone: QEMU 7.2 can translate code while another processor changes it and
# keep the old bytes, here an INT3 that is gone (`tcg,thread=single` does not). Steps give it time to.
# machine: EPYC
# machine: EPYC kernel=6.12
# machine: corei7_sandy_bridge_2600k smp=2
trace=/sys/kernel/tracing

# As many forks, maps and copies as make a difference.
work() {
	local i

	for i in $(seq 20); do
		dd if=/bin/busybox of=/tmp/copy bs=64k 2>/dev/null
	done
	rm /tmp/copy
}

# patch: every way in which a kernel patches its own text
patch() {
	ok "a static key" sh -c 'echo 1 >/proc/sys/kernel/sched_schedstats'
	ok "and back" sh -c 'echo 0 >/proc/sys/kernel/sched_schedstats'
	ok "a kprobe is set" sh -c "echo 'p:guard do_sys_openat2' >$trace/kprobe_events"
	ok "switched on" sh -c "echo 1 >$trace/events/kprobes/guard/enable"
	cat /proc/version >/dev/null
	ok "and hit" grep -q guard $trace/trace
	ok "switched off" sh -c "echo 0 >$trace/events/kprobes/guard/enable"
	ok "and gone" sh -c "echo >$trace/kprobe_events"
	ok "modprobe" modprobe msr
	ok "modprobe -r" modprobe -r msr
}

load mem_guard
before=$(exits_of memory)
patch
work
is "$(exits_of memory)" "$before" "no exit by what is protected"
ok "text under watch" set_policy 'mem:text r log'
before=$(exits_of step)
patch
now=$(exits_of step)
if [ "$now" -gt "$before" ]; then
	echo "@@ ok the patches were seen"
else
	no "the patches were seen" "steps: $before, then $now"
fi
work
is "$(exits_of step)" "$now" "nothing else writes text"
is "$(exits_of unknown)" 0 "nothing unknown"
unload
