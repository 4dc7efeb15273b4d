"""dylumo models: CLIP's weights taken in, listed, told and taken out."""
import json
import shutil

from cli_support import SOURCE, Folder, environment, expect, main, run, usage

CLIP = SOURCE / "tests/data/clip"


def test_add_list_info_remove():
    """a folder of Hugging Face's becomes a model that list and info tell of, and remove takes it out"""
    with Folder() as folder:
        env = environment(XDG_DATA_HOME=str(folder))
        path = folder / "dylumo/clip-tiny.safetensors"
        code, out, err = run("models", "add", CLIP / "transformers", "--name", "clip-tiny", env=env)
        expect((code, out, err), 0, f"Added clip-tiny, f32, 0.1 MB: {path}\n"
               "On a test picture its embedding has a cosine of 1.00000 to that of f32.\n")
        assert [one.name for one in path.parent.iterdir()] == [path.name]
        code, out, err = run("models", "list", "--json", env=env)
        mine = [one for one in json.loads(out) if one["name"] == "clip-tiny"]
        assert (code, err) == (0, "") and len(mine) == 1, out
        assert mine[0]["precision"] == "f32" and mine[0]["text"] and not mine[0]["ships"], mine
        assert mine[0]["source"] == "transformers" and mine[0]["image_size"] == 16, mine
        code, out, err = run("models", "info", "clip-tiny", env=env)
        assert code == 0 and "weights from  transformers, quick_gelu\ntext tower    yes\n" in out, out
        assert run("models", "info", path, env=env)[1] == out
        expect(run("models", "remove", "clip-tiny", env=env), 0, "Removed clip-tiny.\n")
        assert not list(path.parent.iterdir())


def test_rounded():
    """bf16 and int8 are smaller, and their cosine is told"""
    with Folder() as folder:
        env = environment(XDG_DATA_HOME=str(folder))
        sizes = []
        for precision in ("f32", "bf16", "int8"):
            code, out, err = run("models", "add", CLIP / "transformers", "-p", precision, "--json", env=env)
            assert (code, err) == (0, ""), err
            told = json.loads(out)
            assert told["cosine"] > 0.99 and told["precision"] == precision, told
            sizes.append(told["bytes"])
        assert sizes[0] > sizes[1] > sizes[2], sizes


def test_refused():
    """what is not CLIP, is not there, or lacks its configuration gets one sentence and leaves nothing"""
    with Folder() as folder:
        env = environment(XDG_DATA_HOME=str(folder / "data"))
        mood = SOURCE / "tests/data/tiny-mood.safetensors"
        code, out, err = run("models", "add", mood, env=env)
        assert (code, out) == (11, "") and "only CLIP's of transformers, open_clip and OpenAI and the original's" in err, err
        code, out, err = run("models", "add", folder / "none", env=env)
        assert (code, out) == (4, "") and "cannot open" in err, err
        lone = folder / "x.safetensors"
        shutil.copy(CLIP / "open_clip/open_clip_model.safetensors", lone)
        code, out, err = run("models", "add", lone, env=env)
        assert (code, out) == (4, "") and "open_clip_config.json is not beside it" in err, err
        evil = folder / "evil.pt"
        shutil.copy(SOURCE / "tests/fuzz/corpus/torch/system", evil)
        expect(run("models", "add", evil, env=env), 11, "",
               f"dylumo: {evil}: pickle names 'posix.system', which is not among the data that are read here\n")
        assert not [one for one in (folder / "data").rglob("*") if one.is_file()]


def test_usage():
    """mistakes in the call are told with what was meant"""
    expect(run("models"), 2, "", usage("models needs one of add, list, info and remove", "models "))
    expect(run("models", "lst"), 2, "", usage("there is no 'models lst': did you mean 'list'?", "models "))
    expect(run("models", "xyz"), 2, "",
           usage("there is no 'models xyz'; there are add, list, info and remove", "models "))
    expect(run("models", "add"), 2, "", usage("models add takes one file or folder after it", "models "))
    expect(run("models", "add", "x", "-p", "f16"), 2, "",
           usage("--precision takes f32, bf16 or int8, not 'f16'", "models "))
    with Folder() as folder:
        env = environment(XDG_DATA_HOME=str(folder))
        expect(run("models", "info", "nothing", env=env), 4, "",
               "dylumo: there is no model 'nothing'; 'dylumo models list' tells which there are\n")
        expect(run("models", "remove", "lite2", env=env), 4, "",
               "dylumo: no model 'lite2' was added: "
               f"{folder}/dylumo/lite2.safetensors is not there\n")
        (folder / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0\x00\x10JFIF")
        expect(run("models", "info", "photo.jpg", env=env, cwd=folder), 8, "",
               "dylumo: photo.jpg: is no safetensors file: its header would have "
               "5064878326892452095 bytes, it has 10\n")
        expect(run("models", "remove", "../x", env=env), 2, "",
               "dylumo: '../x' is no name of a model; 'dylumo models list' tells them\n")


main(globals())
