"""Mistakes in the call, help and version: exact sentences and exit codes. Needs no model."""
import os
import subprocess

from cli_support import BUILD, Skip, environment, expect, main, run, usage


def test_no_command():
    """no command: the help page on stderr, code 2"""
    code, out, err = run()
    assert code == 2 and out == "" and err.startswith("dylumo: give it a picture"), (code, out, err)


def test_help():
    """--help, -h and help say the same page on stdout"""
    pages = [run("--help"), run("-h"), run("help")]
    assert pages[0] == pages[1] == pages[2] and pages[0][0] == 0, pages
    assert "  recommend   songs that fit a photo\n" in pages[0][1], pages[0][1]


def test_help_of_every_command():
    """every command of the help page has a page of its own that fits 80 columns"""
    page = run("--help")[1].split("Commands:\n")[1].split("\n\n")[0]
    verbs = [line.split()[0] for line in page.splitlines()]
    assert "recommend" in verbs, verbs
    for verb in verbs:
        code, out, err = run(verb, "--help")
        assert (code, err) == (0, "") and out.startswith(f"Usage: dylumo {verb}"), (verb, code, err)
        assert run("help", verb) == (code, out, err), verb
        wide = [line for line in out.splitlines() if len(line) > 80]
        assert not wide, wide
        ragged = [line for line in out.splitlines() if line != line.rstrip()]
        assert not ragged, ragged


def test_version():
    """--version: version, instruction set, libraries"""
    code, out, err = run("--version")
    lines = out.splitlines()
    assert (code, err, len(lines)) == (0, "", 3), (code, out, err)
    assert lines[0].startswith("dylumo ") and lines[1].startswith("instruction set: "), out
    assert "jansson" in lines[2], out


def test_version_lowered():
    """DYLUMO_CPU lowers the instruction set"""
    out = run("--version", env=environment(DYLUMO_CPU="scalar"))[1]
    assert "AVX" not in out, out


def test_unknown_command():
    """an unknown command, with a hint where one is near"""
    expect(run("recomend", "x.jpg"), 2, "",
           usage("unknown command 'recomend': did you mean 'recommend'?", ""))
    expect(run("frobnicate"), 2, "", usage("unknown command 'frobnicate'", ""))
    expect(run("help", "frobnicate"), 2, "", usage("unknown command 'frobnicate'", ""))
    expect(run("help", "recomend"), 2, "",
           usage("unknown command 'recomend': did you mean 'recommend'?", ""))


def test_photo_as_command():
    """a file where the command should stand"""
    expect(run("dylumo", cwd=BUILD), 2, "",
           usage("unknown command 'dylumo': did you mean 'recommend dylumo'?", ""))


def test_control_characters():
    """control characters of an argument do not reach the terminal"""
    expect(run("bad\033[31mword"), 2, "", usage("unknown command 'bad [31mword'", ""))


def test_unknown_option():
    """unknown options, with a hint where one is near"""
    expect(run("recommend", "--sogns", "x"), 2, "",
           usage("unknown option '--sogns': did you mean '--songs'?"))
    expect(run("recommend", "--qqqqqqqq"), 2, "", usage("unknown option '--qqqqqqqq'"))
    expect(run("recommend", "-q"), 2, "", usage("unknown option '-q'"))


def test_folds():
    """train --folds: two at least"""
    expect(run("train", "--folds", "1", "x.csv"), 2, "",
           usage("--folds takes a whole number from 2 to 64, not '1'", "train "))


def test_train_without_a_name():
    """train -o -: a mood file has others beside it"""
    expect(run("train", "-o", "-", "x.csv"), 2, "",
           usage("--output needs a file with a name", "train "))


def test_no_photo():
    """recommend without a photo"""
    expect(run("recommend"), 2, "", usage("recommend needs PHOTO..."))
    expect(run("recommend", "--json"), 2, "", usage("recommend needs PHOTO..."))


def test_missing_value():
    """an option without its value, and a value where none belongs"""
    expect(run("recommend", "x.jpg", "-k"), 2, "", usage("option '-k' needs a value"))
    expect(run("recommend", "x.jpg", "--songs"), 2, "", usage("option '--songs' needs a value"))
    expect(run("recommend", "--json=yes"), 2, "", usage("option '--json' takes no value"))


def test_counts():
    """-k takes whole numbers from 1"""
    for bad in ("0", "-1", "1.5", "ten", "", " 3", "0x10", "1000001", "99999999999999999999"):
        expect(run("recommend", "x.jpg", "-k", bad), 2, "",
               usage(f"--top-k takes a whole number from 1 to 1000000, not '{bad}'"))
    expect(run("--image", "x.jpg", "--top_k", "0"), 2, "",
           usage("--top_k takes a whole number from 1 to 1000000, not '0'"))


def test_reals():
    """numbers from 0 to 1"""
    for bad in ("1.01", "-0.1", "nan", "inf", "0,5", "0x1p-1", "1e400", "half", ""):
        expect(run("recommend", "x.jpg", "--variety", bad), 2, "",
               usage(f"--variety takes a number from 0 to 1, not '{bad}'"))


def test_sizes():
    """sizes in bytes with K, M or G"""
    for bad in ("0", "64Q", "M", "-5", "1.5M", "99999999999G", "64MB"):
        expect(run("recommend", "x.jpg", "--max-bytes", bad), 2, "",
               usage(f"--max-bytes takes a number of bytes such as 500K, 64M or 1G, not '{bad}'"))


def test_moods():
    """--mood, --weight and --ignore take names and numbers"""
    expect(run("recommend", "x.jpg", "--mood", "valence=2"), 2, "",
           usage("--mood takes NAME=0 to 1, or NAME=+0.2 and the like, not 'valence=2'"))
    expect(run("recommend", "x.jpg", "--mood", "valence"), 2, "",
           usage("--mood takes NAME=0 to 1, or NAME=+0.2 and the like, not 'valence'"))
    expect(run("recommend", "x.jpg", "--mood", "=0.5"), 2, "",
           usage("--mood takes NAME=NUMBER, separated by commas"))
    expect(run("recommend", "x.jpg", "--weight", "tempo=-1"), 2, "",
           usage("--weight takes NAME=FACTOR, the factor 0 or more, not 'tempo=-1'"))
    expect(run("recommend", "x.jpg", "--ignore", "key=1"), 2, "",
           usage("--ignore takes names alone, not 'key=1'"))


def test_no_parts():
    """without models: the places that were searched, code 4"""
    with_nothing = environment(XDG_DATA_HOME="/nonexistent/home", DYLUMO_MOOD="/nonexistent/mood")
    code, out, err = run("recommend", "x.jpg", "--encoder", "/nonexistent/encoder", "--songs",
                         "/nonexistent/songs", env=with_nothing)
    expect((code, out, err), 4, "",
           "dylumo: /nonexistent/songs: cannot open: No such file or directory\n")


def test_full_device():
    """a full device under standard output: a sentence and code 6"""
    if not os.path.exists("/dev/full"):
        raise Skip("there is no /dev/full")
    with open("/dev/full", "wb") as full:
        expect(run("--help", stdout=full), 6, "",
               "dylumo: standard output: cannot write: No space left on device\n")


def test_closed_output():
    """standard output closed by the caller"""
    script = '"$0" --help >&-'
    done = subprocess.run(["sh", "-c", script, str(BUILD / "dylumo")], capture_output=True,
                          env=environment(), timeout=60, check=False)
    expect((done.returncode, done.stdout, done.stderr), 6, b"",
           b"dylumo: standard output: cannot write: Bad file descriptor\n")


def test_nobody_reads():
    """a pipe that nobody reads: quietly code 141"""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        expect(run("--help", stdout=pipe), 141)


main(globals())
