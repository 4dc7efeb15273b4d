"""The same epoch in PyTorch: python train_torch.py [threads] [epochs]. Tensors are indexed directly, which is faster than a
DataLoader; the optimiser is the faster of Adam's fused and foreach forms of this version."""
import statistics
import sys
import time

import torch
from torch import nn

threads = int(sys.argv[1]) if len(sys.argv) > 1 else 2
epochs = int(sys.argv[2]) if len(sys.argv) > 2 else 5
torch.set_num_threads(threads)
torch.manual_seed(1)
pairs, inputs, batch = 64428, 512, 128
x, y = torch.randn(pairs, inputs), torch.rand(pairs, 13)


def run(fused):
    layers, before = [], inputs
    for width in (512, 256, 128):
        layers += [nn.Linear(before, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(0.2)]
        before = width
    net = nn.Sequential(*layers, nn.Linear(before, 13))
    adam = torch.optim.Adam(net.parameters(), lr=1e-3, weight_decay=1e-5, **({"fused": True} if fused else {"foreach": True}))
    seconds, cpu = [], time.process_time()
    for _ in range(epochs):
        start = time.perf_counter()
        order, total = torch.randperm(pairs), 0.0
        for at in range(0, pairs - batch + 1, batch):
            rows = order[at : at + batch]
            loss = nn.functional.mse_loss(net(x[rows]), y[rows])
            adam.zero_grad(set_to_none=True)
            loss.backward()
            adam.step()
            total += loss.item()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds), min(seconds), (time.process_time() - cpu) / epochs, total / (pairs // batch)


results = []
for fused in (False, True):
    try:
        results.append((*run(fused), "fused" if fused else "foreach"))
    except (RuntimeError, TypeError):
        pass  # a version without it
median, best, cpu, loss, form = min(results)
print(f"PyTorch {torch.__version__} ({form} Adam, {threads} threads): {median:.3f} s an epoch (median of {epochs}, best {best:.3f}), {cpu:.3f} CPU s, loss {loss:.4f}")
