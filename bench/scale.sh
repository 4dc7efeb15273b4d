#!/bin/sh
# Ten million songs: bench/scale.sh BUILD TABLE.csv.gz [ROWS] grows the table (tools/grow_catalogue.py),
# imports it, searches it and opens it. Tells seconds, sizes, resident memory. Needs 5 GB of disk and as
# much memory at ten million; some minutes.
set -e
rows=${3:-10000000}
folder=$(mktemp -d "${TMPDIR:-/tmp}/dylumo-scale-XXXXXX")
trap 'rm -rf "$folder"' EXIT

# What a command used, from the kernel's own count.
used()
{
    /usr/bin/env python3 - "$@" <<'PYTHON'
import resource, subprocess, sys, time
begun = time.monotonic()
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
use = resource.getrusage(resource.RUSAGE_CHILDREN)
print(f"    {time.monotonic() - begun:.2f} s ({use.ru_utime + use.ru_stime:.2f} of processor), "
      f"resident at most {use.ru_maxrss / 1024:.0f} MB")
sys.exit(code)
PYTHON
}

"$(dirname "$0")/../tools/grow_catalogue.py" "$2" "$rows" > "$folder/a.csv"
echo "import $rows songs"
used "$1/dylumo" import -q "$folder/a.csv" -o "$folder/a.songs"
rm "$folder/a.csv"
ls -l "$folder" | awk '/songs/ { printf "    %s %.2f GB\n", $NF, $5 / 1e9 }'
echo "one answer to a mood"
used "$1/dylumo" recommend -s "$folder/a.songs" --mood valence=0.7,energy=0.3
used "$1/dylumo" recommend -s "$folder/a.songs" --mood valence=0.7,energy=0.3
"$1/bench/bench_search" "$folder/a.songs"
