#!/bin/sh
# Writes a tar archive of a file or directory to a port that the host has plugged in, and a block that says how it went.
# get.sh TOKEN PATH
token=$1 path=$2
fail() {
  echo "$*" >&2
  exit 1
}

cd ~root 2> /dev/null || cd /
case $path in '') path=. ;; esac
case $path in /*) ;; *) path=./$path ;; esac
while :; do
  case $path in
    *[!/]/) path=${path%/} ;;
    *) break ;;
  esac
done
[ -e "$path" ] || [ -L "$path" ] || fail "There is no $path in the guest."
# A directory that is named by what it is to another one has a name of its own.
case $path in
  / | . | .. | */. | */..) path=$(cd "$path" && pwd) || exit 1 ;;
esac
[ "$path" != / ] || fail 'The root of the guest has no name: name the directories in it.'
name=${path##*/}
cd "${path%/*}/" || exit 1

port=
tries=0
while [ -z "$port" ]; do
  for file in /sys/class/virtio-ports/*/name; do
    [ -e "$file" ] && read -r found < "$file" && [ "$found" = "org.kame.copy.$token" ] || continue
    port=${file%/name}
    port=/dev/${port##*/}
  done
  [ -c "$port" ] && break
  port=
  tries=$((tries + 1))
  [ "$tries" -lt 400 ] || fail 'The port for the files does not appear.'
  sleep 0.05 2> /dev/null || sleep 1
done

exec 3> "$port" || exit 1
tar c -f - "./$name" >&3
status=$?
# GNU tar: a file changed while it was read, which is no failure.
if [ "$status" = 1 ] && tar --version 2> /dev/null | grep -q GNU; then status=0; fi
printf '%-511s\n' "kame-end $token $status" >&3
exit "$status"
