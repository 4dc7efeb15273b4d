"""How far may JPEG be decoded at a reduced size before the embedding notices? For each photo made
large (Lanczos, with a camera's grain), the cosine between the lite2 embeddings of the full and of the
reduced decoding, for the reductions of libjpeg that have a DCT of their own.

usage: image_scale.py LITE2.ONNX FOLDER_OR_PHOTO... ; every 30th photo of a folder"""
import io
import pathlib
import sys

import numpy as np
import onnxruntime
from PIL import Image

SIZE = 260


def large_jpeg(path, width):
    photo = Image.open(path).convert("RGB")
    if photo.width < width:
        photo = photo.resize((width, round(width * photo.height / photo.width)), Image.LANCZOS)
        grain = np.random.default_rng(1).normal(0, 2.5, (photo.height, photo.width, 1))
        photo = Image.fromarray((np.asarray(photo) + grain).clip(0, 255).astype(np.uint8))
    out = io.BytesIO()
    photo.save(out, "JPEG", quality=90)
    return out.getvalue(), photo.size


def pixels(data, divisor, size):
    image = Image.open(io.BytesIO(data))
    if divisor > 1:
        image.draft("RGB", (size[0] // divisor, size[1] // divisor))
    return image.size, np.asarray(image.convert("RGB").resize((SIZE, SIZE), Image.BICUBIC), np.float32)


def main():
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    session = onnxruntime.InferenceSession(sys.argv[1], options)
    name = session.get_inputs()[0].name

    def embed(picture):
        x = ((picture - 127) / 128).transpose(2, 0, 1)[None]
        return session.run(["mu"], {name: x})[0][0]

    files = []
    for place in map(pathlib.Path, sys.argv[2:]):
        found = sorted(p for p in place.iterdir() if p.suffix in (".jpg", ".png"))[::30] if \
            place.is_dir() else [place]
        files += found
    table = {}
    for path in files:
        for width in (2400, 3200, 4000):
            data, size = large_jpeg(path, width)
            _, full = pixels(data, 1, size)
            wanted = embed(full)
            for divisor in (2, 4, 8):
                got_size, reduced = pixels(data, divisor, size)
                ratio = min(got_size) / SIZE
                if ratio < 1 or abs(got_size[0] - size[0] / divisor) > 1:
                    continue
                got = embed(reduced)
                cosine = float(got @ wanted / np.linalg.norm(got) / np.linalg.norm(wanted))
                table.setdefault((divisor, int(ratio)), []).append(cosine)
    print(f"{len(files)} photos; smaller side of the reduced picture in units of {SIZE}")
    for (divisor, ratio), cosines in sorted(table.items()):
        print(f"1/{divisor}  {ratio} to {ratio + 1}  photos {len(cosines):4}  cosine least {min(cosines):.6f} "
              f"mean {np.mean(cosines):.6f}  under 0.9995: {sum(c < 0.9995 for c in cosines)}")


if __name__ == "__main__":
    main()
