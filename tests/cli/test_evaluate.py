"""dylumo evaluate: mistakes in the call, hostile tables, and a small made-up labelled set from end to
end. Fit means nothing here (the pictures are test cards); that all is measured and said does."""
import json
import re
import shutil

from cli_support import BUILD, SOURCE, Folder, expect, main, need_models, run, usage

CARDS = SOURCE / "tests/data/pictures"
SONGS = BUILD / "share/dylumo/songs.dylumo"
EMOTIONS = ["amusement", "anger", "awe", "contentment", "excitement", "fear", "sadness"]


def made_up_sets(folder):
    """Two tables: 21 pictures with emotions, 12 with ratings; distinct pictures."""
    cards = sorted(path.name for path in CARDS.iterdir() if path.suffix in (".jpg", ".png"))
    worded, rated = folder / "worded", folder / "rated"
    for place, count in ((worded, 21), (rated, 12)):
        (place / "images").mkdir(parents=True)
        for name in cards[:count]:
            shutil.copy(CARDS / name, place / "images" / name)
    lines = [f"{name},{EMOTIONS[i % 7]}" for i, name in enumerate(cards[:21])]
    (worded / "labels.csv").write_text("\n".join(["file,emotion", *lines, ""]))
    lines = [f"{name},{1 + i % 5},{6 - i % 4}" for i, name in enumerate(cards[:12])]
    (rated / "oasis.csv").write_text("\n".join(["file,valence_mean,arousal_mean", *lines, ""]))
    return ["--pictures", rated / "oasis.csv", "--pictures", worded / "labels.csv",
            "--cache", folder / "cache", "--replicates", "20"]


def test_no_pictures():
    """without --pictures it says so"""
    expect(run("evaluate"), 2, "", usage("--pictures is needed", "evaluate "))


def test_bad_draw():
    """--draw takes numbers only"""
    for draw in ("", "a", "3,", "3,,4", "-1", "1.5", "9999999"):
        code, out, err = run("evaluate", "--pictures", "x", f"--draw={draw}")
        assert (code, out) == (2, "") and "no list of numbers" in err, (draw, code, out, err)


def test_hostile_tables():
    """labels that are missing, empty, binary, without columns, without pictures"""
    need_models()
    bad = {
        "empty.csv": b"",
        "binary.csv": bytes(range(256)) * 40,
        "columns.csv": b"a,b\n1,2\n",
        "nobody.csv": b"file,emotion\nnobody.jpg,awe\n",
        "number.csv": b"file,valence_mean,arousal_mean\ngrey.jpg,high,1\n",
        "header.csv": b"file,emotion\n",
    }
    with Folder() as folder:
        for name, data in bad.items():
            (folder / name).write_bytes(data)
            code, out, err = run("evaluate", "--pictures", folder / name, "--cache",
                                 folder / "cache")
            assert code in (4, 8) and out == "", (name, code, out, err)
            assert err.startswith("dylumo: ") and err.count("\n") == 1, (name, err)
        code, _, err = run("evaluate", "--pictures", folder / "missing.csv")
        assert code == 4 and "missing.csv" in err, (code, err)


def test_broken_pictures():
    """labels whose pictures are all broken"""
    need_models()
    with Folder() as folder:
        (folder / "a.jpg").write_bytes(b"\xff\xd8\xff broken")
        (folder / "labels.csv").write_text("file,emotion\na.jpg,awe\n")
        code, out, err = run("evaluate", "--pictures", folder / "labels.csv")
        assert code == 7 and out == "" and "none of the 1 labelled pictures" in err, (code, err)


def test_bad_song_mood():
    """people's judgement of songs without its columns"""
    need_models()
    with Folder() as folder:
        (folder / "judged.csv").write_text("track_id,mood_valence\n")
        code, out, err = run("evaluate", *made_up_sets(folder), "--song-mood",
                             folder / "judged.csv")
        assert (code, out) == (8, "") and 'no column "mood_arousal"' in err, (code, err)


def test_whole():
    """table, JSON and page of a made-up set; the same again, on any number of threads"""
    need_models()
    with Folder() as folder:
        sets = made_up_sets(folder)
        page = folder / "fit.html"
        code, text, err = run("evaluate", *sets, "--html", page)
        assert (code, err) == (0, ""), (code, err)
        for piece in ("rated: 12, worded: 21", "valence fit", "calm vs lively", "random songs",
                      "popular songs", "constant mood", "class mean", "How varied the songs are",
                      "Emotions of worded"):
            assert piece in text, (piece, text)
        html = page.read_text()
        assert html.startswith("<!doctype html>") and html.rstrip().endswith("</html>")
        assert not re.search(r"https?:|<script|<img|url\(", html)
        one = run("evaluate", *sets, "--json", "--threads", "1")
        two = run("evaluate", *sets, "--json", "--threads", "3")
        assert one == two and one[0] == 0, (one, two)
        report = json.loads(one[1])
        names = [ranking["name"] for ranking in report["rankings"]]
        assert names == ["dylumo", "random songs", "popular songs", "constant mood", "class mean"]
        fits = report["rankings"][0]["fits"]
        assert {(fit["pictures"], fit["measure"]) for fit in fits} == {
            ("rated", "valence fit"), ("rated", "energy fit"),
            ("worded", "positive vs negative"), ("worded", "calm vs lively")}, fits
        assert report["rankings"][0]["variety"]["shown"] == 330


def test_thumbnails():
    """--thumbnails puts the pictures into the page"""
    need_models()
    with Folder() as folder:
        page = folder / "fit.html"
        code, _, err = run("evaluate", *made_up_sets(folder), "--html", page, "--thumbnails")
        assert (code, err) == (0, "") and 'src="data:;base64,' in page.read_text(), err


def test_draws():
    """--draw counts variety on draws of that size"""
    need_models()
    with Folder() as folder:
        code, text, err = run("evaluate", *made_up_sets(folder), "--draw", "5,14", "--json")
        report = json.loads(text)
        assert (code, err) == (0, "")
        assert report["rankings"][0]["variety"]["shown"] == 190, report["rankings"][0]["variety"]


def test_train():
    """train ends with the same table and says what it does not beat; fold files go unless kept"""
    need_models()
    with Folder() as folder:
        sets = made_up_sets(folder)
        tables = [sets[1], sets[3], "--cache", folder / "cache"]
        small = ["--networks", "1", "--folds", "2", "--epochs", "2", "--views", "1"]
        mood = folder / "mood.safetensors"
        code, text, err = run("train", *tables, *small, "-o", mood)
        assert (code, err) == (1, ""), (code, text, err)
        for piece in (f"Wrote {mood}.", "random songs", "constant mood", "class mean",
                      "2 folds: each picture is read by networks that did not see it",
                      "Features on 33 held-out pairs", "This run does NOT beat"):
            assert piece in text, (piece, text)
        assert sorted(path.name for path in folder.glob("mood*")) == ["mood.safetensors"]
        run("train", *tables, *small, "-o", mood, "--keep-folds")
        assert sorted(path.name for path in folder.glob("mood*")) == [
            "mood.safetensors", "mood.safetensors.fold-0", "mood.safetensors.fold-1",
            "mood.safetensors.folds.csv"]


main(globals())
