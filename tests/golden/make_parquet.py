#!/usr/bin/env python3
"""Makes tests/data/parquet: song tables and pictures in Parquet, small, as other programs write them.

    pip install pyarrow pandas pillow
    tests/golden/make_parquet.py

songs.parquet      40 songs of the starter catalogue, as pandas writes them (snappy, dictionaries)
songs.csv          the same rows, in text: importing either gives the same songs file
more.parquet       30 more in zstd, columns in another order, with columns that are not text
emid-0, -1         rows as EMID's on Hugging Face: pictures as structs of bytes and path, among them
                   paths that would lead out of the folder, a name twice with other bytes, a hidden
                   name, nothing at all, and bytes that are no picture
"""
import io
import pathlib

import pandas
import pyarrow
import pyarrow.parquet
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[2]
TO = ROOT / "tests/data/parquet"


def songs():
    table = pandas.read_csv(ROOT / "catalogue/starter.csv.gz", keep_default_na=False,
                            na_values={"year": "", "popularity": ""})
    first = table.iloc[:40].copy()
    first.loc[first.index[3], "track_name"] = 'She said, "no"\nand left'
    first.to_parquet(TO / "songs.parquet")
    first.to_csv(TO / "songs.csv", index=False)
    more = table.iloc[40:70][list(reversed(table.columns))].copy()
    more["cover"] = b"\xff\xd8\xff" * 3
    more["tags"] = [{"mood": "calm"}] * len(more)
    more.to_parquet(TO / "more.parquet", compression="zstd")


def picture(colour, kind="JPEG"):
    to = io.BytesIO()
    Image.new("RGB", (16, 12), colour).save(to, kind)
    return to.getvalue()


def emid_row(number, paths, colours, tags):
    row = {"Audio_Filename": f"clip_{number}.mp3", "genre": "A", "feeling": f"feeling {number}, calm",
           "emotion": [1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2]}
    for i, (path, colour, tag) in enumerate(zip(paths, colours, tags), 1):
        data = colour if isinstance(colour, bytes) else picture(*colour) if colour else None
        row[f"Image{i}_filename"] = {"bytes": data, "path": path} if path or data else None
        row[f"Image{i}_tag"] = tag
        row[f"Image{i}_text"] = f"text {number}.{i}"
    row["is_original_clip"] = True
    return row


def emid():
    red, green, blue = ("red",), ("green",), ("blue",)
    first = [
        emid_row(0, ["awe_1.jpg", "data/train/fear_2.jpg", "sad_3.jpg"], [red, green, blue],
                 ["awe", "fear", "sadness"]),
        emid_row(1, ["../../evil.jpg", "awe_1.jpg", ".hidden.jpg"], [("white",), red, ("black",)],
                 ["anger", "awe", "contentment"]),
        emid_row(2, ["awe_1.jpg", None, None], [("pink",), None, ("gray", "PNG")],
                 ["excitement", None, "amusement"]),
    ]
    second = [
        emid_row(3, ["C:\\pictures\\win.png", "song.mp3", "name with blanks.jpg"],
                 [("navy", "PNG"), b"ID3 no picture", ("gold",)], ["fear", "awe", "anger"]),
    ]
    binary = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    fields = [(name, binary if name.endswith("_filename") and name.startswith("Image")
               else pyarrow.list_(pyarrow.int64()) if name == "emotion"
               else pyarrow.bool_() if name == "is_original_clip" else pyarrow.string())
              for name in first[0]]
    for number, rows in enumerate([first, second]):
        table = pyarrow.Table.from_pylist(rows, schema=pyarrow.schema(fields))
        pyarrow.parquet.write_table(table, TO / f"emid-{number}.parquet", row_group_size=2)


TO.mkdir(exist_ok=True)
songs()
emid()
