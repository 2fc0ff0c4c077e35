#!/bin/sh
# sampling.sh PROGRAM WRITERS: sf-deblur on gridded samples of a Fourier transform.
set -u
here=$(cd "$(dirname "$0")" && pwd)
program=$1 writers=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
red=0

. "$here/checks.sh"

"$writers/write_samples" || complain "no samples"
given="samples.fits --sampling mask.fits --noise 2"

# Better than the dirty image by far; what the zero frequency says of the flux; a map of the noise
# and another place of the zero frequency are the same thing.
works $given --truth truth.fits -o a.fits --plot a.png --report a.json
awk '/^dirty image/ { dirty = $4 } /^result/ { result = $3 } END { exit !(result > dirty + 10) }' \
    stdout || { complain "not 10 dB above the dirty image"; cat stdout; }
grep -q 'numbers measured' stdout || complain "no count of numbers"
grep -q '"sampling": "mask.fits"' a.json || complain "no sampling in the report"
grep -q 'flux  *model/frame \(0.99\|1.0\)' stdout || { complain "flux"; cat stdout; }
[ -s a.png ] || complain "no picture"
works middle.fits --sampling middle_mask.fits --centred --noise 2 -o b.fits
"$writers/same_fits" a.fits b.fits 0 >log || complain "the middle is another image"
works samples.fits --sampling mask.fits --noise noise.fits -o c.fits
"$writers/same_fits" a.fits c.fits 0 >log || complain "the map is another noise"
for method in pnp tv wiener; do works $given -m $method -o $method.fits; done
works $given -m posterior --prior field:power:1e3,-2 --samples 4 -o p.fits
has "EXTNAME = 'SAMPLES" p.fits

fails 1 'but the frame is' samples.fits --sampling small_mask.fits --noise 2 -o out/a.fits
fails 1 'no frequency is sampled' samples.fits --sampling no_mask.fits --noise 2 -o out/a.fits
fails 1 'row 0, column 0 is not finite' hole.fits --sampling mask.fits --noise 2 -o out/a.fits
fails 1 'two planes' truth.fits --sampling mask.fits --noise 2 -o out/a.fits
fails 1 'noise of the samples is 0' samples.fits --sampling mask.fits --noise 0 -o out/a.fits
fails 2 'needs --noise' samples.fits --sampling mask.fits -o out/a.fits
fails 2 'no use for --psf' $given --psf gaussian:2 -o out/a.fits
fails 2 'no use for this --method' $given -m rl -o out/a.fits
fails 2 'centred' samples.fits --centred --psf gaussian:2 -o out/a.fits
exit $red
