"""dylumo get to the end: what was downloaded becomes a songs file, pictures, an encoder's weights, and
is used at once; what is ready is not done again, and what can't be made leaves the download."""
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import zipfile

sys.path.insert(0, str(pathlib.Path(os.environ["DYLUMO_SOURCE"]) / "tests/cli"))
from cli_support import DYLUMO, SOURCE, Skip, expect, main, need_models, run  # noqa: E402
from test_download import KAGGLE, Case  # noqa: E402

DATA = SOURCE / "tests/data"
TABLE = (DATA / "parquet/songs.csv").read_bytes()
PHOTO = SOURCE / "photos/cat.jpg"
DUCKDB = SOURCE / "build/duckdb/libduckdb.so"


def zipped(name, data):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return out.getvalue()


class Ready(Case):
    """Servers with a small thing of each kind."""

    def __init__(self, files=None):
        super().__init__()
        self.services.files = files or {}
        self.services.datasets[KAGGLE] = zipped("spotify_data.csv", TABLE)

    def environment(self, **more):
        return super().environment(**{"XDG_DATA_DIRS": "/nonexistent", **more})

    @property
    def data(self):
        return self.home / ".local/share/dylumo"

    def ready(self, *arguments, cwd=None, **more):
        return run("get", *arguments, env=self.environment(**more), cwd=cwd)


def clip_files():
    folder = DATA / "clip/transformers"
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "pytorch_model.bin"}


def emid_files():
    files = {f"data/train-0000{i}-of-00002.parquet": (DATA / f"parquet/emid-{i}.parquet").read_bytes()
             for i in (0, 1)}
    return {"README.md": b"# EMID\n", **files}


def need_duckdb():
    if not DUCKDB.exists():
        raise Skip("no libduckdb.so in build/duckdb: tools/setup_duckdb.sh build/duckdb")
    return {"DYLUMO_DUCKDB": str(DUCKDB)}


# -------------------------------------------------------------------------- each of the three

def test_songs():
    """spotify-1m becomes the songs file that recommend takes by itself"""
    need_models()
    with Ready() as case:
        songs = case.data / "songs.dylumo"
        code, out, errors = case.ready("spotify-1m")
        assert code == 0 and out.endswith(f"spotify-1m: in {songs}\n"
                                          f"next: dylumo recommend --songs {songs} PHOTO\n"), (out, errors)
        run("import", DATA / "parquet/songs.csv", "-o", case.home / "other", env=case.environment())
        assert songs.read_bytes() == (case.home / "other").read_bytes()
        code, out, errors = run("recommend", "--json", PHOTO, env=case.environment())
        assert code == 0, errors
        used = [song["id"].encode() for song in json.loads(out)["songs"]]
        assert used and all(song in TABLE for song in used), used


def test_songs_beside():
    """a songs file that was there stays beside the new one; -o names another place"""
    with Ready() as case:
        case.data.mkdir(parents=True)
        (case.data / "songs.dylumo").write_bytes(b"mine")
        assert case.ready("spotify-1m")[0] == 0
        assert (case.data / "songs.dylumo.old").read_bytes() == b"mine"
    with Ready() as case:
        place = case.home / "new/folder/s.dylumo"
        code, out, errors = case.ready("--json", "spotify-1m", "-o", place)
        assert code == 0 and json.loads(out)["path"] == str(place), (out, errors)
        assert place.exists() and not (case.data / "songs.dylumo").exists()
        inode = place.stat().st_ino
        for name in ("s.dylumo", "another.dylumo"):  # the same place, and a new one, from its folder
            code, out, errors = case.ready("spotify-1m", "-o", name, cwd=place.parent)
            assert code == 0 and f"spotify-1m: in {place.parent}/{name}\n" in out, (out, errors)
        assert place.stat().st_ino == inode, "made again"


def test_pictures():
    """EMID's pictures and labels lie in a folder that train takes"""
    with Ready(emid_files()) as case:
        code, out, errors = case.ready("emid", **need_duckdb())
        assert code == 0 and out.endswith(f"next: dylumo train {case.data}/emid/EMID_data.csv\n"), errors
        assert (case.data / "emid/EMID_data.csv").stat().st_size
        assert list((case.data / "emid/images").iterdir())


def test_pictures_without_duckdb():
    """without DuckDB's library it is said before the download"""
    with Ready(emid_files()) as case:
        code, out, errors = case.ready("emid", DYLUMO_DUCKDB="/nonexistent/libduckdb.so")
        assert code != 0 and not out and "libduckdb.so" in errors, (code, errors)
        assert not case.services.requests


def test_library():
    """DuckDB's library: another size or other bytes than ours are refused, nothing is unpacked"""
    lock = json.loads((SOURCE / "tests/parquet/package-lock.json").read_text())
    version = lock["packages"]["node_modules/@duckdb/node-bindings-linux-x64"]["version"]
    assert f'"{version}"' in (SOURCE / "forge/get/get_item.c").read_text(), "another version than the tests'"
    with Ready() as case:
        def get():
            return case.ready("duckdb", npm_config_registry=case.services.service.url + "/")

        case.services.package = b"\x1f\x8b" + bytes(1000)
        code, out, errors = get()
        assert code == 12 and not out and "1002 bytes, expected" in errors, errors
        path = case.services.requests[-1][2]
        assert path.startswith("/@duckdb/node-bindings-linux-") and path.endswith(f"-{version}.tgz"), path
        case.services.package = bytes(int(re.search(r"expected (\d+)", errors)[1]))
        code, out, errors = get()
        assert code == 12 and not out and "SHA-256" in errors, errors
        assert not case.data.exists() or not list(case.data.glob("lib*")), list(case.data.iterdir())
        assert not [path for path in case.home.rglob("*.tgz*") if path.suffix != ".lock"]


def test_weights():
    """CLIP's weights become an encoder that is found by its name"""
    with Ready(clip_files()) as case:
        path = case.data / "clip-vit-b-32.safetensors"
        expect(case.ready("clip-vit-b-32"), 0,
               f"clip-vit-b-32: in {path}\nnext: dylumo train --encoder {path} TABLE\n")
        told = json.loads(run("models", "info", "--json", "clip-vit-b-32", env=case.environment())[1])
        assert told["encoder"] == "clip-vit-b-32" and told["path"] == str(path), told
        done = run("embed", "--encoder", "clip-vit-b-32", PHOTO, "-o", case.home / "e.npy",
                   env=case.environment())
        assert done[0] == 0, done


# -------------------------------------------------------------------------- again, and what goes wrong

def test_not_again():
    """what is ready is not asked for again; when it is gone, it is made again of the download"""
    with Ready() as case:
        songs = case.data / "songs.dylumo"
        assert case.ready("spotify-1m")[0] == 0
        made, asked = songs.stat().st_ino, len(case.services.requests)
        code, out, _ = case.ready("spotify-1m")
        assert code == 0 and out.startswith(f"spotify-1m: in {songs}\n"), out
        assert songs.stat().st_ino == made and len(case.services.requests) == asked
        assert "here      1,159,764 songs" in case.ready()[1]
        songs.unlink()
        assert "gone" in case.ready()[1]
        assert case.ready("spotify-1m", "--offline")[0] == 0 and songs.exists()
        assert case.ready("spotify-1m", "--again")[0] == 0
        assert len(case.services.asked("store")) == 2


def test_not_made():
    """what can't be made: why, and the command that goes on from the download"""
    with Ready() as case:
        case.services.datasets[KAGGLE] = zipped("spotify_data.csv", b"title,price\nx,1\n")
        code, out, errors = case.ready("spotify-1m")
        lines = errors.splitlines()
        assert code == 8 and not out and "track_id" in lines[0], errors
        assert lines[-1] == (f"dylumo: spotify-1m: what was downloaded is whole, in {case.zip.parent}; "
                             "'dylumo get spotify-1m' makes it ready once that is seen to"), errors
        assert case.zip.exists() and "not here" in case.ready()[1]
        assert not (case.data / "songs.dylumo").exists()
    with Ready(clip_files()) as case:  # a place that can't be written
        case.data.mkdir(parents=True)
        (case.data / "clip-vit-b-32.safetensors").mkdir()
        code, _, errors = case.ready("clip-vit-b-32")
        assert code and "dylumo get clip-vit-b-32" in errors, errors
        (case.data / "clip-vit-b-32.safetensors").rmdir()
        asked = len(case.services.asked("store"))
        assert case.ready("clip-vit-b-32")[0] == 0
        assert len(case.services.asked("store")) == asked, "downloaded again"


def test_two_at_once():
    """two processes make one thing once"""
    with Ready(clip_files()) as case:
        both = [subprocess.Popen([DYLUMO, "get", "clip-vit-b-32"], env=case.environment(),
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
        results = [one.communicate(timeout=60) + (one.returncode,) for one in both]
        assert [result[2] for result in results] == [0, 0], results
        names = sorted(path.name for path in case.data.iterdir())
        assert names == ["clip-vit-b-32.safetensors", "items"], names


if __name__ == "__main__":
    main(globals())
