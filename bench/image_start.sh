#!/bin/sh
# What a choice of decoding libraries costs at every start: an empty program, the same linked with
# the codecs' own libraries, with libheif too, and one that starts libvips with its untrusted loaders
# blocked; 61 rounds in turn. Milliseconds from start to end.
# (Memory: /usr/bin/time -f %M on each.)
#   bench/image_start.sh [FOLDER]      needs libvips-dev
set -e
folder=${1:-$(mktemp -d)}
cd "$folder"
echo 'int main(void) { return 0; }' >empty.c
cat >vips.c <<'C'
#include <vips/vips.h>
int main(int count, char **arguments)
{
    (void)count;
    if (VIPS_INIT(arguments[0]))
        return 1;
    vips_block_untrusted_set(1);
    return 0;
}
C
codecs="-Wl,--no-as-needed -ljpeg -lspng -lwebp -lwebpdemux -lgif -ltiff"
cc -O1 empty.c -o empty
cc -O1 empty.c -o codecs $codecs
cc -O1 empty.c -o codecs_heif $codecs -lheif
cc -O1 vips.c -o vips $(pkg-config --cflags --libs vips)
python3 - <<'P'
import os
import statistics
import time

names = ["empty", "codecs", "codecs_heif", "vips"]
seconds = {name: [] for name in names}
for _ in range(61):
    for name in names:
        start = time.perf_counter()
        child = os.posix_spawn("./" + name, [name], os.environ)
        os.waitpid(child, 0)
        seconds[name].append(time.perf_counter() - start)
for name in names:
    print(f"{name:12} best {1e3 * min(seconds[name]):6.2f} ms  "
          f"median {1e3 * statistics.median(seconds[name]):6.2f} ms")
P
