#!/bin/sh
# tiles.sh PROGRAM DATA WRITERS: frames in tiles are the frames in one piece, cubes their planes, and
# a run that was killed goes on to the same bits.
set -u
here=$(cd "$(dirname "$0")" && pwd)
program=$1 data=$2 writers=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
red=0

. "$here/checks.sh"

same() { # A B LARGEST: result and residual
    "$writers/same_fits" "$1" "$2" "$3" >same.txt || { complain "$1 is not $2"; cat same.txt; }
}

frame=$data/frame.fits # 256 x 256, noise 10.4
known="--noise 10.4 --background 219"
psf="--psf gaussian:3"
"$writers/write_bad_fits" good small.fits
"$writers/planes" psf narrow.fits gaussian:2
"$writers/planes" psf wide.fits gaussian:2.5

# Local steps are the same to the last bit of single precision; noise and sky are the frame's.
works "$frame" $psf -m rl -i 6 -o whole.fits
works "$frame" $psf -m rl -i 6 --tile 96 -o tiles.fits --report tiles.json
same tiles.fits whole.fits 1e-3
same 'tiles.fits[RESIDUAL]' 'whole.fits[RESIDUAL]' 1e-4
grep -q '^tiles *9, ' stdout || complain "tiles are not counted"
grep -q '"count": 9' tiles.json || complain "no tiles in the report"
has 'SFTILES = *9' tiles.fits
has "EXTNAME = 'RESIDUAL" tiles.fits
works "$frame" $psf -m rl -i 6 --tile 96 -o threads.fits --threads 3 --quiet
[ -s stdout ] && complain "--quiet prints"
same threads.fits tiles.fits 0

# What a solver chooses is chosen once; a limit of memory makes tiles, too.
works "$frame" $psf -m wiener --tile 100 -o wiener.fits
"$writers/planes" mosaic large.fits "$frame"
works large.fits $psf -m rl -i 2 -o one.fits
works large.fits $psf -m rl -i 2 --memory 15M -o memory.fits
grep -q '^tiles ' stdout || complain "--memory makes no tiles"
same memory.fits one.fits 1e-3
works "$frame" -m denoise --prior field:power:1e6,-2 --tile 128 -o denoised.fits

# Killed, and gone on with: the same bits.
slow="$frame $psf -m rl -i 60 --tile 64"
works $slow -o straight.fits
"$program" $slow --checkpoint point -o killed.fits --quiet 2>stderr &
killed=$!
for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.1; [ -s point ] && break; done
sleep 0.5
kill -9 $killed 2>/dev/null
wait $killed 2>/dev/null
if [ -e killed.fits ]; then # too fast for that
    rm killed.fits
else
    fails 1 'another frame' "$frame" --psf gaussian:4 -m rl -i 60 --tile 64 --checkpoint point \
        -o out/x.fits
fi
works $slow --checkpoint point -o killed.fits
[ ! -e point ] || complain "the checkpoint stays"
same killed.fits straight.fits 0
echo 'no checkpoint, but longer than the head of one, which is 48 bytes or so' >wrong
fails 1 'is not a checkpoint' $slow --checkpoint wrong -o out/x.fits

# Ctrl-C: no result, and the checkpoint.
timeout --foreground -s INT -k 20 --preserve-status 1 "$program" "$frame" $psf -m rl -i 100000 --tile 64 \
    --checkpoint point -o interrupted.fits >stdout 2>stderr
got=$?
[ $got = 130 ] || complain "exit status $got after Ctrl-C"
[ ! -e interrupted.fits ] || complain "Ctrl-C leaves a file"
[ -s point ] || complain "Ctrl-C leaves no checkpoint"
grep -q 'goes on from point' stderr || complain "nothing is said of the checkpoint"

# A cube is its planes; PSFs, and noise for all of them or for each.
"$writers/planes" stack cube.fits small.fits small.fits small.fits
"$writers/planes" stack psfs.fits wide.fits wide.fits wide.fits
"$writers/planes" stack two.fits wide.fits wide.fits
works small.fits --psf wide.fits -m wiener --noise 16 --strength 0.1 -o image.fits
works cube.fits --psf wide.fits -m wiener --noise 16 --strength 0.1 -o cubed.fits
works cube.fits --psf psfs.fits -m wiener --noise 16 --strength 0.1 -o each.fits
for file in cubed each; do
    "$writers/planes" cut plane.fits $file.fits 2
    same plane.fits image.fits 0
done
has 'NAXIS3  = *3' cubed.fits
has "EXTNAME = 'PLANES" cubed.fits
works cube.fits --psf wide.fits -m wiener --noise cube.fits --mask none --strength 0.1 -o map.fits

# PSFs that vary: where they are all the same, nothing changes; else the tiles have their own.
"$writers/planes" field same.fits gaussian:2.5 gaussian:2.5
"$writers/planes" field varying.fits gaussian:2.5 gaussian:2.45
works "$frame" --psf gaussian:2.5 -m rl -i 4 --tile 64 -o constant.fits
works "$frame" --psf same.fits -m rl -i 4 --tile 64 -o field.fits
same field.fits constant.fits 1e-3
works "$frame" --psf varying.fits -m rl -i 4 --tile 64 -o varied.fits
"$writers/same_fits" varied.fits constant.fits 0.1 >/dev/null && complain "the PSF does not vary"
fails 1 'no binary table' "$frame" -m rl -i 4 --psf psfs.fits -o out/x.fits

# What cannot be done is said.
solve="$psf -m rl -i 2"
fails 1 'PSFs but the frame' cube.fits --psf two.fits -m rl -o out/x.fits
fails 1 'one piece' cube.fits $psf -m posterior -o out/x.fits
fails 1 'one piece' "$frame" $psf -m posterior --tile 64 -o out/x.fits
fails 1 'one piece' "$frame" $solve --tile 64 --plot out/x.png -o out/x.fits
fails 1 'too small' "$frame" $solve --memory 1M -o out/x.fits
fails 1 'but the frame is' cube.fits $solve --mask wide.fits -o out/x.fits
fails 2 'below 16' "$frame" $solve --tile 4 -o out/x.fits
fails 2 'not a size' "$frame" $solve --memory much -o out/x.fits
fails 1 'exists already' "$frame" $solve --tile 64 -o tiles.fits

exit $red
