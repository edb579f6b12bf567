#!/bin/sh
# Goes on from the seeds that were run before, and keeps the running total beside the build.
set -eu
total="${CARGO_TARGET_DIR:-target}/soak-seeds"
first=$(cat "$total" 2>/dev/null || echo 100000)
count=${SOAK_SEEDS:-100000}
SIM_FIRST=$first SIM_SEEDS=$count cargo test --release -p tests --test simulation -- --nocapture
echo $((first + count)) > "$total"
echo "seeds so far beyond those of every change: $((first + count - 100000))"
