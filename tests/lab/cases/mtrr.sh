# SPDX-License-Identifier: GPL-2.0-only
# Under EPT memory types are in the tables, which follow what the kernel writes into its MTRRs; under
# NPT large pages are split where memory gets another type.
# machine: EPYC smp=2
# machine: corei7_sandy_bridge_2600k smp=2
blocked=fault
! grep -q 'flags.* vmx' /proc/cpuinfo || blocked='fault stored'
msr_writes() {
	awk -F '\t' '$1 == "exits" && $3 == "msr_write" { n += $4 } END { print n + 0 }' /dev/oldguard
}
[ -e /proc/mtrr ] || give_up "no /proc/mtrr"
bare=$(cat /proc/mtrr)
load umip
is "$(msr_writes)" 0 "nothing exits as long as nobody writes them"
# A device's memory; a page of RAM, for which a large page that is in use must be split.
for range in 'base=0xe0000000 size=0x100000 type=write-combining' 'base=0x8001000 size=0x1000 type=uncachable'; do
	ok "$range: added" sh -c 'echo "$1" >/proc/mtrr' sh "$range"
	base=${range%% *}
	like "$(cat /proc/mtrr)" "$(printf '0x%09x' $((${base#base=})))" "$range: it is there"
done
added=$(msr_writes)
# Off, base, mask, on; twice; on each processor.
ok "each processor has written ($added exits)" test "$added" -ge $((2 * 4 * cpus))
for cpu in 0 1; do
	is "$(answers $cpu)" "$blocked" "programs run on CPU $cpu, and get #GP"
done
# shellcheck disable=SC2013 # numbers, one a line
for number in $(sed -n 's/^reg\([0-9]*\): base=0x\(0e0000000\|008001000\) .*/\1/p' /proc/mtrr); do
	ok "range $number is taken away" sh -c 'echo "disable=$1" >/proc/mtrr' sh "${number#0}"
done
is "$(cat /proc/mtrr)" "$bare" "the ranges are as before"
ok "that was written, too" test "$(msr_writes)" -gt "$added"
is "$(cpu_states)" "$(words "$cpus" guest)" "each processor is in guest mode"
is "$(answers 1)" "$blocked" "programs get #GP"
unload
