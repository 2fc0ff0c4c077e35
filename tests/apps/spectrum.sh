#!/bin/sh
# spectrum.sh SF-MOCK SF-SPECTRUM WRITERS: spectra of fields and catalogues that sf-mock makes, against
# what they must be, and bad input. A failure is one sentence on the standard error stream, the
# documented exit status, and no file.
set -u
program=$1 spectrum=$2 writers=$3 here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
red=0
. "$here/checks.sh"

box="--shape 16,24,32 --box 100 --spectrum eh98"
works $box -o a.fits --seed 7
works $box -o b.fits --seed 8
works $box -o p.fits --fixed --paired --precision double
works $box -o l.fits --lognormal --catalogue 2000
works $box -o d.fits --displace 2lpt --redshift 9 --per-mpc
works --shape 48,48,48 --box 200 --spectrum eh98 -o diffused.fits --method diffusion
works --shape 100 --box 10 --spectrum matern:2,1.5,1 -o one.fits --unit kpc
works --shape 32,32 --box 1 --spectrum power:1e-3,-2 -o map.fits --unit deg --bunit uK
works --shape 16,16,16 --box 16 --spectrum power:3,0 -o white.fits --fixed
works --shape 32,32 --box 1 --spectrum power:0,0 -o zero.fits
works --shape 512,512 --box 1 --spectrum power:1,0 -o wide.fits
"$writers/write_triple" triple.fits
for kind in good holed nan; do "$writers/write_bad_fits" $kind $kind.fits; done
printf 'no FITS\n' >text.txt
program=$spectrum

# Fields of fixed amplitudes have the spectrum of the theory, but for single precision.
works p.fits -o pk.txt --theory eh98 --plot pk.png --report pk.json
for file in pk.txt pk.png pk.json; do [ -s $file ] || complain "no $file"; done
grep -q 'K \[h/Mpc\] POWER \[Mpc^3 h^-3\]' pk.txt || complain "no units in the table"
awk '!/^#/ && $4 > 0 { n++; if ($2 < 0.999999 * $7 || $2 > 1.000001 * $7) exit 1 }
    END { if (n < 5) exit 1 }' pk.txt || { complain "a fixed field has another spectrum"; cat pk.txt; }
# A diffusion run backwards has it within the errors of 24 bins (4.5 standard deviations of chi^2).
works diffused.fits -o diffused.txt --theory eh98
awk '/chi\^2 per bin/ { n++; if ($NF > 1 + 4.5 * sqrt(2 / 24)) exit 1 } END { if (n != 1) exit 1 }' \
    stdout || { complain "a diffusion has another spectrum"; cat stdout; }
# The other one of a pair has the same modes with the opposite sign.
works p.fits 'p.fits[PAIRED]' -o cross.txt
awk '!/^#/ && $4 > 0 { if ($2 >= 0) exit 1 }' cross.txt || complain "a pair is not inverted"
works p.fits 'p.fits[PAIRED]' -o cross.fits --plot cross.png --theory eh98
[ -s cross.png ] || complain "no picture of a negative spectrum"
works 'l.fits[POINTS]' -o points.fits --interlace --assignment tsc --multipoles z --theory eh98 \
    --plot points.png
has "TTYPE7  = 'QUADRUPOLE'" points.fits
has "EXTNAME = 'POWER   '" points.fits
grep -q 'shot noise' stdout || complain "no shot noise"
works 'l.fits[POINTS]' 'd.fits[PARTICLES]' -o x.fits --box 100 --shape 8,8,8 --columns Z,Y,X
works a.fits -o pk.fits --bins log:4
works a.fits -o pk.fits --bins lin:4,0.1,0.4 --shot-noise 3 --box 50 --threads 2 --force --quiet
[ -s stdout ] && complain "--quiet prints"
works one.fits -o one.txt
works --theory eh98 --redshift 1 --cosmology h=0.67,Om=0.31 --kmin 1e-3 --kmax 1 --points 10 -o th.txt \
    --plot th.png
[ "$(grep -c -v '^#' th.txt)" = 10 ] || complain "not 10 points"
grep -q 'TRANSFER' th.txt || complain "no transfer function"
works --theory matern:1,2,3 --unit kpc -o th.fits

# Every mode of fixed white noise has the same power, wherever it is binned; its correlation function
# is 0 but at 0, less the mean mode's share.
works white.fits -o white.txt --multipoles z --plane 4,5 --correlation lin:6 --theory power:3,0 --plot w.png
for file in w.png w_plane.png w_correlation.png; do [ -s $file ] || complain "no $file"; done
awk '!/^#/ && $5 > 0 { n++; if ($3 < 2.99999 || $3 > 3.00001 || $1 < $6 || $1 > $7 || $2 < $8 || $2 > $9) exit 1 }
    END { if (NR != 22 || n < 15) exit 1 }' white_plane.txt || complain "the plane of white noise"
awk '!/^#/ { n++; if ($2 < $6 - 1e-5 || $2 > $6 + 1e-5 || $2 > 0) exit 1 }
    END { if (n != 6) exit 1 }' white_correlation.txt || complain "the correlation function of white noise"

# A bispectrum changes its sign with the field; chosen triangles are among all of them.
works p.fits -o bi.txt --bispectrum all --shells lin:3 --plot b.png
[ -s b_bispectrum.png ] || complain "no picture of the bispectrum"
works 'p.fits[PAIRED]' -o anti.txt --bispectrum all --shells lin:3 --report anti.json
grep -q '"BISPECTRUM"' anti.json || complain "no bispectrum in the report"
[ "$(grep -c -v '^#' bi_bispectrum.txt)" -ge 4 ] || complain "too few triangles"
grep -v '^#' bi_bispectrum.txt >bi.rows
grep -v '^#' anti_bispectrum.txt | paste bi.rows - | awk '{ s = $4 + $17; t = $4 < 0 ? -$4 : $4
    if (s > 1e-9 * t || s < -1e-9 * t || !(t > 0)) exit 1 }' || complain "a bispectrum is not odd"
works p.fits -o one.fits --bispectrum 0.2,0.2,0.2:0.2,0.1,0.1 --force
has "EXTNAME = 'BISPECTRUM'" one.fits
has "TUNIT4  = 'Mpc^6 h^-6'" one.fits

# A mask that hides nothing changes nothing; cells without a value are a mask.
works map.fits -o open.txt --bins lin:12
grep -q 'K \[deg^-1\] POWER \[uK^2 deg^2\]' open.txt || complain "no units of a map"
works map.fits -o shut.txt --bins lin:12 --mask zero.fits
grep -v '^#' open.txt >open.rows
grep -v '^#' shut.txt | paste open.rows - | awk '{ if ($1 != $7 || $4 != $10) exit 1
    d = $2 - $8; if (d > 1e-5 * $2 || d < -1e-5 * $2) exit 1 }' || complain "an open mask changes a spectrum"
works good.fits -o dq.txt --box 64 --mask 'triple.fits[DQ]' --bins lin:12
works holed.fits -o nan.txt --box 64 --mask nan --bins lin:12
grep -v '^#' dq.txt >dq.rows
grep -v '^#' nan.txt | cmp - dq.rows || complain "cells without a value are not those of the mask"
works holed.fits -o m.fits --box 64 --mask nan --window 'triple.fits[ERR]' --bins log:6 --report m.json
has "EXTNAME = 'COUPLING'" m.fits
has "SFWINDOW= 'triple.fits\[ERR\]'" m.fits
grep -q share_of_modes m.json || complain "no share of modes in the report"

# A theory alone has a correlation function, too.
works --theory eh98 -o xi.txt --correlation lin:100,1,201 --plot xi.png
awk '!/^#/ && $1 > 95 && $1 < 110 && $2 > best { best = $2 } !/^#/ && $1 > 80 && $1 < 90 { dip = $2 }
    END { if (!(best > dip)) exit 1 }' xi_correlation.txt || complain "no acoustic peak"

# The same bits on any number of threads.
for threads in 1 2 7; do
    works a.fits -o t.txt --multipoles y --plane 3,3 --correlation lin:5 --bispectrum equilateral \
        --threads $threads --force
    cat t.txt t_plane.txt t_correlation.txt t_bispectrum.txt | grep -v '^#' >t$threads
    cmp t$threads t1 || complain "$threads threads change the bits"
done

# Ctrl-C ends the coupling of a thousand bins: nothing is written.
timeout -s INT -k 5 --preserve-status 0.5 "$program" wide.fits --mask nan --bins lin:1000 -o i.fits >stdout 2>stderr
got=$?
[ $got = 130 ] || complain "exit status $got after Ctrl-C"
[ ! -e i.fits ] || complain "Ctrl-C leaves a file"

fails 2 'which field' -o out/x
fails 2 '-o PK' a.fits
fails 2 'two fields at most' a.fits b.fits p.fits -o out/x
fails 2 'of no use' a.fits --kmin 1 -o out/x
fails 2 'of no use' --theory eh98 --bins lin:3 -o out/x
fails 2 'KMIN' --theory eh98 --kmin 3 --kmax 1 -o out/x
fails 2 'KMIN' --theory eh98 --kmin nan -o out/x
for bins in 3 lin lin:0 lin:3,1 lin:3,2,1 log:3,0,1 lin:2.5 lin:nan lin:3,1,2,3; do
    fails 2 'bins' a.fits --bins "$bins" -o out/x
done
fails 2 'no axis' a.fits --multipoles q -o out/x
fails 1 '3 axes' a.fits --multipoles w -o out/x
fails 2 'none of' a.fits --assignment big -o out/x
fails 2 'neither auto' a.fits --shot-noise -1 -o out/x
fails 1 'is for catalogues' a.fits --interlace -o out/x
fails 1 'are for catalogues' a.fits --shape 8,8,8 -o out/x
fails 1 'no column' 'l.fits[POINTS]' --columns A,B,C -o out/x
fails 1 'does not name 3' 'l.fits[POINTS]' --columns X,Y -o out/x
fails 1 'more than 3' 'l.fits[POINTS]' --columns X,Y,Z,X -o out/x
fails 1 'GiB' 'l.fits[POINTS]' --shape 100000,100000,100000 -o out/x
fails 1 'two of one kind' a.fits 'l.fits[POINTS]' -o out/x
fails 1 'is 32x32 but' a.fits map.fits -o out/x
fails 1 'Mpc/h' a.fits --theory eh98 --per-mpc -o out/x
fails 1 'no HDU' 'a.fits[5]' -o out/x
fails 1 'not a FITS file' text.txt -o out/x
fails 1 'exists already' a.fits -o pk.fits
: >pre_plane.png
fails 1 'pre_plane.png' white.fits -o out/x.fits --plot pre.png --plane 2,2 --multipoles z

# What cannot go together, or is no mask, no plane, no triangle.
for with in "--multipoles z" "--correlation lin:3" "--bispectrum all" "--assignment cic" b.fits; do
    fails 2 'exclude one another' a.fits --mask a.fits -o out/x $with
done
for with in "--correlation lin:3" "--bispectrum all"; do
    fails 2 'exclude one another' a.fits b.fits -o out/x $with
done
fails 2 'line of sight' a.fits --plane 3,3 -o out/x
for plane in 3 0,3 3,3,3 x 1000000,1000000; do
    fails 2 'numbers of bins' a.fits --multipoles z --plane $plane -o out/x
done
for triangle in some 1,2 1,2,3: 0,1,1 1,2,nan 1,2,3,4; do
    fails 2 'neither equilateral' a.fits --bispectrum $triangle -o out/x
done
fails 2 'those of the bispectrum' a.fits --shells lin:3 -o out/x
fails 2 'more than 1000' a.fits --shells lin:2000 --bispectrum all -o out/x
fails 2 'RMIN' a.fits --correlation lin:3,5,1 -o out/x
fails 1 'in no shell' a.fits --bispectrum 9,9,9 -o out/x
fails 1 'aliasing' a.fits --bispectrum equilateral --shells lin:2,0.2,0.5 -o out/x
fails 1 'is for fields' 'l.fits[POINTS]' --bispectrum all -o out/x
fails 1 'are for fields' 'l.fits[POINTS]' --mask a.fits -o out/x
fails 1 'is 32x32 but' a.fits --mask map.fits -o out/x
fails 1 'missing' a.fits --mask missing.fits -o out/x
fails 1 '--mask nan' nan.fits --box 3 -o out/x
fails 1 '0 everywhere' nan.fits --box 3 --mask nan -o out/x
fails 1 'the window is' map.fits --window map.fits -o out/x
fails 2 'of no use' --theory eh98 --mask a.fits -o out/x
exit $red
