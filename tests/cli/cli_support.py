"""What the tests of the command share: running it in a clean environment, comparing what it printed
byte for byte, and speaking TAP. No dependencies beyond Python itself.

A test file defines functions named test_...; each is one case, its docstring the name shown. Raise
Skip to leave one out aloud. End the file with cli_support.main(globals())."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(os.environ["DYLUMO_SOURCE"])
BUILD = pathlib.Path(os.environ["DYLUMO_BUILD"])
DYLUMO = BUILD / "dylumo"
PHOTOS = SOURCE / "photos"
SANITIZED = os.environ.get("DYLUMO_SANITIZED", "none") != "none"

# Only these reach the command, so that no file of the tester's home is found.
KEPT = ("PATH", "LSAN_OPTIONS", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "DYLUMO_CPU")


class Skip(Exception):
    """A case that cannot run here, and why."""


def environment(**more):
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return {**kept, "HOME": "/nonexistent", "XDG_DATA_DIRS": "/nonexistent", **more}


def run(*arguments, program=DYLUMO, stdin=b"", env=None, cwd=None, stdout=subprocess.PIPE):
    """Exit code, standard output and standard error, the last two as text."""
    done = subprocess.run([str(program), *map(str, arguments)], input=stdin, stdout=stdout,
                          stderr=subprocess.PIPE, env=env or environment(), cwd=cwd, timeout=120,
                          check=False)
    return done.returncode, (done.stdout or b"").decode(), done.stderr.decode()


def expect(got, code, stdout="", stderr=""):
    """got is run's; says which of the three differs and how."""
    for what, found, wanted in zip(("exit code", "stdout", "stderr"), got, (code, stdout, stderr)):
        if found != wanted:
            raise AssertionError(f"{what}: expected {wanted!r}, found {found!r}; all: {got!r}")


def usage(sentence, verb="recommend "):
    """Standard error after a mistake in the call."""
    return f"dylumo: {sentence}\nTry 'dylumo {verb}--help'.\n"


def need_models():
    """Skips where the shipped models and songs are not built."""
    for name in ("lite2.safetensors", "lite2-mood.safetensors", "songs.dylumo"):
        if not (BUILD / "share/dylumo" / name).exists():
            raise Skip(f"{name} is not in the build tree")


class Folder:
    """A temporary folder: `with Folder() as folder:`."""

    def __enter__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="dylumo-cli-"))
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


def main(names):
    cases = [value for name, value in names.items() if name.startswith("test_")]
    print(f"1..{len(cases)}")
    failed = False
    for number, case in enumerate(cases, 1):
        name = case.__doc__ or case.__name__
        try:
            case()
            print(f"ok {number} - {name}", flush=True)
        except Skip as why:
            print(f"ok {number} - {name} # SKIP {why}", flush=True)
        except Exception as why:  # any fault of a case fails that case alone
            failed = True
            print(f"not ok {number} - {name}", flush=True)
            print("# " + f"{type(why).__name__}: {why}".replace("\n", "\n# "), flush=True)
    sys.exit(failed)
