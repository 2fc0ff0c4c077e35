#!/bin/sh
# posterior.sh PROGRAM WRITERS: samples by sf-deblur. A Gaussian field is the prior, so that the mean
# is known; a run that was killed goes on to the same bits.
set -u
here=$(cd "$(dirname "$0")" && pwd)
program=$1 writers=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
red=0

. "$here/checks.sh"

"$writers/write_bad_fits" good good.fits
"$writers/write_bad_fits" wide wide.fits
"$writers/write_bad_fits" small small.fits
given="good.fits --psf moffat:3,3 --noise 16 --background 50 --prior field:power:1e3,-2"
draw="$given -m posterior"
other="good.fits --psf moffat:3,3 --noise 17 --background 50 --prior field:power:1e3,-2"

# The mean is Wiener's, up to 4.5 standard errors of 40 samples of deviation 16.
works $given -m wiener -o wiener.fits
works $draw -o a.fits --plot a.png --report a.json --truth wiener.fits --threads 1
"$writers/same_fits" a.fits wiener.fits 11.4 || complain "the mean is not the posterior's"
for hdu in RESIDUAL SD Q025 Q160 Q840 Q975 SAMPLES; do has "EXTNAME = '$hdu" a.fits; done
has 'NAXIS3  = *40' a.fits
has 'SFNSAMP = *40' a.fits
has 'SFQUANT = *0.975' a.fits
for words in '"samples": 40' '"sampler": "gibbs"' '"seed": 1' '"chi_squared":'; do
    grep -q "$words" a.json || complain "no $words in the report"
done
[ -s a.png ] || complain "no picture"
grep -q 'within the 68 %' stdout || complain "nothing is said of the truth"
"$writers/same_fits" 'a.fits[Q025]' 'a.fits[Q975]' 11 >/dev/null && complain "no spread"

# Other threads change no bit; another seed does.
works $draw --samples 4 --seed 5 -o b.fits --threads 1
works $draw --samples 4 --seed 5 -o c.fits --threads 3 --quiet
[ -s stdout ] && complain "--quiet prints"
"$writers/same_fits" 'b.fits[SAMPLES]' 'c.fits[SAMPLES]' 0 || complain "threads change bits"
works $draw --samples 4 --seed 6 -o d.fits
"$writers/same_fits" b.fits d.fits 0 >/dev/null && complain "another seed is the same"

# More of the same, from where the checkpoint is; killed at any moment it is whole.
works $draw --samples 4 --checkpoint point -o e.fits
works $draw --samples 7 --checkpoint point -o f.fits
grep -q '4 of them from point' stdout || complain "the checkpoint is not used"
works $draw --samples 7 -o g.fits
"$writers/same_fits" 'f.fits[SAMPLES]' 'g.fits[SAMPLES]' 0 || complain "going on changes bits"
cp point kept
"$program" $draw --samples 100000 --checkpoint point -o h.fits --quiet 2>/dev/null &
killed=$!
sleep 1
kill -9 $killed 2>/dev/null
wait $killed 2>/dev/null
[ ! -e h.fits ] || complain "a killed run leaves a result"
works $draw --samples 7 --checkpoint point -o i.fits
fails 1 'point' $draw --samples 7 --seed 9 --checkpoint point -o out/x.fits
fails 1 'point' $other -m posterior --samples 7 --checkpoint point -o out/x.fits
head -c 1000 kept >cut
fails 1 'cut' $draw --samples 7 --checkpoint cut -o out/x.fits

# Langevin moves with the prior's score at half of the noise: nearly.
works $draw --sampler langevin --samples 4 --steps 20 -o l.fits
"$writers/same_fits" l.fits wiener.fits 50 || complain "the mean by langevin"
"$writers/same_fits" l.fits d.fits 0 >/dev/null && complain "langevin does not move"

# The diffusion in the field's exact posterior has the same mean; and moment matching, which is exact
# for fields, draws the same samples but for its tolerance.
works $draw --sampler diffusion --likelihood exact --steps 40 -o exact.fits
"$writers/same_fits" exact.fits wiener.fits 11.4 || complain "the mean by a diffusion"
for likelihood in exact moment-matching; do
    works $draw --sampler diffusion --likelihood $likelihood --steps 40 --samples 2 \
        -o $likelihood.2.fits
done
"$writers/same_fits" 'exact.2.fits[SAMPLES]' 'moment-matching.2.fits[SAMPLES]' 1 ||
    complain "moment matching is not exact"

# Of a network, whose Jacobian is no covariance, some linear systems stop above the tolerance: that is
# said in one line and in the report, and nothing of the kind for the field.
net="small.fits --psf moffat:3,3 --noise 1 --background 20 -m posterior --sampler diffusion --samples 2"
works $draw --sampler diffusion --steps 5 --samples 2 -o fine.fits --report fine.json
[ -s stderr ] && { complain "a warning without a reason"; cat stderr; }
grep -q '"unfinished": 0' fine.json || complain "unfinished systems of a field"
works $net --steps 4 -o net.fits --report net.json
grep -q '"unfinished": [1-9]' net.json || complain "no unfinished systems of a network"
[ "$(wc -l <stderr)" = 1 ] || complain "not one line of warning"
grep -q 'linear systems of the likelihood moment matching stopped' stderr || complain "no warning"
works $net --steps 4 -o quiet.fits --quiet
[ -s stderr ] && complain "--quiet warns"

# Ctrl-C, once (in the foreground: else timeout signals the group, too, and a second one ends the
# program at once): no result, and a sentence on what is kept.
timeout --foreground -s INT -k 20 --preserve-status 2 "$program" $draw --samples 100000 --checkpoint kept2 \
    -o j.fits >stdout 2>stderr
[ $? = 130 ] || complain "not exit status 130 after Ctrl-C"
[ ! -e j.fits ] || complain "Ctrl-C leaves a result"
grep -q 'goes on from kept2' stderr || { complain "Ctrl-C says nothing"; cat stderr; }

fails 2 'none of' $draw --sampler dice -o out/x.fits
fails 2 'no use for --likelihood' $draw --likelihood dps -o out/x.fits
fails 2 'is none of exact' $draw --sampler diffusion --likelihood guess -o out/x.fits
fails 2 'below 2' $draw --samples 1 -o out/x.fits
fails 2 'no use for --samples' $given -m wiener --samples 5 -o out/x.fits
fails 2 'no use for --iterations' $draw -i 5 -o out/x.fits
fails 2 'same name' $draw --checkpoint out/x.fits -o out/x.fits
fails 1 'folder' $draw --checkpoint nowhere/point -o out/x.fits
exit $red
