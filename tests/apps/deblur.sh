#!/bin/sh
# deblur.sh PROGRAM DATA WRITERS DENOISER: sf-deblur on the bundled frame and on bad input. A
# failure is one sentence on the standard error stream, the documented exit status, and no file.
set -u
here=$(cd "$(dirname "$0")" && pwd)
program=$1 data=$2 writers=$3 denoiser=$4
work=$(mktemp -d)
chmod 755 "$work" # another user comes in below
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
red=0

. "$here/checks.sh"

for kind in good nan zero negative wide truncated huge empty cube; do "$writers/write_bad_fits" $kind $kind.fits; done
for kind in good cyclic shape huge wide; do "$writers/write_onnx" $kind $kind.onnx; done
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

# Ctrl-C ends a linear solution that would take long: nothing is written.
timeout -s INT -k 5 --preserve-status 0.5 "$program" "$frame" --psf moffat:3,3 -m wiener \
    --tolerance 1e-300 -i 1000000 -o good/i.fits >stdout 2>stderr
got=$?
[ $got = 130 ] || complain "exit status $got after Ctrl-C"
[ ! -e good/i.fits ] || complain "Ctrl-C leaves a file"

# Usage.
fails 2 'IN.fits'
fails 2 '\-o OUT' "$frame"
fails 2 'needs a point spread' "$frame" -o out/x.fits
fails 2 'none of' "$frame" -o out/x.fits --psf gaussian:2 -m magic
fails 2 'no use for --prior' "$frame" -o out/x.fits --psf gaussian:2 -m rl --prior builtin
fails 2 'unknown option' "$frame" -o out/x.fits --nonsense
fails 2 'not a positive' "$frame" -o out/x.fits --psf gaussian:2 -m tv --penalty -1
fails 2 'no use for --tolerance' "$frame" -o out/x.fits --psf gaussian:2 --tolerance 1e-3
fails 2 'no use for --strength' "$frame" -o out/x.fits --psf gaussian:2 -m pnp --strength 2
fails 2 'no use for --penalty' "$frame" -o out/x.fits --psf gaussian:2 -m rl --penalty 1
fails 2 'no use for --schedule' "$frame" -o out/x.fits --psf gaussian:2 -m tv --schedule 9,1
fails 2 'no use for --penalty' "$frame" -o out/x.fits --psf gaussian:2 -m pnp --penalty 1
fails 2 'no use for --network' "$frame" -o out/x.fits --psf gaussian:2 --prior builtin \
    --network margin=3
fails 2 'below 1' "$frame" -o out/x.fits --psf gaussian:2 -i -1
for bits in 0 '' -1 0x 3.5 1,,2 1, 0x20000000000000 99999999999999999999 DETECTED; do
    fails 2 'list of bits' "$frame" -o out/x.fits --psf gaussian:2 --mask-bits "$bits"
done
fails 2 'no use for --mask-bits' "$frame" -o out/x.fits --psf gaussian:2 --mask none --mask-bits 1
fails 2 'same name' "$frame" -o out/x.fits --psf gaussian:2 --plot out/x.fits

# Bad input.
solve="--psf gaussian:2 -m wiener"
fails 1 'pixels' empty.fits $solve -o out/x.fits
fails 1 '' nan.fits $solve -o out/x.fits
fails 1 '' truncated.fits $solve -o out/x.fits
fails 1 '' huge.fits $solve -o out/x.fits
works cube.fits $solve -o good/c.fits
fails 1 'missing.fits' missing.fits $solve -o out/x.fits
for psf in zero negative wide cube nan truncated missing; do
    fails 1 '' good.fits --psf $psf.fits -m wiener -o out/x.fits
done
fails 1 '' good.fits --psf gaussian:-1 -m wiener -o out/x.fits
fails 1 'but the frame is' good.fits $solve --mask wide.fits -o out/x.fits
fails 1 'no mask to look at' good.fits $solve --mask-bits 1 -o out/x.fits
fails 1 'psf-centre is for images' good.fits $solve --psf-centre peak -o out/x.fits
fails 1 '' good.fits $solve --noise 0 -o out/x.fits
fails 1 '' good.fits $solve --background dark -o out/x.fits

# Counts: by their own law (the field is a prior that costs little), and by weights.
for kind in counts sunk electrons rate; do "$writers/write_counts" $kind $kind.fits; done
counted="--psf gaussian:2 --prior field:power:100,-2"
for method in "hqs -i 6" "rl" "wiener" "tv -i 50"; do
    prior="--prior field:power:100,-2"
    case $method in rl | tv*) prior= ;; esac
    works counts.fits --psf gaussian:2 $prior -m $method --gain auto --read-noise auto \
        -o good/c.fits --report good/c.json --force
    for words in '"gain": 2.0' '"read_noise": 1.5' '"deviance":' '"deviance_expected":'; do
        grep -q "$words" good/c.json || complain "$method: no $words in the report"
    done
done
works electrons.fits $counted --gain auto -o good/c.fits --report good/c.json --force
grep -q '"gain": 1.0' good/c.json || complain "pixels in electrons have another gain than 1"
works counts.fits $counted --gain 2 --saturation 100 -o good/c.fits --report good/c.json --force
for words in '"saturated": 1' '"observed": 4087'; do
    grep -q "$words" good/c.json || complain "--saturation: no $words in the report"
done
works counts.fits $counted --gain 2 --read-noise 3 --cosmic-rays -o good/c.fits --report good/c.json --force
for words in '"cosmic_rays": 1' '"observed": 4095'; do
    grep -q "$words" good/c.json || complain "--cosmic-rays: no $words in the report"
done
has "EXTNAME = 'MASK    '" good/c.fits
fails 1 'below 0' sunk.fits $counted --gain 1 -o out/x.fits
fails 1 'a rate' rate.fits $counted --gain auto -o out/x.fits
fails 1 'no positive GAIN' good.fits $counted --gain auto -o out/x.fits
fails 1 'no positive RDNOISE' good.fits $counted --gain 1 --read-noise auto -o out/x.fits
fails 2 'neither a positive number nor auto' counts.fits $counted --gain 0 -o out/x.fits
fails 2 'neither a number' counts.fits $counted --gain 1 --read-noise -1 -o out/x.fits
fails 2 'needs --gain' counts.fits $counted --read-noise 1 -o out/x.fits
fails 2 'give one' counts.fits $counted --gain 1 --noise 2 -o out/x.fits
fails 2 'give one' counts.fits $counted --gain 1 --ivar good.fits -o out/x.fits
fails 2 'not a pixel value' counts.fits $counted --saturation inf -o out/x.fits
# Noise that neighbours share.
printf '0.1 5\n1 2\n2 0.5\n3 0.2\n' >noise.txt
works good.fits $solve --noise-spectrum noise.txt -o good/s.fits --report good/s.json --force
works good.fits $counted --noise-spectrum noise.txt -i 4 -o good/s.fits --report good/s.json --force
grep -q '"noise_spectrum": "noise.txt"' good/s.json || complain "no noise_spectrum in the report"
fails 1 'missing.txt' good.fits $solve --noise-spectrum missing.txt -o out/x.fits
fails 2 'no use for --noise-spectrum' good.fits --psf gaussian:2 -m rl --noise-spectrum noise.txt \
    -o out/x.fits
fails 2 'independent' counts.fits $counted --gain 1 --noise-spectrum noise.txt -o out/x.fits
# Maps of variances are what they are called: all of these say that the noise is 2.
for kind in VAR VARIANCE IVAR; do
    "$writers/write_counts" $kind v.fits
    works v.fits $solve -o good/v.fits --report good/v.json --force
    for words in '"noise": 2.0' "extension $kind"; do
        grep -q "$words" good/v.json || complain "extension $kind: no $words in the report"
    done
done
works good.fits $solve --ivar 'v.fits[IVAR]' -o good/v.fits --report good/v.json --force
grep -q '"noise": 2.0' good/v.json || complain "--ivar is not an inverse variance"
fails 1 'but the frame is' good.fits $solve --ivar wide.fits -o out/x.fits

# Networks.
works good.fits -m denoise --prior good.onnx -o good/n.fits
head -c 1000 /dev/urandom >noise.onnx
head -c 100000 "$denoiser" >cut.onnx
denoise="good.fits -m denoise -o out/x.fits --prior"
fails 1 'noise.onnx' $denoise noise.onnx
fails 1 'cut.onnx' $denoise cut.onnx
fails 1 'missing.onnx' $denoise missing.onnx
fails 1 'good.fits' $denoise good.fits
fails 1 'cyclic' $denoise cyclic.onnx
fails 1 '2 channels' $denoise shape.onnx
fails 1 '1099511627776 values' $denoise huge.onnx
fails 1 'out of range' $denoise wide.onnx

# A file that carries its own noise and mask.
"$writers/write_triple" triple.fits
works triple.fits $solve -o good/t.fits --report good/t.json
for words in '"noise": 3.0' '"observed": 4089' 'extension ERR' 'extension DQ'; do
    grep -q "$words" good/t.json || { complain "no $words in the report"; cat good/t.json; }
done
works triple.fits $solve -o good/t.fits --report good/t.json --noise 5 --mask none --force
for words in '"noise": 5.0' '"observed": 4096'; do
    grep -q "$words" good/t.json || complain "--noise and --mask: no $words in the report"
done
# Seven pixels have bit 4 of the mask, four of them bit 0x4000 as well, another one the sign bit.
for bits in 4:4089 0x4000:4092 8192:4096 1,0x4000:4092 0x4004:4089 0X8000:4095; do
    works triple.fits $solve -o good/t.fits --report good/t.json --mask-bits ${bits%:*} --force
    grep -q "\"observed\": ${bits#*:}" good/t.json || complain "other pixels: --mask-bits $bits"
done
fails 1 'no bits' good.fits $solve --mask good/t.fits --mask-bits 1 -o out/x.fits

# Bad places: found before the computation.
fails 1 'exists already' good.fits $solve -o good/a.fits
fails 1 'folder' good.fits $solve -o nowhere/x.fits
fails 1 'folder' good.fits $solve -o out/x.fits --plot nowhere/x.png
fails 1 'folder' good.fits $solve -o out/x.fits --report nowhere/x.json

# A folder that this user may not write; root may write all, and asks nobody.
mkdir locked
chmod 555 locked
nobody=
[ "$(id -u)" = 0 ] && nobody="setpriv --reuid=65534 --regid=65534 --clear-groups"
if $nobody "$program" --version >stdout 2>stderr; then
    $nobody "$program" good.fits $solve -o locked/x.fits >stdout 2>stderr
    [ $? = 1 ] || complain "a locked folder: not exit status 1"
    grep -q 'folder cannot be written' stderr || { complain "a locked folder"; cat stderr; }
else
    echo "not tried, for want of another user: a locked folder"
fi

# The convex ridge: its minimum is proven, and a schedule is not.
works "$frame" --psf moffat:3,3 --prior ridge --strength 1 --truth "$data/truth.fits" -o good/r.fits \
    --report good/r.json
grep -q '^guarantee   converges to the minimum of a convex energy' stdout ||
    { complain "no guarantee of map"; cat stdout; }
grep -q '"guarantee": "converges' good/r.json || complain "no guarantee in the report"
has "SFMETHOD= 'map" good/r.fits
works "$frame" --psf moffat:3,3 -m hqs --prior ridge -i 2 -o good/h.fits
grep -q '^guarantee   none: the schedule' stdout || { complain "a schedule is proven"; cat stdout; }
works --inspect --prior ridge
grep -q 'Lipschitz constant of its gradient' stdout || { complain "--inspect of a ridge"; cat stdout; }
fails 1 'no convex ridge' "$frame" --psf moffat:3,3 -m map --prior "$denoiser" -o out/a.fits
fails 2 'no use for --prior other' "$frame" --psf moffat:3,3 -m map --prior builtin -o out/a.fits
# What a prior stretches; of a Gaussian field no more than 1, and it is a gradient.
works --inspect --prior field:power:3,-1.5
[ "$(awk '$1 + 0 > 0 && $2 <= 1 && $3 <= 1 && $4 <= 1 && $5 < 1e-3' stdout | wc -l)" = 5 ] ||
    { complain "--inspect of a field"; cat stdout; }
fails 2 'looks at the prior alone' good.fits --inspect -o out/x.fits
fails 1 'nowhere.onnx' --inspect --prior nowhere.onnx

# A full disk: a limit on the size of files (SIGXFSZ ignored: write says EFBIG).
(trap '' XFSZ; ulimit -f 8; mkdir full; "$program" good.fits $solve -o full/x.fits >/dev/null 2>full.err
    echo $? >full.status)
[ "$(cat full.status)" = 1 ] || complain "a full disk: $(cat full.status)"
[ -z "$(ls -A full)" ] || complain "a full disk leaves a file"
# A real one, where a file system may be mounted: into 16 KiB goes nothing, into 800 KiB picture
# and report, which must go again when the FITS file does not fit.
mkdir disk
for size in 16k 800k; do
    if ! unshare -m sh -c 'mount -t tmpfs -o size=$0 tmpfs disk || exit 77
        "$@" >stdout 2>stderr; echo $? >disk.status; ls -A disk >disk.left' $size \
        "$program" "$frame" --psf moffat:3,3 -m wiener -o disk/x.fits --plot disk/x.png \
        --report disk/x.json 2>stderr; then
        echo "not tried, for want of the right to mount: a disk of $size"
        continue
    fi
    [ "$(cat disk.status)" = 1 ] || complain "a disk of $size: exit status $(cat disk.status)"
    [ "$(wc -l <stderr)" = 1 ] || { complain "a disk of $size: not one line"; cat stderr; }
    [ ! -s disk.left ] || { complain "a disk of $size: left files"; cat disk.left; }
done
exit $red
