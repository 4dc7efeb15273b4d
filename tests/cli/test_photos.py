"""Photos, whole and broken: what is printed and the exit code. Needs the shipped models."""
import json
import os
import signal
import subprocess
import threading
import time

from cli_support import (BUILD, DYLUMO, PHOTOS, SOURCE, Folder, Skip, environment, expect, main,
                         need_models, run)

CAT = PHOTOS / "cat.jpg"


def answers(out):
    return [json.loads(line) for line in out.splitlines()]


def test_json():
    """--json: one object in one line, ten songs, every member of its kind"""
    need_models()
    code, out, err = run("recommend", "--json", CAT)
    assert (code, err) == (0, "") and out.count("\n") == 1, (code, out, err)
    answer = json.loads(out)
    assert list(answer) == ["schema", "picture", "mood", "songs", "model", "catalogue"], answer
    assert answer["schema"] == 1 and answer["picture"] == str(CAT)
    mood = answer["mood"]
    assert list(mood) == ["valence", "energy", "features", "places", "emotions", "sure"], mood
    assert len(mood["features"]) == len(mood["places"]) == 13 and len(mood["emotions"]) == 7
    assert abs(sum(mood["emotions"].values()) - 1) < 0.001
    assert [song["rank"] for song in answer["songs"]] == list(range(1, 11))
    for song in answer["songs"]:
        assert list(song) == ["rank", "id", "title", "artist", "year", "genre", "popularity",
                              "match", "why", "features", "url"], song
        assert 0 <= song["match"] <= 100 and len(song["features"]) == 13, song
    matches = [song["match"] for song in answer["songs"]]
    assert matches == sorted(matches, reverse=True), matches
    assert len({song["id"] for song in answer["songs"]}) == 10


def test_text():
    """text: name, mood, head, and a line for each song, in 80 columns without escapes"""
    need_models()
    code, out, err = run("recommend", "-k", "3", CAT)
    lines = out.splitlines()
    assert (code, err) == (0, ""), (code, err)
    assert lines[0] == str(CAT) and "most likely" in lines[1], out
    assert any(line.startswith("    song ") and line.endswith("year  match") for line in lines), out
    assert [line[:4] for line in lines if line[:2] in (" 1", " 2", " 3")] == [
        " 1  ", " 2  ", " 3  "], out
    assert "\033" not in out
    assert all(len(line) <= 80 for line in lines[1:] if line.isascii()), out


def test_same_answer_again():
    """the same photo gives the same answer, whatever the name, thread count and way in"""
    need_models()
    first = answers(run("recommend", "--json", CAT)[1])[0]
    piped = answers(run("recommend", "--json", "-t", "1", "-", stdin=CAT.read_bytes())[1])[0]
    with Folder() as folder:
        copy = folder / "not-a-jpeg.txt"
        copy.write_bytes(CAT.read_bytes())
        renamed = answers(run("recommend", "--json", copy)[1])[0]
    assert piped["picture"] == "-"
    assert first["songs"] == renamed["songs"]
    assert [s["id"] for s in first["songs"]] == [s["id"] for s in piped["songs"]]


def test_old_spelling():
    """--image FILE --top_k N"""
    need_models()
    new = run("recommend", "--json", "-k", "4", CAT)
    assert run("--image", CAT, "--top_k", "4", "--json") == new, new
    assert len(answers(new[1])[0]["songs"]) == 4


def test_many_photos():
    """many photos, some broken: the rest are answered, code 1, one object each in order"""
    need_models()
    code, out, err = run("recommend", "--json", "-k", "2", CAT, "/nonexistent.jpg",
                         SOURCE / "LICENSE", PHOTOS / "coffee.jpg")
    got = answers(out)
    assert code == 1 and len(got) == 4, (code, out)
    assert ["songs" in answer for answer in got] == [True, False, False, True], out
    assert got[1]["error"] == {"status": "not-found", "text":
                               "/nonexistent.jpg: cannot open: No such file or directory"}
    assert got[2]["error"]["status"] == "bad-picture"
    assert len(err.splitlines()) == 2, err


def test_missing_file():
    """a file that is not there: code 4"""
    need_models()
    expect(run("recommend", "/nonexistent.jpg"), 4, "",
           "dylumo: /nonexistent.jpg: cannot open: No such file or directory\n")


def test_text_named_jpg():
    """text in a file named .jpg: code 7"""
    need_models()
    with Folder() as folder:
        (folder / "a.jpg").write_text("This is not a picture but a sentence.\n" * 20)
        expect(run("recommend", "a.jpg", cwd=folder), 7, "",
               "dylumo: a.jpg: looks like a text file, expected JPEG, PNG, WebP, GIF, TIFF, HEIC "
               "or AVIF\n")


def test_empty_file():
    """an empty file and an empty standard input: code 7"""
    need_models()
    with Folder() as folder:
        (folder / "a.jpg").touch()
        expect(run("recommend", "a.jpg", cwd=folder), 7, "",
               "dylumo: a.jpg: is empty, expected a picture\n")
    expect(run("recommend", "-"), 7, "", "dylumo: -: is empty, expected a picture\n")


def test_folder():
    """a folder: code 8"""
    need_models()
    with Folder() as folder:
        (folder / "a.jpg").mkdir()
        expect(run("recommend", "a.jpg", cwd=folder), 8, "",
               "dylumo: a.jpg: is a folder, expected a file\n")


def test_cut_off():
    """photos cut off anywhere are refused in one sentence, never a crash"""
    need_models()
    whole = CAT.read_bytes()
    with Folder() as folder:
        names = []
        for size in (1, 2, 3, 10, 100, 600, 5000, len(whole) // 2, len(whole) - 100):
            name = folder / f"{size}.jpg"
            name.write_bytes(whole[:size])
            names.append(name)
        code, out, err = run("recommend", *names)
        assert code == 1 and out == "" and len(err.splitlines()) == len(names), (code, out, err)


def test_limits():
    """--max-bytes and --max-pixels: code 9"""
    need_models()
    expect(run("recommend", "--max-bytes", "1K", "cat.jpg", cwd=PHOTOS), 9, "",
           "dylumo: cat.jpg: more than 1024 bytes, the limit\n")
    code, out, err = run("recommend", "--max-pixels", "1000", "cat.jpg", cwd=PHOTOS)
    assert (code, out) == (9, "") and err.startswith("dylumo: cat.jpg: "), (code, out, err)


def test_fifo():
    """a FIFO is read to its end"""
    need_models()
    with Folder() as folder:
        fifo = folder / "fifo"
        os.mkfifo(fifo)
        writer = threading.Thread(target=lambda: fifo.write_bytes(CAT.read_bytes()))
        writer.start()
        code, out, err = run("recommend", "--json", fifo)
        writer.join()
        assert (code, err) == (0, "") and len(answers(out)[0]["songs"]) == 10, (code, out, err)


def test_no_permission():
    """a file that may not be read: code 5"""
    need_models()
    if os.geteuid() == 0:
        raise Skip("root may read everything")
    with Folder() as folder:
        secret = folder / "a.jpg"
        secret.touch(mode=0)
        expect(run("recommend", "a.jpg", cwd=folder), 5, "",
               "dylumo: a.jpg: cannot open: Permission denied\n")


def test_full_device():
    """a full device under the answer: code 6"""
    need_models()
    with open("/dev/full", "wb") as full:
        expect(run("recommend", CAT, stdout=full), 6, "",
               "dylumo: standard output: cannot write: No space left on device\n")


def test_nobody_reads():
    """a pipe that nobody reads ends it quietly, code 141"""
    need_models()
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        expect(run("recommend", CAT, PHOTOS / "coffee.jpg", stdout=pipe), 141)


def interrupt(number, *arguments):
    """Exit code and standard error of a command that waits on standard input and gets a signal."""
    with subprocess.Popen([str(DYLUMO), *map(str, arguments)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) as child:
        wchan = f"/proc/{child.pid}/fd"
        for _ in range(100):  # until models are open: the songs file is mapped by then
            time.sleep(0.05)
            with open(f"/proc/{child.pid}/maps", encoding="utf-8") as maps:
                if "lite2.safetensors" in maps.read() and os.path.exists(wchan):
                    break
        time.sleep(0.5)
        child.send_signal(number)
        time.sleep(0.2)
        code = child.wait(timeout=60)
        return code, child.stderr.read().decode()


def test_interrupt():
    """SIGINT while waiting for standard input: code 130, no sentence"""
    need_models()
    assert interrupt(signal.SIGINT, "recommend", "-") == (130, "")
    assert interrupt(signal.SIGTERM, "recommend", "-") == (143, "")


def test_mood_alone():
    """--mood without photos"""
    need_models()
    code, out, err = run("recommend", "--json", "--mood", "valence=0.9,energy=0.1", "-k", "5")
    answer = answers(out)[0]
    assert (code, err, answer["picture"]) == (0, "", None), (code, out, err)
    assert len(answer["songs"]) == 5
    mood = answer["mood"]
    assert (mood["valence"], mood["energy"], mood["places"]["energy"]) == (0.9, 0.1, 0.1), mood
    code, out, err = run("recommend", "--mood", "valence=0.9,energy=0.1", "-k", "1")
    assert out.startswith("Happy and calm, as asked.\n"), out
    assert "photo" not in out and "picture" not in out, out


def test_together():
    """--together: one answer to all photos"""
    need_models()
    code, out, err = run("recommend", "--json", "--together", CAT, PHOTOS / "coffee.jpg")
    assert (code, err) == (0, "") and len(answers(out)) == 1, (code, out, err)


def test_knobs():
    """knobs change the songs; unknown names are said"""
    need_models()
    plain = answers(run("recommend", "--json", CAT)[1])[0]
    moved = answers(run("recommend", "--json", "--mood", "energy=0.95,valence=0.05", CAT)[1])[0]
    assert {s["id"] for s in plain["songs"]} != {s["id"] for s in moved["songs"]}
    code, out, err = run("recommend", "--mood", "spicyness=0.5", CAT)
    assert (code, out) == (2, "") and "spicyness" in err, (code, out, err)


def test_knobs_are_told():
    """each knob says in the answer what it changed; without one there is nothing to say"""
    need_models()
    plain = answers(run("recommend", "--json", CAT)[1])[0]
    assert "note" not in plain, plain["note"]
    like = plain["songs"][0]
    for knob, told in ((["--mood", "valence=+0.2"], "valence set to"),
                       (["--mood", "energy=0.8"], "energy set to 0.80"),
                       (["--weight", "tempo=2"], "tempo counts 2 times"),
                       (["--ignore", "energy"], "energy does not count"),
                       (["--ignore", "key"], "key does not count (it never did)"),
                       (["--variety", "0.5"], "differ from each other"),
                       (["--familiar", "0.5"], "well-known songs preferred"),
                       (["--like", like["id"]], f"leaning on {like['title']} by")):
        code, out, err = run("recommend", "--json", *knob, CAT)
        assert (code, err) == (0, ""), (knob, out, err)
        assert told in answers(out)[0].get("note", ""), (knob, out)
        assert told in " ".join(run("recommend", *knob, CAT)[1].split()), knob


def test_per_artist():
    """--per-artist bounds each artist's songs"""
    need_models()
    for limit in (1, 2):
        songs = answers(run("recommend", "--json", "-k", "200", "--per-artist", limit,
                            CAT)[1])[0]["songs"]
        artists = [song["artist"] for song in songs]
        assert max(artists.count(artist) for artist in artists) <= limit


def test_lists_of_ids():
    """--exclude and --only: files of ids; a bad line is told with its place"""
    need_models()
    plain = [song["id"] for song in answers(run("recommend", "--json", CAT)[1])[0]["songs"]]
    with Folder() as folder:
        heard, wish = folder / "heard.txt", folder / "wish.txt"
        heard.write_text("# heard\n\n" + "\r\n".join(plain[:5]))
        wish.write_text("\ufeff  " + "\n".join(plain[3:8]) + "\nnobody\n")
        fresh = answers(run("recommend", "--json", "--exclude", heard, CAT)[1])[0]
        assert not set(plain[:5]) & {song["id"] for song in fresh["songs"]}, fresh
        assert len(fresh["songs"]) == 10 and "note" not in fresh, fresh
        piped = answers(run("recommend", "--json", "--exclude", "-", CAT,
                            stdin=heard.read_bytes())[1])[0]
        assert piped["songs"] == fresh["songs"]
        few = answers(run("recommend", "--json", "--exclude", heard, "--only", wish, CAT)[1])[0]
        assert [song["id"] for song in few["songs"]] == plain[5:8], few
        assert few["note"] == ("1 of 6 listed ids are not in the catalogue; only 3 of 10 songs: "
                               "the lists of ids leave no more"), few
        wish.write_text("")
        none = answers(run("recommend", "--json", "--only", wish, CAT)[1])[0]
        assert none["songs"] == [], none
        heard.write_text("a\n" + "b" * 300 + "\n")
        expect(run("recommend", "--exclude", "heard.txt", CAT, cwd=folder), 8, "",
               "dylumo: heard.txt, line 2: 300 bytes; expected an id of at most 255\n")
        heard.write_bytes(b"a\n\xff\n")
        expect(run("recommend", "--only", "heard.txt", CAT, cwd=folder), 8, "",
               "dylumo: heard.txt, line 2: is not UTF-8 text; expected one id\n")
        expect(run("recommend", "--only", "none.txt", CAT, cwd=folder), 4, "",
               "dylumo: none.txt: cannot open: No such file or directory\n")


def test_timing():
    """--timing prints the parts on standard error"""
    need_models()
    code, out, err = run("recommend", "--json", "--timing", CAT)
    assert code == 0 and "encode" in answers(out)[0]["ms"], (code, out)
    assert err.startswith("timing: start ") and err.count(",") == 7, err


def test_colour_only_on_terminals():
    """bold on a terminal, not with NO_COLOR or TERM=dumb"""
    need_models()
    import pty  # the standard library's; not everywhere

    def printed(**more):
        try:
            master, terminal = pty.openpty()
        except OSError as why:
            raise Skip(f"no terminal can be made: {why}") from why
        done = subprocess.run([str(DYLUMO), "recommend", "-k", "1", str(CAT)], stdout=terminal,
                              stderr=subprocess.PIPE, env=environment(**more), timeout=120,
                              check=False)
        os.close(terminal)
        got = os.read(master, 65536)
        os.close(master)
        assert done.returncode == 0, done.stderr
        return got

    assert b"\033[1m" in printed(TERM="xterm")
    assert b"\033" not in printed(TERM="xterm", NO_COLOR="1")
    assert b"\033" not in printed(TERM="dumb")


def test_wrong_parts():
    """files of another kind: code 8"""
    need_models()
    code, out, err = run("recommend", "--songs", CAT, CAT)
    assert (code, out) == (8, "") and err.startswith(f"dylumo: {CAT}: "), (code, out, err)
    code, out, err = run("recommend", "--mood-file", BUILD / "share/dylumo/lite2.safetensors", CAT)
    assert code in (8, 10) and out == "", (code, out, err)


def test_precision():
    """an unknown precision: code 2"""
    need_models()
    expect(run("recommend", "--precision", "f64", CAT), 2, "",
           "dylumo: precision 'f64' is not known; expected auto, f32, bf16 or int8\n")


main(globals())
