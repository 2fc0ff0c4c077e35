#!/bin/sh
# bootstrap.sh packages|demo|test|all: from a bare Debian to a running scorefield.
#   packages  installs what is missing (as root, or through sudo); touches nothing when all is there
#   demo      packages, builds in build/, deblurs the bundled frame into demo/
#   test      packages, builds in build/, runs the tests
#   all       demo and test
# Each may run first, and again, from any folder. Debian 12 and 13 name these packages alike.
set -eu

packages="gcc g++ libc6-dev cmake ninja-build pkg-config
    libfftw3-dev libopenblas-dev liblapacke-dev libgsl-dev libcfitsio-dev wcslib-dev zlib1g-dev
    libjansson-dev giza-dev libprotobuf-c-dev protobuf-c-compiler libonnx-dev libdnnl-dev
    librandom123-dev libpopt-dev libcmocka-dev libonnx-testdata"

root=$(cd "$(dirname "$0")/.." && pwd)
build=$root/build

die() { printf 'bootstrap.sh: %s\n' "$1" >&2; exit 1; }

# SCOREFIELD_PACKAGES: more packages, for continuous integration.
missing() {
    for package in $packages ${SCOREFIELD_PACKAGES:-}; do
        # Installed as a package of its own or provided by another one (pkg-config by pkgconf).
        dpkg-query -W -f '${Status}\n${Provides}\n' "$package" 2>/dev/null |
            grep -q 'install ok installed' || printf '%s ' "$package"
    done
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        env DEBIAN_FRONTEND=noninteractive "$@"
    else
        sudo env DEBIAN_FRONTEND=noninteractive "$@"
    fi
}

retry() { # mirrors have bad moments
    for pause in 2 10 30; do
        "$@" && return 0
        sleep $pause
    done
    "$@"
}

install_packages() {
    command -v dpkg-query >/dev/null || die "this is no Debian: install the packages' like by hand: $(echo $packages)"
    wanted=$(missing)
    [ -n "$wanted" ] || return 0
    [ "$(id -u)" = 0 ] || command -v sudo >/dev/null ||
        die "these packages are missing, and only root or sudo can install them: $wanted"
    retry as_root apt-get update -q || die "apt-get update failed; is there a network?"
    # shellcheck disable=SC2086 # a list
    retry as_root apt-get install -q -y --no-install-recommends $wanted ||
        die "apt-get could not install: $wanted"
}

compile() { # [TARGET]
    cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release
    cmake --build "$build" "$@"
}

demo() {
    compile
    data=$root/examples/data
    mkdir -p "$root/demo"
    "$build/apps/sf-deblur" "$data/frame.fits" --psf moffat:3,3 --truth "$data/truth.fits" \
        -o "$root/demo/deblurred.fits" --plot "$root/demo/deblurred.png" \
        --report "$root/demo/deblurred.json" --force
    printf '\nThe reconstruction:  %s\nThe picture:         %s\nThe report:          %s\n' \
        "$root/demo/deblurred.fits" "$root/demo/deblurred.png" "$root/demo/deblurred.json"
}

tests() {
    compile
    (cd "$build" && ctest --output-on-failure)
}

case ${1:-} in
packages) install_packages ;;
demo)
    install_packages
    demo
    ;;
test)
    install_packages
    tests
    ;;
all)
    install_packages
    demo
    tests
    ;;
*) die "say what to do: packages, demo, test or all" ;;
esac
