#!/usr/bin/env python3
"""Grows a song table to N rows, for benchmarks at sizes that no table at hand has.

The table's own rows come first, unchanged; then rows drawn from it at random, each with a fresh
random id and normal noise on the continuous features, its standard deviation SIGMA times the
feature's own over the table (values are kept in their range). Key, mode, time signature, texts,
year, genre and popularity stay, so that artists and titles repeat. The same arguments give the same
bytes. Standard library alone; about 10 s a million rows.

    tools/grow_catalogue.py ../shared/data/spotify/tracks.csv.gz 1159764 > grown.csv
"""
import argparse
import csv
import gzip
import random
import statistics
import sys

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
RANGES = {
    "danceability": (0, 1), "energy": (0, 1), "loudness": (-60, 5), "speechiness": (0, 1),
    "acousticness": (0, 1), "instrumentalness": (0, 1), "liveness": (0, 1), "valence": (0, 1),
    "tempo": (0, 250), "duration_ms": (1000, 36000000),
}


def read_table(path):
    opened = gzip.open if path.endswith(".gz") else open
    with opened(path, "rt", encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        header = next(rows)
        return header, list(rows)


def fresh_id(draw):
    number = draw.getrandbits(128)  # as Spotify's: 22 digits of base 62, below 2^128
    digits = []
    for _ in range(22):
        number, digit = divmod(number, 62)
        digits.append(DIGITS[digit])
    return "".join(reversed(digits))


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("table")
    arguments.add_argument("rows", type=int)
    arguments.add_argument("--sigma", type=float, default=0.05)
    arguments.add_argument("--seed", type=int, default=1)
    args = arguments.parse_args()

    header, rows = read_table(args.table)
    column = {name: header.index(name) for name in header}
    noisy = []
    for name, (low, high) in RANGES.items():
        at = column[name]
        spread = statistics.pstdev(float(row[at]) for row in rows)
        noisy.append((at, low, high, args.sigma * spread, name == "duration_ms"))

    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(header)
    out.writerows(rows[:args.rows])
    draw = random.Random(args.seed)
    id_at, number_at = column["track_id"], column.get("", None)
    for number in range(len(rows), args.rows):
        row = list(draw.choice(rows))
        if number_at is not None:
            row[number_at] = number
        row[id_at] = fresh_id(draw)
        for at, low, high, sigma, whole in noisy:
            value = min(max(float(row[at]) + draw.gauss(0, sigma), low), high)
            row[at] = round(value) if whole else f"{value:.6g}"
        out.writerow(row)


if __name__ == "__main__":
    main()
