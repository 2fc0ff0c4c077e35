#!/bin/sh
# sample.sh SF-SAMPLE WRITERS: samples from every kind of prior, and bad input. A failure is one
# sentence on the standard error stream, the documented exit status, and no file.
set -u
program=$1 writers=$2 here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
red=0
. "$here/checks.sh"

printf '# height sigma mean\n0.3 0.2 -2\n0.5 0.3 0\n0.4 0.25 2.5\n' >modes.txt
printf '1 0.5 -1 0\n3 0.25 1 2\n' >plane.txt
for kind in good holed nan cube small; do "$writers/write_bad_fits" $kind $kind.fits; done
"$writers/write_onnx" good identity.onnx
"$writers/write_onnx" condition condition.onnx
field="--prior field:power:1,-2 --shape 16,16"

number() { # NAME FILE: the number of that name in a report
    sed -n "s/.*\"$1\": \([-+.e0-9]*\).*/\1/p" "$2" | head -n 1
}
close() { # A B TOLERANCE WHAT
    awk "BEGIN { d = ($1) - ($2); if (d < 0) d = -d; if (!(d <= ($3))) exit 1 }" ||
        complain "$4: $1 and $2 differ by more than $3"
}

# Every prior works, with all outputs.
works -o m.fits --prior mixture:modes.txt -n 2000 --plot m.png --report m.json --log-likelihood
for file in m.fits m.png m.json; do [ -s $file ] || complain "no $file"; done
has "SFPRIOR = 'mixture:modes.txt'" m.fits
has "SFPREDIC= 'multistep-sde'" m.fits
has "EXTNAME = 'MEAN    '" m.fits
has "EXTNAME = 'SD      '" m.fits
has "EXTNAME = 'LIKELIHOOD'" m.fits
has 'HISTORY sf-sample -o m.fits' m.fits
# Weights are height times sigma: 0.06, 0.15, 0.1; the mean is 0.13/0.31, to 4.5 standard errors.
close "$(number mean m.json)" 0.41935 '4.5 * 1.645 / sqrt(2000)' "the mixture's mean"
close "$(number deviation m.json)" 1.645 0.09 "the mixture's standard deviation"
# On average, by the flow and by the prior itself.
likelihood=$(sed -n "s/^log p *\([-.0-9]*\) .*own \([-.0-9]*\)$/\1 \2/p" stdout)
close "${likelihood% *}" "${likelihood#* }" 1e-3 "the flow's log-likelihood"
works -o p.fits --prior mixture:plane.txt -n 50 --plot p.png --predictor heun --steps 30
works -o l.fits --prior field:matern:2,1.5,3 --shape 40 --box 20 -n 5 --plot l.png --unit kpc
works -o g.fits $field -n 3 --plot g.png --report g.json --log-likelihood --probes 4 --seed 5
grep -q '"probes": 4' g.json || complain "no probes in the report"
works -o v.fits --prior field:power:1,-2 --shape 6,8,10 --plot v.png
has 'NAXIS   =                    3' v.fits
has 'NAXIS1  =                   10' v.fits

# The same bits on any number of threads, and of one sample among others.
works -o a.fits $field -n 11 --threads 1
works -o b.fits $field -n 11 --threads 2 --quiet
[ -s stdout ] && complain "--quiet prints"
works -o c.fits $field -n 2
for file in a b c; do tail -c +2881 $file.fits | head -c 4096 >$file.head; done
cmp a.head b.head || complain "the number of threads changes the bits"
cmp a.head c.head || complain "the number of samples changes the bits"

# What is known stays to the bit: pixel 1 of the pattern is 41. A sum is kept.
works -o k.fits --prior field:power:100,-1 --known holed.fits --report k.json --steps 10 --plot k.png
[ "$(tail -c 34560 k.fits | od -An -tx1 -j8 -N8 | tr -d ' \n')" = 4044800000000000 ] ||
    complain "a known pixel has changed"
close "$(number known_cells k.json)" 4089 0 "known pixels"
works -o s.fits $field --sum 512 --report s.json -n 4 --steps 10
close "$(number mean s.json)" 2 1e-12 "the mean of a fixed sum"
fails 1 'all pixels' --known good.fits --prior field:power:1,0 -o out/x
fails 1 'leave --shape out' --known holed.fits --prior field:power:1,0 --shape 8,8 -o out/x
fails 1 'missing' --known missing.fits -o out/x
fails 2 'has no density' --known holed.fits --log-likelihood -o out/x

# The network that ships: its own levels, others, and one that says nothing of its levels.
works -o n.fits --shape 24,24 --steps 4 --plot n.png --report n.json
close "$(number low n.json)" 0.0003 1e-12 "the built-in denoiser's lowest level"
works -o n.fits --shape 24,24 --steps 4 --levels 0.3:1500 --force
[ -s stderr ] && complain "a warning about levels in another unit"
works -o n.fits --shape 24,24 --steps 4 --levels 1e-5:1.5 --force
grep -q 'was trained at levels' stderr || complain "no warning about levels beyond training"
works -o n.fits --steps 4 --known holed.fits --force
works -o i.fits --prior identity.onnx --shape 8,8 --levels 0.01:10 --steps 3
fails 1 'does not say which noise levels' --prior identity.onnx --shape 8,8 -o out/x
fails 1 'noise floor' --shape 16,16 --levels 0.1:1.5 -o out/x
fails 1 'noise floor' $field --levels 1:100 -o out/x
fails 1 'two axes' --shape 8,8,8 -o out/x

# A network that makes of noise what its condition says: a number, a map, and that times the guidance.
works -o y.fits --prior condition.onnx --shape 8,8 --condition 3 --report y.json
close "$(number mean y.json)" 3 0.001 "samples of a condition"
works -o y.fits --prior condition.onnx --shape 8,8 --report y.json --force
close "$(number mean y.json)" 0 0.001 "samples without a condition"
works -o y.fits --prior condition.onnx --shape 64,64 --condition good.fits --report y.json --force \
    --guidance 2 -n 2
close "$(number highest y.json)" 200 0.01 "samples of a map, guided"
has "SFCONDIT= 'good.fits'" y.fits
has 'SFGUIDE =                   2.' y.fits
fails 1 'overflows at noise level' --prior condition.onnx --shape 8,8 --condition 3 --guidance 1e308 \
    -o out/x
fails 1 '2 numbers, but the network takes 1' --prior condition.onnx --shape 8,8 --condition 1,0 -o out/x
fails 1 'as its condition' --prior condition.onnx --shape 8,8 --condition good.fits -o out/x
fails 1 'beyond the network' --prior condition.onnx --shape 64,64 --condition holed.fits -o out/x
fails 1 'takes no condition' --shape 8,8 --condition 1 -o out/x
fails 2 'no use for --guidance' --shape 8,8 --guidance 2 -o out/x
fails 2 'no use for --condition' $field --condition 2 -o out/x

# Of images that are given: of samples the same figures as when they were drawn; of an image of zeros
# what a white field has, whose mean alone does not vary, to 4.5 standard errors (variance 3 more each:
# the lowest level); of a network far more for its own samples than for noise.
works $field -o g.fits -n 3 --seed 5 --log-likelihood --report g.json -f
works $field -o h.fits --seed 5 --log-likelihood-of g.fits --report h.json --plot h.png
grep -A 4 '"log_p"' g.json >g.log_p
grep -A 4 '"log_p"' h.json | cmp - g.log_p || complain "other densities of the same samples"
has "SFIMAGES= 'g.fits" h.fits
"$writers/write_bad_fits" zero zero.fits
works --prior field:power:3000,0 --log-likelihood-of zero.fits -o zeros.fits --report z.json
figure() { sed -n "/\"$1\"/{n;s/[ ,]//g;p;}" $2; } # NAME FILE: the first one of a list
white='(-0.5 * (4095 * log(2 * 3.141592653589793 * 3003) + log(2 * 3.141592653589793 * 3)))'
close "$(figure log_p z.json)" "$white" "4.5 * $(figure error z.json)" "the density of zeros"
close "$(figure exact z.json)" "$white" 1e-6 "the field's own density of zeros"
works --shape 16,16 --steps 20 -n 2 -o n.fits -f
works --log-likelihood-of n.fits --levels 0.0003:1.5 --probes 2 -o l.fits --report n.json -f
works --log-likelihood-of small.fits --probes 2 -o l.fits --report small.json -f
own=$(figure log_p n.json) noise=$(figure log_p small.json)
awk "BEGIN { exit !($own / 256 > $noise / 576 + 5 + log(100)) }" ||
    complain "a density of $noise of noise, and $own of a sample"
fails 1 'no number of images' --log-likelihood-of good.fits --shape 8,8 -o out/x
fails 1 'no finite number' --log-likelihood-of nan.fits -o out/x
fails 1 'missing' --log-likelihood-of missing.fits -o out/x
fails 2 'no use for --samples' --log-likelihood-of good.fits -n 2 -o out/x
fails 2 "no use for a sampler's" --log-likelihood-of good.fits --steps 5 -o out/x
fails 2 'no use for --known' --log-likelihood-of good.fits --known holed.fits -o out/x

# Stopped and gone on with: the same bits, and nothing but the checkpoint in between.
long="--prior field:power:1,-2 --shape 64,64 -n 200 --steps 20"
"$program" $long -o r.fits --checkpoint r.state >stdout 2>stderr &
until [ -s r.state ]; do sleep 0.05; done
kill -INT $!
wait $!
got=$?
[ $got = 130 ] || complain "exit status $got after Ctrl-C"
[ ! -e r.fits ] || complain "Ctrl-C leaves samples"
[ -s r.state ] || complain "Ctrl-C leaves no checkpoint"
works $long -o r.fits --checkpoint r.state
grep -q resumed stdout || complain "not resumed"
works $long -o w.fits
for file in r w; do tail -c +2881 $file.fits | head -c 6553600 | cksum >$file.sum; done
cmp r.sum w.sum || complain "a resumed run has other bits"
fails 1 'other options' $long --seed 3 -o out/x --checkpoint r.state
# Another prior at the same place, and another condition, is told from the first.
cp identity.onnx mine.onnx
mine="--prior mine.onnx --shape 16,16 --levels 0.01:10 --steps 4"
works $mine -o q.fits --checkpoint q.state
works $mine -o q.fits --checkpoint q.state -f
grep -q resumed stdout || complain "the same network is not resumed"
cp condition.onnx mine.onnx
fails 1 'of another prior' $mine -o out/x --checkpoint q.state
works $mine --condition 2 -o q.fits --checkpoint p.state -f
fails 1 'of another prior' $mine --condition 3 -o out/x --checkpoint p.state
sed 's/0.25$/0.26/; s/2.5$/2.6/' modes.txt >other.txt
cp modes.txt same.txt
works --prior mixture:same.txt -n 3 -o q.fits --checkpoint t.state -f
cp other.txt same.txt
fails 1 'of another prior' --prior mixture:same.txt -n 3 -o out/x --checkpoint t.state
printf x >>r.state
fails 1 'check sum' $long -o out/x --checkpoint r.state
timeout -s INT -k 5 --preserve-status 0.5 "$program" --shape 256,256 -o z.fits >stdout 2>stderr
got=$?
[ $got = 130 ] || complain "exit status $got after Ctrl-C"
[ ! -e z.fits ] || complain "Ctrl-C leaves a file"

# Usage.
fails 2 '-o SAMPLES' --shape 8,8
fails 2 'how many cells' -o out/x
fails 2 'what follows the colon' --prior field: --shape 8,8 -o out/x
fails 2 'between 1 and' --shape 8,8 -n 0 -o out/x
fails 2 'between 0 and' $field --log-likelihood --probes -2 -o out/x
fails 2 'no use for --probes' $field --probes 3 -o out/x
fails 2 'no use for --box' --shape 8,8 --box 3 -o out/x
fails 2 'no use for a cosmology' --shape 8,8 --redshift 1 -o out/x
fails 2 'four axes' --prior field:power:1,0 --shape 2,2,2,2 -n 2 -o out/x
fails 2 'not a finite' $field --sum nan -o out/x
fails 2 'seed' $field --seed -1 -o out/x
fails 2 'same name' $field -o out/x --plot out/x
fails 2 'no option' $field stray -o out/x
fails 2 'is not LOW:HIGH' $field --levels 3 -o out/x
fails 2 'none of' $field --predictor best -o out/x

# Priors that are none.
fails 1 'missing.onnx' --prior missing.onnx --shape 8,8 -o out/x
fails 1 'missing.txt' --prior mixture:missing.txt -o out/x
fails 1 '1 dimensions' --prior mixture:modes.txt --shape 3 -o out/x
fails 1 'no power' --prior field:power:0,0 --shape 8,8 -o out/x
fails 1 '' --prior field:magic --shape 8,8 -o out/x
printf '1 -1 0\n' >bad.txt
fails 1 'bad.txt' --prior mixture:bad.txt -o out/x
fails 1 'GiB' --shape 1000000,1000000 --prior field:power:1,0 -o out/x
fails 1 'energy' --shape 8,8 --corrector mala -o out/x

# Places.
fails 1 'exists already' $field -o a.fits
fails 1 'folder' $field -o nowhere/x.fits
fails 1 'folder' $field -o out/x.fits --plot nowhere/x.png
(trap '' XFSZ; ulimit -f 8; mkdir full; "$program" $field -n 30 -o full/x.fits >/dev/null 2>full.err
    echo $? >full.status)
[ "$(cat full.status)" = 1 ] || complain "a full disk: $(cat full.status)"
[ "$(wc -l <full.err)" = 1 ] || complain "a full disk: not one line"
[ -z "$(ls -A full)" ] || complain "a full disk leaves a file"
exit $red
