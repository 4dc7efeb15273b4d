#!/bin/sh
# Nearest songs, dylumo beside FAISS and hnswlib on the same vectors and targets:
# bench/search.sh BUILD PYTHON SONGS [--threads]. The songs: tools/grow_catalogue.py, dylumo import.
# Some minutes, most of them for building the peers' graphs. DYLUMO_CPU=avx2 for the other half of
# the machines. At 10 million songs leave the peers out: bench_search SONGS.
set -e
here=$(dirname "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
sed -n 's/^model name[^:]*: /processor: /p' /proc/cpuinfo | head -1
printf '%-34s %-15s %9s %9s  %s\n' 'row' 'who' 'p50 ms' 'p99 ms' 'recall'
"$1/bench/bench_search" "$3" "$folder"
"$1/bench/bench_search" "$3" --threads
"$2" "$here/peer/search_faiss.py" "$folder"
