#!/bin/sh
# Builds the fuzz targets under build/fuzz and runs each for so many seconds on its committed seeds
# and on what earlier runs found (build/fuzz/found). Stops at the first crash, which stays there.
#   tools/fuzz.sh SECONDS
set -eu
cd "$(dirname "$0")/.."
targets=$(ninja -C build/fuzz -t targets all | sed -n 's|^\(tests/fuzz_[a-z_0-9]*\): .*|\1|p')
(cd build/fuzz && ninja --quiet $targets)
for target in $targets; do
    name=${target#tests/fuzz_}
    found=build/fuzz/found/$name
    mkdir -p "$found"
    echo "fuzz $name: $1 s"
    "build/fuzz/$target" -max_total_time="$1" -rss_limit_mb=2048 -timeout=10 -verbosity=0 \
        -print_final_stats=1 -artifact_prefix="$found/crash-" "$found" "tests/fuzz/corpus/$name" \
        2>&1 | grep -E 'number_of_executed_units|ERROR|SUMMARY' || exit 1
    ls "$found" | grep -q '^crash-' && exit 1
done
echo "fuzz: nothing found"
