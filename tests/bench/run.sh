#!/usr/bin/env bash
# Builds what is measured, as it is installed, and measures it. usage: run.sh [ROW...], where `proxy` is the proxy
# beside its peers (proxy/run.sh).
# The table goes to standard output, the same as JSON to target/bench.json.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
target=${CARGO_TARGET_DIR:-target}
host=$(rustc -vV | sed -n 's/^host: //p')

cargo build --locked --profile dist -p valetkey-daemon -p valetkey-bench -p valetkey-devidp
RUSTFLAGS='-C target-feature=+crt-static' cargo build --locked --profile dist --target "$host" -p valetkey-cli
# A world looks for the programs beside the one that makes it.
install -D -m 755 -t "$target/bench" \
    "$target/dist/valetkeyd" "$target/dist/valetkey-bench" "$target/dist/valetkey-devidp" "$target/$host/dist/valetkey"

mkdir -p "$root/target"
ulimit -n "$(ulimit -Hn)"
rows=()
for row in "$@"; do [ "$row" = proxy ] || rows+=("$row"); done
if [ $# -eq 0 ] || [ ${#rows[@]} -gt 0 ]; then
    VALETKEY_BENCH_JSON=$root/target/bench.json "$target/bench/valetkey-bench" "${rows[@]}"
fi
if [ $# -eq 0 ] || [ ${#rows[@]} -lt $# ]; then
    BIN=$target/bench "$root/tests/bench/proxy/run.sh"
fi
