# SPDX-License-Identifier: GPL-2.0-only
# The storm for as long as `make soak` says, at least 200 rounds of it where that is long, under stress-ng.
# soak: EPYC smp=4 mem=1024
# soak: EPYC smp=4 mem=1024 parallel
# soak: EPYC smp=4 mem=1024 kernel=6.12
# soak: EPYC,-npt smp=2 mem=1024
# soak: phenom smp=2 mem=1024
# soak: zambezi smp=2 mem=512
# soak: corei7_sandy_bridge_2600k smp=2 mem=512
# run: --package stress-ng --copy tests/lab/cases/storm.sh
# program: clocks.c
# timeout: 600
rounds=200
seconds=${SOAK_SECONDS:-60}
# In Bochs a second takes many.
! grep -qE 'flags.* vmx|AMD FX' /proc/cpuinfo || seconds=$((seconds / 20))
[ "$seconds" -ge 600 ] || rounds=5
end=$(($(date +%s) + seconds))
# A minute or less of what is hard on a kernel, so that the end does not wait for it long.
stress() {
	stress-ng --quiet --timeout 20 --temp-path /tmp --fork 1 --mmap 1 --mmap-bytes 16M --vm 1 --vm-bytes 16M \
		--timer 1 --timer-freq 1000 --switch 1 --signal 1 --futex 1 --cpu 1 --mprotect 1 --membarrier 1
}
. ./storm.sh
