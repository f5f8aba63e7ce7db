#!/bin/sh
# Fuzzes what parses hostile bytes: `run.sh [TARGET] [SECONDS]`; without a target each in turn. What libFuzzer
# finds new is kept below the build's folder; what breaks is written to `found/` here and fails the run.
set -eu
built=$(realpath -m "${CARGO_TARGET_DIR:-$(dirname "$0")/../../target/fuzz}")
cd "$(dirname "$0")"

# What cargo-fuzz passes, which is stable, and so needs no other toolchain. The target is named so that build
# scripts and procedural macros are not instrumented.
cover=-sanitizer-coverage
flags="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=$cover-level=4"
flags="$flags -Cllvm-args=$cover-inline-8bit-counters -Cllvm-args=$cover-pc-table"
flags="$flags -Cllvm-args=$cover-trace-compares"
host=$(rustc -vV | sed -n 's/^host: //p')
export CARGO_TARGET_DIR="$built" RUSTFLAGS="$flags"

all='head inside answer websocket json intake hello'
targets=${1:-$all}
seconds=${2:-60}

for target in $targets; do
    nice -n 19 cargo build --locked --release --target "$host" --bin "$target"
    new="$built/corpus/$target"
    mkdir -p "$new" "found/$target"
    nice -n 19 "$built/$host/release/$target" -max_total_time="$seconds" -max_len=12288 -len_control=30 -timeout=10 \
        -rss_limit_mb=512 -dict=http.dict -artifact_prefix="found/$target/" -print_final_stats=1 \
        "$new" "corpus/$target"
done
