"""CLIP's image tower by ONNX Runtime, PyTorch and bench_encoder, in turns.

    clip_ort.py BENCH_ENCODER FOLDER THREADS ROUNDS

One picture at a time; "of 32" is a picture's share of a batch. Every round runs everyone once; a cell is the best of all runs.
"""
import os
import sys
import tempfile
import time

import numpy as np
import onnxruntime
import torch
from encoder_ort import machine, ours, worst_cosine
from onnxruntime.quantization import QuantType, quantize_dynamic
from transformers import CLIPModel

RUNS, PICTURES, BATCH = 8, 4, 32
MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


class Tower(torch.nn.Module):
    def __init__(self, folder):
        super().__init__()
        self.model = CLIPModel.from_pretrained(folder).eval()

    def forward(self, x):
        return self.model.visual_projection(self.model.vision_model(x).pooler_output)


def best_of(call, clock, runs=RUNS):
    call()
    times = []
    for _ in range(runs):
        start = clock()
        call()
        times.append((clock() - start) * 1e3)
    return min(times)


def main():
    program, folder, threads, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    clock = time.thread_time if threads == 1 else time.perf_counter
    torch.set_num_threads(threads)
    pixels = np.random.default_rng(1).integers(0, 256, (PICTURES, 224, 224, 3), dtype=np.uint8)
    inputs = torch.from_numpy(((pixels / np.float32(255) - np.float32(MEAN)) / np.float32(STD)).astype(np.float32)) \
        .permute(0, 3, 1, 2).contiguous()
    model, rows, cosines = Tower(os.path.join(folder, "hf")), {}, {}
    with tempfile.TemporaryDirectory() as made, torch.no_grad():
        files = {"ONNX Runtime f32": os.path.join(made, "f32.onnx"), "ONNX Runtime int8": os.path.join(made, "int8.onnx")}
        torch.onnx.export(model, (inputs[:1],), files["ONNX Runtime f32"], input_names=["x"], opset_version=17, dynamo=False,
                          dynamic_axes={"x": {0: "n"}})
        quantize_dynamic(files["ONNX Runtime f32"], files["ONNX Runtime int8"], per_channel=True, reduce_range=True,
                         weight_type=QuantType.QInt8)
        reference = model(inputs).numpy()
        raw, out = os.path.join(made, "pixels"), os.path.join(made, "embeddings")
        pixels.tofile(raw)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        for _ in range(rounds):
            for name, file in files.items():
                session = onnxruntime.InferenceSession(file, options)
                many = np.resize(inputs.numpy(), (BATCH, 3, 224, 224))
                one = best_of(lambda: session.run(None, {"x": inputs[:1].numpy()}), clock)
                together = best_of(lambda: session.run(None, {"x": many}), clock, 1) / BATCH
                rows.setdefault(name, []).append((one, together))
                cosines[name] = worst_cosine(session.run(None, {"x": inputs.numpy()})[0], reference)
                del session
            rows.setdefault("PyTorch f32", []).append((best_of(lambda: model(inputs[:1]), clock), float("nan")))
            cosines["PyTorch f32"] = 1.0
            for precision in ("f32", "bf16", "int8"):
                got = ours(program, os.path.join(folder, "clip.safetensors"), precision, threads, RUNS, raw, out, BATCH)
                if got:
                    name = f"dylumo {precision}"
                    rows.setdefault(name, []).append((float(got["best"]), float(got["batch"])))
                    cosines[name] = worst_cosine(np.fromfile(out, np.float32).reshape(PICTURES, -1), reference)
    best = {name: (min(r[0] for r in got), min(r[1] for r in got)) for name, got in rows.items()}
    print(f"{machine()}; {threads} threads, {'own' if threads == 1 else 'wall'} time, best of {rounds} rounds of {RUNS}; "
          f"onnxruntime {onnxruntime.__version__}, torch {torch.__version__}\n")
    print("| 224 x 224, one photo | ms | / ORT f32 | / ORT int8 | ms of 32 | least cosine |\n|---|---|---|---|---|---|")
    for name, (one, many) in best.items():
        print(f"| {name} | {one:.1f} | {one / best['ONNX Runtime f32'][0]:.2f} | {one / best['ONNX Runtime int8'][0]:.2f} | "
              f"{many:.1f} | {cosines[name]:.6f} |")


if __name__ == "__main__":
    main()
