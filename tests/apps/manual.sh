#!/bin/sh
# manual.sh PROGRAM PAGE: every option of --help stands in the manual page, and --version works.
set -eu
"$1" --version | grep -q FFTW
sed 's/\\-/-/g' "$2" >page.$$
trap 'rm -f page.$$' EXIT
red=0
for option in $("$1" --help | sed -n 's/^  *\(-., \)\?\(--[a-z0-9-]*\).*/\2/p' | sort -u); do
    grep -q -- "$option" page.$$ || { echo "not in the manual: $option"; red=1; }
done
[ "$("$1" --help | grep -c -- '^  .*--[a-z]')" -gt 10 ] || { echo "--help lists no options"; red=1; }
exit $red
