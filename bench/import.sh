#!/bin/sh
# Import of a song table, dylumo and pandas + scikit-learn + parquet + FAISS in turn, five rounds:
# bench/import.sh BUILD PYTHON TABLE.csv [threads]. The table: tools/grow_catalogue.py.
set -e
here=$(dirname "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for round in 1 2 3 4 5; do
    for tree in --without-tree ""; do
        /usr/bin/time -f "dylumo${tree:+ $tree}  %e s, %U + %S of processor, %M KB at most" \
            "$1/dylumo" import --quiet $tree --threads "${4:-2}" "$3" -o "$folder/songs.dylumo" 2>&1
    done
    printf "pandas  "
    "$2" "$here/peer/import_pandas.py" "$3" "$folder" "${4:-2}"
done
