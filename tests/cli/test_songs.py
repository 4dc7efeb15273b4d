"""dylumo songs: looks into the starter catalogue, exports and merges it, finds what is damaged."""
import json
import os
import pathlib
import shutil
import zipfile

from cli_support import BUILD, PHOTOS, Folder, Skip, expect, main, need_models, run, usage

SONGS = BUILD / "share/dylumo/songs.dylumo"
A_CASE_OF_YOU = "7shVwhUdVbHpykOfbzvDc1"


def test_info():
    """info: counts and every feature"""
    need_models()
    code, out, err = run("songs", "info", SONGS)
    assert (code, err) == (0, ""), (code, err)
    assert out.startswith(f"{SONGS}: 20498 songs"), out
    for word in ("checksum", "valence", "time_signature"):
        assert word in out, word


def test_find():
    """find: accents, case and a slip of the finger forgiven; nothing found is said"""
    need_models()
    for words in (["a", "case", "of", "you", "joni"], ["JONI", "MITCHEL", "case"]):
        code, out, _ = run("songs", "find", *words, "-s", SONGS)
        assert code == 0 and A_CASE_OF_YOU in out, (words, out)
    expect(run("songs", "find", "zzzzqqqq", "-s", SONGS), 1, "",
           "dylumo: no song has such words in title and artist\n")


def test_near():
    """near: other songs, nearest first; an id that is not there is code 4"""
    need_models()
    code, out, _ = run("songs", "near", A_CASE_OF_YOU, "-k", "3", "-s", SONGS)
    lines = out.splitlines()
    assert code == 0 and len(lines) == 3 and A_CASE_OF_YOU not in out, out
    expect(run("songs", "near", "nothing", "-s", SONGS), 4, "",
           f"dylumo: {SONGS}: holds no song with the id 'nothing'\n")


def test_json():
    """--json: info, find and near as one object"""
    need_models()
    facts = json.loads(run("songs", "info", SONGS, "--json")[1])
    assert facts["schema"] == 1 and facts["songs"] == 20498 and facts["tree"] is True, facts
    assert len(facts["features"]) == 13 and facts["features"]["tempo"]["most"] > 200, facts
    found = json.loads(run("songs", "find", "--json", "case of you joni", "-s", SONGS)[1])["songs"]
    assert A_CASE_OF_YOU in [song["id"] for song in found], found
    assert len(found[0]["features"]) == 13 and "distance2" not in found[0], found
    near = json.loads(run("songs", "near", "--json", A_CASE_OF_YOU, "-s", SONGS)[1])["songs"]
    distances = [song["distance2"] for song in near]
    assert len(near) == 10 and distances == sorted(distances) and distances[0] > 0, near
    code, out, _ = run("songs", "find", "--json", "zzzzqqqq", "-s", SONGS)
    assert (code, json.loads(out)) == (1, {"schema": 1, "songs": []}), out


def test_outputs_spare_inputs():
    """import and export refuse to write over what they read, by whatever name"""
    need_models()
    with Folder() as folder:
        table, link = folder / "table.csv", folder / "link.csv"
        run("songs", "export", SONGS, "-o", table)
        link.symlink_to(table)
        shutil.copy(SONGS, folder / "songs.dylumo")
        before = table.read_bytes()
        for call, path in ((("import", link, "-o", table), link),
                           (("songs", "export", folder / "songs.dylumo", "-o",
                             folder / "songs.dylumo"), folder / "songs.dylumo")):
            expect(run(*call), 2, "", usage(f"{path}: is read, and writing would replace it; "
                                            "expected another output", call[0] + " "))
        assert table.read_bytes() == before
        assert (folder / "songs.dylumo").read_bytes() == SONGS.read_bytes()


def test_import_of_no_table():
    """what has no columns, and outputs without a name, are told so"""
    need_models()
    with Folder() as folder:
        table = folder / "table.csv"
        table.write_text("track_id;artist_name;track_name\n")
        expect(run("import", table, "-o", folder / "x"), 8, "",
               f"dylumo: {table}: its header is a single column, expected a CSV table, "
               "columns separated by commas\n")
        expect(run("songs", "export", SONGS, "-o", ""), 2, "",
               "dylumo: the output's name is empty, expected a file name\n")


def test_outputs_without_a_name():
    """a songs file into standard output or a pipe: told, nothing written"""
    need_models()
    with Folder() as folder:
        run("songs", "export", SONGS, "-o", folder / "table.csv")
        for output in ("-", "/dev/stdout"):
            expect(run("import", folder / "table.csv", "-o", output), 2, "", "dylumo: a songs file "
                   "cannot be written to standard output: name a file\n")
        os.mkfifo(folder / "pipe")
        reader = os.open(folder / "pipe", os.O_RDONLY | os.O_NONBLOCK)
        expect(run("import", folder / "table.csv", "-o", folder / "pipe"), 2, "",
               f"dylumo: {folder}/pipe: is a pipe, which a songs file cannot be written to: "
               "name a file\n")
        os.close(reader)


def test_help_example():
    """the example of the help page finds a song in what ships"""
    need_models()
    example = run("songs", "--help")[1].split("Example: dylumo ")[1].split()
    assert run(*example)[0] == 0, example


def test_export_import():
    """export and import again: the same songs, by checksum"""
    need_models()
    with Folder() as folder:
        code, _, err = run("songs", "export", SONGS, "-o", folder / "a.csv")
        assert code == 0, err
        code, _, err = run("import", folder / "a.csv", "-o", folder / "a.dylumo")
        assert code == 0, err
        sums = [next(line for line in run("songs", "info", path)[1].splitlines()
                     if line.startswith("checksum")) for path in (SONGS, folder / "a.dylumo")]
        assert sums[0] == sums[1], sums


def test_import_zip():
    """import: the one table in a zip archive; several tables, none, and damage are said"""
    need_models()
    with Folder() as folder:
        code, _, err = run("songs", "export", SONGS, "-o", folder / "a.csv")
        assert code == 0, err
        table = (folder / "a.csv").read_bytes()
        run("import", "-q", folder / "a.csv", "-o", folder / "a.dylumo")
        for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            with zipfile.ZipFile(folder / "a.zip", "w", method) as archive:
                archive.writestr("__MACOSX/._data.csv", b"aside")
                archive.writestr("readme.txt", b"words")
                archive.writestr("data/data.csv", table)
            expect(run("import", "-q", folder / "a.zip", "-o", folder / "b.dylumo"), 0)
            assert (folder / "a.dylumo").read_bytes() == (folder / "b.dylumo").read_bytes()
        whole = (folder / "a.zip").read_bytes()
        middle = len(whole) // 2
        (folder / "bad.zip").write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1:])
        code, _, err = run("import", "-q", folder / "bad.zip", "-o", folder / "c.dylumo")
        assert code == 8 and "bad.zip: 'data/data.csv' is damaged" in err, (code, err)
        with zipfile.ZipFile(folder / "two.zip", "w") as archive:
            archive.writestr("a.csv", table)
            archive.writestr("b.csv", table)
        code, _, err = run("import", "-q", folder / "two.zip", "-o", folder / "c.dylumo")
        assert code == 8 and "several tables ('a.csv', 'b.csv')" in err, (code, err)
        zipfile.ZipFile(folder / "none.zip", "w").close()
        code, _, err = run("import", "-q", folder / "none.zip", "-o", folder / "c.dylumo")
        assert code == 8 and "holds no file" in err, (code, err)
        assert not (folder / "c.dylumo").exists()


def test_recommend_cosine():
    """recommend --rank cosine, and --embedding: rows of a .npy instead of photos"""
    need_models()
    with Folder() as folder:
        code, out, err = run("recommend", "--rank", "cosine", "-k", "3", PHOTOS / "cat.jpg")
        assert code == 0 and "cosine 0." in out, (out, err)
        photos = [PHOTOS / "cat.jpg", PHOTOS / "coffee.jpg"]
        code, _, err = run("embed", *photos, "-o", folder / "e.npy")
        assert code == 0, err
        code, out, err = run("recommend", "-j", "--embedding", folder / "e.npy")
        answers = [json.loads(line) for line in out.splitlines()]
        assert code == 0 and len(answers) == 2 and all(len(a["songs"]) == 10 for a in answers), (out, err)
        code, _, err = run("recommend", "--embedding", folder / "e.npy", photos[0])
        assert code == 2 and "too many arguments" in err, (code, err)
        code, _, err = run("recommend", "--embedding", folder / "e.npy", "--image", photos[0])
        assert code == 2 and "not both" in err, (code, err)
        (folder / "short.npy").write_bytes((folder / "e.npy").read_bytes()[:200])
        code, _, err = run("recommend", "--embedding", folder / "short.npy")
        assert code == 8 and "short.npy" in err, (code, err)


def test_export_to_what_is_no_file():
    """export: a device stays one, a full disk is told once, a reader who leaves is no fault"""
    need_models()
    if not pathlib.Path("/dev/full").is_char_device():
        raise Skip("/dev/full is not there")
    expect(run("songs", "export", SONGS, "-o", "/dev/full"), 6, "",
           "dylumo: /dev/full: cannot write: No space left on device\n")
    assert pathlib.Path("/dev/full").is_char_device()
    with open("/dev/full", "wb") as full:
        code, _, err = run("songs", "export", SONGS, stdout=full)
        assert code == 6 and len(err.splitlines()) == 1, (code, err)
    read, write = os.pipe()
    os.close(read)
    with open(write, "wb") as pipe:
        expect(run("songs", "export", SONGS, stdout=pipe), 141)


def test_merge():
    """merge: each id once"""
    need_models()
    with Folder() as folder:
        code, out, err = run("songs", "merge", SONGS, SONGS, "-o", folder / "both.dylumo")
        assert code == 0 and out.startswith("20498 songs in "), (out, err)
        assert "20498 more were there twice" in out, out


def test_check():
    """check: the sound file is sound, a changed byte is found"""
    need_models()
    expect(run("songs", "check", SONGS), 0, f"{SONGS}: sound\n")
    with Folder() as folder:
        bad = folder / "bad.dylumo"
        shutil.copyfile(SONGS, bad)
        with open(bad, "r+b") as file:
            file.seek(bad.stat().st_size // 2)
            byte = file.read(1)[0]
            file.seek(-1, 1)
            file.write(bytes([byte ^ 1]))
        code, out, err = run("songs", "check", bad)
        assert code == 8 and out == "" and err.startswith(f"dylumo: {bad}: "), (code, out, err)


def test_index():
    """index: the mood's axes beside the songs file, which answers as before"""
    need_models()
    with Folder() as folder:
        songs = folder / "songs.dylumo"
        shutil.copyfile(SONGS, songs)
        wanted = run("recommend", "-s", songs, "--mood", "valence=0.9")
        code, out, err = run("songs", "index", songs)
        assert code == 0 and out.startswith(f"{songs}: the mood's axes over it in {songs}.axes-"), (out, err)
        stored = out.split(" in ")[-1].strip()
        assert run("recommend", "-s", songs, "--mood", "valence=0.9") == wanted
        with open(stored, "r+b") as file:  # a stale or broken one is not served
            file.write(b"broken")
        code, out, _ = run("recommend", "-s", songs, "--mood", "valence=0.9")
        assert (code, out) == wanted[:2], out
    expect(run("songs", "index", "none.dylumo"), 4, "",
           "dylumo: none.dylumo: cannot open: No such file or directory\n")


def test_usage():
    """mistakes in the call: code 2"""
    expect(run("songs", "indeks"), 2, "",
           "dylumo: 'songs indeks' is not known; there are info, find, near, export, merge, check "
           "and index\nTry 'dylumo songs --help'.\n")
    code, out, err = run("songs", "info", SONGS, SONGS)
    assert code == 2 and out == "" and "'songs info' needs one songs file" in err, err
    code, out, err = run("songs", "find")
    assert code == 2 and out == "" and "'songs find' needs words" in err, err


main(globals())
