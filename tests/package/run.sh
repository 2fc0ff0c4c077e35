#!/bin/sh
# run.sh BUILD VERSION [FLAGS]: installs the build into an empty prefix and uses what lies there, by CMake
# and by pkg-config, shared and static. FLAGS: what the library was compiled with (sanitizers).
set -eu
build=$1 version=$2 flags=${3:-}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix

say() { printf '%s\n' "$*"; }
quietly() { "$@" >"$work/log" 2>&1 || { cat "$work/log"; say "failed: $*"; exit 1; }; }

quietly cmake --install "$build" --prefix "$prefix"
# The tree may be moved: nothing in it may name where it was built.
if grep -rlF "$build" "$prefix" --include='*.cmake' --include='*.pc' --include='*.h'; then
    say "installed files name the build folder"
    exit 1
fi
lib=$(dirname "$(find "$prefix" -name libscorefield.a)")

consumer() { # KIND FOLDER [-D...]
    cmake -S "$here" -B "$2" -G Ninja -DKIND="$1" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_FLAGS="$flags" \
        -DCMAKE_CXX_FLAGS="$flags" "${3:--DX=}"
}

for kind in shared static; do
    quietly consumer "$kind" "$work/$kind"
    quietly cmake --build "$work/$kind"
    for program in c cpp default; do
        say "cmake, $kind: $("$work/$kind/consumer_$program")"
    done
done
if ldd "$work/static/consumer_c" | grep -q libscorefield; then
    say "the static consumer loads the shared library"
    exit 1
fi

export PKG_CONFIG_PATH="$lib/pkgconfig"
[ "$(pkg-config --modversion scorefield)" = "$version" ]
# The headers of installed files alone; third-party headers must not be needed.
quietly cc $flags -std=c11 -Wall -Wextra -Werror -pedantic $(pkg-config --cflags scorefield) \
    "$here/consumer.c" -o "$work/pc_shared" $(pkg-config --libs scorefield)
say "pkg-config, shared: $(LD_LIBRARY_PATH=$lib "$work/pc_shared")"
mkdir "$work/only"
cp "$lib/libscorefield.a" "$work/only"
quietly cc $flags -std=c11 $(pkg-config --cflags scorefield) "$here/consumer.c" -o "$work/pc_static" \
    -L"$work/only" $(pkg-config --static --libs scorefield | sed "s|-L$lib ||")
say "pkg-config, static: $("$work/pc_static")"

# cblas_ functions are OpenBLAS's, not GSL's own.
for program in pc_shared pc_static; do
    bound=$(LD_LIBRARY_PATH=$lib LD_BIND_NOW=1 LD_DEBUG=bindings "$work/$program" 2>&1 |
        grep 'normal symbol .cblas_' || true)
    if printf '%s\n' "$bound" | grep -q 'to .*gslcblas'; then
        printf '%s\n' "$bound" | grep gslcblas | head -3
        say "$program takes cblas functions from GSL"
        exit 1
    fi
    printf '%s\n' "$bound" | grep -q openblas
done

# Exported names carry the prefix.
strangers=$(nm -D --defined-only "$lib/libscorefield.so" | awk '{print $3}' | grep -v '^sf_' || true)
[ -z "$strangers" ] || { say "exported without the prefix: $strangers"; exit 1; }

for wanted in 0.2 1.0; do
    if consumer shared "$work/refused" -DWANTED=$wanted >"$work/log" 2>&1; then
        say "a request for version $wanted was granted"
        exit 1
    fi
    grep -q 'compatible with requested version' "$work/log"
    rm -rf "$work/refused"
    if pkg-config --atleast-version=$wanted scorefield; then
        say "pkg-config grants version $wanted"
        exit 1
    fi
done
say "versions 0.2 and 1.0 are refused"
