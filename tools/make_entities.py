#!/usr/bin/env python3
"""Writes lib/encoder/encoder_clip_entities.c: the named character references of HTML 5, from Python's own table.

    tools/make_entities.py > lib/encoder/encoder_clip_entities.c
"""

import html.entities

print("""/* The named character references of HTML 5, as Python's html.entities has them: with a semicolon,
 * and those that need none. Made by tools/make_entities.py. Sorted by name's bytes. */
#include "encoder_clip_words.h"

/* clang-format off */
const struct clip_entity clip_entities[] = {""")
table = sorted(html.entities.html5.items(), key=lambda pair: pair[0].encode())
for name, text in table:
    points = [f"0x{ord(c):X}" for c in text]
    print(f'    {{"{name}", {{{", ".join(points)}}}}},')
print("""};
/* clang-format on */""")
print(f"const size_t clip_entity_count = {len(table)};")
