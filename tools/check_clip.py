#!/usr/bin/env python3
"""Compares dylumo's CLIP embeddings of photos with those of the weights' own reference.

    tools/check_clip.py DYLUMO OURS REFERENCE PHOTO...

OURS is what `dylumo models add` wrote, or its name; REFERENCE the folder with the weights it came from: with a config.json for transformers,
with an open_clip_config.json for open_clip. Prints the cosine of every photo in f32, bf16 and int8, and ends with 1 where the least
of them is under 0.99999, 0.9995 and 0.995. Needs torch, transformers or open_clip_torch, numpy, Pillow.
"""

import os
import subprocess
import sys
import tempfile

import numpy as np
import torch
from PIL import Image, ImageOps

LEAST = {"f32": 0.99999, "bf16": 0.9995, "int8": 0.995}


def by_transformers(folder, pictures):
    from transformers import CLIPImageProcessor, CLIPModel
    model = CLIPModel.from_pretrained(folder).eval()
    processor = CLIPImageProcessor.from_pretrained(folder)
    pixels = torch.cat([processor(p, return_tensors="pt")["pixel_values"] for p in pictures])
    with torch.no_grad():
        return model.visual_projection(model.vision_model(pixels).pooler_output).numpy()


def by_open_clip(folder, pictures):
    import open_clip
    model, preprocess = open_clip.create_model_from_pretrained("local-dir:" + os.path.abspath(folder))
    model.eval()
    with torch.no_grad():
        return model.encode_image(torch.stack([preprocess(p) for p in pictures])).numpy()


def ours(program, encoder, precision, photos):
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "e.npy")
        done = subprocess.run([program, "embed", *photos, "-o", out, "--encoder", encoder, "--precision", precision],
                              capture_output=True, text=True, check=False)
        return np.load(out) if done.returncode == 0 else done.stderr.strip()


def main():
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    program, encoder, folder, *photos = sys.argv[1:]
    pictures = [ImageOps.exif_transpose(Image.open(p)).convert("RGB") for p in photos]
    reference = by_transformers if os.path.exists(os.path.join(folder, "config.json")) else by_open_clip
    wanted = reference(folder, pictures)
    wanted = wanted / np.linalg.norm(wanted, axis=1, keepdims=True)
    good = True
    for precision, least in LEAST.items():
        found = ours(program, encoder, precision, photos)
        if isinstance(found, str):
            print(f"{precision}: {found}")
            continue
        cosines = (found * wanted).sum(1)
        good &= bool(cosines.min() >= least)
        print(f"{precision}: cosine {cosines.min():.6f} to {cosines.max():.6f}, at least {least}")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
