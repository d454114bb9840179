#!/bin/sh
# Runs on the host when all packages are configured; $1 is the guest's root.
set -eu
umask 022

# Not cp -a: the files of the checkout may belong to anyone.
cp -r "$(dirname "$0")/overlay/." "$1/"

# The host's mirror and the host's settings of apt are no part of the guest.
rm -f "$1/etc/apt/sources.list" "$1/etc/apt/sources.list.d/0000"* "$1/etc/apt/apt.conf.d/99mmdebstrap"

# root logs in on the console without a password; sshd refuses empty passwords by itself.
chroot "$1" passwd --quiet --delete root

chroot "$1" systemctl --quiet enable systemd-networkd.service
# systemd-networkd has the network. The timers would work in the background while something is measured.
chroot "$1" systemctl --quiet disable networking.service
chroot "$1" systemctl --quiet mask apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer e2scrub_reap.service
