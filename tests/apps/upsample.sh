#!/bin/sh
# upsample.sh PROGRAM WRITERS: sf-deblur --upsample on a frame whose scene is known in finer cells:
# flux, position on the sky, what it gains, and what is refused.
set -u
here=$(cd "$(dirname "$0")" && pwd)
program=$1 writers=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
red=0

. "$here/checks.sh"

psnr() { # WHO FILE.json: 100 times the figure of frame or result
    tr -d ' \n' <"$2" | sed "s/.*\"$1\":{\"psnr\":\([0-9]*\)\.\([0-9][0-9]\).*/\1\2/"
}

"$writers/fine_scene" write || exit 1
known="frame.fits --noise 4 --background 100 --upsample 2 --truth truth.fits --force"
mkdir good

# The FWHM of a profile is in pixels; an image has its samples in cells, or finer. All see the same
# scene: its flux, and its star in its place.
for how in "wiener gaussian:2.5" "hqs gaussian:2.5" "tv psf2.fits"; do
    method=${how% *}
    works $known --psf ${how#* } -m $method -o good/a.fits --report good/a.json --plot good/a.png
    "$writers/fine_scene" check good/a.fits || complain "$how: flux or place"
    frame=$(psnr frame good/a.json) result=$(psnr result good/a.json)
    echo "$how: PSNR $frame, $result (hundredths)"
    [ "$result" -gt $((frame + 200)) ] || complain "$how: not 2 dB better than the frame's pixels"
    [ $method = wiener ] && linear=$result
    [ $method = hqs ] && { [ "$result" -gt $((linear + 100)) ] ||
        complain "$how: not 1 dB better than the linear one"; }
done
has "SFUPSAMP= *2 " good/a.fits
has '"upsample": 2' good/a.json
grep -q 'upsample *2 x 2' stdout || complain "nothing said"

works $known --psf psf2.fits -m rl -o good/r.fits --report good/r.json
[ "$(psnr result good/r.json)" -gt "$linear" ] || complain "rl: worse than the linear one"

# Three times as many samples: the same PSF, within what samples can say.
works $known --psf psf6.fits --psf-sampling 6 -m wiener -o good/s.fits --report good/s.json
works $known --psf psf2.fits --psf-sampling 2 -m wiener -o good/c.fits
"$writers/same_fits" good/s.fits good/c.fits 0.5 || complain "another PSF from more samples"
works frame.fits --psf psf6.fits --psf-sampling 6 --psf-centre declared -m wiener -o good/p.fits \
    --upsample 3
works frame.fits --psf psf2.fits --psf-sampling 2 -m wiener -o good/w.fits --report good/w.json
grep -q '"psf_fwhm": 2.[67]' good/w.json || complain "not the PSF with the pixel in it"

# Samples, each with its own header.
works $known --psf gaussian:2.5 -m posterior --prior field:power:1e4,-3 --samples 4 -o good/q.fits \
    --plot good/q.png
for extension in '' '[SD]' '[Q025]'; do
    "$writers/same_fits" "good/q.fits$extension" "good/q.fits$extension" 0 >/dev/null ||
        complain "no $extension"
done
has 'CRPIX1  = *60\.' good/q.fits

# The frame's own sampling is what there was before.
works frame.fits --psf gaussian:2.5 -m wiener -o good/1.fits --upsample 1
works frame.fits --psf gaussian:2.5 -m wiener -o good/2.fits
"$writers/same_fits" good/1.fits good/2.fits 0 || complain "--upsample 1 changes the result"

solve="frame.fits -m wiener -o out/x.fits"
fails 2 'below 1' $solve --psf gaussian:2.5 --upsample 0
fails 2 'up to 8' $solve --psf gaussian:2.5 --upsample 9
fails 2 'no use for --upsample' frame.fits -m denoise -o out/x.fits --upsample 2
fails 2 'below 1' $solve --psf psf2.fits --psf-sampling 0
fails 2 'without --psf' frame.fits -m denoise -o out/x.fits --psf-sampling 2
fails 1 'is for images' $solve --psf gaussian:2.5 --psf-sampling 2
fails 1 'no whole number' $solve --psf psf2.fits --psf-sampling 1 --upsample 2
fails 1 'cut the PSF' $solve --psf big.fits --upsample 2
fails 1 'the result will be' $solve --psf psf2.fits --upsample 2 --truth frame.fits
fails 1 'in one piece' $solve --psf psf2.fits --upsample 2 --tile 32
fails 1 'in one piece' $solve --psf psf2.fits --upsample 2 --memory 1K
exit $red
