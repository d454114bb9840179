#!/bin/sh
# Packs a file or directory as a tar archive on standard output, as the user who runs this: get-as-user.sh PATH
path=$1
while [ "$path" != / ] && [ "${path%/}" != "$path" ]; do path=${path%/}; done
case $path in */*) parent=${path%/*}/ ;; *) parent=./ ;; esac
name=${path##*/}
cd -- "$parent" || exit 1
exec tar -cf - -- "$name"
