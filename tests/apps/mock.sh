#!/bin/sh
# mock.sh SF-MOCK: fields, catalogues and particles from the command line, and bad input.
# A failure is one sentence on the standard error stream, the documented exit status, and no file.
set -u
program=$1 here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
red=0

. "$here/checks.sh"

box="--shape 16,24,32 --box 100 --spectrum eh98"

# Every kind of field works, with all outputs.
works $box -o a.fits --plot a.png --report a.json --seed 7 --threads 1
for file in a.fits a.png a.json; do [ -s $file ] || complain "no $file"; done
grep -q 'h/Mpc' stdout || complain "no unit of k"
has "CTYPE1  = 'X       '" a.fits
has "CDELT3  =                 6.25" a.fits
has "CUNIT1  = 'Mpc/h   '" a.fits
has 'BUNIT' a.fits
has 'SFSEED  =                    7' a.fits
has 'HISTORY sf-mock --shape 16,24,32' a.fits
grep -q '"omega_m": 0.3' a.json || complain "no cosmology in the report"
works $box -o b.fits --seed 7 --threads 3 --quiet
[ -s stdout ] && complain "--quiet prints"
# The histories differ; pixels start after the header, of 2 blocks.
tail -c +5761 a.fits >a.tail
tail -c +5761 b.fits >b.tail
cmp a.tail b.tail || complain "the number of threads changes the bits"
works $box -o b.fits --seed 8 --force
tail -c +5761 b.fits >b.tail
cmp -s a.tail b.tail && complain "another seed, the same field"
works $box -o p.fits --fixed --paired --plot p.png --precision double
has "EXTNAME = 'PAIRED  '" p.fits
works $box -o l.fits --lognormal --catalogue 2000 --report l.json --plot l.png
has "EXTNAME = 'POINTS  '" l.fits
has "TUNIT1  = 'Mpc/h   '" l.fits
grep -q negative_power l.json || complain "no negative power in the report"
works $box -o d.fits --displace 2lpt --redshift 9 --per-mpc
has "EXTNAME = 'PARTICLES'" d.fits
has "TUNIT4  = 'km/s    '" d.fits
works $box -o m.fits --method langevin --samples 3 --plot m.png
has 'EXTVER  =                    3' m.fits

# Diffusions run backwards: the same bits on any number of threads, and all ways of it.
works $box -o v.fits --method diffusion --steps 20 --samples 2 --threads 1 --report v.json --plot v.png
has "SFMETHOD= 'diffusion'" v.fits
has "SFPREDIC= 'multistep'" v.fits
has 'SFSTEPS =                   20' v.fits
grep -q '"predictor": "multistep"' v.json || complain "no predictor in the report"
works $box -o u.fits --method diffusion --steps 20 --samples 2 --threads 3 --quiet
tail -c +5761 v.fits | head -c 49152 >v.tail
tail -c +5761 u.fits | head -c 49152 >u.tail
cmp v.tail u.tail || complain "the number of threads changes the bits of a diffusion"
for predictor in ancestral reverse-diffusion euler-maruyama heun:10 flow-euler ddim:0.5 \
    adaptive:1e-3 multistep-sde; do
    works $box -o u.fits --method diffusion --steps 5 --predictor $predictor --force
done
for corrector in none langevin:0.1 preconditioned:0.2 mala:0.5; do
    works $box -o u.fits --method diffusion --steps 5 --corrector $corrector --spacing rho:5 --force
done
fails 1 'noise floor' $box --method diffusion --levels 1:100 -o out/x
fails 2 'is not LOW:HIGH' $box --method diffusion --levels 100:1 -o out/x
fails 2 'is not LOW:HIGH' $box --method diffusion --levels 0:1 -o out/x
fails 2 'does not take' $box --method diffusion --predictor ancestral:3 -o out/x
fails 2 'none of' $box --method diffusion --predictor magic -o out/x
fails 2 'none of' $box --method diffusion --corrector mala:x -o out/x
fails 2 'none of' $box --method diffusion --spacing log-snr:2 -o out/x
fails 1 'eta' $box --method diffusion --predictor ddim:2 -o out/x
fails 2 'between 1 and' $box --method diffusion --steps 0 -o out/x
fails 2 'no use for --steps' $box --steps 10 -o out/x
fails 2 'no use for --paired' $box --method diffusion --paired -o out/x

works --shape 100 --box 10 --spectrum matern:2,1.5,1 -o one.fits --plot one.png --unit kpc
works --shape 32,32 --box 1 --spectrum power:1e-3,-2 -o map.fits --unit deg --bunit uK --precision double
works --white map.fits --shape 32,32 --box 1 --spectrum power:1,-2 -o white.fits

# Too strong a non-Gaussianity is a warning, on the terminal and in the report; a mild one is not.
works $box --fnl 50 -o f.fits --quiet
[ -s stderr ] && complain "a warning about a mild f_NL"
works $box --fnl 1e5 -o f.fits --report f.json --force
grep -q 'too strong' stderr || complain "no warning about f_NL"
grep -q 'too strong' f.json || complain "no warning about f_NL in the report"

# Data: the mean and draws, in the box of the data's header.
works --constrain map.fits --noise 1e-3 --spectrum power:1e-3,-2 --unit deg --samples 2 -o c.fits \
    --report c.json --plot c.png
has "EXTNAME = 'MEAN    '" c.fits
grep -q '"converged": true' c.json || complain "no convergence"
fails 1 'but the data are' --constrain map.fits --noise 1 --spectrum power:1,-2 --mask a.fits -o out/x
fails 1 'leave --shape out' --constrain map.fits --noise 1 --spectrum power:1,-2 --shape 4,4 -o out/x
fails 1 'not a positive' --constrain map.fits --noise 0 --spectrum power:1,-2 -o out/x
fails 1 'missing' --constrain missing.fits --noise 1 --spectrum power:1,-2 -o out/x
fails 2 'needs the noise' --constrain map.fits --spectrum power:1,-2 -o out/x

# Usage.
fails 2 '-o FIELD' $box
fails 2 'which spectrum' --shape 8,8 --box 1 -o out/x
fails 2 'how many cells' --box 1 --spectrum power:1,0 -o out/x
fails 2 'how large' --shape 8,8 --spectrum power:1,0 -o out/x
fails 2 'neither exact' $box --method magic -o out/x
fails 2 'neither 1lpt' $box --displace 3lpt -o out/x
fails 2 'neither single' $box --precision half -o out/x
fails 2 'exclude one another' $box --lognormal --fnl 3 -o out/x
fails 2 'primordial' --shape 8,8,8 --box 10 --spectrum power:1,0 --fnl 3 -o out/x
fails 2 'no use for --paired' $box --method langevin --paired -o out/x
fails 2 'no use for --noise' $box --noise 3 -o out/x
fails 2 '--catalogue with' $box --displace 1lpt --catalogue 100 -o out/x
fails 2 'linear field' $box --displace 1lpt --lognormal -o out/x
fails 2 'redshift' $box --redshift -2 -o out/x
fails 2 'seed' $box --seed -1 -o out/x
fails 2 'seed' $box --seed 9223372036854775808 -o out/x
fails 2 'samples' $box --samples 0 -o out/x
for number in nan inf x '' 1e; do
    fails 2 'not a finite' $box --fnl "$number" -o out/x
    fails 2 'number of points' $box --catalogue "$number" -o out/x
done
fails 2 'number of points' $box --catalogue -5 -o out/x
fails 2 'same name' $box -o out/x --plot out/x
fails 2 'no option' $box stray -o out/x
for shape in 0 8,0 '' 8, 8,,8 -8 8.5 8,8,8,8,8 99999999999999999999 x; do
    fails 2 'list of 1 to 4 whole' --shape "$shape" --box 1 --spectrum power:1,0 -o out/x
done
for length in 0 -1 1,0,1; do
    fails 2 'a box has no length' --shape 8,8,8 --box "$length" --spectrum power:1,0 -o out/x
done
fails 2 'not a length' --shape 8,8 --box nan --spectrum power:1,0 -o out/x
fails 2 'but --shape' --shape 8,8 --box 1,1,1 --spectrum power:1,0 -o out/x

# Shapes beyond the machine: the sentence says how much they need.
fails 1 'GiB' --shape 1000000,1000000 --box 1 --spectrum power:1,0 -o out/x
fails 1 'GiB' --shape 9999999999999,9999999999999,9999999999 --box 1 --spectrum power:1,0 -o out/x

# Tables: negative, not a number, unsorted, too short.
small="--shape 16,16 --box 10 -o out/x --spectrum"
printf '0.1 5\n1 3\n10 1\n' >short.txt
printf '0.1 5\n1 -3\n100 1\n' >negative.txt
printf '0.1 5\n1 nan\n100 1\n' >nan.txt
printf '0.1 5\n10 3\n1 2\n100 1\n' >unsorted.txt
printf '# k P\n0.1 5\n1 3\n10 1\n100 0.1\n' >good.txt
fails 1 'beyond' --shape 16,16 --box 1 -o out/x --spectrum table:short.txt
works --shape 16,16 --box 1 --spectrum table+:short.txt -o t.fits
works --shape 16,16 --box 10 --spectrum table:good.txt -o t.fits --force
fails 1 'negative.txt' $small table:negative.txt
fails 1 'nan.txt' $small table:nan.txt
fails 1 'unsorted.txt' $small table:unsorted.txt
fails 1 'missing.txt' $small table:missing.txt
fails 1 '' $small power:-1,0
fails 1 '' $small magic
fails 1 '' $small eh98 --cosmology Om=-0.3
fails 1 '' $small eh98 --cosmology s8=0.8,As=2e-9
fails 2 'leave --unit out' $small eh98 --unit kpc

# Places.
fails 1 'exists already' $box -o a.fits
fails 1 'folder' $box -o nowhere/x.fits
fails 1 'folder' $box -o out/x.fits --plot nowhere/x.png
fails 1 'device' $box -o /dev/full --force

# A full disk: a limit on the size of files (SIGXFSZ ignored: write says EFBIG).
(trap '' XFSZ; ulimit -f 8; mkdir full; "$program" $box -o full/x.fits >/dev/null 2>full.err
    echo $? >full.status)
[ "$(cat full.status)" = 1 ] || complain "a full disk: $(cat full.status)"
[ "$(wc -l <full.err)" = 1 ] || complain "a full disk: not one line"
[ -z "$(ls -A full)" ] || complain "a full disk leaves a file"

# Ctrl-C ends a long series of samples: nothing is written.
timeout -s INT -k 5 --preserve-status 0.5 "$program" --shape 64,64,64 --box 100 --spectrum eh98 \
    --samples 500 --method langevin -o i.fits >stdout 2>stderr
got=$?
[ $got = 130 ] || complain "exit status $got after Ctrl-C"
[ ! -e i.fits ] || complain "Ctrl-C leaves a file"
exit $red
