#!/bin/sh
# From process start to ten songs of the starter catalogue, warm files, 2 threads: medians of RUNS
# runs with the parts, for a photo of 12 megapixels and one of 320 x 256, both made on the spot.
#   bench/startup.sh [RUNS] [BUILD]
set -eu
cd "$(dirname "$0")/.."
runs=${1:-31}
build=${2:-build}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$build/bench/bench_photo" photos/rocket.jpg "$folder/large.jpg" 4000 3000
"$build/bench/bench_photo" photos/rocket.jpg "$folder/small.jpg" 320 256
echo "machine: $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1), $(nproc) cores, $(
    "$build/dylumo" --version | sed -n 2p)"
echo "load before: $(cut -d' ' -f1 /proc/loadavg); $runs runs each; ms; large.jpg is $(
    wc -c <"$folder/large.jpg") bytes, small.jpg $(wc -c <"$folder/small.jpg")"
echo
echo "| photo | median | best | MB | process | start | read | decode | resize | encode | mood | search | print |"
echo "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
row() {
    printf '| %s ' "$1"
    shift
    "$build/bench/bench_startup" "$build/dylumo" "$@"
}
row '4000 x 3000' "$folder/large.jpg" "$runs" -t 2
row '4000 x 3000, --exact' "$folder/large.jpg" "$runs" -t 2 --exact
row '320 x 256' "$folder/small.jpg" "$runs" -t 2
row '320 x 256, f32' "$folder/small.jpg" "$runs" -t 2 --precision f32
