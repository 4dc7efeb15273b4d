#!/bin/sh
# What linking the libraries of downloads would cost every start of dylumo: an empty program, with and
# without them, best of 60 starts each. dylumo loads them when the first download begins.
#   bench/get_libraries.sh
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
echo 'int main(void) { return 0; }' >"$folder/empty.c"
cc -O2 "$folder/empty.c" -o "$folder/nothing"
cc -O2 "$folder/empty.c" -o "$folder/libcrypto" -Wl,--no-as-needed -lcrypto
cc -O2 "$folder/empty.c" -o "$folder/libcurl" -Wl,--no-as-needed -lcurl
echo "$(nproc) processors, load $(cut -d' ' -f1 /proc/loadavg), $(ldd "$folder/libcurl" | wc -l) libraries with libcurl"
python3 - "$folder" <<'END'
import subprocess, sys, time

def best(program):
    least = 9
    for _ in range(60):
        begun = time.perf_counter()
        subprocess.run([program], check=True)
        least = min(least, time.perf_counter() - begun)
    return least * 1000

empty = best(f"{sys.argv[1]}/nothing")
for name in ("libcrypto", "libcurl"):
    print(f"{name:10} {best(f'{sys.argv[1]}/{name}') - empty:6.2f} ms more than {empty:.2f} ms")
END
