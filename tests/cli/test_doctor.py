"""dylumo doctor: what is here, what fits together, what is missing, and an exit code that says so."""
import json
import shutil

from cli_support import BUILD, SOURCE, Folder, environment, main, need_models, run

SHARE = BUILD / "share/dylumo"
DATA = SOURCE / "tests/data"
CLIP = DATA / "clip/transformers"
KEY = "k3yk3yk3yk3y"


def look(home, *arguments, **more):
    """Exit code and findings by name."""
    code, out, errors = run("doctor", "-j", *arguments, env=environment(HOME=str(home), **more))
    assert not errors, errors
    told = json.loads(out)
    assert told["schema"] == 1 and told["dylumo"], told
    states = [finding["state"] for finding in told["findings"]]
    assert states.count("fault") == told["faults"] and states.count("warning") == told["warnings"], told
    return code, {finding["name"]: finding for finding in told["findings"]}


def original_mood(folder, name="original.safetensors"):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    assert run("import", "--original", DATA / "original", "-o", path)[0] == 0
    return path


def test_well():
    """what ships is whole and fits, and nothing in the home is touched"""
    need_models()
    with Folder() as home:
        code, found = look(home)
        assert code == 0, found
        for name, file in (("encoder", "lite2"), ("mood", "lite2-mood"), ("songs", "songs")):
            part = found[name]
            assert part["state"] == "ok" and part["path"].startswith(str(SHARE / file)), part
            assert len(part["hash"]) == 16, part
        assert found["encoder and mood"]["state"] == found["mood and songs"]["state"] == "ok"
        assert found["spotify-1m"]["state"] == "absent"
        assert found["spotify-1m"]["command"] == "dylumo get spotify-1m"
        assert not list(home.iterdir())


def test_text():
    """the same as lines"""
    need_models()
    with Folder() as home:
        code, out, errors = run("doctor", env=environment(HOME=str(home)))
        assert code == 0 and not errors and out.endswith("\n\nAll is well.\n"), (out, errors)
        assert "  ok       songs  " in out and "\n  absent   emid  " in out, out
        assert "-> dylumo get emid\n" in out, out


def test_missing():
    """a part that is not there: the fault, the command that gets it, code 4"""
    need_models()
    with Folder() as home:
        code, found = look(home, "-s", home / "none.dylumo", "--encoder", "clip-vit-b-32")
        assert code == 4 and found["songs"]["state"] == found["encoder"]["state"] == "fault", found
        assert found["songs"]["command"] == "dylumo get spotify-1m"
        assert found["encoder"]["command"] == "dylumo get clip-vit-b-32"


def test_broken():
    """one wrong byte among the songs is found, code 8"""
    need_models()
    with Folder() as home:
        data = bytearray((SHARE / "songs.dylumo").read_bytes())
        data[len(data) // 2] ^= 1
        (home / "s.dylumo").write_bytes(data)
        code, found = look(home, DYLUMO_SONGS=str(home / "s.dylumo"))
        assert code == 8 and found["songs"]["state"] == "fault" and "s.dylumo" in found["songs"]["text"]
        assert found["songs"]["command"] == "dylumo get --again spotify-1m", found["songs"]
        assert "mood and songs" not in found


def test_other_encoder():
    """weights for another encoder, code 10"""
    need_models()
    with Folder() as home:
        code, found = look(home, "--mood-file", original_mood(home))
        assert code == 10, found
        assert found["encoder and mood"]["state"] == "fault", found
        assert "belongs to the encoder clip-vit-b-32" in found["encoder and mood"]["text"], found


def test_scaler():
    """a songs file whose scaler differs from the mood weights' is a warning; its own songs are none"""
    need_models()
    with Folder() as home:
        mood = original_mood(home)
        assert look(home, "--mood-file", mood)[1]["scaler and songs"]["state"] == "ok"
        songs = home / "other.dylumo"
        assert run("import", DATA / "parquet/songs.csv", "-o", songs)[0] == 0
        fit = look(home, "--mood-file", mood, "-s", songs)[1]["scaler and songs"]
        assert fit["state"] == "warning" and "features differ" in fit["text"], fit
        assert fit["command"].startswith("dylumo import --keep-rows"), fit


def test_data_folder():
    """other weights and songs files of the data folder: what belongs together there"""
    need_models()
    with Folder() as home:
        data = home / ".local/share/dylumo"
        mood = original_mood(data, "clip-vit-b-32-mood.safetensors")
        shutil.copy(SHARE / "songs.dylumo", data / "more.dylumo")
        code, found = look(home)
        assert code == 0, found
        assert found[mood.stem]["state"] == "absent"
        assert found[mood.stem]["command"] == "dylumo get clip-vit-b-32"
        assert found["more.dylumo"]["state"] == "ok" and found["more.dylumo"]["text"] == "20498 songs"
        env = environment(HOME=str(home))
        for name in ("clip-vit-b-32", "clip-tiny"):
            assert run("models", "add", CLIP, "--name", name, env=env)[0] == 0
        (data / "more.dylumo").write_bytes(b"no songs")
        code, found = look(home)
        assert code == 1, found
        assert found[mood.stem]["state"] == "warning", found  # trained on 512 numbers, not on these
        assert found["clip-tiny"]["state"] == "absent" and found["clip-tiny"]["command"] == (
            f"dylumo train --encoder clip-tiny -o {data}/clip-tiny-mood.safetensors TABLE"), found
        assert found["more.dylumo"]["state"] == "warning", found


def test_got():
    """what dylumo get brought is told with its place; when it is gone, how to get it again"""
    with Folder() as home:
        record = home / ".local/share/dylumo/items/emid.json"
        record.parent.mkdir(parents=True)
        (home / "emid").mkdir()
        record.write_text(json.dumps({"item": "emid", "source": "ecnu-aigc/EMID", "version": "0123",
                                      "made": str(home / "emid"), "bytes": 1, "time": "now"}))
        found = look(home)[1]["emid"]
        assert found["state"] == "ok" and found["version"] == "0123", found
        assert found["path"] == str(home / "emid") and "CC BY-NC-SA 4.0" in found["text"], found
        (home / "emid").rmdir()
        found = look(home)[1]["emid"]
        assert found["state"] == "absent" and "gone" in found["text"], found


def test_credentials():
    """credentials are told of and never shown; where others can read them it is a warning"""
    with Folder() as home:
        (home / ".kaggle").mkdir()
        path = home / ".kaggle/kaggle.json"
        path.write_text(json.dumps({"username": "owl", "key": KEY}))
        path.chmod(0o644)
        env = environment(HOME=str(home), HF_TOKEN="hf_SecretSecret")
        for arguments in ((), ("--json",)):
            code, out, errors = run("doctor", *arguments, env=env)
            assert code and KEY not in out + errors and "SecretSecret" not in out + errors, out
        found = look(home, HF_TOKEN="hf_SecretSecret")[1]
        assert found["Kaggle"]["state"] == "warning", found
        assert found["Kaggle"]["command"] == f"chmod 600 {path}", found
        assert found["Hugging Face"]["state"] == "ok", found
        path.chmod(0o600)
        assert look(home)[1]["Kaggle"]["state"] == "ok"
        path.write_text("{")
        broken = look(home)[1]["Kaggle"]
        assert broken["state"] == "warning" and broken["command"] == "dylumo kaggle setup", broken


def test_libraries():
    """a library that was named and is not there is a warning"""
    with Folder() as home:
        found = look(home, DYLUMO_DUCKDB=str(home / "libduckdb.so"))[1]["DuckDB"]
        assert found["state"] == "warning" and "libduckdb.so" in found["text"], found
        assert look(home, DYLUMO_CPU="scalar")[1]["processor"]["text"].startswith("uses scalar"), found


def test_usage():
    """it takes no names"""
    code, out, errors = run("doctor", "x")
    assert code == 2 and not out and "--help" in errors, errors


if __name__ == "__main__":
    main(globals())
