# SPDX-License-Identifier: GPL-2.0-only
# mode=dummy gives programs the values that Linux gives them where it emulates UMIP itself.
# machine: EPYC smp=2
# machine: phenom kernel=6.12
# dummies: how many of the probe's answers are such values, of how many
dummies() {
	oldguard probe --cpu 0 --json | awk '/"insn":/ { all++ } /"dummy": true/ { n++ } END { print n + 0, all }'
}
count=$(dummies)
all=${count#* }
isnt "$all" "" "the probe answers"
load umip:mode=dummy
is "$(cat "$features")" umip:mode=dummy "the parameter says so"
is "$(answers)" stored "no instruction raises #GP"
is "$(dummies)" "$all $all" "each of them gives a dummy value"
ok "the mode is switched while it runs" set_features umip:mode=gp
is "$(answers)" fault "each of them raises #GP"
ok "and back" set_features umip:mode=dummy
is "$(dummies)" "$all $all" "each of them gives a dummy value again"
unload
is "$(dummies)" "$count" "afterwards it is as before"
