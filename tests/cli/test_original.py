"""The original's artefacts (tools/make_original.py made a small set with PyTorch, scikit-learn and FAISS): the same songs in the
same order for 200 embeddings."""
import csv
import json
import re
import zipfile
import zlib

from cli_support import BUILD, SOURCE, Folder, environment, expect, main, need_models, run
from original_support import embeddings, write_npy

DATA = SOURCE / "tests/data/original"
SONGS = BUILD / "share/dylumo/songs.dylumo"
# FAISS adds in f32 and we tell six digits: songs whose scores are nearer than this have no order of their own.
ROUNDING = 1.5e-6


def read_answers():
    """For each embedding FAISS's (row, score)s, best first."""
    for line in (DATA / "answers.txt").read_text().splitlines():
        pairs = (word.split(":") for word in line.split())
        yield [(int(row), float(score)) for row, score in pairs]


def read_ids(table):
    """The ids of a table, row by row."""
    with open(table, newline="", encoding="utf-8") as file:
        return [row["track_id"] for row in csv.DictReader(file)]


def change_model(path, what, value):
    """The golden model with another number in its dict."""
    with zipfile.ZipFile(DATA / "dylumo_model.pt") as model, zipfile.ZipFile(path, "w") as changed:
        for name in model.namelist():
            data = model.read(name)
            if name.endswith("/data.pkl"):  # the key, its place in the memo, the number of one byte or two
                head, tail = re.split(what + rb"q.", data, maxsplit=1, flags=re.DOTALL)
                number = 3 if tail[:1] == b"M" else 2
                data = head + what + data[len(head) + len(what):][:2] + b"M" + value.to_bytes(2, "little") + tail[number:]
            changed.writestr(name, data)


def change_name(path, name, other):
    """The golden model with a tensor of another name."""
    with zipfile.ZipFile(DATA / "dylumo_model.pt") as model, zipfile.ZipFile(path, "w") as changed:
        for entry in model.namelist():
            changed.writestr(entry, model.read(entry).replace(name, other))


def check_list(songs, expected, ids):
    """Counts the places with FAISS's own song; at any other the scores must be the same up to rounding."""
    same = 0
    for song, (row, score) in zip(songs, expected):
        cosine = float(song["why"].split()[1].rstrip(","))
        near = abs(cosine - score) <= ROUNDING
        assert near, (song["id"], cosine, ids[row], score)
        same += song["id"] == ids[row]
    return same


def test_same_songs():
    """200 embeddings: FAISS's songs in FAISS's order"""
    need_models()
    with Folder() as folder:
        table, songs, mood = folder / "songs.csv", folder / "songs.dylumo", folder / "mood.safetensors"
        write_npy(folder / "embeddings.npy", list(embeddings()))
        assert run("songs", "export", SONGS, "-o", table)[0] == 0
        assert run("import", "-q", "--keep-rows", table, "-o", songs)[0] == 0
        expect(run("import", "--original", DATA, "-o", mood), 0,
               f"mood weights for the 512 numbers of clip-vit-b-32 in {mood}\n")
        ids = read_ids(table)
        code, out, err = run("recommend", "-j", "--rank", "cosine", "-s", songs, "--mood-file", mood,
                             "--embedding", folder / "embeddings.npy")
        assert (code, err) == (0, ""), (code, err)
        answers = [json.loads(line) for line in out.splitlines()]
        expected = list(read_answers())
        assert len(answers) == len(expected) == 200, len(answers)
        same = sum(check_list(a["songs"], e, ids) for a, e in zip(answers, expected))
        print(f"# {same} of 2000 places hold FAISS's song")
        assert same >= 1980, f"{same} of 2000 places hold FAISS's song"


def test_models_add():
    """the model becomes the mood of CLIP in the data folder, told, listed and taken out as others are"""
    with Folder() as folder:
        env = environment(XDG_DATA_HOME=str(folder))
        made = folder / "dylumo/clip-vit-b-32-mood.safetensors"
        expect(run("models", "add", DATA / "dylumo_model.pt", env=env), 0, f"Added clip-vit-b-32-mood, f32, 0.0 MB: {made}\n"
               "The mood of encoder clip-vit-b-32; 'dylumo recommend --rank cosine' ranks as the original.\n")
        assert run("import", "-q", "--original", DATA, "-o", folder / "mood")[0] == 0
        assert (folder / "mood").read_bytes() == made.read_bytes()
        code, out, _ = run("models", "list", "--json", env=env)
        mine = [one for one in json.loads(out) if one["name"] == "clip-vit-b-32-mood"]
        assert code == 0 and len(mine) == 1 and mine[0]["kind"] == "mood", out
        code, out, _ = run("models", "info", "clip-vit-b-32-mood", env=env)
        assert code == 0 and "for encoder   clip-vit-b-32\nprecision     f32\n" in out, out
        expect(run("models", "remove", "clip-vit-b-32-mood", env=env), 0, "Removed clip-vit-b-32-mood.\n")


def test_bare_state():
    """a bare state dict of 1024 inputs, whose scaler lies elsewhere"""
    wide = DATA / "wide/dylumo_model.pt"
    with Folder() as folder:
        env = environment(XDG_DATA_HOME=str(folder))
        expect(run("models", "add", wide, env=env), 4, "",
               f"dylumo: {wide}: spotify_scaler.pkl is not beside it; the scaler that the model was trained with can be named\n")
        code, out, err = run("models", "add", DATA / "wide", "-n", "wide", "--scaler", DATA / "spotify_scaler.pkl", env=env)
        assert (code, err) == (0, "") and out.startswith("Added wide, f32"), (code, out, err)
        write_npy(folder / "embedding.npy", [next(embeddings()) * 2])
        code, out, err = run("recommend", "-j", "--mood-file", folder / "dylumo/wide.safetensors", "--rank", "cosine",
                             "-s", SONGS, "--embedding", folder / "embedding.npy")
        assert code == 0 and len(json.loads(out)["songs"]) == 10, (code, out, err)
        code, _, err = run("models", "add", DATA, "-p", "int8", env=env)
        assert code != 0 and "stay f32, not int8" in err, err


def test_other_pickles():
    """the same scaler as older and newer Pythons and joblib pickle it, and one that learned floats"""
    with Folder() as folder:
        (folder / "dylumo_model.pt").write_bytes((DATA / "dylumo_model.pt").read_bytes())
        made = []
        for name in ("spotify_scaler", "scaler-protocol2", "scaler-protocol5", "scaler-joblib", "scaler-joblib-zlib", "scaler-floats"):
            (folder / "spotify_scaler.pkl").write_bytes((DATA / (name + ".pkl")).read_bytes())
            code, _, err = run("import", "-q", "--original", folder, "-o", folder / name)
            assert code == 0, (name, err)
            made.append((folder / name).read_bytes())
        assert made[:-1] == made[:1] * (len(made) - 1) and len(made[-1]) == len(made[0])


def test_broken():
    """what is missing or damaged is said, and nothing is written"""
    with Folder() as folder:
        mood = folder / "mood.safetensors"
        code, _, err = run("import", "--original", folder, "-o", mood)
        assert code == 4 and "spotify_scaler.pkl: cannot open" in err, (code, err)
        scaler = (DATA / "spotify_scaler.pkl").read_bytes()
        (folder / "spotify_scaler.pkl").write_bytes(scaler[:-300])
        code, _, err = run("import", "--original", folder, "-o", mood)
        assert code == 8 and "spotify_scaler.pkl" in err, (code, err)
        (folder / "spotify_scaler.pkl").write_bytes(b"cos\nsystem\n(S'touch owned'\ntR.")
        code, _, err = run("import", "--original", folder, "-o", mood, cwd=folder)
        assert code != 0 and "'os.system'" in err and not (folder / "owned").exists(), (code, err)
        packed = zlib.compress(bytes(2 << 20)), (DATA / "scaler-joblib-zlib.pkl").read_bytes()[:-20]
        for bad, status, text in zip(packed, (9, 8), ("unpacks to more than 1048576 bytes", "does not unpack")):
            (folder / "spotify_scaler.pkl").write_bytes(bad)
            code, _, err = run("import", "--original", folder, "-o", mood)
            assert code == status and text in err, (code, err)
        (folder / "spotify_scaler.pkl").write_bytes(scaler)
        change_name(folder / "dylumo_model.pt", b"network.9.num_batches", b"network.3.num_batches")
        code, _, err = run("import", "--original", folder, "-o", mood)
        assert code == 8 and "has a tensor 'network.3.num_batches_tracked'; another model" in err, (code, err)
        for what, lie in ((b"input_dim", 511), (b"output_dim", 12)):
            change_model(folder / "dylumo_model.pt", what, lie)
            code, _, err = run("import", "--original", folder, "-o", mood)
            assert code == 8 and f"says {what.decode()} {lie}, but its tensors have" in err, (code, err)
        (folder / "dylumo_model.pt").write_bytes((DATA / "dylumo_model.pt").read_bytes()[:-100])
        code, _, err = run("import", "--original", folder, "-o", mood)
        assert code == 8 and "dylumo_model.pt" in err, (code, err)
        assert not mood.exists()


main(globals())
