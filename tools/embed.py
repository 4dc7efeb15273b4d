#!/usr/bin/env python3
"""Files as C, for the server: embed.py OUTPUT.c ROOT FILE... writes the table of program/server/server_web.h.

Each file is served under its path below ROOT, one from elsewhere under its name; index.html also as "/". Every file goes in as it is and, where
that is smaller, packed by gzip; its ETag is a hash of its bytes.
"""
import gzip
import hashlib
import pathlib
import sys

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}


def c_bytes(name, data):
    rows = (",".join(map(str, data[i : i + 32])) for i in range(0, len(data), 32))
    return f"static const unsigned char {name}[] = {{\n" + ",\n".join(rows) + "};\n"


def main(output, root, *names):
    root = pathlib.Path(root)
    text = ['#include "server_web.h"\n']
    entries = []
    for number, name in enumerate(sorted(names)):
        path = pathlib.Path(name)
        data = path.read_bytes()
        packed = gzip.compress(data, 9, mtime=0)
        kind = TYPES[path.suffix]
        etag = hashlib.sha256(data).hexdigest()[:16]
        text.append(c_bytes(f"plain_{number}", data or b"\0"))
        gzipped = "NULL, 0"
        if len(packed) < len(data):
            text.append(c_bytes(f"gzip_{number}", packed))
            gzipped = f"gzip_{number}, {len(packed)}"
        inside = path.resolve().is_relative_to(root.resolve())
        below = path.resolve().relative_to(root.resolve()).as_posix() if inside else path.name
        served = ["/" + below] + (["/"] if below == "index.html" else [])
        for at in served:
            entries.append(f'    {{"{at}", "{kind}", "{etag}", plain_{number}, {len(data)}, {gzipped}}},\n')
    text.append("const struct server_file server_files[] = {\n" + "".join(entries) + "};\n")
    text.append(f"const size_t server_file_count = {len(entries)};\n")
    pathlib.Path(output).write_text("".join(text))


if __name__ == "__main__":
    main(*sys.argv[1:])
