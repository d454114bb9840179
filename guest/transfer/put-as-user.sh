#!/bin/sh
# Unpacks a tar archive with one entry, which comes on standard input, as the user who runs this: put-as-user.sh PATH DIRECTORY
# Into PATH, if that is a directory; otherwise PATH is the new name of the entry, unless DIRECTORY is `true`.
umask 022
if [ -d "$1" ]; then
  cd -- "$1" && exec tar -xf -
  exit 1
fi
if [ "$2" = true ]; then
  echo "$1: Not a directory" >&2
  exit 1
fi
case $1 in */*) parent=${1%/*}/ ;; *) parent=./ ;; esac
stage=$(mktemp -d "${parent}.kame-copy-XXXXXX") || exit 1
trap 'rm -rf "$stage"' EXIT
trap 'exit 1' HUP INT TERM
tar -xf - -C "$stage" || exit 1
name=$(ls -A "$stage") || exit 1
mv -f -- "$stage/$name" "$1"
