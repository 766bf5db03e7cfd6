#!/usr/bin/env bash
# Tests the claim that the app draws in a style that it never saw: 200 OpenMoji pictures become a
# memory through the command line, fifty other things are painted with and without it, and a measure
# of style says how far the look has moved. See training/runs/openmoji/README.md.
#
# OpenMoji is share-alike: it is downloaded, used as test input and stays in the working folder.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'END'
Usage: scripts/openmoji_claim.sh [options]

  --work DIR   where pictures are kept (default target/openmoji)
  --data DIR   where packages are unpacked; that of a training run saves downloads
               (default WORK/data)
  --out DIR    where figures and sheet are written (default WORK/report)
  --seed N     seed of the first picture (default 1000)
Variables: PYTHON, an interpreter that has the package in training/.
           UNDERPAINT_PROGRAM, the program (default target/release/underpaint, which is built).
END
}

fail() {
    echo "openmoji_claim: $*" >&2
    exit 1
}

work=target/openmoji data= out= seed=1000
while (($#)); do
    case $1 in
        --work | --data | --out | --seed)
            (($# > 1)) || fail "$1 needs a value"
            printf -v "${1#--}" %s "$2"
            shift ;;
        -h | --help) usage; exit ;;
        *) usage >&2; fail "unknown option $1" ;;
    esac
    shift
done
data=${data:-$work/data} out=${out:-$work/report}
python=${PYTHON:-target/training-venv/bin/python}
"$python" -c 'import underpaint_training' 2>/dev/null ||
    fail "$python has no package underpaint_training; run
    python3 -m venv target/training-venv
    target/training-venv/bin/python -m pip install ./training"
program=${UNDERPAINT_PROGRAM:-}
if [[ -z $program ]]; then
    cargo build --release --quiet
    program=${CARGO_TARGET_DIR:-target}/release/underpaint
fi

mkdir -p "$work"
# The memory goes into a library of its own, not into the user's.
export XDG_DATA_HOME=$(realpath "$work")/library
if [[ ! -f $work/real.npz ]]; then
    "$python" -m underpaint_training.evaluate.claim prepare "$data" "$work"
fi
rm -rf "$XDG_DATA_HOME" "$work"/{without,with,ceiling}
mkdir -p "$work"/{without,with,ceiling}
"$program" memory add "$work/memory" --to openmoji --captions names

number=$seed
while IFS= read -r prompt; do
    "$program" generate --quiet "$prompt" --seed "$number" -o "$work/without/$prompt.png"
    "$program" generate --quiet "$prompt" --seed "$number" --memory openmoji \
        -o "$work/with/$prompt.png"
    # The real picture, as the picture tokenizer gives it back: more than that cannot be shown.
    "$program" generate --quiet "$prompt" --seed "$number" --from-picture "$work/things/$prompt.png" \
        --keep-scales 8 -o "$work/ceiling/$prompt.png"
    number=$((number + 1))
done <"$work/prompts.txt"
"$python" -m underpaint_training.evaluate.claim report "$work" "$out"
