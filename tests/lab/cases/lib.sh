# shellcheck shell=dash disable=SC2034 # busybox sh; the cases use the variables
# SPDX-License-Identifier: GPL-2.0-only
# What a case has at hand, inside the machine (busybox sh). A case is a file here, NAME.sh. Its first
# comment says what it shows; in it lines of these forms say how tests/lab/check runs it:
#
#   # machine: EPYC smp=2 kernel=6.12 mem=1024	run it there (--cpu, --smp, ...); once per such line
#   # alone			in a boot of its own; others share one where the machine is the same
#   # run: --nmi-every 5	more options for tests/lab/run; a boot of its own, too
#   # ends: REGEX		the machine must end by itself, and run's reason must match; alone, too
#   # program: NAME.c FLAG...	compiled from this folder, statically; the case finds it as ./NAME
#   # module: NAME		the kernel module in the folder NAME, for the machine's kernel; it finds ./NAME.ko
#   # plugin: FOLDER	the plug-in in that folder (from the top), for the machine's kernel; ./NAME.ko
#   # prepare: COMMAND	run before that, from the top folder, so that "# run:" can name what it makes
#   # timeout: SECONDS	for this case (100; five times as long in Bochs)
#
# A case starts without the module, with every processor online, and with an empty kernel log; it must
# leave as it came and cause no complaint of the kernel (BUG, WARNING, ...): all of that is checked.

# --- verdicts: a failed one is noted, and the case goes on -------------------------------------

# ok SENTENCE COMMAND...: the command succeeds.
ok() {
	local sentence="$1" out status

	shift
	status=0
	out=$("$@" 2>&1) || status=$?
	if [ $status = 0 ]; then
		echo "@@ ok $sentence"
	else
		no "$sentence" "$*: status $status${out:+: $out}"
	fi
}

# no SENTENCE DETAIL: what should hold does not.
no() {
	echo "@@ no $1"
	printf '%s\n' "$2" | sed 's/^/@@ # /'
}

# is GOT WANTED SENTENCE
is() {
	if [ "$1" = "$2" ]; then
		echo "@@ ok $3"
	else
		no "$3" "got '$1', not '$2'"
	fi
}

# isnt GOT UNWANTED SENTENCE
isnt() {
	if [ "$1" != "$2" ]; then
		echo "@@ ok $3"
	else
		no "$3" "got '$1'"
	fi
}

# like TEXT PATTERN SENTENCE: a part of TEXT matches this shell pattern.
like() {
	# shellcheck disable=SC2254 # a pattern is meant
	case $1 in
	*$2*)	echo "@@ ok $3" ;;
	*)	no "$3" "'$1' has no '$2'" ;;
	esac
}

# fails ERROR SENTENCE COMMAND...: it fails, and its message ends in ERROR (strerror's words; '' any).
fails() {
	local error="$1" sentence="$2" out

	shift 2
	if out=$("$@" 2>&1); then
		no "$sentence" "$*: succeeds"
	else
		case $out in
		*"$error")	echo "@@ ok $sentence" ;;
		*)		no "$sentence" "$*: '$out', not '$error'" ;;
		esac
	fi
}

# give_up REASON: nothing that follows would make sense.
give_up() {
	no "goes on" "$1"
	exit 0
}

# --- the module --------------------------------------------------------------------------------

features=/sys/module/oldguard/parameters/features

# load LIST [PARAMETER=VALUE...]: loads oldguard with these features, or gives up.
load() {
	local list="$1" out

	shift
	out=$(insmod ./oldguard.ko features="$list" "$@" 2>&1) ||
		give_up "insmod features=$list $*: $out; the log says: $(said)"
}

unload() {
	local out

	out=$(rmmod oldguard 2>&1) || give_up "rmmod: $out"
}

# set_features LIST: for ok and fails; on one line, with the word of the error last.
set_features() {
	# In a shell of its own: there a failed redirection ends, and is told.
	sh -c 'echo "$1" >"$2"' sh "$1" "$features"
}

# until_over COMMAND...: again and again while /tmp/going is there.
until_over() {
	while [ -e /tmp/going ]; do
		"$@"
	done
}

# guests SENTENCE [CHECK]...: those checks of ./vmm, virtual machines of KVM's, are ok.
guests() {
	local sentence="$1" out status=0

	shift
	out=$(./vmm "$@" 2>&1) || status=$?
	if [ $status = 0 ]; then
		echo "@@ ok $sentence"
	else
		no "$sentence" "$(echo "$out" | grep -v ^ok)"
	fi
}

# What oldguard wrote to the kernel's log, without the time.
said() {
	dmesg | sed -n 's/^\[ *[0-9.]*\] oldguard: //p' | grep -v -e 'out-of-tree' -e 'signature and/or'
}

# fact TYPE [KEY]: the report's line of that type (whose second field is KEY), what comes after that.
fact() {
	awk -F '\t' -v type="$1" -v key="${2-}" '
		$1 == type && (key == "" || $2 == key) { print key == "" ? $2 : $3; exit }' /dev/oldguard
}

# set_policy TEXT: for ok and fails, as set_features.
set_policy() {
	sh -c 'echo "$1" >"$2"' sh "$1" /sys/kernel/oldguard/policy
}

# exits_of KIND: how many, on all processors.
exits_of() {
	awk -F '\t' -v kind="$1" '
		$1 == "exits" && $3 == kind { sum += $4 }
		END { print sum + 0 }' /dev/oldguard
}

# All CPUs are held: "guest" for each.
cpu_states() {
	awk -F '\t' '$1 == "cpu" { printf "%s%s", between, $3; between = " " }' /dev/oldguard
}

# wait_states STATES SENTENCE: cpu_states says this, within a time that nobody needs.
wait_states() {
	for _ in $(seq 300); do
		[ "$(cpu_states)" != "$1" ] || break
		sleep 0.1
	done
	is "$(cpu_states)" "$1" "$2"
}

# words N WORD: as cpu_states shows N processors that are all in the state WORD.
words() {
	local i text=

	for i in $(seq "$1"); do
		text="$text${text:+ }$2"
	done
	echo "$text"
}

# --- the machine -------------------------------------------------------------------------------

cpus=$(grep -c ^processor /proc/cpuinfo)

# has FLAG: how many processors have it, by /proc/cpuinfo.
has() {
	grep ^flags /proc/cpuinfo | grep -c " $1\\( \\|\$\\)"
}

# answers [CPU]: what SGDT, SIDT, SLDT, STR and SMSW do in user programs of 64 and 32 bits, each
# outcome once: "fault" where each of them raises #GP.
# On processor 0 without CPU.
answers() {
	oldguard probe --cpu "${1:-0}" --json | sed -n 's/.*"outcome": "\([^"]*\)".*/\1/p' |
		sort -u | tr '\n' ' ' | sed 's/ $//'
}

# cpuid_name N: the name in oldguard's CPUID leaf +N; 2 is the first feature that is on.
cpuid_name() {
	modprobe cpuid
	dd if=/dev/cpu/0/cpuid bs=16 count=1 iflag=skip_bytes skip=$(($(fact leaf) + $1)) 2>/dev/null |
		tr -d '\000'
}

free_kib() {
	awk '$1 == "MemFree:" { print $2 }' /proc/meminfo
}

# --- steps that are made to fail ---------------------------------------------------------------

# What of the machine an operation that fails must leave as it was.
machine_state() {
	grep -v -e '^exits' -e '^handled' -e '^reports' -e '^error' /dev/oldguard
	cat $features /sys/kernel/oldguard/policy /proc/misc
	awk '$1 ~ /^oldguard|^post_port|^trial/ { print $1, $2, $3, $4, $5 }' /proc/modules
	grep -e ^processor -e ^flags /proc/cpuinfo
	find /sys/kernel/oldguard /sys/class/misc /sys/module/oldguard/holders
	sed 's/^[^ ]* *//' /sys/kernel/debug/kprobes/list
	grep -o 'oldguard.*' /sys/devices/system/cpu/hotplug/states
	grep . /sys/devices/system/cpu/cpu*/online
} 2>/dev/null

# same_machine BEFORE SENTENCE: machine_state says what it said before.
same_machine() {
	echo "$1" >/tmp/before
	machine_state >/tmp/after
	ok "$2" diff /tmp/before /tmp/after
}

# fail_next N: the N-th step from now on fails; 0: none
fail_next() {
	echo "$1" >/sys/module/oldguard/parameters/fail_step
}

# each_step OPERATION UNDO [TWICE]: lets the first step of OPERATION fail, the second, and so on, until there is none left.
# OPERATION is given the step's number and sees to it that it fails (fail_next); UNDO undoes what has succeeded. Standard
# input has a line a step, which must be what happens: the step, the error, what the log says; "-", "goes on" where
# OPERATION succeeds without. With TWICE each failure is repeated that often, for what a failure keeps.
each_step() {
	local operation="$1" undo="$2" twice="${3-0}" count=0 wanted step log out status got before memory repeats=0

	# What comes with the first use of something is no loss.
	"$operation" 0 >/dev/null && $undo
	before=$(machine_state)
	memory=$(free_kib)
	while :; do
		count=$((count + 1))
		dmesg -c >/dev/null
		status=0
		out=$("$operation" $count 2>&1) || status=$?
		log=$(said)
		step=$(echo "$log" | sed -n 's/^fail_step: \(.*\) is made to fail$/\1/p')
		[ -n "$step" ] || break
		if [ $status = 0 ]; then
			got="$step | - | goes on"
			fail_next 0
			$undo
		else
			got="$step | ${out##*: } | $(echo "$log" | tail -n 1 | sed 's/^fail_step: .*/-/')"
			for _ in $(seq "$twice"); do
				"$operation" $count >/dev/null 2>&1
				repeats=$((repeats + 1))
			done
		fi
		read -r wanted || wanted=nothing
		is "$got" "$wanted" "$operation, step $count: $step"
		same_machine "$before" "$operation, step $count: the machine is as before"
		[ $count -lt 40 ] || give_up "$operation: more steps than there can be"
	done
	is "$status $out" "0 " "$operation: it succeeds where no step fails"
	fail_next 0
	[ $status != 0 ] || $undo
	read -r wanted && no "$operation: all steps are seen" "not $wanted"
	ok "$operation: no memory is lost" test $((memory - $(free_kib))) -lt $(((repeats + count) * 64 + 1024))
	echo "$operation: $((count - 1)) steps"
}

# each_loss OPERATION AGAIN: the same where OPERATION cannot be refused: then every feature is off and no processor is held.
# AGAIN brings back what there was. Standard input as for each_step, the error is "-".
each_loss() {
	local operation="$1" again="$2" count=0 wanted step log before status

	before=$(machine_state)
	while :; do
		count=$((count + 1))
		dmesg -c >/dev/null
		status=0
		"$operation" $count >/dev/null || status=$?
		log=$(said)
		fail_next 0
		step=$(echo "$log" | sed -n 's/^fail_step: \(.*\) is made to fail$/\1/p')
		[ -n "$step" ] || break
		read -r wanted || wanted=nothing
		is "$step | - | $(echo "$log" | sed -n '/^fail_step: /{n;p;}')" "$wanted" "$operation, step $count: $step"
		is "$(cpu_states), $(cat $features), $(cat /sys/kernel/oldguard/policy), $(has umip)" \
			"$(words "$cpus" bare), none, , 0" "$operation, step $count: nothing is half taken"
		$again || give_up "$operation, step $count: it cannot be had again"
		same_machine "$before" "$operation, step $count: what there was can be had again"
		[ $count -lt 40 ] || give_up "$operation: more steps than there can be"
	done
	is "$status" 0 "$operation: it succeeds where no step fails"
	read -r wanted && no "$operation: all steps are seen" "not $wanted"
	echo "$operation: $((count - 1)) steps"
}

# --- for check ---------------------------------------------------------------------------------

trouble='BUG:|WARNING:|Oops|Call Trace:|unchecked MSR|soft lockup|hard LOCKUP|detected stall|hung task'
trouble="$trouble|UBSAN:|ODEBUG:|INFO: trying to register|list_(add|del) corruption"

online_all() {
	local file

	for file in /sys/devices/system/cpu/cpu*/online; do
		[ ! -e "$file" ] || [ "$(cat "$file")" = 1 ] || echo 1 >"$file" || return
	done
}

# A process may fork while we look: until a look finds none.
kill_session() {
	local pids

	while
		pids=$(cat /proc/[0-9]*/stat 2>/dev/null | awk -v session="$1" '
			{ pid = $1; sub(/.*\) /, ""); if ($4 == session && $1 != "Z") print pid }')
		[ -n "$pids" ]
	do
		# shellcheck disable=SC2086 # words are meant
		kill -KILL $pids 2>/dev/null
	done
}

# What a kernel that looks for errors (--kernel debug) has found and not told in its log.
hidden_trouble() {
	local leaks=/sys/kernel/debug/kmemleak

	# It ends at the first thing that it finds, and would be blind from then on.
	grep 'debug_locks: *0' /proc/lockdep_stats 2>/dev/null
	[ -e $leaks ] || return 0
	# What is younger than 5 seconds may be on its way to where it is kept, which one look may miss.
	sleep 6
	echo scan >$leaks
	echo scan >$leaks
	cat $leaks
	echo clear >$leaks
}

# run_case NAME SECONDS: prints what check reads; returns 1 where no further case may run in this boot.
run_case() {
	local status=0 state clean=0

	echo "@@ begin $1"
	dmesg -c >/dev/null
	# What Linux itself has lost before is reported, and from then on no news.
	for state in scan scan clear; do
		[ ! -e /sys/kernel/debug/kmemleak ] || echo $state >/sys/kernel/debug/kmemleak
	done
	# A session of its own, so that what it leaves running can be found.
	# shellcheck disable=SC2016 # for that shell to expand
	setsid timeout -s KILL "$2" sh -c '. ./lib.sh; . "./$0.sh"; exit 0' "$1" </dev/null 2>&1 &
	session=$!
	wait $session || status=$?
	kill_session $session
	case $status in
	0)	;;
	137)	no "comes to an end" "not within $2 seconds" ;;
	*)	no "comes to its end" "status $status" ;;
	esac
	state=$(grep -hsx 0 /sys/devices/system/cpu/cpu*/online)
	if [ -n "$state" ]; then
		no "leaves every processor online" "some are offline"
		online_all || clean=1
	fi
	# One that is locked cannot go: such a case is alone.
	if grep -q '^oldguard ' /proc/modules && [ "$(cat /sys/module/oldguard/parameters/lock)" != 1 ]; then
		no "leaves no module behind" "oldguard is still loaded"
		rmmod oldguard || clean=1
	fi
	state=$(dmesg | grep -E "$trouble" | head -n 5; hidden_trouble)
	[ -z "$state" ] || { no "the kernel has nothing to complain about" "$state"; clean=1; }
	echo "@@ end $1"
	return $clean
}
