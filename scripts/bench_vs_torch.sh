#!/usr/bin/env bash
# Times one picture in the application and in PyTorch (eager, fp32), in turn, on the same cores,
# and prints both and their ratios. See reference/README.md.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'END'
Usage: scripts/bench_vs_torch.sh [options] [MODEL_DIR]

MODEL_DIR is what PyTorch runs: a folder with model.safetensors (default: the variable
UNDERPAINT_REFERENCE_MODEL, else assets/model unpacked into target/reference-model, which holds
the very values that the application computes with).

  --rounds N      application, PyTorch, application, PyTorch … N times (default 3)
  --repeat N      pictures per round and side (default 20)
  --threads N     cores of each side (default 2)
  --app-model DIR what the application runs (default: the model inside it)
  --lines         with a control map
  --json          for machines
Variables: PYTHON, the interpreter that has the packages of reference/requirements.txt.
END
}

fail() {
    echo "bench_vs_torch: $*" >&2
    exit 1
}

rounds=3 repeat=20 threads=2 model_dir=${UNDERPAINT_REFERENCE_MODEL:-}
app_options=() shared_options=() compare_options=()
while (($#)); do
    case $1 in
        --rounds | --repeat | --threads | --app-model)
            (($# > 1)) || fail "$1 needs a value"
            case $1 in
                --rounds) rounds=$2 ;;
                --repeat) repeat=$2 ;;
                --threads) threads=$2 ;;
                --app-model) app_options+=(--model "$2") ;;
            esac
            shift ;;
        --lines) shared_options+=(--lines) ;;
        --json) compare_options+=(--json) ;;
        -h | --help) usage; exit ;;
        -*) usage >&2; fail "unknown option $1" ;;
        *) model_dir=$1 ;;
    esac
    shift
done
for number in "$rounds" "$repeat" "$threads"; do
    [[ $number =~ ^[1-9][0-9]*$ ]] || fail "$number is not a number from 1"
done

python=${PYTHON:-python3}
command -v "$python" >/dev/null ||
    fail "Python is missing ($python not found); install Python 3.11 or later, or set PYTHON"
for package in torch numpy safetensors tokenizers; do
    "$python" -c "import $package" 2>/dev/null || fail "$python has no package $package; run
    $python -m venv target/reference-venv
    target/reference-venv/bin/python -m pip install -r reference/requirements.txt
and then set PYTHON=target/reference-venv/bin/python"
done
command -v cargo >/dev/null || fail "cargo is missing; install Rust from https://rustup.rs"

if [[ -z $model_dir ]]; then
    model_dir=target/reference-model
    if [[ ! assets/model/model.gguf -ot $model_dir/model.safetensors ]]; then
        "$python" reference/unpack.py assets/model "$model_dir" >&2
    fi
fi
[[ -f $model_dir/model.safetensors ]] ||
    fail "no model.safetensors in $model_dir; make it with: $python reference/unpack.py assets/model $model_dir"

cargo build --release --quiet --example bench_generate
app=${CARGO_TARGET_DIR:-target}/release/examples/bench_generate

# Both sides get the first cores that this shell may use.
pin=()
if command -v taskset >/dev/null; then
    cores=$("$python" -c "import os; print(*sorted(os.sched_getaffinity(0))[:$threads], sep=',')")
    pin=(taskset -c "$cores")
fi

reports=$(mktemp -d)
trap 'rm -rf "$reports"' EXIT
for ((round = 1; round <= rounds; round++)); do
    echo "round $round of $rounds" >&2
    RAYON_NUM_THREADS=$threads "${pin[@]}" "$app" \
        --json --repeat "$repeat" "${app_options[@]}" "${shared_options[@]}" >>"$reports/app"
    "${pin[@]}" "$python" reference/bench.py "$model_dir" \
        --json --repeat "$repeat" --threads "$threads" "${shared_options[@]}" >>"$reports/torch"
done
"$python" reference/compare_bench.py "$reports/app" "$reports/torch" "${compare_options[@]}"
