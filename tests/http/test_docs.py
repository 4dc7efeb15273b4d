"""Every curl line of docs/http-api.md, run as it stands against a running server."""
import pathlib
import re
import shlex
import shutil
import subprocess

import http_support as http
from http_support import SOURCE, Server, Skip

PAGE = (SOURCE / "docs/http-api.md").read_text()


def test_curl_lines():
    """each line is answered with 200 and what the page says"""
    if not shutil.which("curl"):
        raise Skip("curl is not installed")
    lines = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.S)
             for line in block.splitlines() if line.startswith("curl")]
    assert len(lines) >= 8, lines
    with Server() as server:
        for line in lines:
            words = shlex.split(line.replace("http://127.0.0.1:8080", server.url))
            out = subprocess.run([*words, "-w", "\n%{http_code}"], cwd=SOURCE, check=True,
                                 stdout=subprocess.PIPE, text=True).stdout
            body, _, code = out.rpartition("\n")
            assert code == "200" and body, (line, out[:500])


def test_options():
    """every option of `dylumo serve` that the page names exists"""
    helped = subprocess.run([http.DYLUMO, "serve", "--help"], env=http.environment(), check=True,
                            stdout=subprocess.PIPE, text=True).stdout
    pages = [PAGE] + [path.read_text() for path in (SOURCE / "docs").glob("serve*.md")]
    known = set(re.findall(r"--[a-z-]+", helped))
    named = {word for page in pages for line in page.splitlines() if "dylumo serve" in line
             for word in re.findall(r"(?<!\S)`?(--[a-z-]+)", line)}
    assert named <= known, named - known


http.main(globals())
