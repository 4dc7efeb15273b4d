"""The systemd unit that ships: well-formed, and wide enough for what the server really calls."""
import os
import pathlib
import re
import shutil
import signal
import subprocess

import http_support as http
from http_support import CAT, SOURCE, Folder, Server, Skip

UNIT = SOURCE / "share/systemd/dylumo.service"


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise Skip(f"{program} is not installed")


def calls_of(name, seen):
    """The system calls of a group of systemd's, through all groups in it."""
    if not name.startswith("@"):
        return {name}
    if name in seen:
        return set()
    seen.add(name)
    out = subprocess.run(["systemd-analyze", "syscall-filter", name], stdout=subprocess.PIPE,
                         text=True, check=True).stdout
    lines = [line.strip() for line in out.splitlines()[1:]]
    return set().union(*(calls_of(line, seen) for line in lines if line and line[0] != "#"))


def test_well_formed():
    """systemd-analyze verify finds nothing; exposure under 2"""
    need("systemd-analyze")
    with Folder() as folder:
        copy = folder / "dylumo.service"
        text = UNIT.read_text().replace("/usr/local/bin/dylumo", "/bin/true")
        copy.write_text(re.sub("^Documentation.*\n", "", text, flags=re.M))
        done = subprocess.run(["systemd-analyze", "verify", copy], stderr=subprocess.PIPE, text=True,
                              check=False)
        assert done.returncode == 0 and "dylumo" not in done.stderr, done.stderr
        done = subprocess.run(["systemd-analyze", "security", "--offline=yes", copy],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
        exposure = re.search(r"exposure level for dylumo.service: ([\d.]+)", done.stdout)
        if not exposure:
            raise Skip("this systemd-analyze cannot judge a file")
        assert float(exposure.group(1)) < 2, exposure.group(0)


def test_calls():
    """every system call of server and helper, for pictures of every kind, is in the unit's list"""
    need("systemd-analyze", "strace")
    if http.SANITIZED:
        raise Skip("sanitizers call more")
    allowed = set()
    for line in re.findall(r"^SystemCallFilter=(.*)$", UNIT.read_text(), re.M):
        names = set().union(*(calls_of(name, set()) for name in line.lstrip("~").split()))
        allowed = allowed - names if line.startswith("~") else allowed | names
    assert len(allowed) > 100, allowed
    with Folder() as folder:
        trace = folder / "trace"
        try:
            server = Server(wrap=("strace", "-f", "-qq", "-o", trace))
        except AssertionError as why:
            raise Skip(f"strace may not trace here: {why}") from why
        for name in ("420.jpg", "plain.heic", "plain.avif", "lossy.webp", "lzw.tif", "rgb_8.png"):
            body = (SOURCE / "tests/data/pictures" / name).read_bytes()
            got = server.ask("POST", "/v1/recommend", body, Content_Type="image/x")
            assert got.status == 200, got
        (pid,) = server.helpers()  # strace's child is the server
        os.kill(pid, signal.SIGHUP)
        http.wait_until(lambda: server.metric("dylumo_reopened_total") == 1)
        os.kill(pid, signal.SIGTERM)
        server.process.wait(http.PATIENCE)
        lines = pathlib.Path(trace).read_text().splitlines()
        server_calls = {match.group(1) for line in lines
                        if (match := re.match(r"\d+ +([a-z_0-9]+)\(", line))}
    assert server_calls <= allowed, server_calls - allowed


http.main(globals())
