#!/bin/sh
# Runs on the host when only the essential packages are there; $1 is the guest's root. What the kernel's installation reads
# must lie there before it: the initial RAM disk is then made once, and holds only what this guest's disks need.
set -eu
umask 022

mkdir -p "$1/etc/initramfs-tools/conf.d" "$1/etc/initramfs-tools/hooks"
echo MODULES=list >"$1/etc/initramfs-tools/conf.d/kame"
# A hook instead of /etc/initramfs-tools/modules, which belongs to a package.
cat >"$1/etc/initramfs-tools/hooks/kame" <<'EOF'
#!/bin/sh
[ "$1" = prereqs ] && exit 0
. /usr/share/initramfs-tools/hook-functions
manual_add_modules virtio_pci virtio_blk virtio_scsi sd_mod nvme ahci ext4
EOF
chmod 755 "$1/etc/initramfs-tools/hooks/kame"
