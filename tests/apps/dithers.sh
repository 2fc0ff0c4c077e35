#!/bin/sh
# dithers.sh PROGRAM WRITERS: sf-deblur on several frames of one scene that is known, and on a frame
# whose PSF varies: what they gain, where they lie, and what is refused.
set -u
here=$(cd "$(dirname "$0")" && pwd)
program=$1 writers=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
red=0

. "$here/checks.sh"

psnr() { "$writers/dithers" compare "$1"; } # in hundredths

better() { # BY WHAT THAN: files
    by=$1 a=$(psnr "$2") b=$(psnr "$3")
    echo "$2 $a, $3 $b"
    [ "$a" -gt $((b + by)) ] || complain "$2 is not $by hundredths better than $3"
}

"$writers/dithers" write || exit 1
mkdir good
known="--noise 4 --upsample 2 --force"
four="a.fits b.fits c.fits d.fits $known -p gaussian:2.5 -p gaussian:2.5 -p gaussian:2 -p gaussian:3"

# Better than one frame and than the mean of all, by every method.
for method in "hqs --resolution 0" "tv --strength 1" "rl -i 40"; do
    name=${method%% *}
    works $four --background 100 -m $method -o good/$name.fits --report good/$name.json \
        --plot good/$name.png
    grep -q '4: noise 4, chi^2 .*, shifted by -1\.5000 columns, 2\.5000 rows: d.fits' stdout ||
        { complain "$name: what is said of the fourth"; cat stdout; }
    works a.fits $known -p gaussian:2.5 --background 100 -m $method -o good/one.fits
    better 50 good/$name.fits good/one.fits
    better 100 good/$name.fits coadd.fits
done
has 'SFFRAMES= *4 ' good/hqs.fits
has 'CRPIX1  = *64\.5' good/hqs.fits
has 'RESIDUAL4' good/hqs.fits
has '"file": "d.fits"' good/hqs.json

# The sky, from each frame's own; shifts as given are those of the sky; pixels of another size.
quick="-m rl -i 20"
works $four $quick -o good/sky.fits
works $four $quick --shift 0.5,0 --shift 0,0.5 --shift -1.5,2.5 -o good/shift.fits
"$writers/same_fits" good/sky.fits good/shift.fits 0.001 || complain "--shift is not the sky's"
works $four $quick --shift 0.5,0 --shift 0,0.5 --shift -1.5,-2.5 -o good/wrong.fits
better 100 good/sky.fits good/wrong.fits
smooth="-m tv --strength 1"
works a.fits e.fits $known -p gaussian:2.5 -p gaussian:1.66667 $smooth -o good/coarse.fits
works a.fits $known -p gaussian:2.5 $smooth -o good/one.fits
better 10 good/coarse.fits good/one.fits
works a.fits $known -p gaussian:2.5 $quick -o good/one.fits
works a.fits b.fits $known -p gaussian:2.5 -m posterior --prior field:power:1e4,-3 --samples 4 \
    -o good/samples.fits --plot good/samples.png

# PSFs that vary, in one piece: all equal they are one; else better than the one in the middle.
works a.fits $known -p psfs.fits $quick -o good/field.fits
"$writers/same_fits" good/field.fits good/one.fits 0.02 || complain "equal PSFs are not one"
works vary.fits $known --background 100 -p varied.fits -m hqs --resolution 0 -o good/vary.fits
grep -q 'in the middle of 4 over the frame' stdout || complain "nothing said of the PSFs"
works vary.fits $known --background 100 -p gaussian:2.8 -m hqs --resolution 0 -o good/middle.fits
better 50 good/vary.fits good/middle.fits
works vary.fits b.fits $known -p varied.fits -p gaussian:2.5 -m rl -i 2 -o good/both.fits

solve="-m rl -i 2 -o out/x.fits"
fails 1 'far.fits does not overlap' a.fits far.fits -p gaussian:2.5 $solve
fails 1 'turned.fits is turned' a.fits turned.fits -p gaussian:2.5 $solve
fails 1 'bare.fits cannot be placed.*--shift' a.fits bare.fits -p gaussian:2.5 $solve
fails 1 'other.fits is in Jy' a.fits other.fits -p gaussian:2.5 $solve
fails 1 'tenth.fits is 1.1' a.fits tenth.fits -p gaussian:2.5 $solve
fails 1 'e.fits is 1.5' a.fits e.fits -p gaussian:2.5 $solve
fails 1 'missing.fits' a.fits missing.fits -p gaussian:2.5 $solve
fails 1 'is a cube' a.fits psfs.fits -p gaussian:2.5 $solve
fails 1 'does not overlap' a.fits bare.fits --shift 64,0 -p gaussian:2.5 $solve
fails 2 'given 2 times for 3 frames' a.fits b.fits c.fits -p gaussian:2 -p gaussian:3 $solve
fails 2 'given 2 times for 1 frame:' a.fits -p gaussian:2 -p gaussian:3 $solve
fails 2 '1 times for 3 frames' a.fits b.fits c.fits --shift 1,2 -p gaussian:2 $solve
fails 2 'not X,Y' a.fits b.fits --shift 1 -p gaussian:2 $solve
fails 2 'takes one frame' a.fits b.fits -m denoise -o out/x.fits
fails 1 'in one piece' a.fits b.fits --tile 32 -p gaussian:2 $solve
fails 1 'would take about' a.fits b.fits --memory 500K -p gaussian:2 $solve
fails 1 'the same over the frame' vary.fits -p varied.fits --upsample 2 -m posterior \
    --prior field:power:1e4,-3 --samples 4 -o out/x.fits
exit $red
