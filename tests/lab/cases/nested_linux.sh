# SPDX-License-Identifier: GPL-2.0-only
# Below oldguard, Debian's QEMU runs Debian's kernel under KVM: it comes up, and its programs are as they are
# on a machine of their own.
# soak: EPYC smp=2 parallel
# prepare: tests/lab/guest-tree 6.1
# run: --mem 1024 --tree build/lab/guest-6.1
# timeout: 300

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

# linux RUN OPTION...: what that guest prints. Nothing but what it needs: a boot takes seconds. It does not
# wait with HLT, see vmm/guest_events.c.
linux() {
	local run="$1"

	shift
	timeout 250 qemu-system-x86_64 -accel kvm -cpu host,-xsaves -M microvm,auto-kernel-cmdline=off -m 128 \
		-nodefaults -no-user-config -display none -no-reboot -serial stdio \
		-kernel /guest/vmlinuz -initrd /tmp/guest.cpio -append "console=ttyS0 quiet panic=-1 idle=poll \
		noxsaves tsc=reliable no_timer_check nokaslr cryptomgr.notests initcall_blacklist=cmos_init \
		run=$run" "$@" </dev/null 2>&1 | tr -d '\r'
}

load all kvm=nested
ok "KVM loads below oldguard" modprobe kvm_amd
out=$(linux probe)
like "$out" "GUEST end" "a Linux comes up below it and goes down"
like "$out" "cpuinfo has umip" "on a processor without UMIP it has found UMIP"
like "$out" "0 raise #GP, 12 get a dummy value from the kernel, 0 store the real one" \
	"and with it its programs learn nothing"
isnt "$(exits_of nested)" 0 "it was a guest of a guest"
out=$(linux work -smp 2)
like "$out" "work done" "one with two processors works"
is "$(answers 1)" fault "the programs beside it are guarded as ever"
ok "KVM goes" rmmod kvm_amd kvm
unload
