# shellcheck shell=bash disable=SC2154 # part of run, which sets the variables and reads ours
# SPDX-License-Identifier: GPL-2.0-only
# The QEMU back end of run: AMD machines with SVM, machines with native UMIP, all interpreted.

qemu="qemu-system-x86_64"

# Which flags a model gets before the user's own. QEMU lets -flag win over +flag whatever their
# order, so a default that the user contradicts must not be given at all.
qemu_cpu() {
	local defaults=() flag text=$model forced=0

	case $model in
	max* | EPYC-Rome* | EPYC-Milan*)	defaults=(+svm +npt) ;;
	EPYC* | Opteron_G* | phenom* | athlon* | Dhyana* | qemu64*)
		defaults=(+svm +npt -umip) ;;
	esac
	for flag in "${defaults[@]}"; do
		[[ " ${flags[*]} " == *" "[+-]"${flag:1} "* ]] || text+=,$flag
	done
	for flag in "${flags[@]}"; do
		text+=,$flag
		[[ $flag != +v-vmsave-vmload ]] || forced=1
	done
	((forced == 0)) || text+=$(qemu_forced "$text")
	echo "$text"
}

# qemu_forced CPU: what keeps +v-vmsave-vmload. QEMU's interpreter does what the VMCB's bit asks for, but takes
# the flag away, as if it did not; unless it is not to look, and then what it lacks indeed has to be named.
qemu_forced() {
	local lacking

	lacking=$(echo quit | timeout 20 $qemu -S -accel tcg -nodefaults -display none -cpu "$1" -monitor stdio 2>&1 |
		sed -n "s/.*TCG doesn't support requested feature: [^ ]*:E[A-D]X\.\([^ ]*\) .*/,-\1/p" |
		grep -vxF ,-v-vmsave-vmload | tr -d '\n')
	echo ",x-force-features=on$lacking"
}

qemu_check() {
	local answer

	((icount == 0 || parallel == 0)) || usage_error "--icount --parallel: one of them"
	((icount == 0 || smp == 1)) ||
		usage_error "--icount --smp $smp: QEMU counts instructions on one CPU only (Linux would hang)"
	# A machine that stops before its first instruction tells whether the CPU can be had.
	answer=$(echo quit | timeout 20 $qemu -S -accel tcg -nodefaults -display none \
		-cpu "$(qemu_cpu)" -monitor stdio 2>&1) && return
	usage_error "--cpu $cpu: $(sed -n 's/.*qemu-system-x86_64: *//p' <<<"$answer" |
		grep -v '^warning: ' | tail -n 1) (models: bochs --help cpu, $qemu -cpu help)"
}

# What the guest asks for, line by line; a line may be half written.
qemu_asked() {
	local line rest=''

	while [[ -d $dir ]]; do
		if ! read -r line; then
			rest+=$line
			sleep 0.1
			continue
		fi
		line=$rest$line rest=''
		line=${line%$'\r'}
		[[ $line != status* ]] || return 0
		[[ $line != 'monitor '* ]] || echo "${line#monitor }"
	done <"$dir/status"
}

# What somebody at QEMU's monitor would type while the shell runs.
qemu_monitor() {
	if ((${#qemu_words[@]})); then
		exec {out_fd}>&-
		qemu_asked
		return
	fi
	[[ -n $nmi_every$wake_every ]] || return 0
	# The pipe must not live on because of us.
	exec {out_fd}>&-
	# The folder goes when the run ends, however it does.
	until grep -qs '^boot' "$dir/status" || [[ ! -d $dir ]]; do
		sleep 0.1
	done
	until grep -qs '^status' "$dir/status" || [[ ! -d $dir ]]; do
		if [[ -n $nmi_every ]]; then
			echo nmi
			sleep "$((nmi_every / 1000)).$(printf %03d $((nmi_every % 1000)))"
		else
			# Where it does not sleep the monitor says so, and that is all. A key ends what is
			# no sleep to the board (suspend to idle).
			echo system_wakeup
			echo sendkey shift
			sleep "$wake_every"
		fi
	done
}

# Several processors are emulated by one thread. In threads of their own one can break another: whichever
# loads x87 state (FXRSTOR, XRSTOR: each switch to another program) clears a bit in processor 0's flags, in QEMU 7.2
# without a lock (cpu_clear_ignne() in target/i386/tcg), and so can undo what #VMEXIT changes in them at that moment.
# Processor 0 is then below its guest and has nested paging still on; its next access becomes a second
# #VMEXIT, which saves the root side's state as the guest's.
#
# On a busy host the emulated timer can miss the moment in which Linux tests it: no_timer_check.
qemu_boot() {
	local threads=(single multi)
	local args=(-M "$machine" -accel "tcg,thread=${threads[parallel]}" -cpu "$(qemu_cpu)" -smp "$smp" -m "${mem:-512}"
		-nodefaults -no-user-config -display none -kernel "$top/build/kernel/$kernel/vmlinuz" -initrd "$dir/initrd"
		-append "$cmdline no_timer_check$append"
		-serial "file:$dir/console" -serial "file:$dir/out" -serial "file:$dir/status"
		# Its log is where a triple fault is told.
		-d cpu_reset -D "$dir/qemu.log")

	if [[ -n $disk ]]; then
		truncate -s "${disk}M" "$dir/disk"
		args+=(-drive "file=$dir/disk,format=raw,if=none,id=disk" -device "nvme,drive=disk,serial=lab")
	fi
	args+=("${qemu_words[@]}")
	((allow_reboot)) || args+=(-no-reboot)
	# The same clock, the same random numbers, hence the same run.
	((icount == 0)) || args+=(-icount "shift=0,sleep=off" -rtc "base=2024-01-01,clock=vm" -seed 1)
	[[ -z $nmi_every$wake_every && ${#qemu_words[@]} == 0 ]] || args+=(-monitor stdio)
	run_bounded "${timeout:-120}" $qemu "${args[@]}" < <(qemu_monitor) >"$dir/emulator.log" 2>&1
}

# Linux itself may reboot by a triple fault: run asks only when it knows no better reason.
qemu_tripled() {
	grep -qs '^Triple fault' "$dir/qemu.log"
}

qemu_explain() {
	grep -v 'warning: TCG doesn.t support' "$dir/emulator.log" | tail -n 5 || true
}
