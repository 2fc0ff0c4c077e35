#!/bin/sh
# deblur.sh PROGRAM DATA WRITER: sf-deblur on the bundled frame and on bad input. A failure is one
# sentence on the standard error stream, the documented exit status, and no file.
set -u
program=$1 data=$2 writer=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
red=0

complain() { printf 'FAILED: %s\n' "$*"; red=1; }

fails() { # STATUS WORDS ARGUMENTS...
    status=$1 words=$2
    shift 2
    rm -rf out
    mkdir out
    "$program" "$@" >stdout 2>stderr
    got=$?
    [ $got = "$status" ] || complain "exit status $got, not $status: $*"
    [ "$(wc -l <stderr)" = 1 ] || { complain "not one line: $*"; cat stderr; }
    grep -q "$words" stderr || { complain "no word of '$words': $*"; cat stderr; }
    [ -z "$(ls -A out)" ] || complain "left a file: $*"
}

works() {
    "$program" "$@" >stdout 2>stderr || { complain "$*"; cat stderr; }
}

for kind in good nan zero negative wide truncated huge empty cube; do "$writer" $kind $kind.fits; done
frame=$data/frame.fits

# It works, with every output, and the same bits again on another number of threads.
mkdir good
works "$frame" --psf moffat:3,3 -m wiener --truth "$data/truth.fits" -o good/a.fits \
    --plot good/a.png --report good/a.json --threads 1
grep -q 'PSNR' stdout || complain "no PSNR"
for file in good/a.fits good/a.png good/a.json; do [ -s $file ] || complain "no $file"; done
works "$frame" --psf moffat:3,3 -m wiener -o good/b.fits --threads 3 --quiet
[ -s stdout ] && complain "--quiet prints"
# The histories hold different command lines; pixels start after the header.
tail -c 270000 good/a.fits >a.tail
tail -c 270000 good/b.fits >b.tail
cmp a.tail b.tail || complain "the number of threads changes the bits"
works "$frame" --psf moffat:3,3 -m rl -i 3 --seed 7 --report good/a.json -o good/a.fits --force
grep -q "\"seed\": 7" good/a.json || complain "no seed in the report"
works "$frame" -m denoise --prior field:power:1e6,-2 -o good/d.fits

# Usage.
fails 2 'IN.fits'
fails 2 '\-o OUT' "$frame"
fails 2 'needs a point spread' "$frame" -o out/x.fits
fails 2 'none of' "$frame" -o out/x.fits --psf gaussian:2 -m magic
fails 2 'no use for --prior' "$frame" -o out/x.fits --psf gaussian:2 -m rl --prior builtin
fails 2 'unknown option' "$frame" -o out/x.fits --nonsense
fails 2 'not a positive' "$frame" -o out/x.fits --psf gaussian:2 --penalty -1
fails 2 'same name' "$frame" -o out/x.fits --psf gaussian:2 --plot out/x.fits

# Bad input.
solve="--psf gaussian:2 -m wiener"
fails 1 'pixels' empty.fits $solve -o out/x.fits
fails 1 '' nan.fits $solve -o out/x.fits
fails 1 '' truncated.fits $solve -o out/x.fits
fails 1 '' huge.fits $solve -o out/x.fits
fails 1 'two axes' cube.fits $solve -o out/x.fits
fails 1 'missing.fits' missing.fits $solve -o out/x.fits
for psf in zero negative wide cube nan truncated missing; do
    fails 1 '' good.fits --psf $psf.fits -m wiener -o out/x.fits
done
fails 1 '' good.fits --psf gaussian:-1 -m wiener -o out/x.fits
fails 1 'but the frame is' good.fits $solve --mask wide.fits -o out/x.fits
fails 1 '' good.fits $solve --noise 0 -o out/x.fits
fails 1 '' good.fits $solve --background dark -o out/x.fits
head -c 1000 /dev/urandom >noise.onnx
fails 1 'noise.onnx' good.fits --psf gaussian:2 --prior noise.onnx -o out/x.fits

# Bad places: found before the computation.
fails 1 'exists already' good.fits $solve -o good/a.fits
fails 1 'folder' good.fits $solve -o nowhere/x.fits
fails 1 'folder' good.fits $solve -o out/x.fits --plot nowhere/x.png
[ "$(id -u)" = 0 ] || { mkdir locked; chmod 500 locked; fails 1 'written' good.fits $solve -o locked/x.fits; }
# A full disk, as a limit on the size of files (SIGXFSZ ignored: write says EFBIG).
(trap '' XFSZ; ulimit -f 8; mkdir full; "$program" good.fits $solve -o full/x.fits >/dev/null 2>full.err
    echo $? >full.status) 
[ "$(cat full.status)" = 1 ] || complain "a full disk: $(cat full.status)"
[ -z "$(ls -A full)" ] || complain "a full disk leaves a file"
exit $red
