#!/bin/sh
# train.sh PROGRAM DATA WRITER: sf-train from the first step to the table, stopped by Ctrl-C and
# resumed to the same bits; a failure is one sentence, the documented exit status, and no model.
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
    "$program" "$@" >stdout 2>stderr
    got=$?
    [ $got = "$status" ] || complain "exit status $got, not $status: $*"
    [ "$(wc -l <stderr)" = 1 ] || { complain "not one line: $*"; cat stderr; }
    grep -q "$words" stderr || { complain "no word of '$words': $*"; cat stderr; }
    [ ! -e out.onnx ] || complain "left a model: $*"
}

works() {
    "$program" "$@" >stdout 2>stderr || { complain "$*"; cat stderr; }
}

small="--channels 4 --depth 2 --blocks 1 --patch 16 --batch 2"
for kind in nan empty cube; do "$writer" $kind $kind.fits; done
mkdir pictures
cp "$data/truth.fits" pictures/

# Images, folders and scenes; the table; another number of threads; quiet.
works pictures "$data/truth.fits" --gamma 2 $small --steps 3 --validate pictures -o a.onnx --threads 1
grep -q 'network' stdout || complain "no table"
works pictures "$data/truth.fits" --gamma 2 $small --steps 3 -o b.onnx --threads 3 --quiet
[ -s stdout ] && complain "--quiet prints"
cmp a.onnx b.onnx || complain "the number of threads changes the bits"
mkdir frames
cp "$data/frame.fits" frames/
works pictures --frames frames $small --steps 3 -o frames.onnx
grep -q "(2 images" stdout || complain "a frame is not counted"
cmp a.onnx frames.onnx >/dev/null && complain "a frame changes nothing"
works --start a.onnx --patch 16 --batch 2 --steps 1 -o c.onnx

# A convex ridge, from the first step and from a file.
ridge="--network ridge --filters 3 --side 3 --patch 16 --batch 2 --rate 0.01"
works pictures $ridge --steps 3 --validate pictures -o ridge.onnx
# 3 filters of 3 x 3 taps and 8 slopes each
grep -q ': 51 parameters, 3 steps' stdout ||
    { complain "no report of a ridge"; cat stdout; }
works pictures $ridge --steps 2 --start ridge.onnx -o ridge2.onnx
fails 2 'unet or ridge' --network other -o out.onnx
fails 1 'no convex ridge' $ridge --start a.onnx -o out.onnx
fails 1 'without checkpoints' $ridge --checkpoint r.state -o out.onnx

# Ctrl-C after half a second; then the rest.
works $small --steps 200 -o whole.onnx
timeout -s INT --preserve-status 0.5 "$program" $small --steps 200 -o part.onnx \
    --checkpoint part.state >stdout 2>stderr
got=$?
case $got in
130) [ -s part.onnx ] || complain "no model after Ctrl-C"
    works $small --steps 200 -o part.onnx --checkpoint part.state --resume --force ;;
0) ;; # a fast machine was done before
*) complain "exit status $got after Ctrl-C" ;;
esac
cmp whole.onnx part.onnx || complain "the resumed run has other bits"

# Usage.
fails 2 'with -o'
fails 2 'smallest and the largest' -o out.onnx --sigma 3
fails 2 'unknown option' -o out.onnx --nonsense
fails 2 'share' -o out.onnx --scenes 1.5
fails 2 'exists' -o a.onnx
fails 2 'cannot be written' -o nowhere/out.onnx

# Bad input.
fails 1 'cannot be opened' -o out.onnx missing.fits
fails 1 'undefined' -o out.onnx nan.fits
fails 1 'axes' -o out.onnx cube.fits
fails 1 'pixels' -o out.onnx empty.fits
fails 1 'multiples' -o out.onnx --patch 15
fails 1 'name the checkpoint' -o out.onnx --resume
fails 1 'network or other options' -o out.onnx $small --resume --checkpoint part.state --seed 9
for other in '--scenes 0.5' '--gamma 2.5' '--noise 0.1' "$data/frame.fits"; do
    rm -f data.state
    works pictures --gamma 2 $small --steps 2 -o data.onnx --checkpoint data.state --force
    fails 1 'other patches' -o out.onnx pictures --gamma 2 $small --steps 2 --resume \
        --checkpoint data.state $other
done
works pictures --gamma 2 $small --steps 2 -o data.onnx --checkpoint data.state --resume --force
fails 1 'missing.onnx' -o out.onnx --start missing.onnx
exit $red
