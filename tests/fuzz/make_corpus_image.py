#!/usr/bin/env python3
"""Makes tests/fuzz/corpus/image: pictures that lie. Each must be refused in the words of corpus/image_refused.txt
(file, status, a piece of the sentence) by test_image_hostile.c; the fuzz target starts from them.

usage: make_corpus_image.py PICTURES FOLDER

PICTURES is tests/data/pictures, whose JPEG, WebP and AVIF files are bent here."""
import io
import pathlib
import struct
import sys
import zlib

from PIL import Image

refused = []


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width, height, depth, color, body=b"", extra=b"", interlace=0, packed=None):
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlace))
    packed = zlib.compress(body) if packed is None else packed
    return (b"\x89PNG\r\n\x1a\n" + head + extra + chunk(b"IDAT", packed) + chunk(b"IEND", b""))


def tiff(entries, data=b"", next_directory=0):
    """Classic little-endian TIFF: data at 8, then one directory; values of (tag, form, value)."""
    start = 8 + len(data)
    out = b"II*\0" + struct.pack("<I", start) + data + struct.pack("<H", len(entries))
    for tag, form, count, value in sorted(entries):
        out += struct.pack("<HHII", tag, form, count, value)
    return out + struct.pack("<I", next_directory)


def grey_tiff(width, height, *changes, data=b"\x80" * 64, **options):
    entries = {256: (4, 1, width), 257: (4, 1, height), 258: (3, 1, 8), 259: (3, 1, 1),
               262: (3, 1, 1), 273: (4, 1, 8), 277: (3, 1, 1), 278: (4, 1, height),
               279: (4, 1, len(data))}
    for tag, form, count, value in changes:
        entries[tag] = (form, count, value)
    return tiff([(tag, *rest) for tag, rest in entries.items() if rest], data, **options)


def replaced(data, old, new):
    assert old in data
    return data.replace(old, new, 1)


def main():
    pictures, folder = map(pathlib.Path, sys.argv[1:])
    folder.mkdir(parents=True, exist_ok=True)

    def refuse(name, data, status, sentence):
        (folder / name).write_bytes(data)
        refused.append(f"{name} {status} {sentence}")

    # ------------------------------------------------------------------ PNG
    refuse("bomb.png", png(60000, 60000, 8, 2, b"\0" * 1000), "too-large", "60000 x 60000 pixels")
    refuse("long.png", png(300000, 1, 8, 0, b"\0" * 300001), "too-large", "no side may be over")
    refuse("bomb_interlaced.png", png(9000, 9000, 8, 6, b"\0" * 1000, interlace=1), "too-large",
           "held whole")
    refuse("zero.png", png(0, 5, 8, 2), "bad-picture", "broken PNG")
    refuse("depth.png", png(5, 5, 4, 2, b"\0" * 99), "bad-picture", "broken PNG")
    refuse("no_palette.png", png(5, 5, 8, 3, b"\0" * 30), "bad-picture", "broken PNG")
    refuse("short.png", png(20, 20, 8, 2, b"\0" * (61 * 7)), "bad-picture", "broken PNG")
    refuse("stream.png", png(20, 20, 8, 2, packed=b"\x78\x9c" + b"\xff" * 40), "bad-picture",
           "broken PNG")
    refuse("filter.png", png(4, 4, 8, 0, b"\x09\0\0\0\0" * 4), "bad-picture", "broken PNG")
    good = png(8, 8, 8, 0, b"\0" * 72)
    refuse("crc.png", good[:29] + b"\0\0\0\0" + good[33:], "bad-picture", "broken PNG")
    refuse("chunk.png", good[:33] + b"\xff\xff\xff\xf0IDAT" + good[41:], "bad-picture", "broken PNG")
    refuse("only_head.png", good[:33], "bad-picture", "cut off")
    # ------------------------------------------------------------------ JPEG
    jpeg = (pictures / "420.jpg").read_bytes()
    sof = jpeg.index(b"\xff\xc0")
    size = jpeg[sof + 5:sof + 9]
    refuse("bomb.jpg", replaced(jpeg, size, b"\xff\xdc\xff\xdc"), "too-large", "65500 x 65500")
    refuse("precision.jpg", jpeg[:sof + 4] + b"\x0c" + jpeg[sof + 5:], "unsupported", "precision")
    refuse("lossless.jpg", jpeg[:sof + 1] + b"\xc3" + jpeg[sof + 2:], "unsupported", "JPEG")
    refuse("components.jpg", jpeg[:sof + 9] + b"\x02" + jpeg[sof + 10:], "bad-picture", "broken JPEG")
    refuse("head.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF\0", "bad-picture", "broken JPEG")
    refuse("two_starts.jpg", b"\xff\xd8\xff\xd8" + jpeg, "bad-picture", "broken JPEG")
    progressive = (pictures / "progressive_grey.jpg").read_bytes()
    sof = progressive.index(b"\xff\xc2")
    size = progressive[sof + 5:sof + 9]
    refuse("bomb_progressive.jpg", replaced(progressive, size, struct.pack(">HH", 8000, 8000)),
           "too-large", "held whole")
    flat = io.BytesIO()
    Image.new("L", (8, 8), 90).save(flat, "JPEG", progressive=True)
    progressive = flat.getvalue()
    last = progressive.rindex(b"\xff\xda")  # the same scan, again and again
    refuse("scans.jpg", progressive[:last] + progressive[last:-2] * 600 + b"\xff\xd9", "bad-picture",
           "more than 500 scans")
    # ------------------------------------------------------------------ GIF
    gif = (pictures / "plain.gif").read_bytes()
    refuse("bomb.gif", gif[:6] + b"\xff\xff\xff\xff" + gif[10:], "too-large", "65535 x 65535")
    refuse("no_frame.gif", b"GIF89a\x05\0\x05\0\0\0\0;", "bad-picture", "no frame")
    frame = b"GIF89a\x05\0\x05\0\0\0\0,\0\0\0\0\x05\0\x05\0\0"
    refuse("code_size.gif", frame + b"\x0d\x02\x44\x01\0;", "bad-picture", "broken GIF")
    refuse("codes.gif", frame + b"\x02\x02\xff\xff\0;", "bad-picture", "broken GIF")
    empty = frame[:18] + b"\0\0\0\0" + frame[22:]
    refuse("empty_frame.gif", empty + b"\x02\0;", "bad-picture", "broken GIF")
    # ------------------------------------------------------------------ WebP
    webp = (pictures / "lossless.webp").read_bytes()
    refuse("bomb.webp", webp[:21] + b"\xff\xff\xff\x0f" + webp[25:], "too-large", "16384 x 16384")
    refuse("data.webp", webp[:40] + b"\xff" * (len(webp) - 40), "bad-picture", "broken WebP")
    refuse("empty.webp", b"RIFF\x04\0\0\0WEBP", "bad-picture", "broken WebP")
    canvas = b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xff\xff\xff" * 2
    refuse("canvas.webp", canvas, "bad-picture", "broken WebP")
    # ------------------------------------------------------------------ TIFF
    refuse("bomb.tif", grey_tiff(4000000000, 4000000000), "bad-picture", "broken TIFF")
    refuse("long.tif", grey_tiff(300000, 2), "too-large", "no side may be over")
    refuse("large.tif", grey_tiff(30000, 30000), "too-large", "30000 x 30000")
    refuse("zero.tif", grey_tiff(0, 7), "bad-picture", "broken TIFF")
    refuse("outside.tif", grey_tiff(8, 8, (273, 4, 1, 4000000000)), "bad-picture", "broken TIFF")
    refuse("strips.tif", grey_tiff(8, 8, (273, 4, 0x3FFFFFFF, 8)), "bad-picture", "broken TIFF")
    refuse("short.tif", grey_tiff(100, 100), "bad-picture", "broken TIFF")
    refuse("bits.tif", grey_tiff(8, 8, (258, 3, 1, 64)), "unsupported", "bits a sample: 64")
    refuse("bits_3.tif", grey_tiff(8, 8, (258, 3, 1, 3)), "unsupported", "bits a sample: 3")
    refuse("samples.tif", grey_tiff(8, 8, (277, 3, 1, 65535)), "unsupported", "samples a pixel")
    refuse("format.tif", grey_tiff(8, 8, (339, 3, 1, 3)), "unsupported", "sample format 3")
    refuse("lab.tif", grey_tiff(8, 8, (262, 3, 1, 8)), "unsupported", "photometric")
    refuse("codec.tif", grey_tiff(8, 8, (259, 3, 1, 9999)), "unsupported", "compression 9999")
    tiles = [(322, 4, 1, 0xFFFFFFF0), (323, 4, 1, 0xFFFFFFF0), (324, 4, 1, 8), (325, 4, 1, 64)]
    refuse("tiles.tif", grey_tiff(8, 8, *tiles), "bad-picture", "broken TIFF")
    large = [(322, 4, 1, 8192), (323, 4, 1, 8192), (324, 4, 1, 8), (325, 4, 1, 64)]
    refuse("tiles_large.tif", grey_tiff(8, 8, *large), "too-large", "tiles of")
    none = [(322, 4, 1, 0), (323, 4, 1, 0), (324, 4, 1, 8), (325, 4, 1, 64)]
    refuse("tiles_zero.tif", grey_tiff(8, 8, *none), "bad-picture", "broken TIFF")
    refuse("header.tif", b"II*\0\xff\xff\xff\xff", "bad-picture", "broken TIFF")
    # ------------------------------------------------------------------ HEIC, AVIF
    avif = (pictures / "plain.avif").read_bytes()
    at = avif.index(b"ispe") + 8
    refuse("bomb.avif", avif[:at] + struct.pack(">II", 60000, 60000) + avif[at + 8:], "too-large",
           "libheif's limits")
    refuse("boxes.avif", avif[:40] + b"\0" * 80, "bad-picture", "broken AVIF")
    refuse("only_type.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "bad-picture", "broken HEIC")
    (folder.parent / "image_refused.txt").write_text("\n".join(refused) + "\n")


if __name__ == "__main__":
    main()
