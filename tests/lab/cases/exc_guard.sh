# SPDX-License-Identifier: GPL-2.0-only
# The kernel's mistakes are stepped over, with the result that the rule gives; programs notice
# nothing.
# machine: EPYC smp=2
# machine: EPYC kernel=6.12
# machine: corei7_sandy_bridge_2600k
# module: blunder
# program: divide.c
blunder=/sys/module/blunder/parameters
ok "the module with mistakes is there" insmod ./blunder.ko

make() {
	ok "$1 comes to its end" sh -c "echo $1 >$blunder/make"
	is "$(cat $blunder/result)" "$2" "$1${3:+: $3}"
}

at() {
	awk -v what="$1" '$1 == what { print $2 }' $blunder/where
}

rules() {
	# In a shell of its own: there a failed redirection ends, and is told.
	sh -c 'echo "$1" >/sys/kernel/oldguard/policy' sh "$1"
}

load exc_guard
is "$(cat "$features")" exc_guard:divide=skip "division is guarded by default"
like "$(cat /dev/oldguard)" "exc:divide kernel skip" "the report has the rule"
make divide8 "1122334455660000 1122334455667788" "quotient and remainder are 0"
make divide16 "1122334455660000 1122334455660000"
make divide32 "0 0"
make idivide32 "0 0"
make divide64 "0 0"
ok "a program gets its SIGFPE" ./divide
like "$(cat /dev/oldguard)" "$(printf 'exception\t')" "exceptions are counted"

ok "a rule gives another result" rules 'exc:divide kernel skip result=0x123456789a'
make divide8 "112233445566009a 1122334455667788"
make divide16 "112233445566789a 1122334455660000"
make divide32 "3456789a 0"
make divide64 "123456789a 0"

# Where the kernel's own uaccess makes the same exceptions, only one instruction is to be skipped.
fails 'Invalid argument' "page faults of the whole kernel are not skipped" rules 'exc:page kernel skip'
like "$(said)" "line 1, column 1: the kernel itself mends some of these" "the log says why"
fails 'Invalid argument' "nor is a double fault" rules 'exc:8 kernel log'
make divide32 "3456789a 0" "the rule is still there"
ok "rules for one instruction each" rules "exc:page $(at load8) skip result=0xab
exc:page $(at load64) skip result=0xabcd
exc:page $(at store) skip
exc:page $(at add) skip
exc:protection $(at wild) skip result=0xfffff
"
make load8 "11223344556677ab 0"
make load64 "abcd 0"
make store "1122334455667788 0"
make add "1122334455667788 0"
make wild "fffff 0"
ok "programs run on" sh -c 'for i in 1 2 3 4 5; do ls / >/dev/null || exit; done'
make divide32 "0 0" "the feature's own rule comes after the policy's"

ok "nothing is guarded any more" set_features none
ok "without rules" rules ''
ok "a program gets its SIGFPE" ./divide
unload
ok "the module with mistakes goes" rmmod blunder
