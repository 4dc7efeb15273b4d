#!/usr/bin/env python3
"""Makes tests/data/pictures: small pictures of every kind, and what reference.py makes of them.

usage: make_pictures.py FOLDER

cases.txt has a line for each: file, width, height, fit, tolerance (of 255), orientation, frames;
expected.rgb the pixels of all, one after the other. Needs Pillow 11.3 or later (AVIF) and NumPy;
HEIC is made anew only where Debian's heif-enc is (its expectation is the picture before encoding).
Kinds that Pillow cannot write are written here byte by byte: PNG of every depth and interlaced, TIFF
with tiles or separate planes."""
import io
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

import numpy as np
from PIL import Image

import reference

WIDTH, HEIGHT = 83, 61
cases = []


def scene(width=WIDTH, height=HEIGHT):
    """Gradients, hard edges, a disc and some noise: no symmetry that hides a wrong turn."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[0:height, 0:width].astype(float)
    picture = np.stack([255 * x / width, 255 * y / height, 255 - 255 * (x + y) / (width + height)], 2)
    picture[(x - 0.3 * width) ** 2 + (y - 0.4 * height) ** 2 < (0.22 * height) ** 2] = (250, 240, 20)
    picture[(x > 0.6 * width) & (y % 8 < 3) & (y > 0.5 * height)] = (10, 10, 30)
    picture[: height // 6, : width // 5] = (255, 0, 0)
    picture += rng.normal(0, 4, (height, width, 1))
    return picture.clip(0, 255).astype(np.uint8)


def alpha_of(height=HEIGHT, width=WIDTH):
    y, x = np.mgrid[0:height, 0:width]
    return ((x * 5 + y * 3) % 256).astype(np.uint8)


def case(name, tolerance=0, fit="squash", orientation=1, frames=1, expect=None):
    cases.append((name, tolerance, fit, orientation, frames, expect))


# ---------------------------------------------------------------------- JPEG


def exif(orientation, order="<"):
    body = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "IHHHIHHI", 8, 1, 0x112, 3, 1,
                                                                  orientation, 0, 0)
    return b"Exif\0\0" + body


def patched(data, marker, offset, value):
    at = data.index(marker) + offset
    return data[:at] + bytes([value]) + data[at + 1:]


def jpegs(folder):
    rgb = Image.fromarray(scene())

    def save(name, image=rgb, **options):
        options.setdefault("quality", 85)
        image.save(folder / name, "JPEG", **options)
        case(name)

    save("grey.jpg", rgb.convert("L"))
    save("444.jpg", subsampling="4:4:4")
    save("422.jpg", subsampling="4:2:2")
    save("420.jpg", subsampling="4:2:0")
    save("progressive.jpg", progressive=True)
    save("progressive_grey.jpg", rgb.convert("L"), progressive=True)
    save("restart.jpg", restart_marker_blocks=3)
    save("adobe_rgb.jpg", keep_rgb=True, subsampling="4:4:4")
    save("cmyk.jpg", rgb.convert("CMYK"))
    save("icc.jpg", icc_profile=b"not a profile" * 10)
    # the same CMYK components read as YCCK: the transform byte of Adobe's marker says so
    data = (folder / "cmyk.jpg").read_bytes()
    (folder / "ycck.jpg").write_bytes(patched(data, b"Adobe", 11, 2))
    case("ycck.jpg")
    small = Image.fromarray(scene(41, 29))
    for orientation in range(1, 9):
        name = f"orientation_{orientation}.jpg"
        small.save(folder / name, quality=85, exif=exif(orientation, "<>"[orientation % 2]))
        case(name, orientation=orientation)
    small.save(folder / "orientation_9.jpg", exif=exif(9))
    case("orientation_9.jpg")
    case("orientation_6.jpg", fit="crop", orientation=6)
    case("420.jpg", fit="crop")
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf tiff:Orientation="6"/></x:xmpmeta>'
    small.save(folder / "xmp.jpg", quality=85, xmp=xmp)
    case("xmp.jpg", orientation=6)
    Image.new("RGB", (1, 1), (200, 30, 90)).save(folder / "one_pixel.jpg")
    case("one_pixel.jpg")


# ---------------------------------------------------------------------- PNG


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def packed_rows(samples, depth, filters=False):
    """samples [height][width][channels] -> filtered scanlines."""
    out = bytearray()
    before = None
    for y, row in enumerate(samples):
        flat = row.reshape(-1).astype(np.uint32)
        if depth == 16:
            line = flat.astype(">u2").tobytes()
        elif depth == 8:
            line = flat.astype(np.uint8).tobytes()
        else:
            bits = "".join(format(v, f"0{depth}b") for v in flat)
            bits += "0" * (-len(bits) % 8)
            line = bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))
        if filters and before is not None and y % 2:
            out += b"\x02" + bytes((a - b) & 255 for a, b in zip(line, before))  # Up
        else:
            out += b"\x00" + line
        before = line
    return bytes(out)


def png(samples, depth, color, extra=(), late=(), interlaced=False):
    height, width = samples.shape[:2]
    if interlaced:
        passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
                  (0, 1, 1, 2)]
        parts = [samples[y::dy, x::dx] for x, y, dx, dy in passes]
        raw = b"".join(packed_rows(part, depth) for part in parts if part.shape[1])
    else:
        raw = packed_rows(samples, depth, True)
    head = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, int(interlaced))
    packed = zlib.compress(raw, 9)
    half = len(packed) // 2
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + b"".join(extra) +
            chunk(b"IDAT", packed[:half]) + chunk(b"IDAT", packed[half:]) + b"".join(late) +
            chunk(b"IEND", b""))


def pngs(folder):
    def save(name, data, **options):
        (folder / name).write_bytes(data)
        case(name, **options)

    rgb = scene(57, 43)
    grey = np.asarray(Image.fromarray(rgb).convert("L"))[:, :, None]
    alpha = alpha_of(43, 57)[:, :, None]
    wide_grey = grey.astype(np.uint32) * 256 + 255 - grey
    wide_rgb = rgb.astype(np.uint32) * 256 + 255 - rgb
    wide_alpha = alpha.astype(np.uint32) * 256 + 200
    for depth in (1, 2, 4):
        save(f"grey_{depth}.png", png(grey >> (8 - depth), depth, 0))
    save("grey_8.png", png(grey, 8, 0))
    save("grey_16.png", png(wide_grey, 16, 0))
    save("grey_alpha_8.png", png(np.concatenate([grey, alpha], 2), 8, 4))
    save("grey_alpha_16.png", png(np.concatenate([wide_grey, wide_alpha], 2), 16, 4))
    save("rgb_8.png", png(rgb, 8, 2))
    save("rgb_16.png", png(wide_rgb, 16, 2))
    save("rgba_8.png", png(np.concatenate([rgb, alpha], 2), 8, 6))
    save("rgba_16.png", png(np.concatenate([wide_rgb, wide_alpha], 2), 16, 6))
    for depth in (1, 2, 4, 8):
        count = 1 << depth
        colors = np.random.default_rng(depth).integers(0, 256, (count, 3), np.uint8)
        index = (grey.astype(int) * count // 256).astype(np.uint8)
        palette = chunk(b"PLTE", colors.tobytes())
        save(f"palette_{depth}.png", png(index, depth, 3, [palette]))
        clear = chunk(b"tRNS", bytes(i * 97 % 256 for i in range(max(1, count // 2))))
        save(f"palette_clear_{depth}.png", png(index, depth, 3, [palette, clear]))
    save("grey_clear.png", png(grey // 16 * 16, 8, 0, [chunk(b"tRNS", struct.pack(">H", 96))]))
    flat = rgb // 64 * 64
    color = flat[20, 20]
    save("rgb_clear.png", png(flat, 8, 2, [chunk(b"tRNS", struct.pack(">HHH", *map(int, color)))]))
    save("interlaced.png", png(rgb, 8, 2, interlaced=True))
    save("interlaced_rgba_16.png", png(np.concatenate([wide_rgb, wide_alpha], 2), 16, 6,
                                       interlaced=True))
    save("interlaced_palette_2.png", png(grey >> 6, 2, 3, [chunk(b"PLTE", bytes(range(12)))],
                                         interlaced=True))
    save("exif.png", png(rgb, 8, 2, [chunk(b"eXIf", exif(8)[6:])]), orientation=8)
    save("late_exif.png", png(rgb, 8, 2, late=[chunk(b"eXIf", exif(5)[6:])]), orientation=5)
    xmp = b"XML:com.adobe.xmp\0\0\0\0\0<a><tiff:Orientation>3</tiff:Orientation></a>"
    save("xmp.png", png(rgb, 8, 2, [chunk(b"iTXt", xmp)]), orientation=3)
    save("one_row.png", png(rgb[:1], 8, 2))
    save("one_column.png", png(rgb[:, :1], 8, 2))


# ---------------------------------------------------------------------- WebP, GIF, AVIF, HEIC


def webps(folder):
    rgb = Image.fromarray(scene())
    rgba = rgb.copy()
    rgba.putalpha(Image.fromarray(alpha_of()))

    def save(name, image, orientation=1, frames=1, **options):
        image.save(folder / name, "WEBP", **options)
        case(name, orientation=orientation, frames=frames)

    save("lossy.webp", rgb, quality=75)
    save("lossless.webp", rgb, lossless=True)
    save("alpha.webp", rgba, quality=75)
    save("alpha_lossless.webp", rgba, lossless=True)
    save("exif.webp", rgb, quality=75, exif=exif(7), orientation=7)
    turned = rgb.transpose(Image.ROTATE_180)
    save("animated.webp", rgb, frames=3, quality=60, save_all=True, append_images=[turned, rgb])
    save("animated_alpha.webp", rgba, frames=2, quality=60, save_all=True, append_images=[turned])


def gifs(folder):
    rgb = Image.fromarray(scene())
    index = rgb.quantize(64)

    def save(name, image, frames=1, **options):
        image.save(folder / name, "GIF", **options)
        case(name, frames=frames)

    save("plain.gif", index, interlace=0)
    save("interlaced.gif", index, interlace=1)
    save("grey.gif", rgb.convert("L"), interlace=0)
    save("clear.gif", index, transparency=int(np.asarray(index)[30, 30]), interlace=0)
    save("animated.gif", index, frames=3, save_all=True, append_images=[
        rgb.transpose(Image.ROTATE_180).quantize(64), rgb.convert("L").quantize(8)])
    # a screen larger than the frame, which starts at 9, 4
    data = bytearray((folder / "plain.gif").read_bytes())
    data[6:10] = struct.pack("<HH", WIDTH + 20, HEIGHT + 10)
    at = data.index(b"\x2c" + struct.pack("<HHHH", 0, 0, WIDTH, HEIGHT))
    data[at + 1:at + 5] = struct.pack("<HH", 9, 4)
    (folder / "placed.gif").write_bytes(data)
    case("placed.gif")


def heifs(folder):
    rgb = Image.fromarray(scene())
    rgba = rgb.copy()
    rgba.putalpha(Image.fromarray(alpha_of()))
    # libheif and Pillow's libavif upsample and round YCbCr differently: a tolerance, measured
    rgb.save(folder / "plain.avif", quality=80, subsampling="4:4:4")
    case("plain.avif", tolerance=1)
    rgba.save(folder / "alpha.avif", quality=80, subsampling="4:4:4")
    case("alpha.avif", tolerance=1)
    rgb.save(folder / "turned.avif", quality=80, subsampling="4:4:4", exif=exif(6))
    case("turned.avif", tolerance=1)
    with tempfile.TemporaryDirectory() as scratch:
        source = pathlib.Path(scratch) / "source.png"
        rgb.save(source)
        if shutil.which("heif-enc"):
            subprocess.run(["heif-enc", "-q", "90", "-p", "chroma=444", "-o", folder / "plain.heic",
                            source], check=True, stdout=subprocess.DEVNULL)
            rgb.save(source, exif=exif(6))
            subprocess.run(["heif-enc", "-q", "90", "-p", "chroma=444", "-o", folder / "exif_only.heic",
                            source], check=True, stdout=subprocess.DEVNULL)
        else:
            print("heif-enc is not there: the HEIC pictures stay as they are")
    case("plain.heic", tolerance=3, expect=rgb)
    # heif-enc copies the EXIF block but turns nothing: in HEIF only its own transforms count
    case("exif_only.heic", tolerance=3, expect=rgb)


# ---------------------------------------------------------------------- TIFF


def tiff(samples, bits, photometric, tags=(), tile=None, separate=False, order="<", rows=None):
    """An uncompressed TIFF: strips of `rows` lines, or tiles of `tile` pixels a side."""
    height, width, channels = samples.shape
    kind = np.dtype(order + ("u2" if bits == 16 else "u1"))
    planes = [samples[:, :, c:c + 1] for c in range(channels)] if separate else [samples]
    pieces = []
    for plane in planes:
        if tile:
            for top in range(0, height, tile):
                for left in range(0, width, tile):
                    piece = np.zeros((tile, tile, plane.shape[2]), plane.dtype)
                    part = plane[top:top + tile, left:left + tile]
                    piece[:part.shape[0], :part.shape[1]] = part
                    pieces.append(piece.astype(kind).tobytes())
        else:
            for top in range(0, height, rows or height):
                pieces.append(plane[top:top + (rows or height)].astype(kind).tobytes())
    data, offsets = b"", []
    for piece in pieces:
        offsets.append(8 + len(data))
        data += piece
    sizes = [len(piece) for piece in pieces]
    entries = {256: (4, [width]), 257: (4, [height]), 258: (3, [bits] * channels), 259: (3, [1]),
               262: (3, [photometric]), 277: (3, [channels]), 284: (3, [2 if separate else 1])}
    if tile:
        entries |= {322: (4, [tile]), 323: (4, [tile]), 324: (4, offsets), 325: (4, sizes)}
    else:
        entries |= {273: (4, offsets), 278: (4, [rows or height]), 279: (4, sizes)}
    entries |= dict(tags)
    directory, behind = b"", b""
    start = 8 + len(data) + len(data) % 2
    after = start + 2 + 12 * len(entries) + 4
    for tag in sorted(entries):
        form, values = entries[tag]
        body = struct.pack(order + str(len(values)) + {3: "H", 4: "I"}[form], *values)
        if len(body) <= 4:
            field = body.ljust(4, b"\0")
        else:
            field = struct.pack(order + "I", after + len(behind))
            behind += body
        directory += struct.pack(order + "HHI", tag, form, len(values)) + field
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", start)
    return (head + data + b"\0" * (len(data) % 2) + struct.pack(order + "H", len(entries)) +
            directory + b"\0\0\0\0" + behind)


def tiffs(folder):
    rgb_array = scene(57, 43)
    rgb = Image.fromarray(rgb_array)
    grey = rgb.convert("L")
    alpha = alpha_of(43, 57)
    rgba = np.dstack([rgb_array, alpha])

    def save(name, image, **options):
        image.save(folder / name, "TIFF", **options)
        case(name)

    def write(name, data, **options):
        (folder / name).write_bytes(data)
        case(name, **options)

    save("raw.tif", rgb)
    save("lzw.tif", rgb, compression="tiff_lzw")
    save("deflate.tif", rgb, compression="tiff_adobe_deflate")
    save("packbits.tif", rgb.quantize(16), compression="packbits")
    save("jpeg.tif", rgb, compression="jpeg", quality=85)
    save("fax.tif", grey.convert("1"), compression="group4")
    save("bilevel.tif", grey.convert("1"))
    save("cmyk.tif", rgb.convert("CMYK"), compression="tiff_lzw")
    save("rgba.tif", Image.fromarray(rgba, "RGBA"), compression="tiff_lzw")
    save("grey_16.tif", Image.fromarray(np.asarray(grey).astype(np.uint16) * 256 + 77))
    rgb.save(folder / "pages.tif", compression="tiff_lzw", save_all=True, append_images=[grey, rgb])
    case("pages.tif", frames=3)
    one = np.asarray(grey)[:, :, None]
    write("white_is_zero.tif", tiff(one, 8, 0))
    write("tiled.tif", tiff(rgb_array, 8, 2, tile=16))
    write("tiled_grey.tif", tiff(one, 8, 1, tile=32))
    write("planes.tif", tiff(rgb_array, 8, 2, separate=True, rows=7))
    write("rgb_16.tif", tiff(rgb_array.astype(np.uint16) * 256 + 9, 16, 2, order=">"))
    write("turned.tif", tiff(rgb_array, 8, 2, {274: (3, [6])}), orientation=6)
    # colours already multiplied by alpha
    multiplied = (rgb_array.astype(int) * alpha[:, :, None] // 255).astype(np.uint8)
    write("premultiplied.tif", tiff(np.dstack([multiplied, alpha]), 8, 2, {338: (3, [1])}))
    # what Pillow does not read: expected is the same picture as it reads it otherwise
    planes_tiled = tiff(rgb_array, 8, 2, tile=16, separate=True)
    (folder / "planes_tiled.tif").write_bytes(planes_tiled)
    case("planes_tiled.tif", expect=rgb)


# ---------------------------------------------------------------------- all


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for make in (jpegs, pngs, webps, gifs, heifs, tiffs):
        make(folder)
    expected = io.BytesIO()
    with open(folder / "cases.txt", "w") as index:
        for name, tolerance, fit, orientation, frames, expect in cases:
            width, height = (20, 20) if fit == "crop" else (24, 18)
            if expect is None:
                pixels = reference.pixels(folder / name, width, height, fit)
            else:
                pixels = expect.resize((width, height), Image.BICUBIC)
            expected.write(np.asarray(pixels).tobytes())
            print(name, width, height, fit, tolerance, orientation, frames, file=index)
    (folder / "expected.rgb").write_bytes(expected.getvalue())


if __name__ == "__main__":
    main()
