#!/bin/sh
# Fuzzes all inputs from outside: each target of fuzz/ for FUZZ_SECONDS (60).
#
# Coverage uses compiler flags of the stable toolchain; sanitizers would need a nightly one, and the code is safe Rust. Memory is
# limited: an input that needs too much is a finding. Findings are kept in fuzz/artifacts.
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
for target in metadata options query range message record multipart decode; do
    echo "Fuzzing $target for $seconds s"
    mkdir -p "fuzz/corpus/$target"
    set -- -max_total_time="$seconds" -timeout=30 -rss_limit_mb=1024 -malloc_limit_mb=256 -print_final_stats=1 -verbosity=0
    [ ! -f "fuzz/$target.dict" ] || set -- "$@" "-dict=fuzz/$target.dict"
    # No sanitizer: see above.
    cargo fuzz run --sanitizer none "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- "$@"
done
