#!/usr/bin/env bash
# Times the tokens of ControlAR-XL at full size with random weights in the application and in
# PyTorch (eager, BF16), in turn, on the same cores, and prints both and their ratio.
# See reference/README.md.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'END'
Usage: scripts/bench_controlar.sh [options]

  --precision P   how the application holds the matrices: q4, q8, bf16 or f32 (default q8)
  --dtype D       what PyTorch computes in: bf16 or f32 (default bf16)
  --rounds N      application, PyTorch, application, PyTorch … N times (default 3)
  --tokens N      tokens per round and side (default 16)
  --at N          the token before them (default 512, half of a picture)
Variables: PYTHON, the interpreter that has PyTorch; LAUNCH, a command in front of both sides, such
as "chrt -r 5" on a machine that is busy; BENCH_CONTROLAR, the application's side if it is built
already.
END
}

fail() {
    echo "bench_controlar: $*" >&2
    exit 1
}

precision=q8 dtype=bf16 rounds=3 tokens=16 at=512
while (($#)); do
    case $1 in
        --precision | --dtype | --rounds | --tokens | --at)
            (($# > 1)) || fail "$1 needs a value"
            case $1 in
                --precision) precision=$2 ;;
                --dtype) dtype=$2 ;;
                --rounds) rounds=$2 ;;
                --tokens) tokens=$2 ;;
                --at) at=$2 ;;
            esac
            shift ;;
        -h | --help) usage; exit ;;
        *) usage >&2; fail "unknown option $1" ;;
    esac
    shift
done
for number in "$rounds" "$tokens" "$at"; do
    [[ $number =~ ^[0-9]+$ ]] || fail "$number is not a number"
done

python=${PYTHON:-python3}
"$python" -c "import torch" 2>/dev/null ||
    fail "$python has no package torch; set PYTHON to an interpreter that has it"
read -ra launch <<<"${LAUNCH:-}"

if [[ -n ${BENCH_CONTROLAR:-} ]]; then
    app=$BENCH_CONTROLAR
else
    cargo build --release --quiet --example bench_controlar
    app=${CARGO_TARGET_DIR:-target}/release/examples/bench_controlar
fi

reports=$(mktemp -d)
trap 'rm -rf "$reports"' EXIT
for ((round = 1; round <= rounds; round++)); do
    echo "round $round of $rounds" >&2
    RAYON_NUM_THREADS=2 "${launch[@]}" "$app" \
        --json --precision "$precision" --tokens "$tokens" --at "$at" >>"$reports/app"
    "${launch[@]}" "$python" reference/bench_llamagen_torch.py \
        --json --dtype "$dtype" --tokens "$tokens" --at "$at" --threads 2 >>"$reports/torch"
done
"$python" - "$reports/app" "$reports/torch" "$precision" "$dtype" <<'END'
import json
import sys
from statistics import median

app, torch = ([json.loads(line) for line in open(path)] for path in sys.argv[1:3])
for name, pick in (("median", lambda runs: median(r["tokens_per_s"] for r in runs)),
                   ("best", lambda runs: max(r["tokens_per_s_best"] for r in runs))):
    ours, theirs = pick(app), pick(torch)
    print(f"{name:8} {sys.argv[3]} {ours:.2f} tokens/s, PyTorch {sys.argv[4]} {theirs:.2f} tokens/s, "
          f"ratio {ours / theirs:.2f}")
first = app[0]
print(f"memory   weights {first['weights_mb']:.0f} MB, keys and values {first['cache_mb']:.0f} MB, "
      f"all {first['all_mb']:.0f} MB; PyTorch {torch[0]['all_mb']:.0f} MB")
print(f"prefill  {min(r['prefill_s'] for r in app):.2f} s, PyTorch "
      f"{min(r['prefill_s'] for r in torch):.2f} s; stop after at most "
      f"{max(r['cancel_ms_worst'] for r in app):.1f} ms")
END
