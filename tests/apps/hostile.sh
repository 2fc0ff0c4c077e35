#!/bin/sh
# hostile.sh PROGRAM OPTION...: the program on every file of $SCOREFIELD_DATA/hostile_fits. Each either
# works and leaves its output, or fails with status 1, one sentence and no file. Skipped (77) without.
set -u
program=$1 folder=${SCOREFIELD_DATA:-}/hostile_fits
shift
[ -n "${SCOREFIELD_DATA:-}" ] && [ -d "$folder" ] || exit 77
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
red=0 worked=0 failed=0

complain() { printf 'FAILED: %s\n' "$*"; cat "$work/stderr"; red=1; }

for file in "$folder"/*; do
    rm -rf "$work/out"
    mkdir "$work/out"
    timeout 100 "$program" "$file" "$@" --quiet -o "$work/out/x.fits" \
        >"$work/stdout" 2>"$work/stderr"
    status=$?
    left=$(ls -A "$work/out")
    case $status in
    0)
        worked=$((worked + 1))
        [ "$left" = x.fits ] || complain "$file: worked, but left '$left'"
        ;;
    1)
        failed=$((failed + 1))
        [ -z "$left" ] || complain "$file: failed, but left '$left'"
        [ "$(wc -l <"$work/stderr")" = 1 ] || complain "$file: not one sentence"
        ;;
    *) complain "$file: exit status $status" ;;
    esac
done
echo "$worked files worked, $failed were refused"
[ $((worked + failed)) -gt 0 ] || red=1
exit $red
