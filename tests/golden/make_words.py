#!/usr/bin/env python3
"""Makes tests/data/clip/words.safetensors: 1,000 texts and the tokens that transformers and open_clip give them.

    tests/golden/make_words.py OUT

Needs numpy, safetensors, transformers, tokenizers, open_clip_torch, ftfy. Versions that the file was made with: transformers 5.24.0,
tokenizers 0.23.3, open_clip_torch 3.3.0, ftfy 6.3.1. The vocabulary is models/clip-merges.txt.gz, the one that both use.

open_clip's tokens are made twice: as they are, and with ftfy's fix_encoding turned off, which dylumo does not have; "repaired" marks the
texts where that makes a difference. Unicode is younger in some of the libraries than in others: texts stay with what Unicode 9 knew.
"""

import gzip
import json
import os
import random
import sys
import tempfile
import unicodedata

import ftfy
import numpy as np
import open_clip.tokenizer
import safetensors.numpy
from transformers import CLIPTokenizer

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

PHRASES = """rain on a quiet street|A photo of two cats, asleep.|the quick brown fox jumps over the lazy dog|It's what they'd've said: don't, we'll, I'm, you're, he'D
Ein Café in Österreich, grüße!|Où est la bibliothèque ? Près d'ici.|¿Dónde está el niño?|São Paulo à noite|Łódź, żółć, Gdańsk|příliš žluťoučký kůň
Тихая улица под дождём|Η ήσυχη οδός ΤΗΣ ΠΟΛΗΣ|ΣΑΣ ΟΔΟΣ Σ ΑΣ|שקט ברחוב|شارع هادئ تحت المطر|बारिश में एक शांत सड़क|বৃষ্টিতে শান্ত রাস্তা|மழையில் அமைதியான தெரு
ถนนเงียบสงบในสายฝน|安静的街道上下着雨|静かな通りに雨が降る|カタカナとひらがな|조용한 거리에 비가 내린다|Phố yên tĩnh trong mưa|ქუჩა წვიმაში|Անձրևոտ փողոց|ዝናብ|ᚠᚢᚦᚨᚱᚲ
🎉🎉🎉|👩‍👩‍👧‍👦 family|👍🏽 ok 👌🏿|🇩🇪🇯🇵|☀️☔️⛄|❤️‍🔥|😂😭😍🤔|①②③ ½ ² ٣٤٥ Ⅻ|ﬁne ﬂuﬃest oﬀice|ＦＵＬＬ　ＷＩＤＴＨ ｶﾀｶﾅ ﾊﾟ|“curly” ‘quotes’ ‛x‟|Ĳssel ǆ Ǉ ŉ
İstanbul IĞDIR ı|ẞ ß STRASSE|e\u0301 o\u0308 n\u0303 A\u030a|ﷺ ﷽|㎏ ㏑ ℃ Ω Å|x² + y² = z²|100% 3.14 1,000,000 2024-05-17 #1 @home|http://example.org/a?b=c&d=e|a_b-c/d\\e|(c) © ® ™ § ¶
&amp; &lt;b&gt; &quot;x&quot;|&eacute;t&eacute; &NTILDE; &hearts; &#9731; &#x1F600;|&amp;amp; &notit; &not &copy 2024|&#128; &#0; &#x110000; &#xD800; &#12x;|<b>&amp;</b> &eacute;
tab\tand\nnew\r\nlines\u2028here\u0085there|  spaces   everywhere\u00a0\u3000\u2003 |\x1b[31mred\x1b[0m|bell\x07 null-ish\x01 del\x7f|zero\u200bwidth\u200djoin\ufeffbom|\u202eright to left\u202c
<|startoftext|> x <|endoftext|>|<|ENDOFTEXT|> y|<start_of_text>z<end_of_text>|<START_OF_TEXT>|'|''s|'S 'T 'LL|'ſ|!!!??..,,;;|----------------|~`^*+=|{}[]()|a|Z|0|.| |$5 €5 £5 ¥5
sunset over mountains, oil painting, warm colours, 4k|an astronaut riding a horse in a photorealistic style|macro shot: dew drops @ f/2.8, ISO-400""".replace("\n", "|").split("|")
# the marks have bars of their own
PHRASES = [p.replace("<startoftext>", "<|startoftext|>") for p in PHRASES] + [
    "<|startoftext|> x <|endoftext|>", "<|ENDOFTEXT|> y", "a<|endoftext|>b", "<|startoftext|>", "<|endoftext", "| <|endoftext|>  |",
    "âœ” No problems", "schÃ¶ne GrÃ¼ÃŸe", "â€œquotedâ€\x9d"]


def fitting(c):
    return unicodedata.ucd_3_2_0.category(c) not in ("Cn", "Cs", "Co")


def make_texts():
    draw = random.Random(2021)
    letters = [chr(c) for c in range(0x20, 0x3000) if fitting(chr(c))]
    pictures = [chr(c) for c in (*range(0x1F300, 0x1F5FF), *range(0x1F600, 0x1F640), *range(0x2600, 0x2700))]
    han = [chr(c) for c in (*range(0x3041, 0x3097), *range(0x30A1, 0x30FB), *range(0x4E00, 0x9FA6), *range(0xAC00, 0xD7A4))]
    texts = ["", " ", "\n", "a" * 300, "ab " * 200, "supercalifragilisticexpialidocious" * 12, "é" * 120, "🎉" * 90, "1234567890" * 20]
    texts += PHRASES
    while len(texts) < 1000:
        kind = len(texts) % 5
        if kind == 0:
            texts.append(draw.choice(["", " ", ", "]).join(draw.sample(PHRASES, draw.randint(2, 6))))
        elif kind == 1:
            texts.append("".join(draw.choices(letters, k=draw.randint(1, 40))))
        elif kind == 2:
            words = "".join(draw.choices(han + pictures + [" "] * 2000, k=draw.randint(1, 40)))
            texts.append(words)
        elif kind == 3:
            texts.append(" ".join("".join(draw.choices("etaoinshrdlucmfwypvbgkqjxz'ETAS-0", k=draw.randint(1, 12)))
                                  for _ in range(draw.randint(1, 60))))
        else:
            text = draw.choice(PHRASES)
            for _ in range(draw.randint(1, 4)):
                at = draw.randint(0, len(text))
                text = text[:at] + draw.choice(letters + ["'", "&", ";", " ", "\t", "s", "\u0301"] * 300) + text[at:]
            texts.append(text)
    return [t.replace("\0", "") for t in texts]


def packed(lists):
    """Counts, and all tokens one after the other as 16 bits in two bytes each."""
    return {"count": np.array([len(x) for x in lists], np.int32), "tokens": np.frombuffer(np.array([t for x in lists for t in x], "<u2").tobytes(), np.uint8)}


def with_transformers(texts, merges):
    from make_clip import vocabulary
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "vocab.json"), "w", encoding="utf-8") as file:
            json.dump(vocabulary(merges), file)
        with open(os.path.join(folder, "merges.txt"), "w", encoding="utf-8") as file:
            file.write("#version: 0.2\n" + "".join(line + "\n" for line in merges))
        tokenizer = CLIPTokenizer.from_pretrained(folder)
        return [tokenizer(t, truncation=True, max_length=77)["input_ids"] for t in texts]


def trimmed(rows):
    """Without the zeros behind the end: a token 0 is an exclamation mark, so only those at the end are padding."""
    kept = []
    for row in rows:
        while row[-1] == 0:
            row = row[:-1]
        kept.append([int(t) for t in row])
    return kept


def main():
    sys.path.insert(0, os.path.join(ROOT, "tools"))
    with gzip.open(os.path.join(ROOT, "models", "clip-merges.txt.gz"), "rt", encoding="utf-8") as file:
        merges = file.read().splitlines()
    texts = make_texts()
    tokenizer = open_clip.tokenizer.SimpleTokenizer()
    fix = ftfy.fix_text
    full = trimmed([list(tokenizer(t)[0].numpy()) for t in texts])
    open_clip.tokenizer.ftfy.fix_text = lambda text: fix(text, fix_encoding=False)
    plain = trimmed([list(tokenizer(t)[0].numpy()) for t in texts])
    open_clip.tokenizer.ftfy.fix_text = fix
    out = {"texts": np.frombuffer("".join(t + "\0" for t in texts).encode(), np.uint8),
           "repaired": np.array([a != b for a, b in zip(full, plain)], np.uint8)}
    for name, lists in (("transformers", with_transformers(texts, merges)), ("open_clip", plain)):
        for key, values in packed(lists).items():
            out[f"{name}.{key}"] = values
    safetensors.numpy.save_file(out, sys.argv[1])
    print(f"{len(texts)} texts, {int(out['repaired'].sum())} of them change by ftfy's fix_encoding")


if __name__ == "__main__":
    main()
