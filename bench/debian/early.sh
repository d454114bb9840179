#!/bin/sh
# Runs on the host when only the essential packages are installed; $1 is the root of the guest. These files must exist before
# the kernel is installed: then the initial RAM disk is made only once, with just the modules for the disks of this guest.
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
