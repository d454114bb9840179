#!/bin/sh
# Starts the guest agent that cloud-init has installed. The service is static on some distributions (udev starts it), and
# OpenRC's on Alpine; a failure harms nothing.
systemctl enable --now qemu-guest-agent ||
  systemctl start qemu-guest-agent ||
  { rc-update add qemu-guest-agent && rc-service qemu-guest-agent start; } ||
  true
