# SPDX-License-Identifier: GPL-2.0-only
# A machine of another board, with RAM above 4 GiB and a device's memory above that.
# machine: EPYC smp=2 mem=8192 machine=q35
# soak: EPYC smp=2 mem=8192 machine=q35 kernel=6.12
# soak: EPYC,-npt smp=2 mem=8192 machine=q35
# soak: EPYC,-pdpe1gb smp=4 mem=8192 machine=q35
# soak: phenom smp=2 mem=8192 machine=q35
# run: --qemu -object\ memory-backend-ram,id=shared,size=4G\ -device\ ivshmem-plain,memdev=shared
# timeout: 200
device=$(grep -l 0x1af4 /sys/bus/pci/devices/*/vendor | while read -r file; do
	[ "$(cat "${file%/*}/device")" != 0x1110 ] || echo "${file%/*}"
done)
at=$(awk 'NR == 3 { print $1 }' "$device/resource")
echo 1 >"$device/enable"
ok "the device's memory is above all RAM" test $((at >> 32)) -gt 2

word() {
	devmem $((at + $1)) 32 ${2+"$2"}
}
word 0x1000 0x11223344
load all
is "$(answers 0)" fault "programs get #GP on CPU 0"
is "$(answers 1)" fault "and on CPU 1"
is "$(word 0x1000)" 0x11223344 "the device's memory reads as before"
word 0xc0000ffc 0x55667788
is "$(word 0xc0000ffc)" 0x55667788 "and at its other end can be written"
# More than 4 GiB of tmpfs pages would take minutes here: what is above 4 GiB comes first.
ok "RAM above 4 GiB is used" dd if=/dev/zero of=/tmp/full bs=1M count=300
rm /tmp/full
is "$(cpu_states)" "$(words "$cpus" guest)" "each processor is in guest mode"
unload
is "$(word 0xc0000ffc)" 0x55667788 "afterwards it is there still"
is "$(answers)" stored "and programs read the tables again"
