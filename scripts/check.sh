#!/usr/bin/env bash
# Everything CI checks, fast checks first. Tests run in the release profile: the program and its
# tests then share one build of the dependencies.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s (%s s)\n' "$1" "$SECONDS"; }

step "format"
cargo fmt --check
step "lints"
cargo clippy --release --locked --all-targets -- -D warnings
step "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --release --locked --no-deps --document-private-items --quiet
step "tests"
cargo test --release --locked
step "window"
scripts/window_test.sh
step "done"
