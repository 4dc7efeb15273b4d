#!/bin/sh
# CLIP's image tower beside ONNX Runtime (f32, dynamic int8) and PyTorch, in turns, one table at the end:
#   bench/clip.sh BUILD PYTHON FOLDER [threads [rounds]]
# FOLDER is what "tools/make_clip.py full FOLDER" made: clip.safetensors and hf/ with the same weights. PYTHON has torch,
# transformers, onnx and onnxruntime. One thread is timed by its own processor time, which stands on a busy machine too.
set -e
here=$(dirname "$0")
ninja -C "$1" bench/bench_encoder > /dev/null
exec "$2" "$here/peer/clip_ort.py" "$1/bench/bench_encoder" "$3" "${4:-2}" "${5:-5}"
