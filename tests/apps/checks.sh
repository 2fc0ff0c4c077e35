# checks.sh - what tests of programs share: to be sourced, with $program and red=0, in a scratch
# folder.

complain() { printf 'FAILED: %s\n' "$*"; red=1; }

fails() { # STATUS WORDS ARGUMENTS...
    status=$1 words=$2
    shift 2
    rm -rf out
    mkdir out
    "$program" "$@" >stdout 2>stderr
    got=$?
    [ $got = "$status" ] || complain "exit status $got, not $status: $*"
    [ "$(wc -l <stderr)" = 1 ] || { complain "not one line: $*"; cat stderr; }
    grep -q -e "$words" stderr || { complain "no word of '$words': $*"; cat stderr; }
    [ -z "$(ls -A out)" ] || complain "left a file: $*"
}

works() {
    "$program" "$@" >stdout 2>stderr || { complain "$*"; cat stderr; }
}

has() { # WORDS FILE: a card of one of the headers, or a line of a report
    grep -a -q -e "$1" "$2" || tr '\0\n' '  ' <"$2" | fold -b -w 80 | grep -a -q -e "$1" ||
        complain "no '$1' in $2"
}
