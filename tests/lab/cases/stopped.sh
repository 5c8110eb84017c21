# SPDX-License-Identifier: GPL-2.0-only
# A fault below Linux stops that processor; the others tell, and go on.
# machine: EPYC smp=2
# ends: the machine ended before the shell did
# timeout: 60
# program: port.c
# plugin: tests/plugin/trial
load umip
insmod ./trial.ko
ok "a plug-in that can make a blunder is on" set_features umip,trial
is "$(fact state)" active "nothing has stopped"
# What waits on that processor waits for ever: everybody who can goes to the other one.
for pid in /proc/[0-9]*; do
	taskset -p 1 "${pid#/proc/}" >/dev/null 2>&1
done
# It is gone for good.
setsid taskset 2 ./port 0x85 1 >/dev/null 2>&1 &
told=
for i in $(seq 30); do
	sleep 1
	told=$(dmesg | grep -m 1 'CPU 1 has stopped below Linux')
	[ -z "$told" ] || break
done
like "$told" "fault on the root side: vector 14, error 0x0, CR2 0xbad0, RIP 0x" "the log says what and where"
like "$told" "in trial at 0x" "in which image"
like "$told" "(trial_blunder+0x" "and in which function"
like "$(dmesg)" "CPU 1 has stopped below Linux: while it answered io 0x85, address 0x" "what for"
like "$(dmesg)" "CPU 1 has stopped below Linux: registers from RAX on: " "its registers"
like "$(dmesg)" "CPU 1 has stopped below Linux: stack: " "and its stack"
is "$(dmesg | grep -c 'stopped below Linux: fault')" 1 "that is said once"
is "$(fact state)" stopped "the device says so"
like "$(fact stopped 1)" "vector 14, error 0x0, CR2 0xbad0" "with the dump"
like "$(oldguard status)" "STOPPED              CPU 1: fault on the root side: vector 14" "status, too"
like "$(oldguard status --json | tr -d ' \n')" '"stopped":\[{"cpu":1,"dump":"faultontherootside:vector14' "in JSON"
mkdir -p /etc
echo nobody:x:65534:65534::/:/bin/sh >>/etc/passwd
others=$(start-stop-daemon -S -q -c nobody -x "$(which oldguard)" -- status --json | tr -d ' \n')
like "$others" '"stopped":\[{"cpu":1,"dump":"faultontherootside"}' "others than root see no addresses"
fails " error" "a change, which would wait for it, is refused" set_features umip,cr_pin
is "$(answers 0)" fault "programs on CPU 0 get #GP"
# An orderly end would wait for that processor.
echo b >/proc/sysrq-trigger
sleep 30
no "the machine is reset" "it still runs"
