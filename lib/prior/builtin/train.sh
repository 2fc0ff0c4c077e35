#!/bin/sh
# train.sh - a denoiser like the built-in one from random weights: pictures, three stages, a table.
#
#     sh lib/prior/builtin/train.sh SF-TRAIN FOLDER [FRAMES]
#
# SF-TRAIN: the program. FOLDER: for pictures, checkpoints and models (300 MB); the last one is
# FOLDER/denoiser.onnx. FRAMES: a folder of observed FITS frames to train on as well. A command that
# was stopped goes on where it was. Debian packages stellarium-data (pictures) and netpbm; two hours
# on two cores with AMX. PERCENT=1 in the environment does a hundredth of the steps, to see it work.
set -eu

[ $# -ge 2 ] || { sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 2; }
program=$1 folder=$2 frames=${3:-}
source=${PICTURES:-/usr/share/stellarium/nebulae/default}

# Pictures whose photographers let them be used, and of them those to validate with.
pictures="
GammaCygni-vasey Jones-Emberson1-vasey Medusa-vasey abell31 abell33 barnard173-vasey
cassiopeia_a darkshark-vasey hydra_cluster ic405-vasey ic410 ic434 ic4406 ic4592 ic4593 ic5146
lbn438 m100 m104 m105-vasey m106-vasey m108 m109 m14 m15-vasey m1dumont m42 m49 m57dumont m59
m60 m61 m64 m65 m66 m74 m76-vasey m80 m81-vasey m82-vasey m83 m85 m89 m90 m91 m92 m94
m96-vasey m98 m99 n1023 n1042 n1097 n1269 n1300 n1316 n1333 n1360 n1365 n1433 n1499
n1532-darkskies n1555 n1579 n1672 n1792 n2022 n2146-vasey n2170 n2174-vasey n2207 n2346
n2392-vasey n2403-vasey n2440 n2442 n2467 n2506-vasey n253 n2613 n2623 n2683 n2685-vasey n2775
n2805-vasey n2818 n2903oleg n2936 n3077 n3079-vasey n3166-vasey n3190oleg n3310-vasey n3314
n3344-vasey n3521-vasey n3628-vasey n3718oleg n3808 n404 n4151-vasey n4170 n4228 n4244 n4298
n4361 n4449 n4535-vasey n4559-vasey n4565 n4567 n4651 n4656-vasey n4725 n474-vasey n4755 n5102
n5216 n5248 n5257h n5426 n5566 n5882 n6050h n6231 n6240 n6302 n6441-2mass n6503 n6563 n6572
n6590 n660 n6712-2mass n6726 n6769 n6818 n7008-vasey n7129 n7318-vasey n7331-vasey n7479-vasey
n7497 n7635-vasey n7662 n7714 n772 n7742 n891 n92 n925 n936 perseus_cluster rho-a01 rho-a10
rho-a11 sh2-101-vasey sh2-136 sh2-308 u10214 u9618h vdb152"
held_out="
calabash ic423 m58-vasey n1501 n2867 n3504-vasey n4038-9 n4414 n4490 n5286 n6027 n6823 u1810"

# Gray, at most 512 pixels a side, 8 bits, rows from the bottom.
convert_picture() {
    [ -s "$2" ] && return
    pngtopam "$1" | ppmtopgm >"$2.gray"
    set -- "$1" "$2" $(sed -n '2{p;q}' "$2.gray")
    if [ "$3" -gt 512 ] || [ "$4" -gt 512 ]; then
        pamscale -xyfit 512 512 "$2.gray" >"$2.small"
        mv "$2.small" "$2.gray"
    fi
    pamtofits "$2.gray" >"$2.part"
    rm "$2.gray"
    mv "$2.part" "$2"
}

convert_pictures() {
    mkdir -p "$folder/train" "$folder/held"
    for name in $pictures; do convert_picture "$source/$name.png" "$folder/train/$name.fits"; done
    for name in $held_out; do convert_picture "$source/$name.png" "$folder/held/$name.fits"; done
}

# stage NAME STEPS OPTIONS...
stage() {
    name=$1 steps=$(($2 * ${PERCENT:-100} / 100))
    shift 2
    [ -s "$folder/$name.done" ] && return
    resume=
    [ -s "$folder/$name.state" ] && resume=--resume
    "$program" "$folder/train" ${frames:+--frames "$frames"} --scenes 0.7 --gamma 3 --noise 0.4 \
        -o "$folder/$name.onnx" --steps "$steps" --checkpoint "$folder/$name.state" --force \
        $resume "$@"
    echo "$steps steps" >"$folder/$name.done"
}

convert_pictures
stage first 24000 --sigma 0.004,1.5 --rate 1e-3 --seed 1 --bf16
stage second 9000 --sigma 0.004,1.5 --rate 6e-4 --seed 21 --bf16 --start "$folder/first.onnx"
stage denoiser 2500 --sigma 0.0003,1.5 --rate 3e-4 --seed 22 --start "$folder/second.onnx" \
    --validate "$folder/held"
