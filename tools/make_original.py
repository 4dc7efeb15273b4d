#!/usr/bin/env python3
"""Makes the artefacts of the Python original, small: tests/data/original. Model, scaler and index are PyTorch's, scikit-learn's and
FAISS's own, over a table of songs as `dylumo songs export` writes it; the answers are what they list.

    build/dylumo songs export build/share/dylumo/songs.dylumo -o songs.csv
    python3 tools/make_original.py songs.csv tests/data/original
    # pip install torch==2.15.0 scikit-learn==1.9.1 faiss-cpu==1.15.1 pandas==3.1.1 pyarrow==26.0.1

dylumo_model.pt      FastMLP as the original saves it, of 512 inputs and narrow layers, with random weights
wide/                one of 1024 inputs, the bare state dict
spotify_scaler.pkl   MinMaxScaler fitted on the table's 13 features
scaler-*.pkl         the same scaler as other writers pickle it
answers.txt          for each of the 200 embeddings that tests/cli/original_support.py makes up FAISS's ten rows of the table and their scores, best first
songs/               the table's first 40 rows, table.csv, as the original keeps them: spotify_features.npy, scaled; spotify_metadata.parquet;
                     music_index.index of vectors of length 1; scaled.index, an IndexFlatL2 of them as they are"""
import pathlib
import pickle
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tests/cli"))

import faiss
import joblib
import numpy
import pandas
import torch
from original_support import embeddings
from sklearn.preprocessing import MinMaxScaler

FEATURES = ["danceability", "energy", "key", "loudness", "mode", "speechiness", "acousticness", "instrumentalness", "liveness",
            "valence", "tempo", "duration_ms", "time_signature"]
WIDTHS = [512, 16, 8, 8]


class FastMLP(torch.nn.Module):
    def __init__(self, widths):
        super().__init__()
        layers = []
        for before, after in zip(widths, widths[1:]):
            layers += [torch.nn.Linear(before, after), torch.nn.BatchNorm1d(after), torch.nn.ReLU(), torch.nn.Dropout(0.2)]
        self.network = torch.nn.Sequential(*layers, torch.nn.Linear(widths[-1], len(FEATURES)))

    def forward(self, x):
        return self.network(x)


def make_model(widths):
    torch.manual_seed(8)
    model = FastMLP(widths)
    with torch.no_grad():
        model.network[0].weight.mul_(80)  # so that embeddings differ by much
        model.network[12].weight.mul_(10)
        for module in model.modules():  # as after a training: nothing at its beginning's value
            if isinstance(module, torch.nn.BatchNorm1d):
                module.weight.uniform_(0.5, 1.5)
                module.bias.uniform_(-0.5, 1)
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.05, 0.3)
        model.network[12].bias.uniform_(0, 1)
    return model.eval()


def save_songs(table, songs, folder):
    numpy.save(folder / "spotify_features.npy", songs)
    table.drop(columns=FEATURES).to_parquet(folder / "spotify_metadata.parquet")
    index = faiss.IndexFlatL2(len(FEATURES))
    index.add(songs)
    faiss.write_index(index, str(folder / "scaled.index"))
    unit = songs.copy()
    faiss.normalize_L2(unit)
    index = faiss.IndexFlatIP(len(FEATURES))
    index.add(unit)
    faiss.write_index(index, str(folder / "music_index.index"))


def main(table, folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "songs").mkdir(exist_ok=True)
    (folder / "songs/table.csv").write_text("".join(open(table, encoding="utf-8").readlines()[:41]))
    table = pandas.read_csv(table)
    features = table[FEATURES]
    scaler = MinMaxScaler()
    songs = numpy.ascontiguousarray(scaler.fit_transform(features), dtype="float32")
    (folder / "spotify_scaler.pkl").write_bytes(pickle.dumps(scaler))
    (folder / "scaler-protocol2.pkl").write_bytes(pickle.dumps(scaler, 2))
    (folder / "scaler-protocol5.pkl").write_bytes(pickle.dumps(scaler, 5))
    joblib.dump(scaler, folder / "scaler-joblib.pkl")
    joblib.dump(scaler, folder / "scaler-joblib-zlib.pkl", compress=3)
    (folder / "scaler-floats.pkl").write_bytes(pickle.dumps(MinMaxScaler().fit(features.to_numpy("float32"))))
    save_songs(table[:40], songs[:40], folder / "songs")
    faiss.normalize_L2(songs)
    index = faiss.IndexFlatIP(len(FEATURES))
    index.add(songs)
    model = make_model(WIDTHS)
    torch.save({"model_state_dict": model.state_dict(), "input_dim": WIDTHS[0], "output_dim": len(FEATURES)},
               folder / "dylumo_model.pt")
    (folder / "wide").mkdir(exist_ok=True)
    torch.save(make_model([1024, 8, 8, 8]).state_dict(), folder / "wide/dylumo_model.pt")
    lines = []
    with torch.no_grad():
        for embedding in embeddings():
            wanted = model(torch.from_numpy(numpy.array(embedding)[None])).numpy().astype("float32")
            faiss.normalize_L2(wanted)
            scores, rows = index.search(wanted, 10)
            lines.append(" ".join(f"{row}:{score:.7f}" for row, score in zip(rows[0], scores[0])) + "\n")
    (folder / "answers.txt").write_text("".join(lines))


main(*sys.argv[1:])
