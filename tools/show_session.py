#!/usr/bin/env python3
"""Runs the built program and puts what it really printed into README.md (between its "session"
marks) and, as a picture, into docs/recommend.svg. No dependencies.

    tools/show_session.py"""
import base64
import html
import os
import pathlib
import pty
import re
import subprocess
import unicodedata

ROOT = pathlib.Path(__file__).parent.parent
PHOTO = "photos/cat.jpg"
COMMAND = ["build/dylumo", "recommend", "-k", "5", PHOTO]
SHOWN = "$ dylumo recommend -k 5 " + PHOTO


def on_terminal(command):
    """What command prints on a terminal, bold and dim included."""
    master, terminal = pty.openpty()
    child = subprocess.Popen(command, cwd=ROOT, stdout=terminal, env={**os.environ, "TERM": "xterm"})
    os.close(terminal)
    text = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:  # Linux: the other end is closed
            break
        if not piece:
            break
        text += piece
    if child.wait():
        raise SystemExit("the program failed")
    return text.decode().replace("\r\n", "\n")


def cells(text):
    """Columns of a terminal."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
               for c in text)


def spans(text):
    """SVG text elements: one for each run of one style in one line."""
    style, lines = "", []
    for number, line in enumerate(text.rstrip("\n").split("\n")):
        column = 0
        for escape, run in re.findall(r"\033\[(\d)m|([^\033]+)", line):
            if escape:
                style = {"1": "bold", "2": "dim", "0": ""}[escape]
                continue
            start = len(run) - len(run.lstrip(" "))
            if run.strip():
                lines.append(f'<text class="{style or "plain"}" x="{28 + 8.4 * (column + start):.1f}" '
                             f'y="{52 + 20 * number}" textLength="{8.4 * cells(run.strip()):.1f}">'
                             f'{html.escape(run.strip())}</text>')
            column += cells(run)
    return lines, number + 1


def picture(text):
    body, count = spans(SHOWN + "\n\n" + text)
    height = 52 + 20 * count
    photo = base64.b64encode((ROOT / PHOTO).read_bytes()).decode()
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="1020" height="{height}" '
        f'viewBox="0 0 1020 {height}">',
        "<title>A photo of a cat and the songs that dylumo names for it</title>",
        "<style>text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#d8dee6;"
        "white-space:pre}.bold{font-weight:bold;fill:#fff}.dim{fill:#8b98a8}</style>",
        f'<rect width="1020" height="{height}" rx="10" fill="#161b22"/>',
        *(f'<circle cx="{22 + 18 * i}" cy="20" r="5.5" fill="{c}"/>'
          for i, c in enumerate(("#e06c60", "#dcb455", "#6fb56f"))),
        *body,
        f'<image x="745" y="52" width="250" height="166" href="data:image/jpeg;base64,{photo}"/>',
        "</svg>", ""])


def main():
    text = on_terminal(COMMAND)
    (ROOT / "docs/recommend.svg").write_text(picture(text))
    plain = re.sub(r"\033\[\dm", "", text)
    readme = ROOT / "README.md"
    page, count = re.subn(r"(<!-- session -->\n```\n).*?(```\n<!-- end -->)",
                          lambda m: m[1] + SHOWN + "\n\n" + plain + m[2], readme.read_text(),
                          flags=re.S)
    if count != 1:
        raise SystemExit("README.md: the session marks are gone")
    readme.write_text(page)


main()
