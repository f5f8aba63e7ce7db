#!/usr/bin/env bash
# Builds what is measured, as it is installed, and measures it. usage: run.sh [ROW...]
# The table goes to standard output, the same as JSON to target/bench.json.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
target=${CARGO_TARGET_DIR:-target}
host=$(rustc -vV | sed -n 's/^host: //p')

cargo build --locked --profile dist -p valetkey-daemon -p valetkey-bench
RUSTFLAGS='-C target-feature=+crt-static' cargo build --locked --profile dist --target "$host" -p valetkey-cli
# A world looks for the programs beside the one that makes it.
install -D -m 755 -t "$target/bench" \
    "$target/dist/valetkeyd" "$target/dist/valetkey-bench" "$target/$host/dist/valetkey"

mkdir -p "$root/target"
ulimit -n "$(ulimit -Hn)"
VALETKEY_BENCH_JSON=$root/target/bench.json "$target/bench/valetkey-bench" "$@"
