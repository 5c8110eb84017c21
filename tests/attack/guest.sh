# shellcheck shell=dash # busybox sh
# SPDX-License-Identifier: GPL-2.0-only
# The attacks, inside the machine: guest.sh off|on. For each a line "@@ NAME<tab>OUTCOME<tab>DETAILS":
# succeeded, refused, ignored, or impossible, if this machine cannot show it. Where something else is wrong,
# "@@ ! SENTENCE". "off": each where nothing is in its way; "on": with everything on, and locked.
# shellcheck source=tests/lab/cases/lib.sh
. ./lib.sh

vendor=svm
! grep -q GenuineIntel /proc/cpuinfo || vendor=vmx
attack_file=/sys/module/hostile/parameters/attack
policy_file=/sys/kernel/oldguard/policy
# The scratch register of one serial line cannot be written, that of another not even be read.
ports='io:0x3ff ro deny
io:0x3ef none deny'
lmsw='cr0.mp pinned deny
cr0.ts ro deny'
memory='mem:text r deny
mem:rodata r deny
mem:idt r deny'

# report NAME OUTCOME-AND-DETAILS
report() {
	printf '@@ %s\t%s\n' "$1" "$2"
	# What has just been begun, for whoever finds the machine dead.
	echo "attack: $1 done" >/dev/console
}

wrong() {
	echo "@@ ! $1"
}

# kernel NAME [WAY]...: attacks of the module; WAY is the module's name for it, where that is another.
kernel() {
	echo "attack: $1" >/dev/console
	echo "${2-$1}" >$attack_file 2>/dev/null || wrong "the module does not know ${2-$1}"
	report "$1" "$(cat $attack_file)"
}

kernels() {
	local name

	for name; do
		kernel "$name"
	done
}

# program NAME WORD...: attacks of the program
program() {
	local name="$1"

	shift
	echo "attack: $name" >/dev/console
	report "$name" "$(./hostile "$@" 2>&1)"
}

# command NAME COMMAND...: it succeeds, or it is refused.
command_is() {
	local name="$1" out

	shift
	echo "attack: $name" >/dev/console
	if out=$("$@" 2>&1); then
		report "$name" "succeeded	"
	else
		report "$name" "refused	${out##*: }"
	fi
}

put() {
	sh -c 'printf "%s\n" "$1" >"$2"' sh "$1" "$2"
}

registers='wp-mov wp-gadget wp-beside smep-mov smep-gadget smap-mov smap-gadget smep-smap-beside'
msrs='lstar cstar star sfmask sysenter-cs sysenter-esp sysenter-eip efer-nxe efer-sce'
stages='call-leave call-leave-unlocked stage-none stage-allow stage-front stage-race'
writes='idt-direct idt-alias idt-cr3 syscalls-direct syscalls-alias syscalls-pte syscalls-cr3
	rodata-direct rodata-pte text-direct text-alias text-pte text-cr3 text-sidt'
sweeps='all-direct all-vmap all-memremap all-small all-large all-uncached'
case $vendor in
svm)	extension='svm-efer svm-vmsave svm-vmload svm-clgi svm-hsave' ;;
*)	extension='vmx-vmxon vmx-vmread vmx-vmxoff vmx-pat' ;;
esac

suspend() {
	# The clock wakes it: seconds of the machine's own.
	echo 0 >/sys/class/rtc/rtc0/wakealarm
	echo +2 >/sys/class/rtc/rtc0/wakealarm
	echo mem >/sys/power/state
}

offline() {
	echo 0 >/sys/devices/system/cpu/cpu1/online
}

# work BESIDE...: what a program gets done beside one of those on each processor.
work() {
	local pids='' cpu

	for cpu in $(seq 0 $((cpus - 1))); do
		taskset -c "$cpu" ./hostile "$@" >/dev/null 2>&1 &
		pids="$pids $!"
	done
	sleep 0.1
	taskset ff ./hostile work 700
	# shellcheck disable=SC2086 # words are meant
	kill -KILL $pids
	# shellcheck disable=SC2086
	wait $pids 2>/dev/null
}

# Beside programs that break rules on every processor a program gets at least half of what it gets beside
# programs that just compute there: of the processor, and done. What it gets done depends on what else
# the machine's own host is at, so it has three tries.
flood() {
	local plain beside much share try

	case $(./hostile leak) in
	succeeded*)	report flood "succeeded	SIDT tells where the table is"; return ;;
	esac
	for try in 1 2 3; do
		plain=$(work spin)
		beside=$(work flood)
		much=$((${beside% *} * 100 / ${plain% *}))
		share=$((${beside#* } * 100 / ${plain#* }))
		echo "flood, try $try: $plain, $beside" >/dev/console
		[ $much -lt 50 ] || [ $share -lt 50 ] || break
	done
	if [ $much -ge 50 ] && [ $share -ge 50 ]; then
		report flood "refused	a program beside it gets $share % of the time and $much % done"
	else
		report flood "succeeded	a program beside it gets $share % of the time and $much % done"
	fi
}

load_hostile() {
	insmod ./hostile.ko || { wrong "hostile.ko cannot be loaded"; exit 1; }
}

# What has changed of what an attack needs to be noticed: nothing of a machine that lives.
alive() {
	local cpu state

	for cpu in $(seq 0 $((cpus - 1))); do
		# shellcheck disable=SC2016 # for that shell to work out
		[ "$(taskset -c "$cpu" sh -c 'echo $((6 * 7))')" = 42 ] ||
			wrong "processor $cpu runs no program any more"
	done
	state=$(dmesg | grep -E "$trouble" | head -n 3)
	[ -z "$state" ] || wrong "the kernel complains: $state"
}

off() {
	# shellcheck disable=SC2086 # words are meant
	{
		load_hostile
		kernels $registers mp-lmsw ts-lmsw $msrs port-out port-wide port-outs port-in
		kernels $writes $extension
		program port-program out 0x3ff
		kernel block-apic block-apic-own
		flood
		command_is suspend suspend
		# Some features, no lock: whoever is in ring 0 can do what the module can.
		load 'umip,msr_lock' "policy=\"io:0x3ef none deny; io:0x3ff ro deny\""
		kernels $stages rodata-counts rodata-why
		kernel stage-other-bit stage-loose
		kernel stage-unfollowed stage-loose
		kernel call-program call-leave
		kernel block-counts block-counts-own
		kernel block-stage block-stage-own
	}
	command_is offline offline
	online_all
	command_is policy-loosen put '' $policy_file
	command_is features-off put umip "$features"
	command_is lock-off put 0 /sys/module/oldguard/parameters/lock
	program unload unload
	load umip slat=0
	# shellcheck disable=SC2086 # words are meant
	kernels block-read block-write block-reports $sweeps
	unload
	alive
}

# sum written|suppressed: reports, over all processors.
sum() {
	awk -F '\t' -v kind="$1" '$1 == "reports" && $3 == kind { n += $4 } END { print n + 0 }' /dev/oldguard
}

# What oldguard counts as done to undo it, over all processors.
isolation() {
	awk -F '\t' '$1 == "handled" && $3 == "isolation" { n += $4 } END { print n + 0 }' /dev/oldguard
}

# sweep NAME...: each write that is refused is counted, and reported or said to be not: all of them.
sweep() {
	local name tries refused reports

	for name; do
		refused=$(isolation) reports=$(($(sum written) + $(sum suppressed)))
		kernel "$name"
		tries=$(sed -n 's/.*, \([0-9]*\) writes refused$/\1/p' $attack_file)
		refused=$(($(isolation) - refused))
		reports=$(($(sum written) + $(sum suppressed) - reports))
		[ "$refused" = "$tries" ] && [ "$reports" = "$tries" ] ||
			wrong "$name: of $tries refused writes $refused are counted, $reports reported or suppressed"
	done
}

# One rule broken over and over: each time is counted, and told no more often than its rate says.
rate() {
	local written suppressed start seconds i

	written=$(sum written) suppressed=$(sum suppressed)
	start=$(date +%s)
	for i in $(seq 60); do
		echo lstar >$attack_file || wrong "attack $i cannot be made"
	done
	seconds=$(($(date +%s) - start))
	written=$(($(sum written) - written)) suppressed=$(($(sum suppressed) - suppressed))
	[ $((written + suppressed)) = 60 ] ||
		wrong "of 60 broken rules $written are reported, $suppressed are said to be not"
	if [ "$written" -lt 1 ] || [ "$written" -gt $(((seconds + 2) * 10 * cpus)) ]; then
		wrong "$written reports in $seconds seconds"
	fi
}

# told WORD...: a report of each is among those that a reader has got meanwhile.
told() {
	local asset

	sleep 1
	for asset; do
		grep -q "\"asset\":\"$asset" /tmp/events || wrong "nothing is reported of $asset"
	done
	grep '"asset":"msr:lstar' /tmp/events | head -n 1 | grep -q '"action":"deny"' ||
		wrong "of LSTAR it is not reported that it was denied"
}

on() {
	local list rules is_held

	# What this oldguard has of features.
	load none
	list=umip,cr_pin,msr_lock,io_lock
	rules="$ports"
	if grep -q '^feature	mem_guard	' /dev/oldguard; then
		list=$list,mem_guard
		rules="$rules
$memory"
	else
		echo "@@ ? this oldguard has no mem_guard"
	fi
	put "$list" "$features" || wrong "the features cannot be had: $(said)"
	put "$rules" $policy_file || wrong "the policy is refused: $(said)"
	oldguard lock >/dev/null || wrong "it cannot be locked"
	load_hostile
	oldguard events --follow --json >/tmp/events 2>/dev/null &
	# shellcheck disable=SC2086 # words are meant
	{
		kernels $registers $msrs port-out port-wide port-outs port-in
		program port-program out 0x3ff
		# Tighter is allowed. CLTS, LMSW and the rest then exit in another way.
		put "$lmsw
$rules" $policy_file || wrong "locked, it cannot be tightened: $(said)"
		rules="$lmsw
$rules"
		kernels wp-mov wp-gadget wp-beside mp-lmsw ts-lmsw
		grep -q '^feature	mem_guard	on' /dev/oldguard &&
			kernels $writes rodata-counts rodata-why
		kernels $extension block-read block-write block-reports block-counts block-stage block-apic
		sweep $sweeps
		kernels $stages stage-other-bit stage-unfollowed
		program call-program call
		flood
	}
	rate
	told cr0 cr4 msr:lstar msr:cstar msr:efer io:0x3ff io:0x3ef 'hidden mem:0x' virt_insn hypercall
	grep '"asset":"hidden mem:' /tmp/events | head -n 1 | grep '"kind":"hidden_write"' |
		grep -q '"feature":"isolation"' || wrong "a write to hidden memory is no kind of its own"
	command_is suspend suspend
	command_is offline offline
	command_is policy-loosen put '' $policy_file
	command_is features-off put umip "$features"
	command_is lock-off put 0 /sys/module/oldguard/parameters/lock
	program unload unload
	# After all that.
	is_held=$(cpu_states)
	[ "$is_held" = "$(words "$cpus" guest)" ] || wrong "the processors are: $is_held"
	[ "$(fact locked)" = 1 ] || wrong "it is not locked"
	[ "$(answers 1)" = fault ] || [ $vendor = vmx ] || wrong "programs on CPU 1 get $(answers 1)"
	kernels lstar wp-mov
	alive
}

# The other processors are to be attacked from this one.
taskset -p 1 $$ >/dev/null
dmesg -c >/dev/null
"$1"
echo "@@ end"
