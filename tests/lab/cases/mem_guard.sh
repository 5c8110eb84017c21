# shellcheck shell=dash disable=SC2154 # busybox sh, after lib.sh
# What the kernel holds constant cannot be written by any alias; each action; pages shared with others.
# machine: EPYC
# machine: EPYC smp=2
# machine: EPYC smp=2 kernel=6.12
# machine: corei7_sandy_bridge_2600k
# module: scribble
insmod ./scribble.ko || give_up "insmod scribble"
parameters=/sys/module/scribble/parameters
page=$(cat $parameters/page)
end=$(printf '0x%x' $((page + 4095)))
range=$page-$end

# scribble WHAT: what comes of it
scribble() {
	echo "$1" >$parameters/do && cat $parameters/do
}

reports() {
	awk -F '\t' '$1 == "reports" && $3 == "written" { sum += $4 } END { print sum + 0 }' /dev/oldguard
}

ways='rodata-wp rodata-direct rodata-alias idt-alias'
for way in $ways; do
	is "$(scribble "$way")" 'done, changed' "$way without mem_guard"
done
load mem_guard
for way in $ways; do
	is "$(scribble "$way")" 'fault, unchanged' "$way with it"
done
is "$(exits_of step)" 0 "nothing had to be let through"
is "$(scribble text-alias)" 'done, changed' "text is a choice"
ok "the choice" set_features mem_guard:areas=rodata+idt+text
is "$(scribble text-alias)" 'fault, unchanged' "text, too"
ok "off" set_features mem_guard:areas=idt
is "$(scribble rodata-alias)" 'done, changed' "rights are given back"

ok "a watch" set_policy "mem:$range r log"
# Not the steps: one that an interrupt comes before begins again.
before=$(reports)
is "$(scribble page-start)" 'done, changed' "a write that is only watched"
is "$(($(reports) - before))" 1 "is told once"
like "$(oldguard events | grep scribble | tail -n 1)" 'mov byte ptr' "with its instruction"
is "$(scribble stores)" 'stores right' "stores of many kinds"
is "$(scribble pushf)" 'TF 0' "PUSHF does not show what traces it"
is "$(scribble live)" alive "calls and interrupts on a stack in that page"
ok "a few bytes of it" set_policy "mem:$page-$(printf '0x%x' $((page + 7))) r deny"
is "$(scribble page-start)" 'fault, unchanged' "a write to them"
is "$(scribble page-end)" 'done, changed' "a write to others of that page"
is "$(scribble stores)" 'stores right' "stores of many kinds beside them"
is "$(scribble live)" alive "a stack beside them"
ok "dropped" set_policy "mem:$range r ignore"
is "$(scribble page-start)" 'done, unchanged' "a write that is dropped"
ok "by the kernel's address" set_policy "mem:$(cat $parameters/linear) r deny"
is "$(scribble page-start)" 'fault, unchanged' "a write there"
is "$(scribble page-end)" 'done, changed' "a write elsewhere in that page"
fails 'Invalid argument' "an address with nothing behind it" set_policy "mem:0xffffffffff000000 r deny"
is "$(scribble page-start)" 'fault, unchanged' "which changes nothing"
case $(fact slat) in
NPT)	fails 'Operation not supported' "page tables, where each walk is a write" \
		set_policy 'mem:tables r deny' ;;
*)	ok "page tables" set_policy 'mem:tables r deny'
	ok "a program" busybox true ;;
esac
unload
is "$(scribble rodata-alias)" 'done, changed' "rodata-alias after rmmod"
is "$(scribble stores)" 'stores right' "the page after rmmod"
rmmod scribble
