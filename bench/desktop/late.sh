#!/bin/sh
# Runs on the host when all packages are configured; $1 is the root of the guest.
set -eu
umask 022
# Not cp -a: the files in the checkout may belong to any user.
cp -r "$(dirname "$0")/overlay/." "$1/"
chroot "$1" passwd --quiet --delete root
chroot "$1" useradd --create-home --shell /bin/bash user
for group in video input render audio tty; do chroot "$1" usermod --append --groups "$group" user; done
echo labwc > "$1/etc/desktop"
chroot "$1" systemctl --quiet enable desktop.service
chroot "$1" systemctl --quiet disable ssh.service
chroot "$1" systemctl --quiet set-default multi-user.target
chroot "$1" systemctl --quiet mask apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer e2scrub_reap.service \
  fstrim.timer dpkg-db-backup.timer systemd-pstore.service
rm -rf "$1"/var/cache/apt/*.bin "$1"/var/lib/apt/lists/* "$1"/usr/share/doc "$1"/usr/share/man
