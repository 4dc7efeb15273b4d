#!/usr/bin/env python3
"""Compares dylumo's pixels with Pillow's on real pictures: at most 1 of 255 off anywhere on JPEG, PNG
and WebP, identical on most.

usage: compare_pictures.py IMAGE_PIXELS PICTURE_OR_FOLDER... [--size 260] [--every N]

IMAGE_PIXELS is the program of that name in the build folder. Needs Pillow and NumPy. Says aloud what
it skips; exits 1 when a picture is further off."""
import argparse
import pathlib
import subprocess
import sys

import numpy as np

import reference

KINDS = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".tif", ".tiff", ".avif"}


def ask(program, path, size, fit, way="exact"):
    program.stdin.write(f"{size} {size} {fit} {way} {path}\n".encode())
    program.stdin.flush()
    said = program.stdout.readline().decode().split(" ", 1)
    if said[0] != "ok":
        return said[1].strip()
    raw = program.stdout.read(size * size * 3)
    return np.frombuffer(raw, np.uint8).reshape(size, size, 3)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("pictures", nargs="+", type=pathlib.Path)
    parser.add_argument("--size", type=int, default=260)
    parser.add_argument("--every", type=int, default=1, help="every Nth picture of a folder")
    options = parser.parse_args()
    files = []
    for place in options.pictures:
        if place.is_dir():
            found = sorted(p for p in place.rglob("*") if p.suffix.lower() in KINDS)
            files += found[:: options.every]
        elif place.exists():
            files.append(place)
        else:
            print(f"skipped: {place} is not there")
    program = subprocess.Popen([options.program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    same = near = far = refused = 0
    for path in files:
        for fit in ("squash", "crop"):
            ours = ask(program, path, options.size, fit)
            try:
                theirs = np.asarray(reference.pixels(path, options.size, options.size, fit))
            except Exception as problem:  # Pillow raises many kinds
                theirs = str(problem)
            if isinstance(ours, str) or isinstance(theirs, str):
                refused += 1
                print(f"{path}: ours {ours if isinstance(ours, str) else 'reads it'}; "
                      f"Pillow {theirs if isinstance(theirs, str) else 'reads it'}")
                continue
            off = int(np.abs(ours.astype(int) - theirs.astype(int)).max())
            same += off == 0
            near += off == 1
            far += off > 1
            if off > 1:
                print(f"{path}: {fit} is {off} off")
    print(f"{same} identical, {near} off by 1, {far} further off, {refused} not compared")
    sys.exit(1 if far or not same else 0)


if __name__ == "__main__":
    main()
