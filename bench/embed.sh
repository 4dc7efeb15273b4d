#!/bin/sh
# `dylumo embed` of many photos beside the encoder's bare speed, in turns:
#   bench/embed.sh BUILD [ENCODER [threads [photos [rounds]]]]
# The photos are photos/cat.jpg, each with other bytes at its end; decoding, hashing, cache and output
# are in embed's time, process start too.
set -e
here=$(cd "$(dirname "$0")/.." && pwd)
build=$1
encoder=${2:-$here/models/lite2.safetensors}
threads=${3:-2}
photos=${4:-200}
rounds=${5:-3}
ninja -C "$build" bench/bench_embed >/dev/null
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/photos"
i=0
while [ $i -lt "$photos" ]; do
    { cat "$here/photos/cat.jpg"; echo $i; } >"$folder/photos/$i.jpg"
    i=$((i + 1))
done
sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | sort | uniq -c
"$build/dylumo" --version | sed -n 1,2p
echo "$photos photos, $threads threads, f32, load $(cut -d' ' -f1 /proc/loadavg)"
echo "| round | bare, a second | embed, a second | share |"
echo "| --- | --- | --- | --- |"
round=1
while [ $round -le "$rounds" ]; do
    bare=$("$build/bench/bench_embed" "$encoder" "$threads" "$photos")
    rm -f "$folder"/x.*
    begun=$(date +%s.%N)
    "$build/dylumo" embed "$folder/photos" -o "$folder/x.npy" --encoder "$encoder" -t "$threads" >/dev/null
    done=$(date +%s.%N)
    echo "$round $bare $photos $begun $done" |
        awk '{ rate = $3 / ($5 - $4); printf "| %d | %.1f | %.1f | %.2f |\n", $1, $2, rate, rate / $2 }'
    round=$((round + 1))
done
