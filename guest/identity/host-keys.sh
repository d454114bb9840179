# shellcheck shell=sh
# Puts new SSH host keys in the place of the old ones of their kinds.
# types: the kinds. key_TYPE and pub_TYPE of each: the private key and its public line.
: "${root?}" "${types?}"

dir=$root/etc/ssh
stage=$dir/.kame-new
keys=
# The files that are replaced are copied first: so the new ones have their owner.
prepare() {
  for type in $types; do
    file=$dir/ssh_host_${type}_key
    if [ -L "$file" ]; then
      say "host-key-$type" 'failed:the key is a link'
    elif [ -f "$file" ]; then
      keys="$keys $type"
    else
      say "host-key-$type" 'skipped:there is none'
    fi
  done
  [ -n "$keys" ] || return 1
  set --
  secrets=
  for type in $keys; do
    file=$dir/ssh_host_${type}_key
    set -- "$@" "$file"
    secrets="$secrets $stage/${file##*/}"
    [ -f "$file.pub" ] && [ ! -L "$file.pub" ] && set -- "$@" "$file.pub"
  done
  [ ! -e "$stage" ] || rm -rf "$stage"
  # shellcheck disable=SC2086  # A list of paths without blanks.
  mkdir -m 700 "$stage" && cp -p "$@" "$stage/" && chmod 600 $secrets
}

# Fills the copies of kind $1 with the key $2 and its public line $3.
fill() {
  file=$stage/ssh_host_${1}_key
  { printf '%s' "$2" > "$file"; } || return 1
  [ ! -f "$file.pub" ] || { printf '%s\n' "$3" > "$file.pub"; }
}

fill_all() {
  for type in $keys; do
    eval "fill $type \"\$key_$type\" \"\$pub_$type\"" || return 1
  done
  mv -f "$stage"/ssh_host_* "$dir/"
}

# sshd reads its keys when it starts, which it does again at a hangup.
sshd_step() {
  for file in "$root/run/sshd.pid" "$root/var/run/sshd.pid"; do
    { read -r pid < "$file"; } || continue
    case $pid in '' | *[!0-9]*) continue ;; esac
    has=
    { read -r has < "$root/proc/$pid/comm"; }
    if [ "$has" = sshd ] && kill -HUP "$pid"; then
      say sshd ok
      return
    fi
  done
  if [ -d "$root/run/systemd/system" ]; then
    systemctl --no-block try-reload-or-restart ssh.service sshd.service > /dev/null 2>&1 &
    say sshd ok:asked
  else
    say sshd 'skipped:it does not run'
  fi
}

result="failed:can't be written"
if prepare && fill_all; then result=ok; fi
for type in $keys; do say "host-key-$type" "$result"; done
rm -rf "$stage" > /dev/null 2>&1 &
if [ "$result" = ok ]; then sshd_step; else say sshd 'skipped:no key was replaced'; fi
