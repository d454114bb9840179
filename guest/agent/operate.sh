#!/bin/sh
# Looks at and changes files and processes for a host without kame-tools: operate.sh OPERATION [ARGUMENT]...
# The first line it prints is `ok`, or `failed CODE`; what follows is for src/vm/inside/agent-replies.ts. It needs stat and
# xargs as GNU and busybox have them.
LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
cd ~root 2> /dev/null || cd /
umask 022
form='%f %u %g %s %Y %U %G'

fail() {
  echo "failed $1"
  exit
}
is_there() { [ -e "$1" ] || [ -L "$1" ]; }
is_directory() { [ -d "$1" ] && [ ! -L "$1" ]; }
# Runs a command and says how it went. What it says goes to standard error.
try() { if "$@"; then echo ok; else fail failed; fi; }

# Prints at most so many names of the present directory, each with the target of a link, and a NUL after each.
names() {
  count=0
  for name in .* *; do
    case $name in . | ..) continue ;; esac
    is_there "$name" || continue
    [ "$count" -lt "$2" ] || return
    count=$((count + 1))
    if [ "$1" = names ]; then
      printf './%s\0' "$name"
    else
      printf '%s\0' "$name"
      [ ! -L "$name" ] || readlink "$name" | tr -d '\n'
      printf '\0'
    fi
  done
}

list() {
  is_there "$1" || fail noSuchFile
  [ -d "$1" ] || fail notDirectory
  cd "$1" || fail denied
  echo ok
  names names "$2" | xargs -0 -r stat -c "$form"
  echo
  names targets "$2"
}

show() {
  is_there "$1" || fail noSuchFile
  follow=
  if [ "$2" = true ]; then
    [ -e "$1" ] || fail noSuchFile
    follow=-L
  fi
  echo ok
  # shellcheck disable=SC2086  # Nothing or an option.
  stat $follow -c "$form" "$1"
  echo
  printf '\0'
  [ -n "$follow" ] || [ ! -L "$1" ] || readlink "$1" | tr -d '\n'
  printf '\0'
}

make_directory() {
  if [ "$2" = true ]; then
    try mkdir -p "$1"
  elif is_there "$1"; then
    fail exists
  else
    parent=${1%/*}
    [ -d "${parent:-/}" ] || fail noSuchFile
    try mkdir "$1"
  fi
}

remove() {
  is_there "$1" || fail noSuchFile
  if is_directory "$1"; then
    [ "$2" = true ] || fail isDirectory
    try rm -rf "$1"
  else
    [ "$3" != true ] || fail notDirectory
    try rm -f "$1"
  fi
}

rename() {
  is_there "$1" || fail noSuchFile
  if is_directory "$2"; then fail exists; fi
  if is_there "$2" && [ "$3" != true ]; then fail exists; fi
  try mv -f "$1" "$2"
}

make_temporary() {
  [ -d "$1" ] || fail noSuchFile
  option=
  [ "$2" != true ] || option=-d
  # shellcheck disable=SC2086  # Nothing or an option.
  path=$(mktemp $option "$1/$3XXXXXX") || fail failed
  echo ok
  printf '%s' "$path"
}

# A line of stat for each process, and after an empty line one with the number and the owner.
processes() {
  echo ok
  while read -r key value _; do
    [ "$key" != btime ] || echo "$value"
  done < /proc/stat
  for path in /proc/[0-9]*; do
    { read -r line < "$path/stat"; } 2> /dev/null && printf '%s\n' "$line"
  done
  echo
  stat -c '%n %u %U' /proc/[0-9]* 2> /dev/null
}

send_signal() {
  [ -d "/proc/$1" ] || fail noSuchProcess
  try kill "-$2" "$1"
}

operation=$1
shift
case $operation in
  list) list "$@" ;;
  stat) show "$@" ;;
  makeDirectory) make_directory "$@" ;;
  remove) remove "$@" ;;
  rename) rename "$@" ;;
  makeTemporary) make_temporary "$@" ;;
  processes) processes ;;
  kill) send_signal "$@" ;;
  accounts) echo ok && head -c 1000000 /etc/passwd ;;
  environment) echo ok && cat /proc/self/environ ;;
  *) fail unknownOperation ;;
esac
