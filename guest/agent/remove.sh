#!/bin/sh
# Removes the directories of a command's output.
exec rm -rf -- "$@"
