/** In addition to the essential packages. Their dependencies come with them, but not what they recommend. */
export const packages: readonly string[] = [
  'systemd-sysv',
  'udev',
  'dbus',
  'dbus-user-session',
  'libpam-systemd',
  'linux-image-amd64',
  'busybox-static',
  'kmod',
  'iproute2',
  'qemu-guest-agent',
  // X11: a server, a window manager, and a program for the clipboard.
  'xserver-xorg-core',
  'xserver-xorg-input-libinput',
  'xinit',
  'xauth',
  'x11-xserver-utils',
  'openbox',
  'xclip',
  'spice-vdagent',
  // Without it, the agent takes no files.
  'xdg-user-dirs',
  // Wayland.
  'labwc',
  'wl-clipboard',
  'wlr-randr',
  'seatd',
  'xwayland',
  'libgl1-mesa-dri',
  'libegl-mesa0',
  // GNOME's compositor, without the rest of GNOME.
  'mutter',
  // What renders: glxinfo.
  'mesa-utils',
  // For `kame ssh`, whose test starts it and the network.
  'openssh-server',
];
