"""The same work as bench_image in Pillow: bytes in memory to an upright 260 x 260 picture.

usage: image.py ROUNDS WIDTH HEIGHT PICTURE...; --make FOLDER PHOTO makes the pictures of image.sh."""
import io
import pathlib
import statistics
import sys
import time

import PIL
from PIL import Image, ImageOps


def make(folder, photo):
    """Twelve megapixels with a camera's share of detail: a photo enlarged, with grain."""
    import numpy as np

    folder.mkdir(parents=True, exist_ok=True)
    source = Image.open(photo).convert("RGB")
    large = source.resize((4000, 3000), Image.BICUBIC)
    grain = np.random.default_rng(1).normal(0, 3, (3000, 4000, 1))
    large = Image.fromarray((np.asarray(large) + grain).clip(0, 255).astype(np.uint8))
    large.save(folder / "12mp.jpg", quality=90)
    turned = Image.Exif()
    turned[0x0112] = 6
    large.save(folder / "12mp_turned.jpg", quality=90, exif=turned)
    large.save(folder / "12mp_progressive.jpg", quality=90, progressive=True)
    source.resize((320, 256), Image.BICUBIC).save(folder / "320x256.jpg", quality=90)
    half = large.resize((2000, 1500), Image.BICUBIC)
    half.save(folder / "3mp.png", compress_level=6)
    half.save(folder / "3mp.webp", quality=80)
    half.save(folder / "3mp.tif", compression="tiff_lzw")
    half.quantize(256).save(folder / "3mp.gif")
    half.save(folder / "3mp.avif", quality=60)


def load(data, size):
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    decoded = time.perf_counter()
    image.resize(size, Image.BICUBIC).tobytes()
    return decoded


def main():
    if sys.argv[1] == "--make":
        return make(pathlib.Path(sys.argv[2]), sys.argv[3])
    rounds, width, height = map(int, sys.argv[1:4])
    print(f"Pillow {PIL.__version__}, {rounds} rounds, to {width} x {height}, milliseconds")
    for path in map(pathlib.Path, sys.argv[4:]):
        data = path.read_bytes()
        decode, resize = [], []
        for _ in range(rounds):
            start = time.perf_counter()
            decoded = load(data, (width, height))
            decode.append(1e3 * (decoded - start))
            resize.append(1e3 * (time.perf_counter() - decoded))
        both = [a + b for a, b in zip(decode, resize)]
        print(f"{path.name:24} {'':33} decode {statistics.median(decode):7.2f}  "
              f"resize {statistics.median(resize):6.2f}  both {statistics.median(both):7.2f}  "
              f"best {min(both):7.2f}")


if __name__ == "__main__":
    main()
