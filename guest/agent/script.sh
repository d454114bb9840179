#!/bin/sh
# Runs a script: script.sh TEXT COUNT INTERPRETER [WORD]... [ARGUMENT]...
# COUNT: how many words the interpreter has, with its name. The script is a file until it has ended.
umask 077
text=$1 count=$2
shift 2
dir=$(mktemp -d) || exit 125
printf '%s\n' "$text" > "$dir/script" || exit 125
# The words are turned round, so that the path comes after those of the interpreter.
left=$#
while [ "$left" -gt 0 ]; do
  [ "$count" -ne 0 ] || set -- "$@" "$dir/script"
  count=$((count - 1))
  word=$1
  shift
  set -- "$@" "$word"
  left=$((left - 1))
done
[ "$count" -ne 0 ] || set -- "$@" "$dir/script"
"$@"
status=$?
rm -rf "$dir"
exit "$status"
