#!/bin/sh
# The directory for an archive that the guest agent writes, which only its user can look into: archive.sh make | remove PLACE
if [ "$1" = make ]; then
  umask 077
  mktemp -d /var/tmp/kame-copy-XXXXXX 2> /dev/null || mktemp -d /tmp/kame-copy-XXXXXX
else
  rm -rf "${2:?}"
fi
