# shellcheck shell=sh
# Gives a machine that goes on from a copy of another's memory names, ids and random numbers of its own, with the steps of
# network.sh; says which kinds of SSH host keys it has.
# name, machine_id: the new ones. seed: random text. now: seconds since 1970; empty leaves the clock as it is.
: "${root?}" "${name?}" "${machine_id?}" "${seed?}" "${now?}" "${nl?}"

tab='	'

# Seconds with a fraction are GNU's; for others the agent does it.
clock_step() {
  [ -n "$now" ] || { say clock 'skipped:the clock is to stay as it is'; return; }
  if message=$(date -u -s "@$now" 2>&1 > /dev/null); then say clock ok; else say clock "failed:$message"; fi
}

random_step() {
  if { printf %s "$seed" > "$root/dev/urandom"; }; then
    say random ok
  else
    say random "failed:/dev/urandom can't be written"
  fi
}

# What is written to /dev/urandom counts only from the kernel's next reseed on, up to a minute later, unless it is told
# to do that now: ioctl RNDRESEEDCRNG, 0x5207.
reseed_step() {
  if command -v perl > /dev/null; then
    # shellcheck disable=SC2016  # Variables of perl.
    set -- perl -e 'open(F, ">", $ARGV[0]) && ioctl(F, 0x5207, 0) or die "$!\n"'
  elif command -v python3 > /dev/null; then
    set -- python3 -ISc 'import fcntl,sys; fcntl.ioctl(open(sys.argv[1], "wb"), 0x5207)'
  else
    say reseed 'skipped:neither perl nor python3; the kernel does it within a minute'
    return
  fi
  if message=$("$@" "$root/dev/urandom" 2>&1); then
    say reseed ok
  else
    say reseed "failed:${message##*"$nl"}"
  fi
}

# Gives the file $1 the content $2. A new file takes its place, so that a full disk leaves the old one whole; a link, or
# a file that is a mount, is written where it is.
replace() {
  if [ ! -L "$1" ]; then
    { printf '%s\n' "$2" > "$1.kame-new"; } || { rm -f "$1.kame-new"; return 1; }
    mv -f "$1.kame-new" "$1" && return 0
    rm -f "$1.kame-new"
  fi
  { printf '%s\n' "$2" > "$1"; }
}

hostname_step() {
  old_name=
  { read -r old_name < "$root/proc/sys/kernel/hostname"; }
  if ! { echo "$name" > "$root/proc/sys/kernel/hostname"; } && ! hostname "$name"; then
    say hostname 'failed:the kernel does not take it'
  elif replace "$root/etc/hostname" "$name"; then
    say hostname ok
  else
    say hostname "failed:/etc/hostname can't be written"
  fi
}

# The own name on the line of 127.0.1.1 becomes the new one, with its domain; other names stay.
hosts_step() {
  file=$root/etc/hosts text='' found='' lines=0
  [ -f "$file" ] || { say hosts 'skipped:no /etc/hosts'; return; }
  while IFS= read -r line || [ -n "$line" ]; do
    lines=$((lines + 1))
    # A shell reads bytes one by one: a list of thousands would take minutes.
    [ $lines -le 200 ] || { say hosts 'failed:/etc/hosts has more than 200 lines'; return; }
    case $line in
      '127.0.1.1 '* | "127.0.1.1$tab"*)
        found=1
        # shellcheck disable=SC2086  # Its words; the shell expands no names of files here.
        own_line $line
        ;;
    esac
    text=$text$line$nl
  done < "$file"
  if [ -z "$found" ]; then
    say hosts 'skipped:no line of 127.0.1.1'
  elif replace "$file" "${text%"$nl"}"; then
    say hosts ok
  else
    say hosts "failed:/etc/hosts can't be written"
  fi
}

own_line() {
  shift
  words='' mine=''
  for word; do
    case $word in
      "$old_name") word=$name mine=1 ;;
      "$old_name".*) word=$name.${word#"$old_name".} mine=1 ;;
    esac
    words="$words $word"
  done
  [ -n "$mine" ] || words=" $name$words"
  line="127.0.1.1$tab${words# }"
}

# Writes the new id to the file $1. Over an id of the same length it is written in place: owner and label stay, and a full
# disk is no matter.
write_id() {
  was=
  { read -r was < "$1"; }
  case ${#was} in
    32) { echo "$machine_id" 1<> "$1"; } ;;
    *) { echo "$machine_id" > "$1"; } ;;
  esac
}

machine_id_step() {
  if [ ! -f "$2" ]; then
    say "$1" 'skipped:there is none'
    return
  fi
  if write_id "$2"; then say "$1" ok; else say "$1" "failed:it can't be written"; fi
}

host_keys_step() {
  types=
  for file in "$root"/etc/ssh/ssh_host_*_key; do
    [ -e "$file" ] || continue
    type=${file##*/ssh_host_}
    types=$types,${type%_key}
  done
  if [ -n "$types" ]; then say host-keys "ok:${types#,}"; else say host-keys 'skipped:there are none'; fi
}

# First, so that the host can make the keys meanwhile.
host_keys_step
set -f
clock_step
random_step
reseed_step
hostname_step
hosts_step
machine_id_step machine-id "$root/etc/machine-id"
if [ -L "$root/var/lib/dbus/machine-id" ]; then
  say dbus-machine-id 'skipped:it is a link'
else
  machine_id_step dbus-machine-id "$root/var/lib/dbus/machine-id"
fi
set +f
mac_step
network_files_step
lease_step
