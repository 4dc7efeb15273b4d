"""The songs of the original's artefacts (tools/make_original.py made a small set with pandas, scikit-learn and FAISS): a folder of
them gives the songs file that its table gives, byte for byte, or one sentence."""
import array
import csv
import shutil

from cli_support import BUILD, SOURCE, Folder, Skip, environment, expect, main, need_models, run
from original_support import write_npy

DATA = SOURCE / "tests/data/original"
SONGS = BUILD / "share/dylumo/songs.dylumo"
DUCKDB = SOURCE / "build/duckdb/libduckdb.so"
FEATURES = 13  # the last columns of a table


def read_table(path):
    """Header and rows."""
    with open(path, newline="", encoding="utf-8") as file:
        header, *records = csv.reader(file)
    return header, records


def write_table(path, header, records):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *records])


def scaled(records):
    """Features from 0 to 1, as MinMaxScaler makes them of these records."""
    columns = []
    for column in zip(*(record[-FEATURES:] for record in records)):
        values = [float(value) for value in column]
        low, high = min(values), max(values)
        columns.append([(value - low) / (high - low) for value in values])
    return [array.array("f", row) for row in zip(*columns)]


class Artefacts(Folder):
    """A folder with artefacts/: scaler, FAISS's index, scaled features, and the metadata of their 40 rows as CSV."""

    def __enter__(self):
        folder = super().__enter__()
        self.made = folder / "artefacts"
        self.made.mkdir()
        self.header, self.records = read_table(DATA / "songs/table.csv")
        shutil.copy(DATA / "spotify_scaler.pkl", self.made)
        shutil.copy(DATA / "songs/spotify_features.npy", self.made)
        shutil.copy(DATA / "songs/music_index.index", self.made)
        self.metadata = self.made / "spotify_metadata.csv"
        self.write_metadata(self.records)
        assert run("import", "-q", "--keep-rows", DATA / "songs/table.csv", "-o", folder / "forty.dylumo")[0] == 0
        self.wanted = (folder / "forty.dylumo").read_bytes()
        return self

    def write_metadata(self, records, columns=-FEATURES):
        write_table(self.metadata, self.header[:columns], [record[:columns] for record in records])

    def run(self, env=None):
        return run("import", "-q", self.made, "-o", self.path / "songs.dylumo", env=env)

    def same(self, env=None):
        expect(self.run(env), 0)
        assert (self.path / "songs.dylumo").read_bytes() == self.wanted

    def refused(self, code, text):
        found, out, err = self.run()
        assert (found, out) == (code, "") and text in err and err.count("\n") == 1, (found, out, err)
        assert not (self.path / "songs.dylumo").exists()


def test_whole_catalogue():
    """20,498 songs come out of their scaled features as they went in"""
    need_models()
    with Folder() as folder:
        assert run("songs", "export", SONGS, "-o", folder / "table.csv")[0] == 0
        header, records = read_table(folder / "table.csv")
        made = folder / "artefacts"
        made.mkdir()
        write_npy(made / "spotify_features.npy", scaled(records))
        write_table(made / "spotify_metadata.csv", header[:-FEATURES], [record[:-FEATURES] for record in records])
        shutil.copy(DATA / "spotify_scaler.pkl", made)
        assert run("import", "-q", "--keep-rows", folder / "table.csv", "-o", folder / "table.dylumo")[0] == 0
        code, out, err = run("import", made, "-o", folder / "songs.dylumo")
        assert (code, err) == (0, "") and f"features in units again, as before {made}/spotify_scaler.pkl scaled them\n" in out
        assert (folder / "songs.dylumo").read_bytes() == (folder / "table.dylumo").read_bytes()


def test_array_and_index():
    """numpy's array, FAISS's index beside it or in its place, features in the metadata: the same songs"""
    with Artefacts() as artefacts:
        artefacts.same()
        (artefacts.made / "spotify_features.npy").unlink()
        shutil.copy(DATA / "songs/scaled.index", artefacts.made / "music_index.index")
        artefacts.same()
        shutil.copy(DATA / "songs/music_index.index", artefacts.made)
        artefacts.write_metadata(artefacts.records, None)
        artefacts.same()


def test_parquet():
    """the metadata as pandas writes them"""
    if not DUCKDB.exists():
        raise Skip("no libduckdb.so in build/duckdb: tools/setup_duckdb.sh build/duckdb")
    with Artefacts() as artefacts:
        artefacts.metadata.unlink()
        shutil.copy(DATA / "songs/spotify_metadata.parquet", artefacts.made)
        artefacts.same(environment(DYLUMO_DUCKDB=str(DUCKDB)))


def test_counts_differ():
    """rows too few or too many are counted"""
    with Artefacts() as artefacts:
        artefacts.write_metadata(artefacts.records[:-3])
        artefacts.refused(10, "spotify_metadata.csv has 37 rows, but ")
        artefacts.write_metadata(artefacts.records + artefacts.records[:2])
        artefacts.refused(10, "spotify_metadata.csv has 42 rows, but ")
        write_npy(artefacts.made / "spotify_features.npy", scaled(artefacts.records[:30]))
        artefacts.refused(10, "spotify_features.npy has 30 rows, but ")
        write_npy(artefacts.made / "spotify_features.npy", [array.array("f", [0.5] * 12)] * 40)
        artefacts.refused(8, "12 numbers a row, expected the 13 audio features")


def test_contents_differ():
    """an index of other songs, a table of other songs, numbers that are not scaled"""
    with Artefacts() as artefacts:
        write_npy(artefacts.made / "spotify_features.npy", scaled(artefacts.records))
        artefacts.refused(10, "music_index.index: vector 0 is not row 0 of ")
        shutil.copy(DATA / "songs/spotify_features.npy", artefacts.made)
        artefacts.write_metadata(artefacts.records[:5] + artefacts.records[6:] + artefacts.records[5:6], None)
        artefacts.refused(10, "spotify_metadata.csv: row 5 has other features than row 5 of ")
        write_npy(artefacts.made / "spotify_features.npy",
                  [array.array("f", map(float, record[-FEATURES:])) for record in artefacts.records])
        artefacts.refused(8, "expected 0 to 1, as spotify_scaler.pkl scales it")


def test_alone():
    """an array or an index in place of a table says where its songs are looked for"""
    for name in ("spotify_features.npy", "music_index.index"):
        code, _, err = run("import", DATA / "songs" / name, "-o", "/nonexistent/songs.dylumo")
        assert code == 8 and f"{name}: holds features without songs; name the folder" in err, (code, err)


def test_what_is_lacking():
    """an id, a scaler, the metadata, the features, their lengths"""
    with Artefacts() as artefacts:
        (artefacts.made / "spotify_features.npy").unlink()
        artefacts.refused(11, "music_index.index: its rows were brought to length 1")
        shutil.copy(DATA / "songs/spotify_features.npy", artefacts.made)
        write_table(artefacts.metadata, artefacts.header[:3], [record[:3] for record in artefacts.records])
        artefacts.refused(8, "spotify_metadata.csv: no column named 'track_id' in its 3 columns")
        artefacts.metadata.write_text('track_id,track_name,artist_name\na,"b,c\nd,e,f\n')
        artefacts.refused(8, "spotify_metadata.csv: line 2 has 0 sound fields, expected 3")
        artefacts.metadata.unlink()
        artefacts.refused(4, "no spotify_metadata.parquet or .csv in it")
        (artefacts.made / "spotify_scaler.pkl").unlink()
        artefacts.refused(4, "spotify_scaler.pkl: cannot open")
        (artefacts.made / "spotify_features.npy").unlink()
        (artefacts.made / "music_index.index").unlink()
        artefacts.refused(8, "is a folder with neither spotify_features.npy nor music_index.index in it")


main(globals())
