"""The running server held to program/server/openapi.json by Schemathesis, an independent validator:
examples, borders and a few hundred made-up requests, right ones and wrong ones.

Schemathesis comes from PyPI into the build tree; without a network it is left out aloud. One of its
checks stays off: that whatever fits the schema is accepted, as no schema says what a picture or a
filter is."""
import re
import subprocess
import sys

import http_support as http
from http_support import BUILD, CAT, SOURCE, Server, Skip

VERSION = "4.32.5"
FOLDER = BUILD / "schemathesis"


def schemathesis():
    """The program, set up when it is not there."""
    program = FOLDER / "bin/schemathesis"
    if not program.exists() or not (FOLDER / "complete").exists():
        for command in ([sys.executable, "-m", "venv", FOLDER],
                        [FOLDER / "bin/pip", "install", "-q", "--disable-pip-version-check",
                         f"schemathesis=={VERSION}"]):
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  check=False, timeout=600)
            if done.returncode:
                last = done.stdout.strip().splitlines()[-1:]
                raise Skip(f"Schemathesis {VERSION} cannot be set up: {last}")
        (FOLDER / "complete").touch()
    return program


def test_schema():
    """every operation, with examples, borders and made-up requests"""
    if http.SANITIZED:
        raise Skip("once, on the release build")
    program = schemathesis()
    with Server() as server:
        done = subprocess.run(
            [program, "run", SOURCE / "program/server/openapi.json", "--url", server.url, "--max-examples",
             "20", "--seed", "7", "--phases", "examples,coverage,fuzzing", "--request-timeout", str(http.PATIENCE), "--suppress-health-check",
             "all", "--exclude-checks", "positive_data_acceptance", "--no-color"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=600,
            cwd=FOLDER)
        assert done.returncode == 0, done.stdout[-6000:].replace("\n", "\n# ")
        tested = re.search(r"Tested: (\d+)", done.stdout)
        assert tested and int(tested.group(1)) >= 13, done.stdout[-2000:]
        server.alive()


def test_real_answers():
    """answers to real photos fit their schemas"""
    if http.SANITIZED:
        raise Skip("once, on the release build")
    schemathesis()
    script = """
import json, sys
import jsonschema_rs
whole = json.load(open(sys.argv[1]))
for name in json.load(sys.stdin):
    schema = {"$ref": "#/components/schemas/" + name["schema"], "components": whole["components"]}
    jsonschema_rs.Draft202012Validator(schema).validate(name["answer"])
"""
    import json
    with Server() as server:
        song = server.get("/v1/recommend?mood=energy=0.9").json()["songs"][0]["id"]
        ask = {"Content_Type": "image/jpeg"}
        answers = [
            {"schema": "Answer", "answer": server.ask("POST", "/v1/recommend", CAT, **ask).json()},
            {"schema": "OldAnswer", "answer": server.ask("POST", "/recommend", CAT, **ask).json()},
            {"schema": "SongNear", "answer": server.get(f"/v1/songs/{song}/near").json()},
            {"schema": "SongOne", "answer": server.get(f"/v1/songs/{song}").json()},
            {"schema": "SongList", "answer": server.get(f"/v1/playlist?ids={song}").json()},
            {"schema": "Info", "answer": server.get("/v1/info").json()},
            {"schema": "Problem", "answer": server.get("/nowhere").json()},
        ]
    done = subprocess.run([FOLDER / "bin/python", "-c", script, SOURCE / "program/server/openapi.json"],
                          input=json.dumps(answers), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    if "No module named 'jsonschema_rs'" in done.stdout:
        raise Skip("jsonschema_rs did not come with Schemathesis")
    assert done.returncode == 0, done.stdout[-3000:]


http.main(globals())
