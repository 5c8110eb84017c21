# SPDX-License-Identifier: GPL-2.0-only
# A panic while the machine is held starts the crash kernel (kdump), which finds the dump, and a processor that
# nobody holds. Under the lock a reset takes its place: the crash kernel would begin as a guest.
# machine: EPYC smp=2
# soak: EPYC smp=4 kernel=6.12
# run: --package kexec-tools --copy build/kernel/6.1/vmlinuz --allow-reboot --append crashkernel=192M
# timeout: 200
sign=/lab/after_crash
crash() {
	echo "$LAB_BOOT" >$sign
	(cd / && { printf '%s\n' proc sys dev tmp run
		find bin sbin usr/bin usr/sbin lib/modules etc lab init ! -path lab/vmlinuz
	} | cpio -o -H newc 2>/dev/null) >/tmp/initrd
	ok "kexec takes the crash kernel" kexec -p ./vmlinuz --initrd=/tmp/initrd --reuse-cmdline \
		--append="nr_cpus=1 reset_devices"
	load all
	[ $# = 0 ] || ok "the lock is set" sh -c 'echo 1 >/sys/module/oldguard/parameters/lock'
	# On a processor that is not the first, and in the log of which the reason stands.
	taskset 2 sh -c 'echo c >/proc/sysrq-trigger'
	sleep 60
	no "the machine panics" "it still runs"
}

if [ ! -e $sign ] && [ "$LAB_BOOT" = 1 ]; then
	crash locked
elif [ ! -e $sign ] && [ "$LAB_BOOT" = 2 ]; then
	crash
else
	is "$(cat $sign)" 2 "under the lock there is a reset, without it the crash kernel runs"
	is "$(head -c 4 /proc/vmcore | xxd -p)" 7f454c46 "there is a dump"
	is "$(dd if=/proc/vmcore bs=1M 2>/dev/null | wc -c)" "$(stat -c %s /proc/vmcore)" "all of it can be read"
	is "$(answers)" stored "programs read the tables: nobody holds the processor"
fi
