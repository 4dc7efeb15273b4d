"""Embeddings for the artefacts of the Python original, made up by Python alone so that they need not be kept: the same numbers in
tools/make_original.py, whose answers are kept, and in test_original.py."""
import array
import math
import random
import struct

COUNT = 200
WIDTH = 512


def embeddings():
    """COUNT embeddings of length 1, each an array of WIDTH f32; every step is exact or rounded as IEEE 754 says."""
    numbers = random.Random(8)
    for _ in range(COUNT):
        values = [numbers.random() - 0.5 for _ in range(WIDTH)]
        length = math.sqrt(math.fsum(value * value for value in values))
        yield array.array("f", [value / length for value in values])


def write_npy(path, rows):
    """Rows of f32, as numpy.save writes them."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({len(rows)}, {len(rows[0])}), }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + b"".join(row.tobytes() for row in rows))
