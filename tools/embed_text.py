#!/usr/bin/env python3
"""A text file as a C string: embed_text.py OUTPUT.c NAME FILE."""
import json
import pathlib
import sys

output, name, source = sys.argv[1:]
lines = pathlib.Path(source).read_text().splitlines(keepends=True)
strings = "\n".join("    " + json.dumps(line) for line in lines)
pathlib.Path(output).write_text(f"extern const char {name}[];\nconst char {name}[] =\n{strings};\n")
