"""dylumo get against servers that behave and servers that don't: after every fault either the right
file or none, and one sentence that says what to do."""
import email.utils
import hashlib
import os
import pathlib
import pty
import random
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(os.environ["DYLUMO_SOURCE"]) / "tests/cli"))
from cli_support import DYLUMO, SANITIZED, Folder, Skip, environment, expect, main, run  # noqa: E402
from get_server import COMMIT, SIGNATURE, Services, git_id, md5_of  # noqa: E402

WEIGHTS = random.Random(1).randbytes(200_000)
SMALL = {"config.json": b'{"model_type": "clip"}', "preprocessor_config.json": b"{}",
         "vocab.json": b'{"a": 0}', "merges.txt": b"#version: 0.2\n"}
FILES = {**SMALL, "model.safetensors": WEIGHTS, "tf_model.h5": b"not wanted" * 1000}
REPO = "models--openai--clip-vit-base-patch32"
KAGGLE = "amitanshjoshi/spotify-1million-tracks"
ZIP = b"PK\x03\x04" + random.Random(2).randbytes(100_000)
TOKEN = "hf_SecretSecretSecret"
KAGGLE_TOKEN = "KGAT_SecretSecretSecret"


class Case:
    """A folder as home, servers, and `dylumo get` between them."""

    def __init__(self, **more):
        self.folder, self.services = Folder(), Services(FILES, **more)
        self.services.datasets[KAGGLE] = ZIP

    def __enter__(self):
        self.home = self.folder.__enter__()
        self.cache = self.home / "hub"
        return self

    def __exit__(self, *all_of_it):
        self.services.close()
        self.folder.__exit__(*all_of_it)

    def environment(self, **more):
        return environment(**{"HOME": str(self.home), "HF_ENDPOINT": self.services.service.url,
                              "KAGGLE_API_ENDPOINT": self.services.service.url,
                              "HF_HUB_CACHE": str(self.cache), "DYLUMO_GET_PAUSE_MS": "2",
                              "no_proxy": "127.0.0.1", **more})

    def get(self, *arguments, what="clip-vit-b-32", **more):
        return run("get", "--only-download", what, *arguments, env=self.environment(**more))

    @property
    def snapshot(self):
        return self.cache / REPO / "snapshots" / COMMIT

    @property
    def blobs(self):
        folder = self.cache / REPO / "blobs"
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []

    @property
    def zip(self):
        return self.home / ".cache/dylumo/kaggle" / KAGGLE / "spotify-1million-tracks.zip"

    def right(self):
        for name in [*SMALL, "model.safetensors"]:
            assert (self.snapshot / name).read_bytes() == FILES[name], name
        assert not (self.snapshot / "tf_model.h5").exists()
        assert not [name for name in self.blobs if "incomplete" in name], self.blobs

    def absent(self):
        assert not (self.snapshot / "model.safetensors").exists()
        assert hashlib.sha256(WEIGHTS).hexdigest() not in self.blobs


def works(got, case):
    assert got[0] == 0 and got[2] == "", got
    assert got[1] == f"clip-vit-b-32: in {case.snapshot}\n", got
    case.right()


def fails(got, *words, code=12):
    assert got[0] == code and got[1] == "", got
    assert got[2].startswith("dylumo: ") and got[2].count("\n") == 1, got
    for word in words:
        assert word in got[2], (word, got)
    for secret in (TOKEN, KAGGLE_TOKEN, SIGNATURE):
        assert secret not in got[2], got


# -------------------------------------------------------------------------- the good case

def test_layout():
    """Hugging Face's cache: blobs by hash, refs, snapshots of relative links"""
    with Case() as case:
        works(case.get(), case)
        assert (case.cache / REPO / "refs/main").read_text() == COMMIT
        link = os.readlink(case.snapshot / "model.safetensors")
        assert link == f"../../blobs/{hashlib.sha256(WEIGHTS).hexdigest()}", link
        assert os.readlink(case.snapshot / "vocab.json") == f"../../blobs/{git_id(SMALL['vocab.json'])}"
        assert (case.cache / ".locks" / REPO).is_dir()


def test_second_time():
    """what is here is not downloaded again, and --offline asks nobody"""
    with Case() as case:
        works(case.get(), case)
        del case.services.requests[:]
        works(case.get(), case)
        assert len(case.services.requests) == 1, case.services.requests  # the list alone
        del case.services.requests[:]
        works(case.get("--offline"), case)
        works(case.get(HF_HUB_OFFLINE="1"), case)
        assert not case.services.requests


def test_offline_without():
    """--offline without a download says what to do"""
    with Case() as case:
        fails(case.get("--offline"), "--offline", "without it")
        fails(case.get("--offline", what="spotify-1m"), "--offline")
        assert not case.services.requests


def test_cut_everywhere():
    """cut at every tenth, it goes on from there and the file is right"""
    for tenth in range(10):
        with Case() as case:
            case.services.faults = [f"cut {tenth / 10}"]
            works(case.get(), case)
            ranges = [one[3].get("Range") for one in case.services.asked("store")]
            assert ranges[0] is None and len(ranges) == 2, ranges
            assert (ranges[1] is None) == (tenth == 0), ranges  # what came is not asked for again


def test_cut_again_and_again():
    """a connection that breaks every time still gets there, since each time gains something"""
    with Case() as case:
        case.services.faults = ["cut 0.1"] * 9
        works(case.get(DYLUMO_GET_TRIES="3"), case)


def test_next_run_goes_on():
    """a download that gave up is taken up by the next run"""
    with Case() as case:
        case.services.faults = ["cut 0.5", "503", "503", "503"]
        fails(case.get(DYLUMO_GET_TRIES="3"), "503", "try again later")
        case.absent()
        [part] = [name for name in case.blobs if name.endswith(".incomplete")]
        assert part.startswith(hashlib.sha256(WEIGHTS).hexdigest() + ".dy"), part
        works(case.get(), case)
        assert case.services.asked("store")[-1][3]["Range"] == "bytes=100000-"


def test_wrong_beginning():
    """a part that turns out wrong is thrown away and all of it fetched once more"""
    with Case() as case:
        case.services.faults = ["cut 0.5", "503"]
        fails(case.get(DYLUMO_GET_TRIES="1"))
        [part] = (case.cache / REPO / "blobs").glob("*.incomplete")
        part.write_bytes(bytes(100_000))
        works(case.get(), case)


def test_no_ranges():
    """a server that does not know ranges sends the whole again"""
    with Case() as case:
        case.services.no_range = True
        case.services.faults = ["cut 0.3"]
        works(case.get(), case)


def test_changed_between():
    """another validator after the cut: If-Range brings the whole file, not a mixture"""
    with Case() as case:
        case.services.faults = ["cut 0.5", "503"]
        fails(case.get(what="spotify-1m", DYLUMO_GET_TRIES="1"))
        newer = b"PK\x03\x04" + random.Random(3).randbytes(120_000)
        case.services.datasets[KAGGLE], case.services.etag = newer, '"v2"'
        got = case.get(what="spotify-1m")
        assert got == (0, f"spotify-1m: in {case.zip}\n", ""), got
        assert case.zip.read_bytes() == newer
        assert case.services.asked("store")[-1][3]["If-Range"] == '"v1"'


# -------------------------------------------------------------------------- patience

def test_busy():
    """429 and 5xx are tried again"""
    for faults in (["429"], ["500", "502", "503", "504"], ["408"], ["drop", "drop"]):
        with Case() as case:
            case.services.faults = faults
            works(case.get(), case)
            case.services.service_faults = faults
            works(case.get(), case)


def test_retry_after():
    """Retry-After is waited for, and one of an hour is not"""
    with Case() as case:
        case.services.faults = ["429 1"]
        begun = time.monotonic()
        works(case.get(), case)
        assert time.monotonic() - begun > 0.9
    with Case() as case:
        case.services.faults = ["429 3600"]
        fails(case.get(), "asked too often", "later")
        assert len(case.services.asked("store")) == 1


def test_retry_after_date():
    """Retry-After may be a date; an hour ahead is not waited for"""
    with Case() as case:
        case.services.faults = ["429 " + email.utils.formatdate(time.time() + 3600, usegmt=True)]
        fails(case.get(), "asked too often", "later")
        assert len(case.services.asked("store")) == 1


def test_progress():
    """at a terminal: a bar with share, size, rate and time left, taken down at the end"""
    with Case() as case:
        case.services.faults = ["slow"]
        ours, theirs = pty.openpty()
        process = subprocess.Popen([DYLUMO, "get", "--only-download", "clip-vit-b-32"], stderr=theirs,
                                   env=case.environment(), stdout=subprocess.PIPE)
        os.close(theirs)
        shown = b""
        try:
            while piece := os.read(ours, 4096):
                shown += piece
        except OSError:  # what Linux says at the end
            pass
        os.close(ours)
        assert process.wait(timeout=60) == 0 and process.stdout.read(), shown
        process.stdout.close()
        assert re.search(rb"model.safetensors .*\[#+\.*\] +\d+ %  0\.\d MB  \d+\.\d MB/s  \d+ s left", shown), shown
        assert shown.endswith(b"\r\x1b[K"), shown


def test_gives_up():
    """after so many failures without a byte it gives up"""
    with Case() as case:
        case.services.faults = ["503"] * 20
        fails(case.get(DYLUMO_GET_TRIES="4"), "model.safetensors", "HTTP 503", "later")
        assert len(case.services.asked("store")) == 4
        case.absent()


def test_not_tried_again():
    """what won't pass is not tried again"""
    with Case() as case:
        case.services.service_faults = ["404"]
        fails(case.get(), "404", "HF_TOKEN")
        assert len(case.services.requests) == 1


def test_nobody_there():
    """a server that is not there"""
    with Case() as case:
        fails(case.get(HF_ENDPOINT="http://127.0.0.1:1", DYLUMO_GET_TRIES="2"), "127.0.0.1")
        fails(case.get(HF_ENDPOINT="gopher://127.0.0.1/"), "gopher")
        fails(case.get(HF_ENDPOINT="nonsense://"), "no address", code=2)


# -------------------------------------------------------------------------- wrong files

def test_wrong_bytes():
    """other bytes of the same size: the hash finds out, nothing is left"""
    with Case() as case:
        case.services.faults = ["other bytes"]
        fails(case.get(), "SHA-256", hashlib.sha256(WEIGHTS).hexdigest(), "thrown away")
        case.absent()
        assert not [name for name in case.blobs if "incomplete" in name]
        works(case.get(), case)


def test_wrong_small_bytes():
    """small files are checked by git's id"""
    with Case() as case:
        case.services.lie["hash"] = "0" * 40
        fails(case.get(), "config.json", "git id", git_id(SMALL["config.json"]))
        assert not case.blobs, case.blobs


def test_wrong_sizes():
    """longer, shorter, lying: no file"""
    for fault, words in (("too long", "expected 200000"), ("too short", "expected 200000")):
        with Case() as case:
            case.services.faults = [fault]
            fails(case.get(), "model.safetensors", words)
            case.absent()
    with Case() as case:
        case.services.faults = ["cut 0.5"]
        case.services.lie["total"] = 300_000
        fails(case.get(), "300000", "expected 200000")
        case.absent()
    with Case() as case:
        case.services.faults = ["cut 0.5", "wrong range"]
        fails(case.get(), "from 100001 on, asked from 100000 on")
        case.absent()


def test_polite_end():
    """a server that ends early and politely is asked for the rest"""
    with Case() as case:
        case.services.faults = ["stop early", "stop early"]
        works(case.get(), case)


def test_chunked():
    """an answer without a length, whole and cut"""
    for fault in ("chunked", "chunked cut"):
        with Case() as case:
            case.services.faults = [fault]
            works(case.get(), case)


def test_login_page():
    """a web page with status 200 is not a file"""
    for fault in ("login", "page-as-bytes"):
        with Case() as case:
            case.services.faults = [fault]
            fails(case.get(), "web page", "HF_TOKEN")
            case.absent()
            case.services.faults = [fault]
            fails(case.get(what="spotify-1m"), "web page", "dylumo kaggle setup")
            assert not case.zip.exists() and not list(case.zip.parent.glob("*.part"))
    with Case() as case:
        case.services.service_faults = ["login"]
        fails(case.get(), "web page, expected JSON")


def test_not_a_zip():
    """Kaggle's archive has to begin as one"""
    with Case() as case:
        case.services.datasets[KAGGLE] = b"what is this" * 100
        fails(case.get(what="spotify-1m"), "first bytes")
        assert not case.zip.exists()


def test_store_md5():
    """the MD5 that the store tells is checked"""
    with Case() as case:
        case.services.lie["md5"] = md5_of(ZIP)
        assert case.get(what="spotify-1m")[0] == 0
        case.services.lie["md5"] = md5_of(b"another")
        fails(case.get("--again", what="spotify-1m"), "MD5", "expected b32d73e5")


def test_bad_list():
    """a list of files that is none, or that names files outside"""
    for files, words in (({"../evil": b"x"}, "'../evil'"), ({"/etc/passwd": b"x"}, "no name inside"),
                         ({"a/../../b": b"x"}, "no name inside"), ({}, "empty")):
        with Case() as case:
            case.services.files = files
            fails(case.get(), words)
    with Case() as case:
        case.services.service_faults = ["200"]
        fails(case.get(), "sha")


def test_disk():
    """no room on the disk is said before anything is written"""
    with Case() as case:
        case.services.lie["size"] = 10**18
        fails(case.get(), "nothing was begun", "HF_HUB_CACHE", code=6)
        assert not case.services.asked("store")


def test_disk_kaggle():
    """the same where the size is known from the answer alone"""
    with Case() as case:
        case.services.faults = ["huge"]
        fails(case.get(what="spotify-1m"), "nothing was begun", code=6)
        assert not case.zip.exists() and not list(case.zip.parent.glob("*.part"))


def test_disk_full():
    """a disk that fills up on the way: the sentence, and what came stays"""
    if os.geteuid():
        raise Skip("a file system of a known size needs root")
    with Case() as case:
        cache = case.home / "small"
        cache.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", cache],
                          capture_output=True, check=False).returncode:
            raise Skip("tmpfs cannot be mounted here")
        try:
            case.services.faults = ["chunked"]  # nobody knew how much would come
            fails(case.get(what="spotify-1m", XDG_CACHE_HOME=str(cache)), "No space left", code=6)
            assert not list(cache.rglob("*.zip")) and list(cache.rglob("*.part"))
        finally:
            subprocess.run(["umount", cache], check=True)


def test_unwritable():
    """a cache that can't be written"""
    with Case() as case:
        case.cache.write_text("a file")
        fails(case.get(), str(case.cache), "Not a directory", code=4)


# -------------------------------------------------------------------------- redirects and secrets

def test_token_stays():
    """the token goes to the service and not to the signed address"""
    with Case() as case:
        case.services.need_token = f"Bearer {TOKEN}"
        works(case.get(HF_TOKEN=TOKEN), case)
        case.services.need_token = f"Bearer {KAGGLE_TOKEN}"
        assert case.get(what="spotify-1m", KAGGLE_API_TOKEN=KAGGLE_TOKEN)[0] == 0
        for origin, _, _, headers, _ in case.services.requests:
            assert ("Authorization" in headers) == (origin == "service"), (origin, headers)


def test_readable_credentials():
    """kaggle.json that others can read is a warning"""
    with Case() as case:
        (case.home / ".kaggle").mkdir()
        path = case.home / ".kaggle/kaggle.json"
        path.write_text('{"username": "owl", "key": "k3yk3yk3y"}')
        path.chmod(0o644)
        code, _, errors = case.get(what="spotify-1m")
        assert code == 0 and f"{path}: others on this machine can read" in errors, errors
        assert "chmod 600" in errors and "k3y" not in errors, errors


def test_token_places():
    """HF_TOKEN, HF_TOKEN_PATH and HF_HOME/token, as huggingface_hub reads them"""
    with Case() as case:
        case.services.need_token = f"Bearer {TOKEN}"
        fails(case.get(), "401", "HF_TOKEN")
        (case.home / "t").write_text(f"  {TOKEN}\n")
        works(case.get(HF_TOKEN_PATH=str(case.home / "t")), case)
        (case.home / "h").mkdir()
        (case.home / "t").rename(case.home / "h/token")
        works(case.get(HF_HOME=str(case.home / "h")), case)
        fails(case.get(HF_TOKEN="two words"), "token", code=2)


def test_secrets_are_silent():
    """what a server repeats of a credential is not shown"""
    with Case() as case:
        case.services.need_token = "Bearer another"
        fails(case.get(HF_TOKEN=TOKEN), "Invalid credentials: Bearer ***")
        case.services.service_faults = ["refuse"]
        got = case.get(what="spotify-1m", KAGGLE_USERNAME="owl", KAGGLE_KEY="k3yk3yk3y")
        fails(got, "you are Basic ***")
        key = "k3y" + "?" * 60  # base64 with slashes, which the server escapes, longer than what is shown
        case.services.service_faults = ["refuse escaped"]
        got = case.get(what="spotify-1m", KAGGLE_USERNAME="owl", KAGGLE_KEY=key)
        fails(got, "xxxBasic ***):")
        assert "Pz8" not in got[2], got


def test_no_core():
    """the process leaves no core file and is closed to other processes of the user"""
    if SANITIZED:
        raise Skip("the leak checker has to look into the process")
    with Case() as case:
        case.services.service_faults = ["429 5"]
        process = subprocess.Popen([DYLUMO, "get", "--only-download", "clip-vit-b-32"],
                                   env=case.environment(HF_TOKEN=TOKEN), stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        try:
            wait_for(lambda: case.services.requests)
            proc = pathlib.Path(f"/proc/{process.pid}")
            assert proc.joinpath("cmdline").read_bytes().count(TOKEN.encode()) == 0
            # of a process that is not dumpable, everything in /proc belongs to root
            if os.geteuid():
                assert proc.joinpath("environ").stat().st_uid == 0
            hidden = [line for line in smaps(proc) if " dd" in line]
            assert hidden or os.geteuid(), "no page is left out of core files"
        finally:
            process.kill()
            process.communicate()


def smaps(proc):
    try:
        return [line for line in proc.joinpath("smaps").read_text().splitlines()
                if line.startswith("VmFlags")]
    except PermissionError:
        return []


def test_plain_http():
    """credentials are sent over https alone, but for the loopback"""
    with Case() as case:
        got = case.get(HF_ENDPOINT="http://192.0.2.1", HF_TOKEN=TOKEN)
        fails(got, "not encrypted", code=2)
        got = case.get(HF_ENDPOINT="http://127.example.invalid", HF_TOKEN=TOKEN)
        fails(got, "not encrypted", code=2)


def test_redirects():
    """loops end, and an unknown scheme is not followed"""
    with Case() as case:
        case.services.faults = ["loop"]
        case.services.service_faults = ["ok"]
        case.services.faults = ["loop"] * 40
        fails(case.get(DYLUMO_GET_TRIES="1"), "more than 10 times")
        case.services.faults = ["to file:///etc/passwd"]
        fails(case.get(DYLUMO_GET_TRIES="1"), "model.safetensors")
        case.absent()


def certificates(folder):
    """An authority, a certificate of it for 127.0.0.1, and one for another name."""
    def openssl(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)

    try:
        openssl("version")
    except (OSError, subprocess.CalledProcessError) as why:
        raise Skip("there is no openssl to make certificates with") from why
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *key, "-keyout", folder / "ca.key", "-out", folder / "ca.pem", "-days",
            "2", "-subj", "/CN=Test authority", "-addext", "basicConstraints=critical,CA:TRUE")
    for name, address in (("good", "IP:127.0.0.1"), ("other", "DNS:wrong.example")):
        openssl("req", *key, "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.csr",
                "-subj", "/CN=x")
        (folder / "ext").write_text(f"subjectAltName={address}\n")
        openssl("x509", "-req", "-in", folder / f"{name}.csr", "-CA", folder / "ca.pem", "-CAkey",
                folder / "ca.key", "-CAcreateserial", "-days", "2", "-out", folder / f"{name}.pem",
                "-extfile", folder / "ext")


def test_certificates():
    """TLS: an authority of one's own works; an unknown one and a wrong name get nothing"""
    with Folder() as made:
        certificates(made)
        trusted = {"CURL_CA_BUNDLE": str(made / "ca.pem"), "HF_TOKEN": TOKEN}
        with Case(tls=(made / "good.pem", made / "good.key")) as case:
            case.services.service_faults = []
            fails(case.get(HF_TOKEN=TOKEN), "certificate", "CURL_CA_BUNDLE")
            assert not case.services.requests
            # the store is plain http here: it is not followed from https
            fails(case.get(**trusted), "from https to http")
            assert not case.services.asked("store")
        good = (made / "good.pem", made / "good.key")
        with Case(tls=good, store_tls=good) as case:
            case.services.need_token = f"Bearer {TOKEN}"
            works(case.get(**trusted), case)
            assert all("Authorization" not in one[3] for one in case.services.asked("store"))
        with Case(tls=good, store_tls=(made / "other.pem", made / "other.key")) as case:
            fails(case.get(**trusted), "certificate")
            case.absent()
        with Case(tls=(made / "other.pem", made / "other.key")) as case:
            fails(case.get(**trusted), "certificate")
            assert not case.services.requests


def test_proxy():
    """the usual variables name a proxy"""
    with Case() as case:
        proxy = case.services.service.url  # gets the absolute address in its first line
        got = case.get(HF_ENDPOINT="http://hub.invalid", http_proxy=proxy, no_proxy="")
        assert case.services.requests[0][2].startswith("http://hub.invalid/api/"), got
        fails(got)


# -------------------------------------------------------------------------- processes

def wait_for(ready):
    for _ in range(2000):
        if ready():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come")


def start(case, *arguments, **more):
    return subprocess.Popen([DYLUMO, "get", "--only-download", "clip-vit-b-32", *arguments],
                            env=case.environment(**more), stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)


def test_interrupt():
    """Ctrl-C: exit code 130, the part stays, the next run goes on from it"""
    with Case() as case:
        case.services.faults = ["cut 0.5", "503 60"]
        process = start(case)
        wait_for(lambda: len(case.services.asked("store")) == 2)
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=30)
        assert process.returncode == 130 and not out, (process.returncode, errors)
        assert errors == b"dylumo: clip-vit-b-32: stopped; 'dylumo get clip-vit-b-32' goes on from where it was\n"
        case.absent()
        works(case.get(), case)
        assert case.services.asked("store")[-1][3]["Range"] == "bytes=100000-"


def test_killed():
    """killed on the spot: nothing under the file's name, the next run goes on"""
    with Case() as case:
        case.services.faults = ["cut 0.5", "503 60"]
        process = start(case)
        wait_for(lambda: len(case.services.asked("store")) == 2)
        process.kill()
        process.communicate()
        case.absent()
        works(case.get(), case)


def test_two_at_once():
    """two processes get one file once"""
    with Case() as case:
        case.services.faults = ["503 1"]
        first = start(case)
        wait_for(lambda: case.services.asked("store"))
        second = start(case)
        results = [process.communicate(timeout=60) + (process.returncode,)
                   for process in (first, second)]
        assert [result[2] for result in results] == [0, 0], results
        assert b"waiting for another process" in results[1][1], results
        case.right()
        whole = [one for one in case.services.asked("store") if one[1] == "GET"]
        assert len(whole) == 2, whole  # the one that was refused, and the one that came


# -------------------------------------------------------------------------- with Python's own

def python_with_hub():
    for python in (sys.executable, pathlib.Path(os.environ["DYLUMO_SOURCE"]) / "build/hub/bin/python"):
        done = subprocess.run([python, "-c", "import huggingface_hub"], capture_output=True,
                              check=False) if pathlib.Path(python).exists() else None
        if done and done.returncode == 0:
            return str(python)
    raise Skip("Python has no huggingface_hub here (tools/setup_hub.sh)")


def in_python(python, case, *lines, **more):
    done = subprocess.run([python, "-c", "\n".join(lines)], env=case.environment(**more),
                          capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_shared_with_python():
    """huggingface_hub reads what we got, and we read what it got"""
    python = python_with_hub()
    download = ("from huggingface_hub import hf_hub_download as get, scan_cache_dir",
                "print(get('openai/clip-vit-base-patch32', 'model.safetensors'))")
    with Case() as case:
        works(case.get(), case)
        del case.services.requests[:]
        found = in_python(python, case, *download, "c = scan_cache_dir()", "assert not c.warnings, c",
                          "print(len(c.repos))", HF_HUB_OFFLINE="1")
        assert found.splitlines() == [str(case.snapshot / "model.safetensors"), "1"], found
        assert not case.services.requests
    with Case() as case:
        found = in_python(python, case, *download, HF_HUB_DISABLE_XET="1")
        assert found == str(case.snapshot / "model.safetensors")
        del case.services.requests[:]
        works(case.get(), case)
        assert not case.services.asked("store"), "downloaded again"


# -------------------------------------------------------------------------- the command

def test_list():
    """without a name: what there is"""
    with Case() as case:
        code, out, errors = run("get", env=case.environment())
        assert code == 0 and not errors
        for word in ("spotify-1m", "emid", "clip-vit-b-32", "CC BY-NC-SA 4.0", "not here"):
            assert word in out, out
        assert not case.services.requests


def test_unknown_name():
    """an unknown name is a mistake in the call, with what was meant"""
    got = run("get", "emidd")
    expect(got, 2, "", "dylumo: there is no 'emidd' to get: did you mean 'emid'?\n"
                       "Try 'dylumo get --help'.\n")
    assert run("get", "-o", "x", "emid", "spotify-1m")[0] == 2


if __name__ == "__main__":
    main(globals())
