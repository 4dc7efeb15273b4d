#!/usr/bin/env python3
"""Makes CLIP models of made-up weights, and what the references say about them.

    tools/make_clip.py tiny FOLDER       # tests/data/clip: every layout that `dylumo models add` reads, and golden numbers
    tools/make_clip.py full FOLDER       # ViT-B/32's sizes, seeded: FOLDER/clip.safetensors (ours, f32), FOLDER/hf (transformers)
    tools/make_clip.py outliers FOLDER   # the same with a few channels 20 to 60 times larger, as trained CLIPs have them

Needs numpy, torch, transformers, safetensors, xxhash, open_clip_torch. Versions that the golden numbers were made with:
torch 2.15.0, transformers 5.24.0, open_clip_torch 3.3.0. docs/formats/clip.md tells our layout.
"""

import gzip
import json
import os
import sys

import numpy as np
import safetensors.numpy
import xxhash

MEAN = "0.48145466,0.4578275,0.40821073"
STD = "0.26862954,0.26130258,0.27577711"
TINY = {"size": 16, "patch": 4, "width": 24, "layers": 2, "heads": 3, "embed": 16,
        "text_width": 16, "text_layers": 2, "text_heads": 2, "context": 24, "merges": 30}
FULL = {"size": 224, "patch": 32, "width": 768, "layers": 12, "heads": 12, "embed": 512,
        "text_width": 512, "text_layers": 12, "text_heads": 8, "context": 77, "merges": 48894}
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


# ---------------------------------------------------------------- our layout

def tower(draw, name, width, layers):
    """Weights of one tower's layers; sizes as Radford et al. 2021 begin with them, norms not quite 1."""
    tensors = {}
    for i in range(layers):
        deep = (2 * layers) ** -0.5
        for norm in ("norm1", "norm2"):
            tensors[f"{name}.{i}.{norm}.weight"] = draw(0.1, width) + 1
            tensors[f"{name}.{i}.{norm}.bias"] = draw(0.1, width)
        for part, out, inner, size in (("qkv", 3 * width, width, 1.5), ("out", width, width, deep * 2),
                                       ("up", 4 * width, width, 1.5), ("down", width, 4 * width, deep * 2)):
            tensors[f"{name}.{i}.{part}.weight"] = draw(size * inner ** -0.5, out, inner)
            tensors[f"{name}.{i}.{part}.bias"] = draw(0.05, out)
    tensors[f"{name}.post.weight"] = draw(0.1, width) + 1
    tensors[f"{name}.post.bias"] = draw(0.1, width)
    return tensors


def make_weights(s, seed, rounded):
    """rounded: to what half floats hold, so that fp16 files say the same."""
    generator = np.random.default_rng(seed)

    def draw(size, *shape):
        values = (generator.standard_normal(shape, dtype=np.float32) * np.float32(size))
        return values.astype(np.float16).astype(np.float32) if rounded else values

    w, t = s["width"], s["text_width"]
    grid = (s["size"] // s["patch"]) ** 2
    tensors = {
        "image.patch.weight": draw((3 * s["patch"] ** 2) ** -0.5, w, 3 * s["patch"] ** 2),
        "image.class": draw(0.5, w),
        "image.positions": draw(0.3, 1 + grid, w),
        "image.pre.weight": draw(0.1, w) + 1,
        "image.pre.bias": draw(0.1, w),
        **tower(draw, "image", w, s["layers"]),
        "image.projection.weight": draw(w ** -0.5, s["embed"], w),
        "text.tokens": draw(0.3, 512 + s["merges"] + 2, t),
        "text.positions": draw(0.1, s["context"], t),
        **tower(draw, "text", t, s["text_layers"]),
        "text.projection.weight": draw(t ** -0.5, s["embed"], t),
        "text.scale": np.array([4.6052], np.float32),
    }
    if rounded:
        tensors = {name: values.astype(np.float16).astype(np.float32) for name, values in tensors.items()}
    return tensors


def add_outliers(tensors, s, seed):
    """A few channels of what enters each matrix become 20 to 60 times larger, and the columns that meet them smaller by as much:
    the model stays the same, and the others' numbers lie between few steps of a rounding by the largest."""
    generator = np.random.default_rng(seed)
    for name, width, layers in (("image", s["width"], s["layers"]), ("text", s["text_width"], s["text_layers"])):
        channels = generator.choice(width, 5, replace=False)
        hidden = generator.choice(4 * width, 5, replace=False)
        for i in range(layers):
            factor = generator.uniform(20, 60, 5).astype(np.float32)
            for norm, part in (("norm1", "qkv"), ("norm2", "up")):
                tensors[f"{name}.{i}.{norm}.weight"][channels] *= factor
                tensors[f"{name}.{i}.{norm}.bias"][channels] *= factor
                tensors[f"{name}.{i}.{part}.weight"][:, channels] /= factor
            tensors[f"{name}.{i}.qkv.weight"][2 * width + channels] *= factor[:, None]
            tensors[f"{name}.{i}.qkv.bias"][2 * width + channels] *= factor
            tensors[f"{name}.{i}.out.weight"][:, channels] /= factor
            tensors[f"{name}.{i}.up.weight"][hidden] *= factor[:, None]
            tensors[f"{name}.{i}.down.weight"][:, hidden] /= factor
        positions = tensors[f"{name}.positions"]
        positions[:, channels[:2]] += 20  # the stream itself: a few channels stay far from the others


def image_order(s):
    names = ["image.patch.weight", "image.class", "image.positions", "image.pre.weight", "image.pre.bias"]
    for i in range(s["layers"]):
        for part in ("norm1", "qkv", "out", "norm2", "up", "down"):
            names += [f"image.{i}.{part}.weight", f"image.{i}.{part}.bias"]
    return names + ["image.post.weight", "image.post.bias", "image.projection.weight"]


def identity(tensors, s):
    sum_of_all = xxhash.xxh3_64()
    for name in image_order(s):
        sum_of_all.update(np.ascontiguousarray(tensors[name], np.float32).tobytes())
    return sum_of_all.hexdigest()


def write_ours(path, tensors, s, merges, source, name, activation, heads=None):
    tensors = dict(tensors)
    tensors["text.merges"] = np.frombuffer("".join(line + "\n" for line in merges).encode(), np.uint8)
    metadata = {
        "dylumo.encoder": name, "dylumo.architecture": "clip", "dylumo.version": "1",
        "dylumo.identity": identity(tensors, s), "source": source, "activation": activation, "precision": "f32",
        "image.size": s["size"], "image.patch": s["patch"], "image.layers": s["layers"], "image.heads": heads or s["heads"],
        "image.mean": MEAN, "image.std": STD,
        "text.layers": s["text_layers"], "text.heads": s["text_heads"], "text.context": s["context"],
    }
    safetensors.numpy.save_file({k: np.ascontiguousarray(v) for k, v in tensors.items()}, path,
                                {k: str(v) for k, v in metadata.items()})


def read_merges(count):
    with gzip.open(os.path.join(ROOT, "models", "clip-merges.txt.gz"), "rt", encoding="utf-8") as file:
        return file.read().splitlines()[:count]


# ---------------------------------------------------------------- transformers

def to_transformers(tensors, s):
    named = {
        "vision_model.embeddings.class_embedding": tensors["image.class"],
        "vision_model.embeddings.patch_embedding.weight":
            tensors["image.patch.weight"].reshape(-1, 3, s["patch"], s["patch"]),
        "vision_model.embeddings.position_embedding.weight": tensors["image.positions"],
        "vision_model.pre_layrnorm.weight": tensors["image.pre.weight"],
        "vision_model.pre_layrnorm.bias": tensors["image.pre.bias"],
        "vision_model.post_layernorm.weight": tensors["image.post.weight"],
        "vision_model.post_layernorm.bias": tensors["image.post.bias"],
        "visual_projection.weight": tensors["image.projection.weight"],
        "text_model.embeddings.token_embedding.weight": tensors["text.tokens"],
        "text_model.embeddings.position_embedding.weight": tensors["text.positions"],
        "text_model.final_layer_norm.weight": tensors["text.post.weight"],
        "text_model.final_layer_norm.bias": tensors["text.post.bias"],
        "text_projection.weight": tensors["text.projection.weight"],
        "logit_scale": tensors["text.scale"][0].reshape(()),
    }
    for model, name, layers in (("vision_model", "image", s["layers"]), ("text_model", "text", s["text_layers"])):
        for i in range(layers):
            to = f"{model}.encoder.layers.{i}"
            for kind in ("weight", "bias"):
                for part, values in zip("qkv", np.split(tensors[f"{name}.{i}.qkv.{kind}"], 3)):
                    named[f"{to}.self_attn.{part}_proj.{kind}"] = values
                for theirs, ours in (("self_attn.out_proj", "out"), ("layer_norm1", "norm1"), ("layer_norm2", "norm2"),
                                     ("mlp.fc1", "up"), ("mlp.fc2", "down")):
                    named[f"{to}.{theirs}.{kind}"] = tensors[f"{name}.{i}.{ours}.{kind}"]
    return {k: np.array(v, order="C") for k, v in named.items()}  # ascontiguousarray would give numbers a dimension


def transformers_config(s, activation):
    eot = 512 + s["merges"] + 1
    return {
        "architectures": ["CLIPModel"], "model_type": "clip", "logit_scale_init_value": 2.6592, "projection_dim": s["embed"],
        "text_config": {"model_type": "clip_text_model", "hidden_size": s["text_width"], "intermediate_size": 4 * s["text_width"],
                        "num_hidden_layers": s["text_layers"], "num_attention_heads": s["text_heads"], "hidden_act": activation,
                        "max_position_embeddings": s["context"], "vocab_size": eot + 1, "projection_dim": s["embed"],
                        "layer_norm_eps": 1e-05, "bos_token_id": eot - 1, "eos_token_id": eot, "pad_token_id": eot},
        "vision_config": {"model_type": "clip_vision_model", "hidden_size": s["width"], "intermediate_size": 4 * s["width"],
                          "num_hidden_layers": s["layers"], "num_attention_heads": s["heads"], "hidden_act": activation,
                          "image_size": s["size"], "patch_size": s["patch"], "num_channels": 3, "projection_dim": s["embed"],
                          "layer_norm_eps": 1e-05},
    }


def byte_symbols():
    """GPT-2's: printable bytes stand for themselves, the others for characters from 256 on."""
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in kept]
    return [chr(b) for b in kept] + [chr(256 + i) for i in range(len(others))]


def vocabulary(merges):
    symbols = byte_symbols()
    words = symbols + [symbol + "</w>" for symbol in symbols] + ["".join(line.split(" ")) for line in merges]
    return {word: number for number, word in enumerate(words + ["<|startoftext|>", "<|endoftext|>"])}


def write_json(folder, name, what):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        json.dump(what, file, ensure_ascii=False, indent=1)
        file.write("\n")


def write_transformers(folder, tensors, s, merges, activation):
    os.makedirs(folder, exist_ok=True)
    safetensors.numpy.save_file(to_transformers(tensors, s), os.path.join(folder, "model.safetensors"), {"format": "pt"})
    write_json(folder, "config.json", transformers_config(s, activation))
    write_json(folder, "vocab.json", vocabulary(merges))
    write_json(folder, "preprocessor_config.json", {
        "image_processor_type": "CLIPImageProcessor", "crop_size": s["size"], "size": s["size"], "do_center_crop": True,
        "do_resize": True, "do_normalize": True, "resample": 3,
        "image_mean": [float(x) for x in MEAN.split(",")], "image_std": [float(x) for x in STD.split(",")]})
    with open(os.path.join(folder, "merges.txt"), "w", encoding="utf-8") as file:
        file.write("#version: 0.2\n" + "".join(line + "\n" for line in merges))


# ---------------------------------------------------------------- open_clip and OpenAI

def to_open_clip(tensors, s):
    named = {
        "visual.class_embedding": tensors["image.class"],
        "visual.conv1.weight": tensors["image.patch.weight"].reshape(-1, 3, s["patch"], s["patch"]),
        "visual.positional_embedding": tensors["image.positions"],
        "visual.ln_pre.weight": tensors["image.pre.weight"],
        "visual.ln_pre.bias": tensors["image.pre.bias"],
        "visual.ln_post.weight": tensors["image.post.weight"],
        "visual.ln_post.bias": tensors["image.post.bias"],
        "visual.proj": tensors["image.projection.weight"].T,
        "token_embedding.weight": tensors["text.tokens"],
        "positional_embedding": tensors["text.positions"],
        "ln_final.weight": tensors["text.post.weight"],
        "ln_final.bias": tensors["text.post.bias"],
        "text_projection": tensors["text.projection.weight"].T,
        "logit_scale": tensors["text.scale"][0].reshape(()),
    }
    for prefix, name, layers in (("visual.transformer", "image", s["layers"]), ("transformer", "text", s["text_layers"])):
        for i in range(layers):
            to = f"{prefix}.resblocks.{i}"
            for kind in ("weight", "bias"):
                named[f"{to}.attn.in_proj_{kind}"] = tensors[f"{name}.{i}.qkv.{kind}"]
                for theirs, ours in (("attn.out_proj", "out"), ("ln_1", "norm1"), ("ln_2", "norm2"),
                                     ("mlp.c_fc", "up"), ("mlp.c_proj", "down")):
                    named[f"{to}.{theirs}.{kind}"] = tensors[f"{name}.{i}.{ours}.{kind}"]
    return {k: np.array(v, order="C") for k, v in named.items()}  # ascontiguousarray would give numbers a dimension


def open_clip_config(s, quick):
    model = {
        "embed_dim": s["embed"],
        "vision_cfg": {"image_size": s["size"], "layers": s["layers"], "width": s["width"],
                       "head_width": s["width"] // s["heads"], "patch_size": s["patch"]},
        "text_cfg": {"context_length": s["context"], "vocab_size": 512 + s["merges"] + 2, "width": s["text_width"],
                     "heads": s["text_heads"], "layers": s["text_layers"]},
    }
    if quick:
        model["quick_gelu"] = True
    return {"model_cfg": model, "preprocess_cfg": {"mean": [float(x) for x in MEAN.split(",")],
                                                   "std": [float(x) for x in STD.split(",")]}}


def write_open_clip(folder, tensors, s, quick):
    os.makedirs(folder, exist_ok=True)
    safetensors.numpy.save_file(to_open_clip(tensors, s), os.path.join(folder, "open_clip_model.safetensors"),
                                {"format": "pt"})
    write_json(folder, "open_clip_config.json", open_clip_config(s, quick))


def write_openai(path, tensors, s):
    """A TorchScript archive of half floats with OpenAI's names, as their ViT-B-32.pt is one."""
    import torch

    class Node(torch.nn.Module):
        def forward(self, x):
            return x

    root = Node()
    for name, values in to_open_clip(tensors, s).items():
        *path_to, last = name.split(".")
        node = root
        for part in path_to:
            if not hasattr(node, part):
                node.add_module(part, Node())
            node = getattr(node, part)
        half = not ("ln_" in name or "embedding" in name or name == "logit_scale")
        value = torch.from_numpy(values).to(torch.float16 if half and "conv" not in name else torch.float32)
        if name == "visual.conv1.weight" or name in ("visual.proj", "text_projection"):
            value = value.half()
        node.register_parameter(last, torch.nn.Parameter(value, requires_grad=False))
    for name, value in (("input_resolution", s["size"]), ("context_length", s["context"]),
                        ("vocab_size", 512 + s["merges"] + 2)):
        root.register_buffer(name, torch.tensor(value))
    torch.jit.trace(root, torch.zeros(1)).save(path)


# ---------------------------------------------------------------- golden numbers

def pictures(s, count, seed):
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[0:s["size"], 0:s["size"]] / s["size"]
    made = []
    for _ in range(count):
        waves = [127 + 120 * np.sin(generator.uniform(1, 9) * x + generator.uniform(1, 9) * y + generator.uniform(0, 6))
                 for _ in range(3)]
        made.append(np.stack(waves, -1) + generator.normal(0, 12, (s["size"], s["size"], 3)))
    return np.clip(np.stack(made), 0, 255).astype(np.uint8)


def normalised(pixels):
    mean, std = (np.array([float(x) for x in text.split(",")], np.float32) for text in (MEAN, STD))
    return np.ascontiguousarray(((pixels / np.float32(255) - mean) / std).transpose(0, 3, 1, 2), np.float32)


TEXTS = ["rain on a quiet street", "", "a", "The cat's café, 2024 — don't!", "日本語 🎉🎉 <|endoftext|> x",
         "a very long sentence that goes on and on until no token is left for its end, which nobody will ever read"]


def golden_transformers(folder, pixels):
    import torch
    from transformers import CLIPModel, CLIPTokenizer
    model = CLIPModel.from_pretrained(folder).eval()
    tokenizer = CLIPTokenizer.from_pretrained(folder)
    context = model.config.text_config.max_position_embeddings
    tokens = tokenizer(TEXTS, padding="max_length", truncation=True, max_length=context, return_tensors="pt")
    with torch.no_grad():
        image = model.visual_projection(model.vision_model(torch.from_numpy(normalised(pixels))).pooler_output)
        text = model.text_projection(model.text_model(**tokens).pooler_output)
    return image.numpy(), text.numpy(), tokens["input_ids"].numpy().astype(np.int32)


def golden_open_clip(tensors, s, quick, merges, pixels):
    import tempfile

    import open_clip
    import torch
    config = open_clip_config(s, quick)["model_cfg"]
    model = open_clip.CLIP(**config).eval()
    model.load_state_dict({k: torch.from_numpy(v) for k, v in to_open_clip(tensors, s).items()}, strict=False)
    with tempfile.NamedTemporaryFile(suffix=".txt.gz") as file:
        file.write(gzip.compress("\n".join(["#version", *merges]).encode()))  # an empty last line would be a merge
        file.flush()
        tokenizer = open_clip.SimpleTokenizer(bpe_path=file.name, context_length=s["context"])
    tokens = tokenizer(TEXTS)
    with torch.no_grad():
        image = model.encode_image(torch.from_numpy(normalised(pixels)))
        text = model.encode_text(tokens)
    return image.numpy(), text.numpy(), tokens.numpy().astype(np.int32)


def make_tiny(folder):
    s = TINY
    merges = read_merges(s["merges"])
    tensors = make_weights(s, 7, True)
    os.makedirs(folder, exist_ok=True)
    write_ours(os.path.join(folder, "tiny.safetensors"), tensors, s, merges, "transformers", "clip-tiny", "quick_gelu")
    hf = os.path.join(folder, "transformers")
    write_transformers(hf, tensors, s, merges, "quick_gelu")
    import torch
    torch.save({k: torch.from_numpy(v) for k, v in to_transformers(tensors, s).items()}, os.path.join(hf, "pytorch_model.bin"))
    write_open_clip(os.path.join(folder, "open_clip"), tensors, s, False)
    write_openai(os.path.join(folder, "openai.pt"), tensors, s)
    pixels = pictures(s, 3, 11)
    golden = {"pixels": pixels,
              "texts": np.frombuffer("".join(t + "\0" for t in TEXTS).encode(), np.uint8)}
    golden["transformers.image"], golden["transformers.text"], golden["transformers.tokens"] = golden_transformers(hf, pixels)
    golden["open_clip.image"], golden["open_clip.text"], golden["open_clip.tokens"] = \
        golden_open_clip(tensors, s, False, merges, pixels)
    one_head = {**s, "heads": 1, "text_heads": 1}  # OpenAI's archives do not say; width / 64, at least 1
    golden["openai.image"], golden["openai.text"], golden["openai.tokens"] = \
        golden_open_clip(tensors, one_head, True, merges, pixels)
    safetensors.numpy.save_file(golden, os.path.join(folder, "golden.safetensors"))


def make_full(folder, outliers):
    s = FULL
    merges = read_merges(s["merges"])
    tensors = make_weights(s, 21, False)
    if outliers:
        add_outliers(tensors, s, 22)
    os.makedirs(folder, exist_ok=True)
    write_ours(os.path.join(folder, "clip.safetensors"), tensors, s, merges, "transformers", "clip-vit-b-32", "quick_gelu")
    write_transformers(os.path.join(folder, "hf"), tensors, s, merges, "quick_gelu")


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ("tiny", "full", "outliers"):
        sys.exit(__doc__)
    if sys.argv[1] == "tiny":
        make_tiny(sys.argv[2])
    else:
        make_full(sys.argv[2], sys.argv[1] == "outliers")


if __name__ == "__main__":
    main()
