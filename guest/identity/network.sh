# shellcheck shell=sh
# The steps of a new identity that have to do with the network.
#
# mac_step: `cards` holds old and new address of each card, and the two as the last half of an IPv6 address.
# lease_step: goes on in the background. A lease is forgotten, never released: the address is the source machine's, and a
# server that took it back would give it to somebody else.
: "${root?}" "${name?}" "${cards?}" "${nl?}"

changed='' addresses='' tried=''
mac_step() {
  number=0
  # shellcheck disable=SC2086  # Four words for each card.
  set -- $cards
  while [ $# -ge 4 ]; do
    result='skipped:no interface has this address'
    # Cards first: what is built over one, such as a VLAN, mostly follows it.
    for kind in card other; do
      for path in "$root"/sys/class/net/*; do
        has=
        { read -r has < "$path/address"; } && [ "$has" = "$1" ] || continue
        [ $kind = other ] || [ -e "$path/device" ] || continue
        card=${path##*/}
        # What has just got this address as its new one keeps it.
        case "$tried " in *" $card "*) continue ;; esac
        tried="$tried $card"
        if message=$(set_mac "$card" "$2" 2>&1); then
          [ "$result" = "${result#failed}" ] && result=ok
          changed="$changed $card:$3:$4"
        else
          result="failed:$message"
        fi
      done
    done
    say "mac-$number" "$result"
    addresses="$addresses $1=$2"
    number=$((number + 1))
    shift 4
  done
}

# Most cards take a new address while they are up; bringing one down loses its routes.
set_mac() {
  ip link set dev "$1" address "$2" && return 0
  ip link set dev "$1" down && ip link set dev "$1" address "$2"
  set -- "$1" $?
  ip link set dev "$1" up
  return "$2"
}

# What names the card at the next boot. systemd may match the address that the card was born with, which stays the old
# one until then, so there both are named.
network_files_step() {
  [ -n "$addresses" ] || { say network-files 'skipped:no address is new'; return; }
  set --
  for place in netplan systemd/network network sysconfig/network-scripts NetworkManager/system-connections udev/rules.d; do
    [ -d "$root/etc/$place" ] && set -- "$@" "$root/etc/$place"
  done
  [ -d "$root/run/systemd/network" ] && set -- "$@" "$root/run/systemd/network"
  [ $# -gt 0 ] || { say network-files 'skipped:no files of a kind that is known'; return; }
  result='skipped:no file names an old address'
  for pair in $addresses; do
    files=$(grep -rliF -e "${pair%%=*}" "$@")
    IFS=$nl
    set -f
    for file in $files; do
      if message=$(replace_address "${pair%%=*}" "${pair#*=}" "$file" 2>&1); then
        [ "$result" = "${result#failed}" ] && result=ok
      else
        result="failed:$message"
      fi
    done
    set +f
    unset IFS
  done
  say network-files "$result"
}

replace_address() {
  case $3 in
    */systemd/network/*)
      sed -i -e '/^\[Match\]/,/^\[[^M]/{' -e "s/^.*MACAddress=.*$1/& $2/I" -e b -e '}' -e "s/$1/$2/gI" "$3"
      ;;
    *) sed -i -e "s/$1/$2/gI" "$3" ;;
  esac
}

# Sets pid to the program named $1 of the first of the given pid files that names one.
running() {
  program=$1
  shift
  for file; do
    { read -r pid < "$file"; } || continue
    case $pid in '' | *[!0-9]*) continue ;; esac
    has=
    { read -r has < "$root/proc/$pid/comm"; } && [ "$has" = "$program" ] && return 0
  done
  return 1
}

lease_step() {
  [ -n "$changed" ] || { say lease 'skipped:no address was changed'; return; }
  say lease ok:asked
  lease_all > /dev/null 2>&1 &
}

lease_all() {
  networkd=
  for entry in $changed; do
    card=${entry%%:*}
    rest=${entry#*:}
    new_link_local "$card" "${rest%%:*}" "${rest#*:}"
    lease_of "$card"
  done
  [ -z "$networkd" ] || systemctl --no-block try-restart systemd-networkd.service
}

lease_of() {
  index=
  { read -r index < "$root/sys/class/net/$1/ifindex"; }
  if running udhcpc "$root/run/udhcpc.$1.pid" "$root/run/udhcpc-$1.pid"; then
    start_again "$1"
  elif running dhclient "$root/run/dhclient.$1.pid" "$root/run/dhclient-$1.pid" "$root/run/dhclient.pid"; then
    rm -f "$root/var/lib/dhcp/dhclient.$1.leases" "$root/var/lib/dhcp/dhclient.leases"
    start_again "$1"
  elif running dhcpcd "$root/run/dhcpcd/pid" "$root/run/dhcpcd.pid" "$root/run/dhcpcd/$1.pid"; then
    rm -f "$root/var/lib/dhcpcd/duid" "$root/var/lib/dhcpcd/$1.lease"
    dhcpcd -n "$1"
  elif [ -e "$root/run/NetworkManager/devices/$index" ] && command -v nmcli; then
    nmcli --wait 0 device connect "$1"
  elif [ -e "$root/run/systemd/netif/links/$index" ]; then
    # It keeps the machine-id that its client id comes from, so it has to start anew, once for all cards.
    rm -f "$root/run/systemd/netif/leases/$index"
    networkd=1
  fi
}

# Ends the DHCP client pid of card $1 and starts it again with the same arguments, but the new host name. The address goes
# first: without it a client can't tell the server that it gives the lease back.
start_again() {
  ip -4 addr flush dev "$1"
  keep=$root/run/kame-again.$pid
  (umask 077 && tr '\0' '\n' < "$root/proc/$pid/cmdline" > "$keep") || return
  set --
  while IFS= read -r word; do
    case $word in hostname:?*) word=hostname:$name ;; esac
    set -- "$@" "$word"
  done < "$keep"
  rm -f "$keep"
  kill "$pid"
  tries=0
  while [ -e "$root/proc/$pid" ] && [ $tries -lt 100 ]; do
    sleep 0.05
    tries=$((tries + 1))
  done
  # Else it would end together with the guest agent's service.
  [ ! -d "$root/run/systemd/system" ] || set -- systemd-run --quiet --no-block --collect -p Type=forking "$@"
  "$@" &
}

# The kernel keeps the IPv6 addresses that it made of the old address; $2 and $3 are their last halves.
new_link_local() {
  while read -r address _ length _ _ device; do
    [ "$device" = "$1" ] && [ "${address#????????????????}" = "$2" ] || continue
    text=
    while [ ${#address} -gt 4 ]; do
      rest=${address#????}
      text=$text${address%"$rest"}:
      address=$rest
    done
    ip -6 addr del "$text$address/$((0x$length))" dev "$1"
    case $text in
      fe80:*)
        half=$3
        text=fe80:
        while [ -n "$half" ]; do
          rest=${half#????}
          text=$text:${half%"$rest"}
          half=$rest
        done
        ip -6 addr add "$text/64" dev "$1"
        ;;
    esac
  done < "$root/proc/net/if_inet6"
}
