#!/bin/sh
# manual.sh PROGRAM PAGE: every option of --help stands in the manual page, and --version works.
set -eu
"$1" --version | grep -q FFTW
page=$(sed 's/\\-/-/g' "$2")
red=0
for option in $("$1" --help | sed -n 's/^  *\(-., \)\?\(--[a-z0-9-]*\).*/\2/p' | sort -u); do
    case $page in *"$option"*) ;; *) echo "not in the manual: $option"; red=1 ;; esac
done
[ "$("$1" --help | grep -c -- '^  .*--[a-z]')" -gt 10 ] || { echo "--help lists no options"; red=1; }
exit $red
