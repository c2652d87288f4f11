#!/usr/bin/env bash
# Runs each fuzz target, or those named, for FUZZ_SECONDS from its corpus: coverage guided, on the stable toolchain. A panic,
# a failed assertion, an input that takes over 10 s, or more than 1 GB of memory ends it with the input in target/fuzz/found.
#
#   FUZZ_SECONDS  time for each target, 600 by default
#   FUZZ_KEEP     1: keeps what was found beyond the corpus, minimised, in fuzz/corpus
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${FUZZ_SECONDS:-600}
host=$(rustc --print host-tuple)
output=$PWD/target/fuzz
# The counters that libFuzzer reads. With --target they are neither in build scripts nor in procedural macros.
export RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares"
${CARGO:-cargo} build --manifest-path fuzz/Cargo.toml --locked --profile fuzz --target "$host" --target-dir "$output"
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
    for file in fuzz/corpus/*/; do targets+=("$(basename "$file")"); done
fi
mkdir -p "$output/found"
for target in "${targets[@]}"; do
    work=$output/corpus/$target
    mkdir -p "$work"
    echo "== $target, $seconds s"
    log=$output/$target.log
    if ! "$output/$host/fuzz/$target" "$work" "fuzz/corpus/$target" -max_total_time="$seconds" -timeout=10 \
        -rss_limit_mb=1024 -malloc_limit_mb=1024 -max_len=65536 -artifact_prefix="$output/found/$target-" \
        -print_final_stats=1 >"$log" 2>&1; then
        tail -40 "$log" >&2
        echo "$target failed; its input is in $output/found" >&2
        exit 1
    fi
    grep -E 'DONE|number_of_executed_units|peak_rss' "$log"
    if [ "${FUZZ_KEEP:-}" = 1 ]; then
        "$output/$host/fuzz/$target" -merge=1 -max_len=4096 -verbosity=0 "fuzz/corpus/$target" "$work"
    fi
done
