# SPDX-License-Identifier: GPL-2.0-only
# A machine that is held starts another kernel by kexec.
# machine: EPYC smp=2 mem=1024
# run: --package kexec-tools --copy build/kernel/6.1/vmlinuz --allow-reboot
# timeout: 200
if [ -e /lab/after_kexec ]; then
	ok "the second kernel runs" true
	load umip
	is "$(cpu_states)" "$(words "$cpus" guest)" "and can be held, too"
	is "$(answers 1)" fault "its programs get #GP"
	unload
else
	# The second kernel gets what this one got, and a sign.
	: >/lab/after_kexec
	(cd / && { printf '%s\n' proc sys dev tmp run
		find bin sbin usr lib lib64 etc lab init ! -path lab/vmlinuz ! -path 'usr/share/*'
	} | cpio -o -H newc 2>/dev/null) >/tmp/initrd
	load umip
	ok "kexec takes it" kexec -l ./vmlinuz --initrd=/tmp/initrd --reuse-cmdline
	kexec -e
	no "kexec starts it" "it came back"
fi
