"""What is installed: a tree under DESTDIR that works where it lies, a library that shows dylumo_*
alone, and a program that is built with it by pkg-config."""
import os
import re
import shutil
import subprocess

from cli_support import BUILD, PHOTOS, SANITIZED, SOURCE, Folder, Skip, environment, main, need_models

INSTALLED = [
    "bin/dylumo", "include/dylumo.h", "share/man/man1/dylumo.1",
    "share/bash-completion/completions/dylumo", "share/dylumo/lite2.safetensors", "share/dylumo/songs.dylumo",
]


def command(*arguments, **more):
    done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True, timeout=300,
                          check=False, **more)
    assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
    return done.stdout


def install(folder):
    command("meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", folder)
    return folder / "usr/local"


def library_folder(prefix):
    return next(prefix.glob("lib/**/libdylumo.so")).parent


def test_files():
    """make install DESTDIR= puts everything in its place"""
    with Folder() as folder:
        prefix = install(folder)
        missing = [name for name in INSTALLED if not (prefix / name).exists()]
        assert not missing, missing
        libraries = library_folder(prefix)
        for name in ("libdylumo.a", "libdylumo.so.0", "pkgconfig/dylumo.pc"):
            assert (libraries / name).exists(), name


def test_symbols():
    """the shared library exports dylumo_* and nothing else"""
    if SANITIZED:
        raise Skip("a sanitizer adds symbols of its own")
    lines = command("nm", "-D", "--defined-only", BUILD / "libdylumo.so").splitlines()
    names = {line.split()[2] for line in lines}
    assert "dylumo_open" in names and "dylumo_recommend_memory" in names, names
    assert all(name.startswith("dylumo_") for name in names), names
    header = (SOURCE / "include/dylumo.h").read_text()
    assert all(f"{name}(" in header for name in names), names


def test_installed_program():
    """the installed program finds its installed data"""
    need_models()
    with Folder() as folder:
        prefix = install(folder)
        out = command(prefix / "bin/dylumo", "recommend", "--json", "-k", "1", PHOTOS / "cat.jpg",
                      env=environment())
        assert '"rank": 1' in out, out


def test_example():
    """the example runs in the build tree"""
    need_models()
    out = command(BUILD / "examples/example_recommend", PHOTOS / "cat.jpg", env=environment())
    assert "  5. " in out and "most likely" in out, out


def test_example_by_pkg_config():
    """the example is built against the installed tree by pkg-config, shared and static, and runs"""
    need_models()
    if SANITIZED:
        raise Skip("a sanitized library wants its runtime in the program")
    if not shutil.which("pkg-config"):
        raise Skip("there is no pkg-config")
    with Folder() as folder:
        prefix = install(folder)
        libraries = library_folder(prefix)
        env = {**os.environ, "PKG_CONFIG_PATH": str(libraries / "pkgconfig"),
               "PKG_CONFIG_SYSROOT_DIR": str(folder)}
        source = SOURCE / "examples/recommend.c"
        flags = command("pkg-config", "--cflags", "--libs", "dylumo", env=env).split()
        command("cc", "-std=c17", source, *flags, "-o", folder / "shared")
        run_env = environment(LD_LIBRARY_PATH=str(libraries))
        out = command(folder / "shared", PHOTOS / "cat.jpg", env=run_env)
        assert "  5. " in out, out
        # Debian's own static closures are not whole: ours static, theirs shared
        needed = command("pkg-config", "--print-requires-private", "dylumo", env=env).split()
        theirs = command("pkg-config", "--libs", *needed).split()
        ours = command("pkg-config", "--static", "--libs-only-l", "dylumo", env=env).split()
        private = (libraries / "pkgconfig/dylumo.pc").read_text().split("Libs.private:")[1]
        private = private.splitlines()[0].split()
        assert "-ldylumo" in ours, ours
        command("cc", "-std=c17", source, f"-I{prefix}/include", libraries / "libdylumo.a",
                *theirs, *private, "-o", prefix / "bin/static")
        assert command(prefix / "bin/static", PHOTOS / "cat.jpg", env=environment()) == out


def test_header_alone():
    """dylumo.h compiles alone, as C17 and as C++"""
    for compiler, standard in (("cc", "c17"), ("c++", "c++17")):
        if not shutil.which(compiler):
            raise Skip(f"there is no {compiler}")
        language = "c" if compiler == "cc" else "c++"
        command(compiler, f"-std={standard}", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
                "-fsyntax-only", "-x", language, SOURCE / "include/dylumo.h")


def test_completion():
    """bash completes commands and options"""
    script = f"""
        source {SOURCE}/share/completions/dylumo
        complete_line() {{
            COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
            _dylumo dylumo "${{@: -1}}" "${{@: -2:1}}"; echo "${{COMPREPLY[@]}}"
        }}
        complete_line {BUILD}/dylumo reco
        complete_line {BUILD}/dylumo recommend --top
        complete_line {BUILD}/dylumo recommend --precision b
        complete_line {BUILD}/dylumo recommend --rank c
        complete_line {BUILD}/dylumo songs ne"""
    if not shutil.which("bash"):
        raise Skip("there is no bash")
    assert command("bash", "-c", script, env=environment()) == "recommend\n--top-k\nbf16\ncosine\nnear\n"


def test_options_in_docs():
    """every option that a call in the docs names is one of its command"""
    known = {}
    pages = [SOURCE / "README.md", SOURCE / "share/man/dylumo.1", *(SOURCE / "docs").rglob("*.md")]
    for page in pages:
        for call in re.findall(r"dylumo ([a-z]+ [^`\n|;&#)]*)", page.read_text()):
            verb, *words = call.split()
            if verb not in known:
                told = subprocess.run([BUILD / "dylumo", verb, "--help"], capture_output=True,
                                      text=True, env=environment(), check=False)
                known[verb] = re.findall(r"^  (?:-.,|   ) (--[a-z0-9-]+)", told.stdout, re.M)
            if known[verb]:
                wrong = [word for word in words if re.fullmatch("--[a-z-]+", word)
                         and word not in known[verb]]
                assert not wrong, f"{page}: dylumo {call}: there is no {wrong}"


def test_man_page():
    """the man page names every command, and every option of recommend"""
    page = (SOURCE / "share/man/dylumo.1").read_text()
    verbs = command(BUILD / "dylumo", "--help", env=environment()).split("Commands:\n")[1]
    for line in verbs.split("\n\n")[0].splitlines():
        assert f"Cm {line.split()[0]}" in page, f"share/man/dylumo.1 does not tell of: {line}"
    options = command(BUILD / "dylumo", "recommend", "--help", env=environment())
    for line in options.splitlines():
        if line.startswith("  ") and "--" in line[:8]:
            name = line[6:].split()[0].lstrip("-")
            assert f"Fl Fl {name}" in page or name == "help", name


main(globals())
