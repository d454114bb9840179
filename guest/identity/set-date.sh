#!/bin/sh
# Sets the clock to $1, seconds since 1970, with their fraction where date takes one.
date -u -s "@$1" || date -u -s "@${1%.*}"
