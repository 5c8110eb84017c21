# SPDX-License-Identifier: GPL-2.0-only
# A machine that is held hibernates and is held again afterwards; the kernel that restores it may be held, too.
# Under the lock no sleep begins.
# machine: EPYC smp=2
# soak: EPYC smp=2 kernel=6.12
# soak: EPYC,-npt smp=2
# run: --allow-reboot --disk 1024
# timeout: 200
disk=/dev/nvme0n1
for _ in $(seq 50); do
	[ ! -b $disk ] || break
	sleep 0.2
done

if [ "$LAB_BOOT" = 2 ]; then
	load umip
	cat /sys/block/nvme0n1/dev >/sys/power/resume
	give_up "the second kernel does not restore the first: $(dmesg | tail -n 5)"
fi

# held WHEN: as before the sleep.
held() {
	is "$(cpu_states)" "$(words "$cpus" guest)" "$1: each processor is in guest mode"
	is "$(answers 0)" fault "$1: programs on CPU 0 get #GP"
	is "$(answers 1)" fault "$1: programs on CPU 1 get #GP"
	is "$(has umip)" "$cpus" "$1: /proc/cpuinfo has umip on each processor"
}
ok "there is a disk for the image" sh -c "mkswap $disk && swapon $disk"
ok "and the kernel knows it" sh -c 'cat /sys/block/nvme0n1/dev >/sys/power/resume'
load all
echo reboot >/sys/power/disk
ok "it hibernates and comes back" sh -c 'echo disk >/sys/power/state'
held "restored by another kernel"

ok "the lock is set" sh -c 'echo 1 >/sys/module/oldguard/parameters/lock'
for state in freeze mem disk; do
	fails "Device or resource busy" "under the lock: no $state" sh -c "echo $state >/sys/power/state"
done
is "$(said | grep -c 'stays awake: locked')" 3 "the log says why each time"
held "under the lock"
