#!/bin/sh
# Sends signal $1 to the process group $2, else to the process. Without `--` before the group, which dash does not take.
kill "-$1" "-$2" 2> /dev/null || kill "-$1" "$2"
