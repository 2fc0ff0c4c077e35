#!/bin/sh
# structure.sh SOURCE LIBRARY: the rules that no compiler checks.
#   1. A room includes only rooms above it, in lib/ and in the public headers.
#   2. Each third-party header is seen by its own room alone; public headers see none.
#   3. The shared library exports exactly the functions that the public headers declare SF_API,
#      and all of them begin with sf_.
# Every violation is a line; the exit status is 1 if there was one.
set -eu
source=$1 library=$2
rooms="base grid io network field scene operator prior mcmc diffusion inverse free_energy"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$source"

# "file line header" of every #include of the given files
includes() {
    awk '/^[ \t]*#[ \t]*include[ \t]*[<"]/ {
        header = $0; sub(/^[^<"]*[<"]/, "", header); sub(/[>"].*/, "", header)
        print FILENAME, FNR, header }' "$@"
}

rooms_in_order() {
    includes lib/*/*.[ch] include/scorefield/*.h | awk -v rooms="$rooms" '
        BEGIN { count = split(rooms, name, " "); for (i = 1; i <= count; i++) place[name[i]] = i }
        {
            split($1, part, "/")
            own = part[1] == "lib" ? part[2] : part[3]; sub(/\.h$/, "", own)
            other = $3
            if (!sub(/^scorefield\//, "", other) && other !~ /^[a-z_]+\/[a-z_]+\.h$/) next
            sub(/\.h$/, "", other); sub(/\/.*/, "", other)
            if (other == "energy") other = "mcmc" # what a shared object for that room includes
            if (!(own in place)) print $1 ": room " own " is not in the list of rooms"
            else if (other in place && place[other] > place[own])
                print $1 ":" $2 ": room " own " includes " $3 ", which is below it"
            else if ($3 ~ /^scorefield\// && !(other in place))
                print $1 ":" $2 ": includes " $3 ", which is no room of the list"
        }'
}

third_parties_in_their_rooms() {
    includes $(find lib apps examples include -name '*.[ch]') | awk '
        BEGIN {
            home["^fftw3"] = "lib/grid/"
            home["^(fitsio2?|longnam)\\.h$"] = home["^jansson"] = home["^c?giza"] = home["^wcs"] = "lib/io/"
            home["dnnl"] = home["^(protobuf-c|google/protobuf-c)/"] = home["pb-c\\.h$"] = "lib/network/"
            home["^Random123/"] = "lib/base/"
            home["^popt\\.h$"] = "apps/"
        }
        {
            for (header in home)
                if ($3 ~ header && index($1, home[header]) != 1)
                    print $1 ":" $2 ": " $3 " belongs to " home[header] " alone"
            if ($1 ~ /^include\// && $3 !~ /^scorefield\// && $3 !~ /^(complex|std[a-z]+)\.h$/)
                print $1 ":" $2 ": a public header includes " $3
        }'
}

# The statements of the public headers, one a line, without comments and preprocessor lines.
public_statements() {
    cat include/scorefield/*.h include/scorefield.h | awk '
        /^[ \t]*#/ || continued { continued = /\\$/; next } { print }' | tr '\n' ' ' |
        sed 's/\*\//\n/g' | sed 's/\/\*.*//' | tr '\n' ' ' | tr ';{}' '\n\n\n'
}

exports_are_the_public_interface() {
    public_statements >"$work/statements"
    sed -n 's/.*SF_API //p' "$work/statements" | sed 's/[[(].*//' | awk '{ print $NF }' |
        tr -d '*' | sort -u >"$work/declared"
    grep -v -e SF_API -e inline "$work/statements" | grep -o '\<sf_[a-z0-9_]*([^*]' |
        sed 's/\(.*\)(.*/\1: a public function without SF_API/' || true
    # OpenMP's locks and, in a sanitized library, the sanitizer's names are no one's interface
    nm -D --defined-only "$library" | awk '{ print $NF }' | sed 's/@.*//' |
        grep -v -e '^\.gomp_' -e '^_init$' -e '^_fini$' -e '^__' -e '^_edata$' -e '^_end$' |
        sort -u >"$work/exported"
    [ -s "$work/declared" ] || echo "no public declarations were found"
    sed -n '/^sf_/!s/$/: exported without the prefix sf_/p' "$work/exported"
    comm -13 "$work/declared" "$work/exported" | sed 's/$/: exported but not declared SF_API/'
    comm -23 "$work/declared" "$work/exported" | sed 's/$/: declared SF_API but not exported/'
}

{
    rooms_in_order
    third_parties_in_their_rooms
    exports_are_the_public_interface
} >"$work/violations"
cat "$work/violations"
[ ! -s "$work/violations" ]
