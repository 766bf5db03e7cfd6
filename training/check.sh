#!/usr/bin/env bash
# Checks of the training package: style, unit tests, and the whole chain on 20 pictures to an asset
# that the application loads. PYTHON names an interpreter with PyTorch; without one it is skipped.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-target/training-venv/bin/python}
if ! "$python" -c 'import torch' 2>/dev/null; then
  echo "training: skipped, $python has no PyTorch; see training/README.md"
  exit 0
fi
program=$PWD/target/release/underpaint
[ -x "$program" ] && export UNDERPAINT_PROGRAM="$program"
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
"$python" -m ruff check training
"$python" -m ruff format --check training
"$python" -m pytest -q training
