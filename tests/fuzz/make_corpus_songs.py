"""Writes the seeds of fuzz_songs, fuzz_csv and fuzz_filter: make_corpus_songs.py BUILD (for
BUILD/dylumo, which makes the songs files)."""
import pathlib
import subprocess
import sys
import tempfile

here = pathlib.Path(__file__).parent / "corpus"
HEADER = (",artist_name,track_name,track_id,popularity,year,genre,danceability,energy,key,loudness,"
          "mode,speechiness,acousticness,instrumentalness,liveness,valence,tempo,duration_ms,"
          "time_signature\n")
NUMBERS = "0.5,0.{0},7,-5.5,1,0.04,0.1,0,0.2,0.7,120.5,20000{0},4\n"


def save(target, name, content):
    folder = here / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def songs(name, rows, *options):
    table = HEADER + "".join(rows)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        (path / "a.csv").write_text(table, encoding="utf-8")
        subprocess.run([sys.argv[1] + "/dylumo", "import", "-q", path / "a.csv", "-o",
                        path / "a.songs", *options], check=True)
        save("songs", name, (path / "a.songs").read_bytes())


row = "{0},Artist {1},Love Song {0} é,{2},5,1990,jazz," + NUMBERS
songs("fixed", [row.format(i, i % 3, f"id{i:020d}") for i in range(9)], "--without-tree")
songs("general", [row.format(i, i % 3, "i" * (i + 1)) for i in range(9)], "--without-tree")
songs("tree", [row.format(i, i % 3, f"id{i:020d}") for i in range(9)])
save("songs", "other", b"DYSONGS\n" + bytes(3000))

save("csv", "plain", b"a,b\n1,2\n3,4\n")
save("csv", "quotes", b'a,"b ""c""",d\r\n"x\ny",,""\r\n')
save("csv", "open", b'a,"b\nc,d\n"e"f\n')
save("csv", "numbers", b"1e5,-0.5,1e400,.5,5.,1e-320,123456789012345678901234567890\n")
save("csv", "signs", b'\xef\xbb\xbf,"",",\r\n\n\r,"\n')

for number, text in enumerate([
        "year>=1990 and genre in (jazz, soul) and not artist=X", "key in (C#, Bb) or mode=minor",
        "duration<4:30 and energy in 0.2..0.8", "title has 'a b' or (id=x and popularity!=unknown)",
        "not not not year = ..5", "((((", "artist=\u00e9 and tempo>x"]):
    save("filter", f"{number}", text.encode())
