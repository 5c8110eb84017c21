# SPDX-License-Identifier: GPL-2.0-only
# Memory that comes while the machine is held: programs live there, and their instructions are answered.
# machine: EPYC smp=2
# soak: EPYC smp=2 kernel=6.12
# soak: EPYC,-npt smp=2
# run: --qemu -m\ 512,slots=3,maxmem=8G
# timeout: 200
memory=/sys/devices/system/memory

# blocks: how many blocks of memory there are.
blocks() {
	echo "$memory"/memory* | wc -w
}

# plug N: 256 MiB more, which the kernel uses for everything, before all other memory.
plug() {
	local file before

	before=$(blocks)
	echo "monitor object_add memory-backend-ram,id=m$1,size=256M" >/dev/ttyS2
	echo "monitor device_add pc-dimm,id=d$1,memdev=m$1" >/dev/ttyS2
	for _ in $(seq 100); do
		[ "$(blocks)" -lt $((before + 2)) ] || break
		sleep 0.2
	done
	for file in "$memory"/memory*/state; do
		[ "$(cat "$file")" = online ] || echo online_kernel >"$file" || return
	done
}
# More of it than the memory of the machine's beginning has free is in use at once.
fill() {
	dd if=/dev/zero of=/tmp/full bs=1M count=$((128 + $(free_kib) / 1024 - 200)) 2>/dev/null
	rm /tmp/full
}

# dummies CPU: what SGDT gave a program of 64 bits.
dummies() {
	oldguard probe --cpu "$1" | grep -c 'SGDT.*dummy value base 0xfffffffffffe0000'
}

load umip:mode=dummy
ok "memory comes and goes online" plug 1
ok "behind all other" grep -q '^1.*: System RAM' /proc/iomem
is "$(dummies 0)" 1 "a program there gets dummy values on CPU 0"
is "$(dummies 1)" 1 "and on CPU 1"
ok "all of it can be used" fill
unload
is "$(answers)" stored "it is given back"

load all
is "$(answers)" fault "taken with that memory: programs get #GP"
ok "the lock is set" sh -c 'echo 1 >/sys/module/oldguard/parameters/lock'
ok "more memory comes" plug 2
is "$(answers)" fault "under the lock as well"
is "$(said | grep -c offline)" 0 "nothing was refused"
is "$(cpu_states)" "$(words "$cpus" guest)" "each processor is in guest mode"
