#!/bin/sh
# demo_frame.sh MAKER SAME DATA: the frame and the truth in DATA are what MAKER writes, to a
# thousandth of the noise.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$1" "$work/frame.fits" "$work/truth.fits"
"$2" "$work/frame.fits" "$3/frame.fits" 0.01
"$2" "$work/truth.fits" "$3/truth.fits" 0.01
