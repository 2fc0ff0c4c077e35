#!/bin/sh
# freeenergy.sh SF-FREEENERGY CC INCLUDE: work values and targets from the command line, and bad input.
# A failure is one sentence on the standard error stream, the documented exit status, and no file.
set -u
here=$(cd "$(dirname "$0")" && pwd)
program=$1 compiler=$2 include=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
red=0

. "$here/checks.sh"

value() { # KEY REPORT: a number at the top level
    sed -n "s/^  \"$1\": \([-0-9.e+]*\),*$/\1/p" "$2"
}

near() { # KEY VALUE TOLERANCE REPORT
    got=$(value "$1" "$4")
    awk -v a="$got" -v b="$2" -v t="$3" 'BEGIN { exit !(a != "" && a - b <= t && b - a <= t) }' ||
        complain "$1 is '$got' and not $2 +- $3 in $4"
}

# Normal work of mean 2 and standard deviation 2 forward and (Crooks) mean 2 reverse: Delta F = 0.
# The values are the distribution's quantiles, so that nothing is random.
quantiles() { # MEAN SIGMA SCALE
    awk -v mean="$1" -v sigma="$2" -v scale="$3" 'BEGIN {
        for (i = 0; i < 4000; i++) { # by bisection of the normal distribution
            p = (i + 0.5) / 4000; low = -6; high = 6
            for (k = 0; k < 40; k++) {
                x = (low + high) / 2; t = 1 / (1 + 0.2316419 * (x < 0 ? -x : x))
                q = exp(-x * x / 2) * 0.3989422804 * t * (0.31938153 + t * (-0.356563782 + \
                    t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
                if ((x < 0 ? q : 1 - q) < p) low = x; else high = x
            }
            printf "%.8f\n", scale * (mean + sigma * x)
        }
    }'
}
quantiles 2 2 1 >forward.txt
quantiles 2 2 1 >reverse.txt
quantiles 3 1 2.494338785445972 >joules.txt # Delta F = 2.5 kT, in kJ/mol at 300 K

works --work forward.txt,reverse.txt --report w.json --plot w.png
near log_z 0 1e-3 w.json
near log_z_error 0.0247 3e-4 w.json # N Var = 4.896807 of N = 8000 for sigma = 2
near lower_bound -2 1e-3 w.json
near upper_bound 2 1e-3 w.json
grep -q '"reliable": true' w.json || complain "not reliable"
grep -q '^verdict     reliable' stdout || complain "no verdict"
[ -s w.png ] || complain "no picture"
works --work joules.txt --units kJ/mol --temperature 300 --report j.json --plot j.png
near log_z -2.5 5e-3 j.json
near free_energy_difference 6.2358 0.013 j.json
grep -q '"upper_bound": null' j.json || complain "an upper bound from one direction"
works --work joules.txt --units kcal/mol --temperature 1255.2 --report k.json --quiet
near log_z -2.5 5e-3 k.json # 300 K, 4.184 kJ a kcal
[ -s stdout ] && complain "--quiet prints"

# What cannot be believed is said, and with --strict the exit status says it too.
quantiles 40 1 1 >far.txt
works --work far.txt,far.txt
grep -q 'warning: not reliable' stderr || complain "no warning"
"$program" --work far.txt,far.txt --strict >stdout 2>stderr
[ $? = 3 ] || complain "--strict: no exit status 3"
"$program" --work forward.txt,reverse.txt --strict >stdout 2>stderr || complain "--strict: red"

# Targets whose log Z is known; the options are for speed. False alarms: 1 in 16,000 each.
agrees() { # TRUTH REPORT
    awk -v z="$(value log_z "$2")" -v e="$(value log_z_error "$2")" -v t="$1" 'BEGIN {
        exit !(e > 0 && z - t < 4 * e && t - z < 4 * e) }' ||
        complain "log_z in $2 is '$(value log_z "$2")' +- '$(value log_z_error "$2")' and not $1"
}
inside() { # TRUTH REPORT: between the bounds, give or take four of their errors
    awk -v l="$(value lower_bound "$2")" -v le="$(value lower_bound_error "$2")" \
        -v u="$(value upper_bound "$2")" -v ue="$(value upper_bound_error "$2")" -v t="$1" 'BEGIN {
        exit !(l != "" && u != "" && l - 4 * le < t && t < u + 4 * ue) }' ||
        complain "$1 is not between the bounds of $2"
}
measures() { # TRUTH REPORT ARGUMENTS...
    truth=$1 report=$2
    shift 2
    works "$@" --report "$report" --force
    agrees "$truth" "$report"
    inside "$truth" "$report"
    grep -q '"reliable": true' "$report" || complain "not reliable: $*"
    [ "$(value gradient_evaluations "$report")" -gt 0 ] || complain "no evaluations: $*"
}
few="--chains 300 --threads 1"
phi4=phi4:shape=4x4,mass2=-4,lambda=8
# quadrature, and for phi^4 an exact transfer matrix; the free scalar by its modes
measures 20.5869594141 mw.json --target many-well:dim=4 $few
grep -q 'errors away' stdout || complain "no word of the exact value"
measures 2.40513896161 p.json --target $phi4 $few --samples p.fits --plot p.png
measures 2.40513896161 q.json --target $phi4 $few --base gaussian:sigma=0.5 --kernel mala
measures 2.40513896161 q.json --target $phi4 $few --base free:mass2=2 --kernel underdamped
measures 2.40513896161 q.json --target $phi4 $few --base fit --schedule power:2 --temperatures 40
measures 2.40513896161 q.json --target $phi4 $few --method smc --resampling residual --plot q.png
measures 0.200096670809 q.json --target phi4:shape=2,mass2=1,lambda=0.4 $few --kernel random-walk
# All is counted: two runs of the pilot's 512 chains cost more than the runs of 300.
[ "$(value pilot_evaluations mw.json)" -gt 100000 ] || complain "the pilot is not counted"
measures 20.5869594141 x.json --target many-well:dim=4 --method exchange --rounds 600 --threads 1 \
    --samples x.fits --plot x.png
grep -q '^bounds .*stepping stone' stdout || complain "no bounds"
awk 'BEGIN { for (j = 0; j <= 40; j++) print j / 40 }' >schedule.txt
measures 20.5869594141 t.json --target many-well:dim=4 $few --schedule file:schedule.txt
grep -q '"temperatures": 41' t.json || complain "not the temperatures of the file"
# Between two temperatures: quadrature, and n/2 log(2 pi) (B0 - 1) + n/2 log B0.
measures 10.637457316512 t.json --target many-well:dim=4 --path tempering:0.3 $few --plot t.png
grep -q 'log Z of f less log Z of f^0.3' stdout || complain "no word of what log Z is"
grep -q '"exact_log_z": null' t.json || complain "an exact value that is of another question"
measures -3.2241714275 t.json --target gaussian:dim=4 --path tempering:0.5 $few --method smc
works --target many-well:dim=4 --path tempering:0.3 --method exchange --threads 1 --report t.json --force
agrees 10.637457316512 t.json
measures 0 t.json --target field:matern:1,1.5,2,shape=4x4 --base field:matern:1.2,1.5,2 \
    --path variance --temperatures 40 $few
grep -q '"path": "variance"' t.json || complain "another path"
fails 1 'from one Gaussian field to another' --target dw4 --path variance --report out/x
fails 2 'none of geometric' --target dw4 --path straight --report out/x
fails 2 'below 1' --target dw4 --path tempering:1 --report out/x
fails 2 'no use for --base' --target dw4 --path tempering:0.5 --base fit --report out/x
# The number of threads changes no bit, and neither does a kill at any moment.
long="--target $phi4 --schedule linear --temperatures 100 --chains 2000 --seed 5 --quiet --force"
works $long --threads 1 --report one.json
works $long --threads 3 --report three.json
[ "$(value log_z one.json)" = "$(value log_z three.json)" ] || complain "threads change the bits"
"$program" $long --threads 1 --checkpoint point --report killed.json 2>/dev/null &
killed=$!
while kill -0 $killed 2>/dev/null && [ ! -s point ]; do sleep 0.05; done
kill -9 $killed 2>/dev/null
wait $killed 2>/dev/null
works $long --checkpoint point --report resumed.json
grep -q '"resumed": true' resumed.json || complain "not resumed"
[ "$(value log_z one.json)" = "$(value log_z resumed.json)" ] || complain "a kill changes the bits"
cp point kept
fails 1 'point' --target many-well:dim=4 --checkpoint point --report out/x
cmp -s point kept || complain "the checkpoint of another run was overwritten"

# Interrupted: the estimate so far, marked; then the same command ends with the bits of a whole run.
slow="--target $phi4 --schedule linear --temperatures 300 --chains 8000 --seed 6 --one-way --threads 1"
works $slow --report whole.json --quiet
"$program" $slow --report stopped.json --checkpoint stopped >stdout 2>stderr &
stopped=$!
while kill -0 $stopped 2>/dev/null && [ ! -s stopped ]; do sleep 0.05; done
sleep 0.5
kill -INT $stopped 2>/dev/null
wait $stopped
[ $? = 130 ] || complain "interrupted: no exit status 130"
grep -q 'interrupted' stderr || { complain "no word of the interrupt"; cat stderr; }
if [ -e stopped.json ]; then # not stopped before there was an estimate
    grep -q '"interrupted": true' stopped.json || complain "not marked in the report"
    grep -q '^verdict.*(interrupted)' stdout || complain "not marked in the output"
    agrees 2.40513896161 stopped.json
    [ "$(value log_z stopped.json)" != "$(value log_z whole.json)" ] || complain "not stopped"
fi
works $slow --report stopped.json --checkpoint stopped --force --quiet
grep -q '"resumed": true' stopped.json || complain "not resumed after an interrupt"
grep -q '"interrupted": false' stopped.json || complain "an interrupt is not forgotten"
[ "$(value log_z stopped.json)" = "$(value log_z whole.json)" ] ||
    complain "an interrupt changes the bits"

# Energies of one's own, and what can be wrong with them.
energy() { # NAME ENERGY GRADIENT: of x in two dimensions
    cat >"$1.c" <<END
#include <math.h>
#include <scorefield/energy.h>
static void evaluate(size_t batch, const double *all, double *energy, double *gradient)
{
    for (size_t b = 0; b < batch; b++) {
        energy[b] = 0.0;
        for (size_t i = 0; i < 2; i++) {
            const double x = all[2 * b + i];
            energy[b] += $2;
            if (gradient) gradient[2 * b + i] = $3;
        }
    }
}
const struct scorefield_energy scorefield_energy = {
    .version = SCOREFIELD_ENERGY_VERSION, .dimension = 2, .evaluate = evaluate};
END
    "$compiler" -O2 -shared -fPIC -I"$include" "$1.c" -o "$1.so" || complain "$1.c: no such energy"
}
energy normal 'x * x / 2' x # log 2 pi
energy wrong 'x * x / 2' 'x + (i == 1)'
energy none NAN 0.0
energy open '-x * x / 10' '-x / 5'
energy flat '1.0 + 0.0 * x' 0.0
echo 'int nothing;' >nothing.c
"$compiler" -shared -fPIC nothing.c -o nothing.so
measures 1.8378770664 own.json --library ./normal.so $few
fails 1 'no readable file' --library ./missing.so --report out/x
fails 1 'no symbol' --library ./nothing.so --report out/x
fails 1 'coordinate 1 of the gradient is .* but differences' --library ./wrong.so --report out/x
fails 1 'or no number' --library ./none.so --report out/x
fails 1 'cannot be normalised' --library ./open.so --report out/x
fails 1 'cannot be normalised' --library ./flat.so --report out/x
fails 1 'support' --target many-well:dim=4 --base uniform:dim=4,low=10,high=11 --report out/x
fails 2 'below 2' --target dw4 --chains 0 --report out/x
for output in report samples plot; do
    fails 1 'device' --target $phi4 --$output /dev/full --force
done

# A full disk, of which a limit on the size of files is one (of BLOCKS of 512 bytes; as its signal is
# ignored, writes fail): a sentence that names the output, and nothing half-written.
full() { # BLOCKS STATUS WORDS ARGUMENTS...
    blocks=$1 status=$2 words=$3
    shift 3
    rm -rf out
    mkdir out
    (
        trap '' XFSZ
        ulimit -f "$blocks"
        "$program" --target $phi4 --temperatures 20 --threads 1 --quiet "$@" >stdout 2>stderr
    )
    [ $? = "$status" ] || complain "full disk: no exit status $status: $*"
    [ "$(grep -c "^sf-freeenergy: $words" stderr)" = 1 ] ||
        { complain "full disk: no word of '$words': $*"; cat stderr; }
    ! grep -v '^sf-freeenergy: ' stderr || complain "full disk: a line of somebody else's: $*"
}
for output in report:out/x.json samples:out/x.fits plot:out/x.png checkpoint:out/x; do
    full 4 1 "${output#*:}: .*too large" "--${output%%:*}" "${output#*:}"
    [ -z "$(ls -A out)" ] || complain "full disk: half a ${output%%:*} is left"
done
full 40 1 out/x.fits --report out/x.json --samples out/x.fits --chains 1000 # which is the larger
[ -z "$(ls -A out)" ] || complain "full disk: an output of a run that failed is left"
# A run is worth more than its checkpoint, and the one before serves as well.
long="--target $phi4 --temperatures 20 --threads 1 --chains 2000 --one-way --quiet --force"
works $long --report whole.json
full 800 0 'warning: no checkpoint: .*too large' --chains 2000 --one-way --checkpoint out/x \
    --report kept.json --force
cp out/x kept
works $long --checkpoint out/x --report resumed.json
for report in kept resumed; do
    [ "$(value log_z $report.json)" = "$(value log_z whole.json)" ] ||
        complain "a checkpoint on a full disk changes the bits of $report.json"
done
grep -q '"resumed": true' resumed.json || complain "the checkpoint before is of no use"
[ "$(wc -c <kept)" -lt "$(wc -c <out/x)" ] || complain "the last checkpoint was not refused"

printf '1.0\nabc\n' >bad.txt
: >empty.txt
fails 2 'what to measure' --report out/x
fails 2 'neither FORWARD' --work a,b,c --report out/x
fails 2 'neither FORWARD' --work ,b --report out/x
fails 2 'no unit' --work forward.txt --units eV
fails 2 'temperature 300' --work forward.txt --units kJ/mol
fails 2 'above 0 K' --work forward.txt --units kJ/mol --temperature 0
fails 2 'needs no --temperature' --work forward.txt --temperature 300
fails 2 'below 1' --work forward.txt --threads 0
fails 2 'same name' --work forward.txt --report out/x --plot out/x
fails 2 'no option' --work forward.txt stray
fails 1 'cannot open' --work missing.txt --report out/x
fails 1 'line 2' --work bad.txt --report out/x
fails 1 'no numbers' --work empty.txt --plot out/x.png
fails 1 'exists already' --work forward.txt --report w.json
exit $red
