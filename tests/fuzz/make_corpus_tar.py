#!/usr/bin/env python3
"""Seeds for fuzz_tar: make_corpus_tar.py writes corpus/tar."""
import gzip
import io
import pathlib
import tarfile

FOLDER = pathlib.Path(__file__).parent / "corpus/tar"
MEMBER = "package/libduckdb.so"


def archive(members, kind=tarfile.USTAR_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=kind) as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()[:512 * (2 * len(members) + 2)]


def summed(data):
    """With the first head's sum made right."""
    head = data[:148] + b" " * 8 + data[156:512]
    return data[:148] + b"%06o\0 " % sum(head) + data[156:]


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    whole = archive([("package/README.md", b"read me"), (MEMBER, b"library")])
    seeds = {"whole": whole, "gzip": gzip.compress(whole, mtime=0), "cut": whole[:1700],
             "absent": archive([("package/README.md", b"read me")]),
             "pax": archive([("x" * 150 + "/" + MEMBER, b"")], tarfile.PAX_FORMAT),
             "huge": summed(whole[:124] + b"77777777777\0" + whole[136:]),
             "large": summed(whole[:124] + b"07777777777\0" + whole[136:]), "sum": b"q" + whole[1:]}
    for name, data in seeds.items():
        (FOLDER / name).write_bytes(data)


if __name__ == "__main__":
    main()
