#!/bin/sh
# planted.sh SOURCE LIBRARY: structure.sh must find each violation planted in a copy of the
# sources, and blame it.
set -eu
source=$1 library=$2
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
failures=0

# planted WORD FILE EDIT: after `sed EDIT` on the copy's FILE, structure.sh says WORD.
planted() {
    rm -rf "$copy/tree"
    mkdir "$copy/tree"
    (cd "$source" && cp -R lib apps examples include "$copy/tree")
    sed "$3" "$source/$2" >"$copy/tree/$2"
    if sh "$source/tests/structure/structure.sh" "$copy/tree" "$library" >"$copy/said"; then
        echo "not found: $3 in $2" && failures=1
    elif ! grep -q -e "$1" "$copy/said"; then
        echo "not blamed on \"$1\": $3 in $2" && failures=1
    fi
}

planted 'includes grid/grid.h' lib/base/status.c '$a #include "grid/grid.h"'
planted 'includes scorefield/prior.h' lib/field/spectrum.c '$a #include <scorefield/prior.h>'
planted 'includes scorefield/io.h' include/scorefield/grid.h '$a #include <scorefield/io.h>'
planted 'no room of the list' lib/grid/grid.c '$a #include <scorefield/cellar.h>'
planted 'fftw3.h belongs to lib/grid/' lib/field/spectrum.c '$a # include <fftw3.h>'
planted 'fitsio.h belongs to lib/io/' lib/grid/grid.c '$a #include <fitsio.h>'
planted 'dnnl.h belongs to lib/network/' lib/base/memory.c '$a #include <oneapi/dnnl/dnnl.h>'
planted 'a public header includes gsl' include/scorefield/field.h '$a #include <gsl/gsl_rng.h>'
planted 'sf_ghost: declared SF_API but not exported' include/scorefield/base.h \
    '$a SF_API int sf_ghost(void);'
planted 'sf_ghost: a public function without' include/scorefield/base.h '$a int sf_ghost(void);'
planted 'sf_version: exported but not declared' include/scorefield/base.h '/sf_version/d'
exit $failures
