# shellcheck shell=sh
# What the programs of this folder begin with. They are for dash, bash and busybox, and come to the guest as one text on the
# shell's standard input: first the values that each names at its top, then the files. See src/guest/identity/shell.ts.

nl='
'
# One line a step: ok, skipped or failed, and behind a colon why.
say() {
  printf '%s\n' "$1=${2%%"$nl"*}"
}
umask 022
# The agent's own may lack where administrators' programs are.
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH LC_ALL=C
unset GREP_OPTIONS
