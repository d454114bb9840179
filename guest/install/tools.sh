#!/bin/sh
# Installs kame-tools, which comes on standard input, as a service of the guest; $1 is the architecture it was built for.
set -eu
umask 022
arch=$(uname -m)
if [ "$arch" != "$1" ]; then
  echo "The system in the guest is for $arch, and the machine is $1." >&2
  exit 3
fi
program=/usr/local/sbin/kame-tools
mkdir -p /usr/local/sbin
cat > "$program.new"
chmod 755 "$program.new"
"$program.new" --version > /dev/null
mv -f "$program.new" "$program"

# In the session of a desktop they serve its clipboard and its display: desktops start what is here,
if [ -d /etc/xdg ] || [ -d /usr/share/xsessions ] || [ -d /usr/share/wayland-sessions ]; then
  mkdir -p /etc/xdg/autostart
  cat > /etc/xdg/autostart/kame-tools.desktop << ENTRY
[Desktop Entry]
Type=Application
Name=Kame tools
Comment=Clipboard and display of this virtual machine
Exec=$program --session
NoDisplay=true
X-GNOME-Autostart-Phase=Applications
ENTRY
fi
# and labwc, which does not, what is in a file of its own.
if command -v labwc > /dev/null 2>&1; then
  mkdir -p /etc/xdg/labwc
  touch /etc/xdg/labwc/autostart
  grep -q "^$program " /etc/xdg/labwc/autostart || echo "$program --session > /dev/null 2>&1 &" >> /etc/xdg/labwc/autostart
fi

if [ -d /run/systemd/system ]; then
  # What a host has started goes on when the service is restarted.
  cat > /etc/systemd/system/kame-tools.service << UNIT
[Unit]
Description=Kame tools: serve the host of this virtual machine
ConditionVirtualization=vm

[Service]
Environment=GODEBUG=asyncpreemptoff=1
ExecStart=$program
Restart=always
RestartSec=5
KillMode=process

[Install]
WantedBy=multi-user.target
UNIT
  systemctl daemon-reload
  systemctl enable kame-tools.service
  systemctl restart kame-tools.service
elif command -v rc-update > /dev/null 2>&1; then
  cat > /etc/init.d/kame-tools << SERVICE
#!/sbin/openrc-run
description="Kame tools: serve the host of this virtual machine"
supervisor=supervise-daemon
command=$program
SERVICE
  chmod 755 /etc/init.d/kame-tools
  rc-update add kame-tools default
  rc-service kame-tools restart
else
  rm -f "$program"
  echo 'The guest has neither systemd nor OpenRC.' >&2
  exit 4
fi
