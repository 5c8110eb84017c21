# SPDX-License-Identifier: GPL-2.0-only
# Below oldguard, Debian's QEMU runs Debian's kernels under KVM: they come up, and their programs are as they are
# on a machine of their own.
# soak: EPYC smp=2 parallel
# soak: EPYC smp=2 kernel=6.12 parallel
# prepare: tests/lab/guest-tree 6.1
# prepare: tests/lab/guest-tree 6.12
# run: --mem 1024 --tree build/lab/guest-6.1 --tree build/lab/guest-6.12
# timeout: 500

mkdir -p /tmp/guest/bin /tmp/guest/proc /tmp/guest/dev /tmp/guest/sys
cp /bin/busybox /lab/oldguard /tmp/guest/bin
cat >/tmp/guest/init <<'END'
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
for word in $(cat /proc/cmdline); do
	case $word in run=*) todo=${word#run=} ;; esac
done
echo "GUEST up"
case $todo in
probe)	oldguard probe | sed -n '/encodings/,$p'
	grep -w umip /proc/cpuinfo >/dev/null && echo "cpuinfo has umip" ;;
work)	(yes | head -c 20000000 | md5sum) & i=0
	while [ $i -lt 200 ]; do i=$((i + 1)); /bin/true; done; wait
	echo "work done" ;;
esac
echo "GUEST end"
poweroff -f
END
chmod +x /tmp/guest/init
(cd /tmp/guest && find . | cpio -o -H newc) >/tmp/guest.cpio 2>/dev/null

# linux KERNEL RUN OPTION...: what that guest prints. Nothing but what it needs: a boot takes seconds. It does not
# wait with HLT, see vmm/guest_events.c.
linux() {
	local kernel="$1" run="$2"

	shift 2
	timeout 250 qemu-system-x86_64 -accel kvm -cpu host,-xsaves -M microvm,auto-kernel-cmdline=off -m 128 \
		-nodefaults -no-user-config -display none -no-reboot -serial stdio \
		-kernel "/guest/vmlinuz-$kernel" -initrd /tmp/guest.cpio -append "console=ttyS0 quiet panic=-1 idle=poll \
		noxsaves tsc=reliable no_timer_check nokaslr cryptomgr.notests initcall_blacklist=cmos_init \
		run=$run" "$@" </dev/null 2>&1 | tr -d '\r'
}

load all kvm=nested
ok "KVM loads below oldguard" modprobe kvm_amd
for kernel in 6.1 6.12; do
	out=$(linux $kernel probe)
	like "$out" "GUEST end" "Linux $kernel comes up below it and goes down"
	like "$out" "cpuinfo has umip" "Linux $kernel: on a processor without UMIP it has found UMIP"
	like "$out" "0 raise #GP, 12 get a dummy value from the kernel, 0 store the real one" \
		"Linux $kernel: and with it its programs learn nothing"
done
isnt "$(exits_of nested)" 0 "they were guests of a guest"
out=$(linux 6.1 work -smp 2)
like "$out" "work done" "one with two processors works"
is "$(answers $((cpus - 1)))" fault "the programs beside it are guarded as ever"
ok "KVM goes" rmmod kvm_amd kvm
# It had UMIP on, see guests.c.
sleep 0.5
unload
