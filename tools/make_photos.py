#!/usr/bin/env python3
"""Makes photos/*.jpg from the pictures in PyPI's scikit-image (0.26.0 here); needs it and Pillow.

    tools/make_photos.py PHOTO_FOLDER

docs/sources.md tells whose pictures they are and why they may be shipped."""
import pathlib
import shutil
import sys

import skimage
from PIL import Image

source = pathlib.Path(skimage.__file__).parent / "data"
target = pathlib.Path(sys.argv[1])
pictures = {
    "astronaut": "astronaut.png",
    "camera": "camera.png",
    "cat": "chelsea.png",
    "coffee": "coffee.png",
    "galaxies": "hubble_deep_field.jpg",
}
for name, file in pictures.items():
    picture = Image.open(source / file)
    picture.convert("L" if picture.mode == "L" else "RGB").save(
        target / f"{name}.jpg", quality=88, optimize=True)
shutil.copy(source / "rocket.jpg", target / "rocket.jpg")
