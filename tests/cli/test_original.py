"""The original's artefacts (tools/make_original.py made a small set with PyTorch, scikit-learn and FAISS): the same songs in the
same order for 200 embeddings."""
import csv
import json

from cli_support import BUILD, SOURCE, Folder, expect, main, need_models, run

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
        assert run("songs", "export", SONGS, "-o", table)[0] == 0
        assert run("import", "-q", "--keep-rows", table, "-o", songs)[0] == 0
        expect(run("import", "--original", DATA, "-o", mood), 0,
               f"mood weights for the 64 numbers of clip-vit-b-32 in {mood}\n")
        ids = read_ids(table)
        code, out, err = run("recommend", "-j", "--rank", "cosine", "-s", songs, "--mood-file", mood,
                             "--embedding", DATA / "embeddings.npy")
        assert (code, err) == (0, ""), (code, err)
        answers = [json.loads(line) for line in out.splitlines()]
        expected = list(read_answers())
        assert len(answers) == len(expected) == 200, len(answers)
        same = sum(check_list(a["songs"], e, ids) for a, e in zip(answers, expected))
        assert same >= 1980, f"{same} of 2000 places hold FAISS's song"


def test_other_pickles():
    """the same scaler as older Pythons and joblib pickle it"""
    with Folder() as folder:
        (folder / "dylumo_model.pt").write_bytes((DATA / "dylumo_model.pt").read_bytes())
        made = []
        for name in ("spotify_scaler", "scaler-protocol2", "scaler-joblib"):
            (folder / "spotify_scaler.pkl").write_bytes((DATA / (name + ".pkl")).read_bytes())
            code, _, err = run("import", "-q", "--original", folder, "-o", folder / name)
            assert code == 0, (name, err)
            made.append((folder / name).read_bytes())
        assert made[0] == made[1] == made[2]


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
        (folder / "spotify_scaler.pkl").write_bytes(scaler)
        (folder / "dylumo_model.pt").write_bytes((DATA / "dylumo_model.pt").read_bytes()[:-100])
        code, _, err = run("import", "--original", folder, "-o", mood)
        assert code == 8 and "dylumo_model.pt" in err, (code, err)
        assert not mood.exists()


main(globals())
