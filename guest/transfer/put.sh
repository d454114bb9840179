#!/bin/sh
# Lays out files that come on read-only disks, which the host plugs in one after the other, or in a tar archive.
# put.sh run|clean TOKEN DESTINATION DIRECTORY [ARCHIVE]
# TOKEN: the disks are of the model TOKEN.0, TOKEN.1, … DIRECTORY: `yes` if DESTINATION must be a directory that exists.
# Everything is made in a directory in or beside its place and moved when all of it is there; `clean` removes that directory.
# src/guest/transfer/disk-file.ts writes the disks: a list of 64 KiB, then what its lines name.
umask 022
token=$2 dest=$3
fail() {
  echo "$*" >&2
  exit 1
}

cd ~root 2> /dev/null || cd /
stage=.kame-copy-$token
case ${dest:=.} in
  /*/* | [!/]*/*) beside=${dest%/*} ;;
  /*) beside=/ ;;
  *) beside=. ;;
esac
if [ "$1" = clean ]; then
  # In both: what was a new name may be a directory by now.
  for place in "$dest" "$beside"; do
    case $place in /*) ;; *) place=./$place ;; esac
    [ ! -d "$place" ] || rm -rf "${place:?}/$stage" || exit 1
  done
  exit 0
fi
name=
if [ -d "$dest" ]; then
  place=$dest
elif [ "$4" = yes ]; then
  fail "$dest is not a directory."
else
  name=${dest##*/}
  place=$beside
fi
# A path that begins with a dash or equals one is not meant as an option.
case $place in /*) ;; *) place=./$place ;; esac
cd "$place" 2> /dev/null || fail "$place is not a directory."
mkdir -m 700 "$stage" || exit 1
place=$(pwd)
trap 'cd "$place" && rm -rf "./$stage"' EXIT
trap 'exit 143' TERM INT HUP
mkdir "$stage/files" && cd "$stage/files" || exit 1

# Sets disk to the device of a model, if it is there.
find_disk() {
  for model in /sys/block/sd*/device/model; do
    [ -e "$model" ] && read -r found < "$model" && [ "$found" = "$1" ] || continue
    disk=${model#/sys/block/}
    disk=/dev/${disk%%/*}
    [ -b "$disk" ] && return 0
  done
  return 1
}
# Whether the host still has a disk of this copy plugged in: always, until it has given up.
is_alive() {
  for model in /sys/block/sd*/device/model; do
    [ -e "$model" ] && read -r found < "$model" || continue
    case $found in "$token".*) return 0 ;; esac
  done
  return 1
}
# The first disk may take its time, until drivers are loaded.
limit=400
wait_for() {
  tries=0
  until find_disk "$1"; do
    if is_alive; then tries=0; else tries=$((tries + 1)); fi
    [ "$tries" -lt "$limit" ] || fail "The disk with the files does not appear. Does the kernel have virtio_scsi and sd_mod?"
    sleep 0.05 2> /dev/null || sleep 1
  done
}

# Reads past the page cache, where dd can.
direct=iflag=direct
# A piece of the disk, in units.
part() {
  dd if="$disk" bs="$1" skip="$2" count="$3" $direct 2> /dev/null
}
write_piece() {
  # Kept here and not in a file: the disk may be full.
  words=$(dd if="$disk" of="$5" bs="$1" skip="$2" seek="$3" count="$4" conv=notrunc $direct 2>&1) && return
  fail "$(echo "$words" | head -n 1)"
}
end_file() {
  truncate -s "$1" "$4" && chmod "$2" "$4" && touch -c -d "@$3" "$4" || exit 1
}
obey() {
  while IFS=' ' read -r op a b c d path; do
    path=${path%|}
    case $op in
      T) part 65536 "$a" "$b" | tar x -f - || fail 'tar failed.' ;;
      X) write_piece "$a" "$b" "$c" "$d" "$path" ;;
      S) end_file "$a" "$b" "$c" "$path" ;;
      N) return 10 ;;
      E) return 0 ;;
      *) break ;;
    esac
  done < ../list
  fail 'The list of files is damaged.'
}

number=0
while [ -z "$5" ]; do
  wait_for "$token.$number"
  part 65536 0 1 > ../list
  if ! [ -s ../list ]; then
    direct=
    part 65536 0 1 > ../list
  fi
  limit=60
  obey && break
  echo "read $number"
  number=$((number + 1))
done

if [ -n "$5" ]; then tar xf "$5" || fail 'tar failed.'; fi

# Moves what is at $1 to $2, or into it when both are directories.
settle() {
  if [ -d "$2" ] && [ ! -L "$2" ] && [ -d "$1" ] && [ ! -L "$1" ]; then
    cp -alf "$1/." "$2/" 2> /dev/null || cp -af "$1/." "$2/" || fail "Could not copy into $2."
  elif [ -d "$2" ]; then
    fail "${2#../../} is a directory, and what is copied is not, or a link to one."
  elif [ -d "$1" ] && [ ! -L "$1" ] && { [ -e "$2" ] || [ -L "$2" ]; }; then
    fail "${2#../../} is not a directory, and what is copied is."
  else
    mv -f "$1" "$2" || exit 1
  fi
}
for file in ./* ./.[!.]* ./..?*; do
  [ -e "$file" ] || [ -L "$file" ] || continue
  settle "$file" "../../${name:-${file#./}}"
done
echo copied
