#!/bin/sh
# Fuzzes all inputs from outside: each target of fuzz/fuzz_targets, or those named, for FUZZ_SECONDS (60). FUZZ_SEED, if set, makes it the
# same search each time.
#
# Coverage uses compiler flags of the stable toolchain; sanitizers would need a nightly one, and the code is safe Rust. Memory is
# limited: an input that needs too much is a finding. The targets for recordings count theirs themselves, and closer (fuzz/src).
# Findings are kept in fuzz/artifacts.
set -eu
cd "$(dirname "$0")/.."
seconds=${FUZZ_SECONDS:-60}
# The volume of the fuzzed server is in here.
TMPDIR=$(mktemp -d)
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT

if ! cargo fuzz --version >/dev/null 2>&1; then
    echo "Installing cargo-fuzz"
    cargo install cargo-fuzz --locked --quiet
fi
if [ $# -eq 0 ]; then
    for file in fuzz/fuzz_targets/*.rs; do
        set -- "$@" "$(basename "$file" .rs)"
    done
fi
# No sanitizer: see above.
cargo fuzz build --sanitizer none
for target; do
    echo "Fuzzing $target for $seconds s"
    mkdir -p "fuzz/corpus/$target"
    dictionary=
    [ ! -f "fuzz/$target.dict" ] || dictionary="-dict=fuzz/$target.dict"
    cargo fuzz run --sanitizer none "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- -max_total_time="$seconds" \
        -seed="${FUZZ_SEED:-0}" -timeout=30 -rss_limit_mb=1024 -malloc_limit_mb=128 -print_final_stats=1 -verbosity=0 ${dictionary:+"$dictionary"}
done
