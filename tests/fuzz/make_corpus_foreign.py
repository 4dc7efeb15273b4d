"""Writes the seeds of fuzz_zip, fuzz_pickle, fuzz_npy and fuzz_faiss into tests/fuzz/corpus: small files, good and bad. Python alone."""
import collections, io, pathlib, pickle, struct, zipfile

corpus = pathlib.Path(__file__).parent / "corpus"


def save(target, name, data):
    folder = corpus / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


# ---------------------------------------------------------------- zip


def archive(entries, method=zipfile.ZIP_STORED, comment=b""):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as z:
        for name, data in entries:
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type = method
            z.writestr(info, data)
        z.comment = comment
    return out.getvalue()


two = [("a/data.pkl", b"\x80\x02}."), ("a/data/0", bytes(range(64)))]
stored, deflated = archive(two), archive(two, zipfile.ZIP_DEFLATED)
save("zip", "stored", stored)
save("zip", "deflated", deflated)
save("zip", "comment", archive(two, comment=b"PK\5\6 in here"))
save("zip", "empty", archive([]))
save("zip", "up", archive([("../a", b"x")]))
save("zip", "root", archive([("/a", b"x")]))
save("zip", "bzip2", archive(two, zipfile.ZIP_BZIP2))
save("zip", "bomb", archive([("zeros", bytes(1 << 20))], zipfile.ZIP_DEFLATED))
save("zip", "cut", stored[:-10])
save("zip", "overlap", archive([("a", b"12345678"), ("b", b"x")]).replace(b"b", b"a"))


class Wide(zipfile.ZipFile):
    """Every size in zip64 fields."""

    def _write_end_record(self):
        limit, zipfile.ZIP64_LIMIT, zipfile.ZIP_FILECOUNT_LIMIT = zipfile.ZIP64_LIMIT, 0, 0
        super()._write_end_record()
        zipfile.ZIP64_LIMIT, zipfile.ZIP_FILECOUNT_LIMIT = limit, 65535


out = io.BytesIO()
with Wide(out, "w") as z:
    z.writestr(zipfile.ZipInfo("a", (1980, 1, 1, 0, 0, 0)), b"content")
save("zip", "wide", out.getvalue())

# ---------------------------------------------------------------- pickle

sample = {
    "none": None, "yes": True, "int": -5, "long": 1 << 40, "longer": 1 << 100, "float": 1.5, "str": "é😀\n", "bytes": b"\0\xff",
    "tuple": (1, (2,), (3, 4), (5, 6, 7), (8, 9, 10, 11)), "list": [[], {}, ()], "ordered": collections.OrderedDict(a=1),
}
for protocol in range(6):
    save("pickle", f"protocol{protocol}", pickle.dumps({k: v for k, v in sample.items() if protocol > 2 or k != "bytes"}, protocol))
save("pickle", "system", b"cos\nsystem\n(S'true'\ntR.")
save("pickle", "eval", b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.")
save("pickle", "inst", b"(S'true'\nios\nsystem\n.")
save("pickle", "object", b"cm\nC\n)\x81}U\x01aK\x01sb.")
save("pickle", "reconstructor", b"ccopy_reg\n_reconstructor\n(cm\nC\nc__builtin__\nobject\nNtR.")
save("pickle", "persistent", b"(U\x07storagecm\nF\nU\x010tQPid\n\x86.")
save("pickle", "python2", b"(dS'a\\x00'\nVb\\u00e9\nsI01\nL5L\ns.")
save("pickle", "itself", b"]q\0h\0a.")
save("pickle", "deep", b"N" + b"\x85" * 300 + b".")
bomb = b"]q\0"
for level in range(9):
    bomb += b"(" + bytes([ord("h"), level]) * 10 + b"lq" + bytes([level + 1])
save("pickle", "bomb", bomb + b".")
save("pickle", "memo", b"Nr\xff\xff\xff\xff.")
save("pickle", "marks", b"(((((" + b"tttt" + b"1N.")
save("pickle", "pairs", b"ccollections\nOrderedDict\n](U\x01aK\x01\x86e\x85R.")

# ---------------------------------------------------------------- npy


def npy(version, header, data):
    text = header.encode()
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(text)) + text + data


matrix = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n"
for version in (1, 2, 3):
    save("npy", f"version{version}", npy(version, matrix, bytes(24)))
save("npy", "double", npy(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }\n", bytes(24)))
save("npy", "scalar", npy(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (), }\n", bytes(8)))
save("npy", "fortran", npy(1, "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }\n", bytes(24)))
save("npy", "object", npy(1, "{'descr': '|O', 'fortran_order': False, 'shape': (2,), }\n", b"\x80\x04N."))
save("npy", "record", npy(1, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }\n", bytes(8)))
save("npy", "overflow", npy(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296), }\n", b""))
save("npy", "cut", npy(1, matrix, bytes(24))[:40])

# ---------------------------------------------------------------- faiss


def faiss(kind, metric, rows, columns, floats=None, data=None, extra=b""):
    """What faiss.write_index writes of a flat index."""
    floats = rows * columns if floats is None else floats
    data = struct.pack(f"<{floats}f", *range(floats)) if data is None else data
    header = struct.pack("<iqqqBi", columns, rows, 1 << 20, 1 << 20, 1, metric)
    return kind + header + extra + struct.pack("<Q", floats) + data


save("faiss", "ip", faiss(b"IxFI", 0, 3, 4))
save("faiss", "l2", faiss(b"IxF2", 1, 2, 13))
save("faiss", "old", faiss(b"IxFl", 1, 1, 1))
save("faiss", "metric", faiss(b"IxFI", 1, 3, 4))
save("faiss", "manhattan", faiss(b"IxFl", 2, 3, 4, extra=bytes(4)))
save("faiss", "empty", faiss(b"IxFI", 0, 0, 4))
save("faiss", "cut", faiss(b"IxFI", 0, 3, 4)[:-1])
save("faiss", "header", faiss(b"IxFI", 0, 3, 4)[:40])
save("faiss", "long", faiss(b"IxFI", 0, 3, 4) + b"x")
save("faiss", "overflow", faiss(b"IxFI", 0, 1 << 62, 4, 0, b""))
save("faiss", "negative", faiss(b"IxFI", 0, -1, -4, 4))
save("faiss", "nan", faiss(b"IxFI", 0, 1, 2, data=struct.pack("<2f", 1, float("nan"))))
save("faiss", "hnsw", b"IHNf" + bytes(40))
