"""Writes tests/data/tiny-mood.safetensors, a made-up mood file of two small networks, and
tests/data/tiny-mood.txt: what numpy in double precision says it predicts. Needs numpy and scipy.

The tolerance of the test, 2e-5 of each number's size and 2e-5 at least, is that of sums in f32."""
import json, pathlib, struct
import numpy as np
from scipy.stats import norm

FEATURES = "danceability energy key loudness mode speechiness acousticness instrumentalness liveness valence tempo duration_ms time_signature".split()
EMOTIONS = "amusement anger awe contentment excitement fear sadness".split()
DATA = pathlib.Path(__file__).parent.parent / "data"
random = np.random.default_rng(1)


def write(path, tensors, metadata):
    order = sorted(tensors, key=lambda name: (-tensors[name].dtype.itemsize, name))
    header, at = {"__metadata__": metadata}, 0
    for name in order:
        t = tensors[name]
        header[name] = {"dtype": {"float32": "F32", "float16": "F16"}[str(t.dtype)], "shape": list(t.shape),
                        "data_offsets": [at, at + t.nbytes]}
        at += t.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(tensors[n].tobytes() for n in order))


def softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()


def f32(*shape):
    return random.normal(size=shape).astype(np.float32)


D, WIDTHS, NETWORKS, LEVELS = 37, [70, 33, 16, 22], 2, 9
tensors = {
    "input.mean": f32(D),
    "input.scale": np.abs(f32(D)) + np.float32(0.1),
    "emotion.happy": np.float32([1, -1, 1, 1, 1, -1, -1]),
    "emotion.lively": np.float32([1, 1, 0, -1, 1, 1, -1]),
    "emotion.temperature": np.float32([1.25]),
    "axis.songs": f32(2, 13),
    "axis.weight": np.float32([1, 0.5]),
    "axis.error": np.float32([0.9, 1.1]),
    "axis.readings": f32(2, 24),
    "feature.r2": np.abs(f32(13)) * np.float32(0.1),
    "reference.levels": ((np.arange(LEVELS) + 0.5) / LEVELS).astype(np.float32),
    "reference.features": np.sort(f32(13, LEVELS), axis=1) * np.float32(0.5),
    "reference.axes": np.sort(f32(2, LEVELS), axis=1) * np.float32(5),
}
for k in range(NETWORKS):
    columns = D
    for i, rows in enumerate(WIDTHS):
        tensors[f"network.{k}.{i}.weight"] = (f32(rows, columns) / columns**0.5).astype(np.float16)
        tensors[f"network.{k}.{i}.bias"] = f32(rows) * np.float32(0.1)
        columns = rows
metadata = {
    "dylumo.kind": "mood", "dylumo.version": "1", "dylumo.encoder": "tiny", "dylumo.encoder_hash": "0123456789abcdef",
    "dylumo.features": " ".join(FEATURES), "dylumo.emotions": " ".join(EMOTIONS), "dylumo.networks": str(NETWORKS),
    "dylumo.flip": "1", "dylumo.axes": "valence energy", "dylumo.recipe": "made up",
    "dylumo.pairing": "none: the numbers are random", "dylumo.card": json.dumps({"data": "none"}),
}
write(DATA / "tiny-mood.safetensors", tensors, metadata)

T = {name: t.astype(np.float64) for name, t in tensors.items()}


def outputs(k, e):
    x = (e - T["input.mean"]) * T["input.scale"]
    for i in range(len(WIDTHS)):
        x = T[f"network.{k}.{i}.weight"] @ x + T[f"network.{k}.{i}.bias"]
        x = np.maximum(x, 0) if i + 1 < len(WIDTHS) else x
    return x


def predict(views):
    all_outputs = [outputs(k, e) for e in views for k in range(NETWORKS)]
    o = np.mean(all_outputs, axis=0)
    opinion = np.mean([softmax(x[:7] / T["emotion.temperature"]) for x in all_outputs], axis=0)
    p = softmax(o[:7])
    odds = [np.log(p[T[f"emotion.{s}"] > 0].sum() + 1e-6) - np.log(p[T[f"emotion.{s}"] < 0].sum() + 1e-6) for s in ("happy", "lively")]
    readings = np.r_[o[9:], o[7:9], odds, np.log(p + 1e-6)]
    places = [np.interp(T["axis.readings"][a] @ readings, T["reference.axes"][a], T["reference.levels"]) for a in range(2)]
    feature_places = [np.interp(o[9 + i], T["reference.features"][i], T["reference.levels"]) for i in range(13)]
    sure = 1 + (opinion * np.log(opinion)).sum() / np.log(7)
    return np.r_[o[9:], feature_places, o[7:9], softmax(o[:7] / T["emotion.temperature"]), places, norm.ppf(places), sure]


with open(DATA / "tiny-mood.txt", "w") as out:
    for views in (1, 1, 2):
        e = f32(views, D)
        numbers = [views, *e.ravel(), *predict(e.astype(np.float64))]
        print(*[f"{x:.9g}" for x in numbers], file=out)
