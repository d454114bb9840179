#!/bin/sh
# Runs a command whose output goes to files, which the host reads as they grow: the agent returns output only after the end.
# exec.sh PLACES NAME COUNT [VARIABLE=VALUE]... COMMAND [ARGUMENT]...
# PLACES: directories of which the first that can be written gets the directory NAME. COUNT: how many variables follow.
# `exec` keeps the process id and the exit status; `setsid` makes a process group, so that a kill takes the children too.
umask 077
kame_p=$1 kame_n=$2 kame_c=$3 kame_d=
shift 3
for kame_b in $kame_p; do
  if mkdir "$kame_b/$kame_n" 2> /dev/null; then
    kame_d=$kame_b/$kame_n
    break
  fi
done
[ -n "$kame_d" ] || exit 125
# The file r is made last: where it is, the others are.
: > "$kame_d/o" && : > "$kame_d/e" && : > "$kame_d/r" || exit 125
while [ "$kame_c" -gt 0 ]; do
  # shellcheck disable=SC2163  # It is a name with a value.
  export "$1"
  shift
  kame_c=$((kame_c - 1))
done
if command -v setsid > /dev/null 2>&1; then exec setsid "$@" > "$kame_d/o" 2> "$kame_d/e"; fi
exec "$@" > "$kame_d/o" 2> "$kame_d/e"
