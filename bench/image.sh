#!/bin/sh
# Picture bytes to pixels, dylumo and Pillow in one run, one after the other, three times.
#   bench/image.sh BUILD PHOTO [PYTHON]
# PHOTO is any photo; the pictures made from it lie in BUILD/bench_pictures.
set -e
build=$1 photo=$2 python=${3:-python3}
here=$(dirname "$0")
pictures=$build/bench_pictures
ninja -C "$build" bench_image >/dev/null 2>&1 || ninja -C "$build" bench >/dev/null
[ -f "$pictures/3mp.avif" ] || "$python" "$here/peer/image.py" --make "$pictures" "$photo"
set -- "$pictures"/320x256.jpg "$pictures"/12mp.jpg "$pictures"/12mp_turned.jpg \
    "$pictures"/12mp_progressive.jpg "$pictures"/3mp.png "$pictures"/3mp.webp "$pictures"/3mp.gif \
    "$pictures"/3mp.tif "$pictures"/3mp.avif
for run in 1 2 3; do
    "$build/bench/bench_image" 11 260 260 "$@"
    "$python" "$here/peer/image.py" 11 260 260 "$@"
done
