#!/usr/bin/env python3
"""A file's bytes as C: embed_bytes.py OUTPUT.c NAME FILE gives NAME_data[] and NAME_size, as NAME_data.h declares them."""
import pathlib
import sys

output, name, source = sys.argv[1:]
data = pathlib.Path(source).read_bytes()
rows = ",\n".join(",".join(map(str, data[i : i + 32])) for i in range(0, len(data), 32))
pathlib.Path(output).write_text(f'#include "{name}_data.h"\n\nconst unsigned char {name}_data[] = {{\n{rows}}};\n'
                                f"const size_t {name}_size = sizeof {name}_data;\n")
