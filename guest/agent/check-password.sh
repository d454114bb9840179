#!/bin/sh
# Checks the password of the user $1: it comes on standard input, as one line, so that no argument shows it. Prints `valid`,
# `invalid`, or `unable` where no program can tell.
LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
IFS= read -r password || true

answer() { if "$@"; then echo valid; else echo invalid; fi; exit; }

# PAM's own helper for that, which expects a NUL at the end.
by_pam() { printf '%s\0' "$password" | unix_chkpwd "$1" nonull > /dev/null 2>&1; }
# crypt(3) of the stored hash, as its own salt, is the hash again.
by_perl() {
  # shellcheck disable=SC2016  # The variables are Perl's.
  printf '%s\n%s\n' "$1" "$password" |
    perl -e '$hash = <>; $given = <>; chomp($hash, $given); exit(crypt($given, $hash) eq $hash ? 0 : 1)'
}
by_busybox() {
  rest=${1#\$?\$}
  kind=${1%"$rest"}
  case $kind in
    \$6\$) kind=sha512 ;;
    \$5\$) kind=sha256 ;;
    \$1\$) kind=md5 ;;
    *) echo unable; exit ;;
  esac
  [ "$(printf '%s\n' "$password" | busybox mkpasswd -s -m "$kind" -S "${rest%\$*}")" = "$1" ]
}
has() { command -v "$1" > /dev/null 2>&1; }

if has unix_chkpwd; then answer by_pam "$1"; fi
hash=
while IFS=: read -r name field _; do
  if [ "$name" = "$1" ]; then hash=$field; fi
done < /etc/shadow
case $hash in
  '' | '!'* | '*'*) echo invalid; exit ;;
esac
if has perl; then answer by_perl "$hash"; fi
if has busybox; then answer by_busybox "$hash"; fi
echo unable
