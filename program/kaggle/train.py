# What `dylumo kaggle push` has Kaggle run: builds dylumo, makes a songs file of the attached data set,
# gets EMID from Hugging Face, trains, and leaves the weights with their sums. SETTINGS stands above.
import glob
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys

WORKING = pathlib.Path(os.environ.get("DYLUMO_KAGGLE_WORKING", "/kaggle/working"))
INPUT = pathlib.Path(os.environ.get("DYLUMO_KAGGLE_INPUT", "/kaggle/input"))
SCRATCH = pathlib.Path(os.environ.get("DYLUMO_KAGGLE_SCRATCH", "/kaggle/tmp"))


def run(*command, allowed=(0,), **more):
    print("+", *command, flush=True)
    code = subprocess.run([str(word) for word in command], check=False, **more).returncode
    if code not in allowed:
        sys.exit(f"{command[0]} ended with {code}")
    return code


def found(pattern, what):
    names = sorted(glob.glob(str(INPUT / pattern), recursive=True))
    if not names:
        sys.exit(f"{what} is not attached to this kernel: no {pattern} in {INPUT}")
    return names[0]


def build():
    """The program, of a git address or of an attached data set that has the source tree."""
    source = SCRATCH / "dylumo"
    if SETTINGS["source"]:
        run("git", "clone", "--depth", "1", SETTINGS["source"], source)
    else:
        makefile = found("**/packages.debian", "dylumo's source")
        shutil.copytree(pathlib.Path(makefile).parent, source)
    run("make", cwd=source)
    return source / "build/dylumo"


def train(dylumo):
    songs, mood = SCRATCH / "songs.dylumo", WORKING / "mood.safetensors"
    run(dylumo, "import", found("**/spotify_data.csv", "spotify-1million-tracks"), "-o", songs)
    if "DYLUMO_DUCKDB" not in os.environ:
        run(dylumo, "get", "duckdb")
    run(dylumo, "get", "emid", "-o", SCRATCH / "emid")
    # 1: a baseline is not beaten; the weights are there and the table tells
    code = run(dylumo, "train", "--songs", songs, "--cache", SCRATCH / "embeddings", "-o", mood,
               *SETTINGS["train"], SCRATCH / "emid/EMID_data.csv", allowed=(0, 1))
    return mood, code


def main():
    SCRATCH.mkdir(parents=True, exist_ok=True)
    os.environ["XDG_CACHE_HOME"] = str(SCRATCH / "cache")  # nothing of it becomes output
    os.environ["XDG_DATA_HOME"] = str(SCRATCH / "data")
    dylumo = build()
    mood, code = train(dylumo)
    version = subprocess.run([dylumo, "--version"], capture_output=True, text=True, check=True)
    results = {"dylumo": version.stdout.splitlines()[0], "beats_baselines": code == 0,
               "files": {mood.name: {"size": mood.stat().st_size,
                                     "sha256": hashlib.sha256(mood.read_bytes()).hexdigest()}}}
    (WORKING / "results.json").write_text(json.dumps(results, indent=2) + "\n")
    print(json.dumps(results))


main()
