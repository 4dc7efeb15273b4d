"""dylumo kaggle against a server that speaks Kaggle's dialect: credentials where its own tool looks
for them, a training kernel pushed, asked after and pulled, and the script that it runs."""
import base64
import hashlib
import json
import os
import pathlib
import pty
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(os.environ["DYLUMO_SOURCE"]) / "tests/cli"))
from cli_support import (BUILD, DYLUMO, SOURCE, Folder, environment, expect, main,  # noqa: E402
                         need_models, run)
from get_server import Services  # noqa: E402

KEY = "k3yk3yk3yk3y"
BASIC = "Basic " + base64.b64encode(f"owl:{KEY}".encode()).decode()
TOKEN = "KGAT_tokentokentoken"
JSON = json.dumps({"username": "owl", "key": KEY})
LOGGED_IN = {"KAGGLE_USERNAME": "owl", "KAGGLE_KEY": KEY}


class Case:
    def __init__(self):
        self.folder, self.services = Folder(), Services()
        self.services.statuses = ["complete"]

    def __enter__(self):
        self.home = self.folder.__enter__()
        return self

    def __exit__(self, *all_of_it):
        self.services.close()
        self.folder.__exit__(*all_of_it)

    def environment(self, **more):
        return environment(**{"HOME": str(self.home), "DYLUMO_GET_PAUSE_MS": "2",
                              "KAGGLE_API_ENDPOINT": self.services.service.url, **more})

    def kaggle(self, *arguments, stdin=b"", **more):
        got = run("kaggle", *arguments, stdin=stdin, env=self.environment(**more))
        for text in got[1:]:
            assert KEY not in text and TOKEN not in text, got
        return got

    def sent(self):
        return self.services.requests[-1][3].get("Authorization")


# -------------------------------------------------------------------------- credentials

def test_setup_json():
    """setup stores kaggle.json 0600, in a folder for its user alone"""
    with Case() as case:
        path = case.home / ".config/kaggle/kaggle.json"
        got = case.kaggle("setup", stdin=JSON.encode())
        expect(got, 0, f"Kaggle's credentials are in {path}, for you alone to read.\n")
        assert json.loads(path.read_text()) == {"username": "owl", "key": KEY}
        assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
        assert case.kaggle("status")[0] == 0 and case.sent() == BASIC


def test_setup_token():
    """setup stores a token as access_token; whose it is, is asked"""
    with Case() as case:
        assert case.kaggle("setup", stdin=f"{TOKEN}\n".encode())[0] == 0
        path = case.home / ".kaggle/access_token"
        assert path.read_text() == TOKEN + "\n" and path.stat().st_mode & 0o777 == 0o600
        expect(case.kaggle("status"), 0, "owl/dylumo-train: complete\n")
        assert case.sent() == f"Bearer {TOKEN}"
        question = next(one for one in case.services.requests if "introspect" in one[2])
        assert json.loads(question[4]) == {"token": TOKEN}


def test_token_is_not_redirected():
    """what is posted, the token among it, follows no redirect to another origin"""
    with Case() as case:
        case.services.service_faults = [f"to {case.services.store.url}/x"]
        code, out, errors = case.kaggle("status", KAGGLE_API_TOKEN=TOKEN)
        assert code == 12 and not out and "not followed" in errors, errors
        assert not case.services.asked("store")


def test_setup_bad():
    """setup refuses what is no credential"""
    for text in (b"", b"two words", b"{}", b'{"username": "owl"}', b"[1]", b"x" * 9000, b"\xff\xfe"):
        with Case() as case:
            code, out, errors = case.kaggle("setup", stdin=text)
            assert code in (2, 9) and not out and errors.startswith("dylumo: "), (text, code, errors)
            assert not list(case.home.rglob("*.json")) and not list(case.home.rglob("access_token"))


def test_setup_typed():
    """at a terminal it asks, and does not show the key"""
    with Case() as case:
        pid, terminal = pty.fork()
        if pid == 0:
            signal.alarm(60)  # survives exec: whatever is not understood, it ends
            os.execve(DYLUMO, ["dylumo", "kaggle", "setup"], case.environment())
        shown = read_until(terminal, b"token): ")
        os.write(terminal, b"owl\n")
        shown += read_until(terminal, b"(not shown): ")
        os.write(terminal, KEY.encode() + b"\n")
        shown += read_until(terminal, None)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, shown
        assert KEY.encode() not in shown and b"for you alone" in shown, shown
        assert KEY in (case.home / ".config/kaggle/kaggle.json").read_text()


def read_until(terminal, end):
    shown = b""
    while end is None or not shown.endswith(end):
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # what Linux says at the end
            break
        if not piece:
            break
        shown += piece
    return shown


def test_places():
    """credentials are found in the order of Kaggle's own tool"""
    with Case() as case:
        def used(**more):
            code, _, errors = case.kaggle("status", "-k", "owl/x", **more)
            assert code == 0, errors
            return case.sent(), errors

        configured = case.home / "configured"
        configured.mkdir()
        (configured / "kaggle.json").write_text(JSON)
        (configured / "kaggle.json").chmod(0o600)
        assert used(KAGGLE_CONFIG_DIR=str(configured)) == (BASIC, "")
        dot = case.home / ".kaggle"  # is taken before ~/.config/kaggle, and by being there alone
        dot.mkdir()
        (dot / "kaggle.json").write_text(JSON.replace("owl", "elk"))
        sent, said = used()
        assert base64.b64decode(sent.split()[1]).startswith(b"elk:"), sent
        assert "others on this machine can read" in said and "chmod 600" in said, said
        assert used(KAGGLE_USERNAME="fox", KAGGLE_KEY="abc")[0].split()[1] == base64.b64encode(
            b"fox:abc").decode()
        (dot / "access_token").write_text(TOKEN)
        (dot / "access_token").chmod(0o600)
        assert used(KAGGLE_USERNAME="fox", KAGGLE_KEY="abc") == (f"Bearer {TOKEN}", "")
        assert used(KAGGLE_API_TOKEN="word")[0] == "Bearer word"
        (case.home / "t").write_text("of-a-file\n")
        (case.home / "t").chmod(0o600)
        assert used(KAGGLE_API_TOKEN=str(case.home / "t"))[0] == "Bearer of-a-file"


def test_no_credentials():
    """without credentials, or with broken ones: what to do"""
    with Case() as case:
        expect(case.kaggle("status"), 5, "",
               "dylumo: there are no Kaggle credentials here: run 'dylumo kaggle setup'\n")
        (case.home / ".kaggle").mkdir()
        (case.home / ".kaggle/kaggle.json").write_text("{")
        code, _, errors = case.kaggle("status")
        assert code == 8 and "dylumo kaggle setup" in errors, errors
        case.services.need_token = "Bearer another"
        code, _, errors = case.kaggle("status", **LOGGED_IN)
        assert code == 12 and "401" in errors and "Basic ***" in errors, errors


# -------------------------------------------------------------------------- push, status

def test_push():
    """push sends the fields that Kaggle's own client sends"""
    with Case() as case:
        got = case.kaggle("push", "--source", "https://git.example/dylumo.git", "--gpu",
                          "--train-option=--epochs=3", **LOGGED_IN)
        expect(got, 0, "owl/dylumo-train: version 3 was handed to Kaggle, see "
                       "https://www.kaggle.com/code/owl/dylumo-train\n")
        pushed = case.services.pushed
        script = pushed.pop("text")
        assert pushed == {
            "slug": "owl/dylumo-train", "newTitle": "dylumo train", "language": "python",
            "kernelType": "script", "isPrivate": True, "enableGpu": True, "enableInternet": True,
            "datasetDataSources": ["amitanshjoshi/spotify-1million-tracks"],
            "competitionDataSources": [], "kernelDataSources": [], "categoryIds": []}, pushed
        compile(script, "train.py", "exec")
        settings = script.splitlines()[0]
        assert settings == ('SETTINGS = {"source": "https://git.example/dylumo.git", '
                            '"train": ["--epochs=3"]}'), settings
        assert script.partition("\n")[2] == (SOURCE / "program/kaggle/train.py").read_text()


def test_push_to_folder():
    """push -o writes kernel-metadata.json as Kaggle's own tool takes it"""
    with Case() as case:
        case.kaggle("push", "--source-dataset", "owl/dylumo-source", "-o", case.home / "k", **LOGGED_IN)
        assert json.loads((case.home / "k/kernel-metadata.json").read_text()) == {
            "id": "owl/dylumo-train", "title": "dylumo train", "code_file": "train.py",
            "language": "python", "kernel_type": "script", "is_private": True, "enable_gpu": False,
            "enable_internet": True,
            "dataset_sources": ["amitanshjoshi/spotify-1million-tracks", "owl/dylumo-source"],
            "competition_sources": [], "kernel_sources": []}
        assert (case.home / "k/train.py").read_text().startswith('SETTINGS = {"source": ""')
        assert not case.services.requests


def test_push_refused():
    """a kernel that Kaggle does not take"""
    with Case() as case:
        for answer, words in (({"error": "Title is taken"}, "does not take the kernel: Title is taken"),
                              ({"invalidDatasetSources": ["a/b"]}, "does not know the data set 'a/b'"),
                              ({"code": 403, "message": "no"}, "403: no")):
            case.services.lie["push"] = answer
            code, out, errors = case.kaggle("push", "--source", "x", **LOGGED_IN)
            assert code == 12 and not out and words in errors, errors
        code, _, errors = case.kaggle("push", **LOGGED_IN)
        assert code == 2 and "--source" in errors, errors


def test_status():
    """status shows the state once, with --wait every change until it is done"""
    with Case() as case:
        case.services.statuses = ["KernelWorkerStatus.RUNNING"]
        expect(case.kaggle("status", **LOGGED_IN), 1, "owl/dylumo-train: RUNNING\n")
        case.services.statuses = ["queued", "queued", "running", "complete"]
        expect(case.kaggle("status", "--wait", "--every", "1", **LOGGED_IN), 0,
               "owl/dylumo-train: queued\nowl/dylumo-train: running\nowl/dylumo-train: complete\n")
        case.services.statuses = [{"status": "error", "failureMessage": "out of memory"}]
        expect(case.kaggle("status", "--wait", **LOGGED_IN), 1,
               "owl/dylumo-train: error: out of memory\n")
        case.services.statuses = [{}]
        code, _, errors = case.kaggle("status", **LOGGED_IN)
        assert code == 12 and "'status'" in errors, errors
        code, _, errors = case.kaggle("status", "-k", "a/b/c", **LOGGED_IN)
        assert code == 2 and "no kernel" in errors, errors


# -------------------------------------------------------------------------- pull

def results(mood, **more):
    told = {"size": len(mood), "sha256": hashlib.sha256(mood).hexdigest(), **more}
    return json.dumps({"dylumo": "dylumo 9.9", "beats_baselines": True,
                       "files": {"mood.safetensors": told}}).encode()


def test_pull():
    """pull checks the weights and installs them; the old ones stay beside"""
    need_models()
    mood = (BUILD / "share/dylumo/lite2-mood.safetensors").read_bytes()
    with Case() as case:
        case.services.outputs = {"mood.safetensors": mood, "results.json": results(mood)}
        case.services.output_page = 1
        place = case.home / ".local/share/dylumo"
        expect(case.kaggle("pull", **LOGGED_IN), 0,
               f"{place}/lite2-mood.safetensors: the mood of owl/dylumo-train, made by dylumo 9.9; "
               "in the training's table it beats every baseline\n")
        assert (place / "lite2-mood.safetensors").read_bytes() == mood
        assert all("Authorization" not in one[3] for one in case.services.asked("store"))
        assert case.kaggle("pull", **LOGGED_IN)[0] == 0
        assert sorted(path.name for path in place.iterdir()) == [
            "lite2-mood.safetensors", "lite2-mood.safetensors.old"]


def test_pull_bad():
    """what does not check out is not installed, and nothing is left"""
    need_models()
    mood = (BUILD / "share/dylumo/lite2-mood.safetensors").read_bytes()
    for outputs, code, words in (
            ({}, 8, "no results.json"),
            ({"mood.safetensors": mood}, 8, "no results.json"),
            ({"mood.safetensors": mood, "results.json": results(mood, sha256="0" * 64)}, 10, "SHA-256"),
            ({"mood.safetensors": mood, "results.json": results(mood, size=1)}, 10, "says 1"),
            ({"mood.safetensors": b"abc", "results.json": results(b"abc")}, 8, "mood.safetensors"),
            ({"../mood.safetensors": mood}, 12, "no name inside")):
        with Case() as case:
            case.services.outputs = outputs
            got = case.kaggle("pull", **LOGGED_IN)
            assert got[0] == code and not got[1] and words in got[2], (got, words)
            assert not list((case.home / ".local/share/dylumo").iterdir())


def test_pull_to_folder():
    """pull -o keeps all files and the log"""
    with Case() as case:
        case.services.outputs = {"a.txt": b"one", "sub/b.txt": b"two"}
        expect(case.kaggle("pull", "-o", case.home / "k", **LOGGED_IN), 0,
               f"{case.home}/k: 2 files of owl/dylumo-train and kernel.log\n")
        files = {str(path.relative_to(case.home / "k")) for path in (case.home / "k").rglob("*")}
        assert files == {"a.txt", "sub", "sub/b.txt", "kernel.log"}, files


# -------------------------------------------------------------------------- the script

STAND_IN = """#!/bin/sh
echo "$@" >> "$LOG"
[ "$1" = --version ] && echo "dylumo 0.0-stand-in"
while [ $# -gt 0 ]; do [ "$1" = -o ] && out=$2; verb=${verb:-$1}; shift; done
[ "$verb" = train ] && echo weights > "$out" && exit 1
exit 0
"""


def test_script():
    """the kernel's script: builds, imports, gets, trains, and leaves weights with their sums"""
    with Folder() as folder:
        tools, data = folder / "tools", folder / "input/spotify-1million-tracks"
        for path in (tools, data, folder / "working"):
            path.mkdir(parents=True)
        (data / "spotify_data.csv").write_text("track_id\n")
        (folder / "stand-in").write_text(STAND_IN)
        (folder / "stand-in").chmod(0o755)
        (tools / "git").write_text('#!/bin/sh\nfor to; do :; done\nmkdir -p "$to/build"\n'
                                   f'cp {folder}/stand-in "$to/build/dylumo"\n')
        (tools / "make").write_text("#!/bin/sh\nexit 0\n")
        for tool in tools.iterdir():
            tool.chmod(0o755)
        script = 'SETTINGS = {"source": "https://x", "train": ["--epochs=3"]}\n'
        (folder / "train.py").write_text(script + (SOURCE / "program/kaggle/train.py").read_text())
        done = subprocess.run(
            [sys.executable, folder / "train.py"], capture_output=True, text=True, check=False,
            env={"PATH": f"{tools}:{os.environ['PATH']}", "LOG": str(folder / "log"),
                 "DYLUMO_DUCKDB": "set", "DYLUMO_KAGGLE_WORKING": str(folder / "working"),
                 "DYLUMO_KAGGLE_INPUT": str(folder / "input"),
                 "DYLUMO_KAGGLE_SCRATCH": str(folder / "tmp")})
        assert done.returncode == 0, done
        asked = (folder / "log").read_text().splitlines()
        assert [line.split()[0] for line in asked] == ["import", "get", "train", "--version"], asked
        assert asked[2].endswith(f"--epochs=3 {folder}/tmp/emid/EMID_data.csv"), asked
        told = json.loads((folder / "working/results.json").read_text())
        assert told == {"dylumo": "dylumo 0.0-stand-in", "beats_baselines": False, "files": {
            "mood.safetensors": {"size": 8, "sha256": hashlib.sha256(b"weights\n").hexdigest()}}}, told
        assert sorted(path.name for path in (folder / "working").iterdir()) == [
            "mood.safetensors", "results.json"]


def test_usage():
    """unknown verbs and none"""
    expect(run("kaggle", "pul"), 2, "", "dylumo: there is no 'kaggle pul': did you mean 'pull'?\n"
                                        "Try 'dylumo kaggle --help'.\n")
    assert run("kaggle")[0] == 2


if __name__ == "__main__":
    main(globals())
