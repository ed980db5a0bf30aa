#!/bin/sh
# image.sh - makes the guest of tools/check-vm: Debian 12 with its own 6.1 kernel, systemd and what the tests need.
#
#   tests/vm/image.sh DIR       leaves DIR/vmlinuz, DIR/initrd and DIR/root.ext4 (sparse, with project quotas)
#
# The kernel is taken apart, not installed: its maintainer scripts would build a large initramfs, and unpacking one costs
# more than the whole boot under emulation. Ours holds busybox and the few modules that lead to the root file system.
set -eu
dir=$1
suite=bookworm
mirror=${VM_MIRROR:-http://deb.debian.org/debian}
security=${VM_SECURITY_MIRROR:-http://deb.debian.org/debian-security}

# systemd with users' managers; what the tests call; the libraries of the programs under test.
packages='systemd systemd-sysv dbus dbus-user-session libpam-systemd kmod busybox
bash git make gcc libc6-dev curl jq python3-minimal procps bsdutils util-linux
libuv1 libjansson4 libfyaml0 libsqlite3-0 libsodium23 libssl3 libcap-ng0 libgit2-1.5 libzstd1 libcmocka0
perl-base strace apparmor'

mkdir -p "$dir"
hook="$dir/hook"
cat >"$hook" <<'HOOK'
set -eu
root=$1 out=$2
chroot "$root" sh -eu <<'IN'
cd /root
kernel=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: //p')
apt-get download -q "$kernel"
dpkg -x linux-image-*.deb kernel # not to /: its /lib would take the place of the link
mv kernel/boot/vmlinuz-* /boot/
mv kernel/lib/modules /usr/lib/
rm -r linux-image-*.deb kernel
version=${kernel#linux-image-}
depmod "$version"
mkdir -p /root/initrd/lib/modules /root/initrd/bin /root/initrd/new /root/initrd/proc /root/initrd/dev
modprobe -S "$version" -a --show-depends virtio_pci virtio_blk virtio_console ext4 quota_v2 | sed -n 's/^insmod //p' |
    awk '!seen[$1]++' >/root/initrd/modules
while read -r m; do
    cp "$m" /root/initrd/lib/modules/
    echo "${m##*/}"
done </root/initrd/modules >/root/initrd/order
cp /bin/busybox /root/initrd/bin/
mkdir -p /root/initrd/lib64 /root/initrd/lib/x86_64-linux-gnu
cp -L /lib64/ld-linux-x86-64.so.2 /root/initrd/lib64/
ldd /bin/busybox | sed -n 's/.*=> \([^ ]*\).*/\1/p' | xargs -I{} cp -L {} /root/initrd/lib/x86_64-linux-gnu/
cat >/root/initrd/init <<'INIT'
#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t devtmpfs dev /dev
while read -r m; do /bin/busybox insmod "/lib/modules/$m"; done </order
/bin/busybox mount -t ext4 -o prjquota,noatime /dev/vda /new || exec /bin/busybox sh
/bin/busybox umount /proc
/bin/busybox mount --move /dev /new/dev
exec /bin/busybox switch_root /new /sbin/init
INIT
chmod 755 /root/initrd/init
(cd /root/initrd && find . | busybox cpio -o -H newc) >/boot/initrd
rm -r /root/initrd
# Nothing here needs a terminal to log in at, a timer, or a name.
systemctl mask -q getty.target serial-getty@ttyS0.service apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
    e2scrub_all.timer e2scrub_reap.service fstrim.timer systemd-timesyncd.service systemd-update-utmp.service \
    systemd-journal-flush.service logrotate.timer apparmor.service
echo guest >/etc/hostname
printf '127.0.0.1 localhost guest\n' >/etc/hosts
useradd -m -u 1000 -s /bin/bash agent
# All of the guest's work: what the second disk says; then power off, come what may.
cat >/etc/systemd/system/check-vm.service <<'UNIT'
[Unit]
After=multi-user.target
SuccessAction=poweroff-force
FailureAction=poweroff-force
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'mount -o ro /dev/vdb /mnt && exec bash /mnt/tests/vm/guest.sh >$(ls /dev/vport*p1) 2>&1 </dev/null'
[Install]
WantedBy=default.target
UNIT
systemctl enable -q check-vm.service
systemctl set-default -q multi-user.target
apt-get clean
rm -rf /var/lib/apt/lists/* /usr/share/doc/* /usr/share/locale/* /var/cache/debconf/*
IN
cp "$root"/boot/vmlinuz-* "$out/vmlinuz"
cp "$root/boot/initrd" "$out/initrd"
# A bind without its submounts: /proc and /sys of the build are not part of the image.
mkdir "$out/bare"
unshare -m sh -euc 'mount --bind "$1" "$2/bare"
    rm -f "$2/root.ext4"
    mke2fs -q -t ext4 -O quota,project -E quotatype=prjquota -m 0 -d "$2/bare" "$2/root.ext4" 3G' sh "$root" "$out"
rmdir "$out/bare"
HOOK

DEBIAN_FRONTEND=noninteractive mmdebstrap --quiet --variant=minbase --format=null --include="$(echo $packages | tr ' ' ',')" \
    --dpkgopt='path-exclude=/usr/share/man/*' --customize-hook="sh '$hook' \"\$1\" '$dir'" "$suite" /dev/null \
    "deb $mirror $suite main" "deb $security $suite-security main"
rm "$hook"
