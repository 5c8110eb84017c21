# SPDX-License-Identifier: GPL-2.0-only
# A machine that is held sleeps (S3, and suspend to idle) and is held again when it wakes.
# machine: EPYC smp=2
# soak: EPYC,-npt smp=2 kernel=6.12
# run: --wake-every 2
# A key is what wakes it from suspend to idle.
for file in /sys/devices/platform/i8042/serio*/power/wakeup; do
	echo enabled >"$file"
done
# doze STATE. A key that comes while the machine still falls asleep keeps it awake: EBUSY, as oldguard says it, too.
doze() {
	for _ in 1 2 3 4 5; do
		sh -c "echo $1 >/sys/power/state" 2>/dev/null && return
		! said | grep -q 'stays awake' || break
	done
	return 1
}
load umip
for round in 1 2 3; do
	state=mem
	[ $round != 3 ] || state=freeze
	ok "round $round: it sleeps and wakes ($state)" doze $state
	is "$(cpu_states)" "$(words "$cpus" guest)" "round $round: each processor is in guest mode"
	is "$(answers 0)" fault "round $round: programs on CPU 0 get #GP"
	is "$(answers 1)" fault "round $round: programs on CPU 1 get #GP"
	is "$(has umip)" "$cpus" "round $round: /proc/cpuinfo has umip on each processor"
done
like "$(dmesg)" "sleep state S3" "it was a real sleep"
unload
is "$(answers 0)" stored "afterwards programs read the tables again"
ok "it sleeps and wakes without the module" doze mem
