"""dylumo embed: numbers of many pictures as .npy and safetensors, runs that go on, broken pictures."""
import json
import os
import shutil
import signal
import struct
import subprocess
import time

from cli_support import DYLUMO, PHOTOS, Folder, environment, expect, main, need_models, run, usage


def read_npy(path):
    """(rows, columns, numbers) of a version 1.0 array of f32, as the format's page has it."""
    data = path.read_bytes()
    assert data[:8] == b"\x93NUMPY\x01\x00" and len(data) >= 10, data[:10]
    size = struct.unpack("<H", data[8:10])[0]
    assert (10 + size) % 64 == 0 and data[9 + size:10 + size] == b"\n"
    head = eval(data[10:10 + size], {"__builtins__": {}})  # a literal dict
    assert head["descr"] == "<f4" and head["fortran_order"] is False, head
    rows, columns = head["shape"]
    numbers = struct.unpack(f"<{rows * columns}f", data[10 + size:])
    return rows, columns, numbers


def read_safetensors(path):
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    head = json.loads(data[8:8 + size])
    parts = {}
    for name, what in head.items():
        if name != "__metadata__":
            first, last = what["data_offsets"]
            parts[name] = (what["dtype"], what["shape"], data[8 + size + first:8 + size + last])
    return head["__metadata__"], parts


def photos(folder, *names):
    target = folder / "photos"
    (target / "inner").mkdir(parents=True)
    for i, name in enumerate(names):
        shutil.copy(PHOTOS / f"{name}.jpg", target / ("inner" if i % 2 else ".") / f"{name}.jpg")
    return target


def test_output_is_no_picture_that_is_read():
    """an output that is a picture it reads: refused; the file of an earlier run is no picture"""
    need_models()
    with Folder() as folder:
        picture = photos(folder, "cat") / "cat.jpg"
        before = picture.read_bytes()
        expect(run("embed", "photos", "-o", "photos/cat.jpg", cwd=folder), 2, "",
               usage("photos/cat.jpg: is read, and writing would replace it; "
                     "expected another output", "embed "))
        assert picture.read_bytes() == before
        for _ in range(2):
            code, out, _ = run("embed", "photos", "-o", "photos/x.safetensors", cwd=folder)
            assert "1 embeddings" in out, out
        assert code == 1, code  # the earlier files are no pictures


def test_nothing_to_write():
    """not one picture could be read: code 1, and what was written before stays"""
    need_models()
    with Folder() as folder:
        (folder / "bad.jpg").write_text("no picture")
        (folder / "x.npy").write_text("before")
        code, out, err = run("embed", "bad.jpg", "-o", "x.npy", cwd=folder)
        assert (code, out) == (1, ""), (code, out, err)
        assert err.endswith("dylumo: not one of 1 pictures could be read; nothing is written\n"), err
        assert (folder / "x.npy").read_text() == "before"


def test_standard_output():
    """-o -: numbers alone on standard output, what it says on standard error"""
    need_models()
    with Folder() as folder:
        run("embed", PHOTOS / "cat.jpg", "-o", "x.safetensors", cwd=folder)
        with open(folder / "piped", "wb") as piped:
            code, _, err = run("embed", PHOTOS / "cat.jpg", "-o", "-", cwd=folder, stdout=piped)
        assert code == 0 and err.endswith("Wrote standard output.\n"), (code, err)
        assert (folder / "piped").read_bytes() == (folder / "x.safetensors").read_bytes()
        assert not (folder / "-.embeddings").exists()


def test_npy_and_safetensors_agree():
    """both forms hold the same numbers and names; a second run computes nothing"""
    need_models()
    with Folder() as folder:
        photos(folder, "cat", "coffee")
        expect(run("embed", "photos", "-o", "x.npy", cwd=folder), 0,
               "2 embeddings of 2136 numbers by lite2, 2 of them new. Wrote x.npy.\n")
        expect(run("embed", "photos", "-o", "x.safetensors", "--cache", "x.npy.embeddings",
                   cwd=folder), 0,
               "2 embeddings of 2136 numbers by lite2, 0 of them new. Wrote x.safetensors.\n")
        names = ["photos/cat.jpg", "photos/inner/coffee.jpg"]
        assert (folder / "x.npy.names").read_text().split("\n") == [*names, ""]
        rows, columns, numbers = read_npy(folder / "x.npy")
        assert (rows, columns) == (2, 2136)
        metadata, parts = read_safetensors(folder / "x.safetensors")
        assert metadata["encoder"] == "lite2" and len(metadata["encoder.hash"]) == 16, metadata
        dtype, shape, data = parts["embeddings"]
        assert (dtype, shape) == ("F32", [2, 2136])
        assert struct.unpack(f"<{2 * 2136}f", data) == numbers
        assert parts["names"][2] == b"".join(name.encode() + b"\0" for name in names)


def test_only_new_pictures_are_computed():
    """what comes later is added, what is there is not computed again"""
    need_models()
    with Folder() as folder:
        target = photos(folder, "cat")
        assert run("embed", target, "-o", folder / "x.npy")[0] == 0
        shutil.copy(PHOTOS / "rocket.jpg", target / "a.jpg")
        shutil.copy(PHOTOS / "cat.jpg", target / "same.jpg")
        code, out, err = run("embed", target, "-o", folder / "x.npy")
        assert (code, err) == (0, "") and out.startswith("3 embeddings") and "1 of them new" in out
        _, columns, numbers = read_npy(folder / "x.npy")
        assert numbers[columns:2 * columns] == numbers[2 * columns:], "the same bytes differ"


def test_broken_pictures_are_named():
    """broken files are told and left out, hidden ones passed over; exit code 1"""
    need_models()
    with Folder() as folder:
        target = photos(folder, "cat")
        (target / "notes.txt").write_text("no picture")
        (target / "empty.png").write_bytes(b"")
        (target / ".hidden").write_text("no picture either")
        os.mkfifo(target / "pipe")
        os.symlink(target, target / "circle")
        os.symlink(target / "nowhere", target / "broken-link")
        code, out, err = run("embed", target, "-o", folder / "x.npy", "-t", "1")
        assert code == 1 and out.startswith("1 embeddings of 2136"), (code, out, err)
        assert "2 could not be read" in out, out
        for name in ("notes.txt", "empty.png"):
            assert err.count(f"{target}/{name}: ") == 1, (name, err)
        assert err.count("\n") == 2, err
        assert read_npy(folder / "x.npy")[0] == 1
        expect(run("embed", target / "pipe", "-o", folder / "y.npy"), 8, "",
               f"dylumo: {target}/pipe: is neither a file nor a folder\n")


def test_mistakes():
    """what can't be done is one sentence, and leaves what is there"""
    need_models()
    expect(run("embed"), 2, "", usage("embed needs FOLDER|PHOTO...", "embed "))
    with Folder() as folder:
        code, out, err = run("embed", folder / "missing", "-o", folder / "x.npy")
        assert (code, out) == (4, "") and "missing" in err and err.count("\n") == 1, (code, err)
        code, out, err = run("embed", folder, "-o", folder / "x.npy")
        assert (code, out) == (8, "") and "holds no file" in err, (code, err)
        code, out, err = run("embed", PHOTOS / "cat.jpg", "-o", "/nonexistent/x.npy")
        assert code in (4, 5) and err.count("\n") == 1, (code, err)
        photo = folder / "photo.jpg"
        shutil.copy(PHOTOS / "cat.jpg", photo)
        code, out, err = run("embed", photo, "-o", folder / "x.npy", "--cache", photo)
        assert code == 8 and "left as it is" in err, (code, err)
        assert photo.read_bytes() == (PHOTOS / "cat.jpg").read_bytes()
        code, out, err = run("embed", photo, "-o", folder / "x.npy", "--precision", "f64")
        assert code == 2 and "f64" in err, (code, err)
        if os.path.exists("/dev/full"):
            code, out, err = run("embed", photo, "-o", folder / "x.npy", "--cache", "/dev/full")
            assert code in (6, 8) and err.count("\n") == 1, (code, err)


def test_a_run_that_is_killed_goes_on():
    """kill -9 in the middle: the next run computes only what is missing, to the same numbers"""
    need_models()
    with Folder() as folder:
        target = folder / "many"
        target.mkdir()
        plain = (PHOTOS / "cat.jpg").read_bytes()
        for i in range(40):
            (target / f"{i:02}.jpg").write_bytes(plain + bytes([i]))
        call = [str(DYLUMO), "embed", "many", "-o", "x.npy", "-t", "1"]
        child = subprocess.Popen(call, cwd=folder, env=environment(), stdout=subprocess.DEVNULL)
        cache = folder / "x.npy.embeddings"
        record = 4 * 8 + 2136 * 4
        while child.poll() is None and (not cache.exists() or cache.stat().st_size < 3 * record):
            time.sleep(0.002)
        child.send_signal(signal.SIGKILL)
        child.wait()
        kept = (cache.stat().st_size - 64) // record
        assert 2 <= kept and not (folder / "x.npy").exists() or kept == 40, kept
        code, out, err = run("embed", "many", "-o", "x.npy", cwd=folder)
        assert (code, err) == (0, "") and f"{40 - kept} of them new" in out, (kept, out, err)
        rows, columns, numbers = read_npy(folder / "x.npy")
        assert rows == 40 and all(numbers[i * columns:(i + 1) * columns] == numbers[:columns]
                                  for i in range(40))


main(globals())
