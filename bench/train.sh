#!/bin/sh
# FastMLP training, dylumo and PyTorch in turn, three rounds: bench/train.sh BUILD PYTHON [threads]
set -e
here=$(dirname "$0")
for round in 1 2 3; do
    "$1/bench/bench_train" "${3:-2}" 5
    "$2" "$here/peer/train_torch.py" "${3:-2}" 5
done
