#!/bin/sh
# Runs on the host when all packages are configured; $1 is the root of the guest.
set -eu
umask 022

# Not cp -a: the files in the checkout may belong to any user.
cp -r "$(dirname "$0")/overlay/." "$1/"

# The mirror and the apt settings of the host do not belong into the guest.
rm -f "$1/etc/apt/sources.list" "$1/etc/apt/sources.list.d/0000"* "$1/etc/apt/apt.conf.d/99mmdebstrap"

# root logs in on the console without a password; sshd refuses empty passwords by itself.
chroot "$1" passwd --quiet --delete root

chroot "$1" systemctl --quiet enable systemd-networkd.service
# systemd-networkd manages the network. The timers would run in the background during measurements.
chroot "$1" systemctl --quiet disable networking.service
chroot "$1" systemctl --quiet mask apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer e2scrub_reap.service
