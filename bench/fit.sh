#!/bin/sh
# The tables of docs/fit.md: bench/fit.sh [BUILD [FOLDER]]. Makes the songs files, trains the default
# and the plain recipe in four folds, measures on the large and on the starter catalogue. What is in
# FOLDER already is kept, so that a second run only measures. Needs ../shared/data.
#
# Embeddings (six views of 14,295 pictures): some 25 minutes on two cores of an AMD EPYC Zen 5, once.
set -e
here=$(cd "$(dirname "$0")/.." && pwd)
data=$here/../shared/data
build=${1:-$here/build}
folder=${2:-$build/fit}
mkdir -p "$folder"

table() {
    name=$1
    shift
    "$build/dylumo" evaluate \
        --pictures "$data/oasis/oasis.csv" --pictures "$data/fi/labels.csv" \
        --unseen "$data/fi-sample/labels.csv" --encoder "$here/models/lite2.safetensors" \
        --mood "$folder/mood.safetensors" --plain "$folder/plain.safetensors" \
        --cache "$folder/lite2.embeddings" --folds 4 --draw 203,2087 \
        --songs "$folder/$name.dylumo" --html "$folder/$name.html" "$@" | tee "$folder/$name.txt"
}

test -f "$folder/spotify.dylumo" ||
    "$build/dylumo" import "$data/spotify/tracks.csv.gz" -o "$folder/spotify.dylumo"
test -f "$folder/starter.dylumo" ||
    "$build/dylumo" import "$data/starter/songs.csv.gz" -o "$folder/starter.dylumo"

sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | sort | uniq -c
table spotify --song-mood "$data/song-mood/song_mood.csv"
table starter
