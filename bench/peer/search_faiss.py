#!/usr/bin/env python3
"""The peers of bench_search: FAISS (Flat, IVF1024 with 16 probes, HNSW32) and hnswlib over the same
vectors and targets, one thread, one query a call and all in one call. Run by bench/search.sh.

Weights are multiplied into vectors and targets by their square roots, so an index is built for one
set of weights and can't follow new ones; for these the exact product search over [x^2, x] with the
query [-w, 2 w t] stands in (Flat alone). Recall counts listed songs at most as far as the exact tenth,
by distances in double. `call` is the best of three for each target, p50 and p99 over the targets;
`batch` is all targets in one call, divided by their number, without the cost of Python's calls.
"""
import sys
import time

import faiss
import hnswlib
import numpy as np

K, FOLDER = 10, sys.argv[1]
faiss.omp_set_num_threads(1)


def load(name, vectors, axes):
    x = np.fromfile(f"{FOLDER}/{vectors}.vectors", "f4").reshape(axes, -1)
    q = np.fromfile(f"{FOLDER}/{name}.queries", "f8").reshape(-1, 2 * axes + 1)
    title, times = open(f"{FOLDER}/{name}.dylumo").read().splitlines()
    return x, q[:, :axes], q[:, axes:2 * axes], q[:, -1], title, [float(t) for t in times.split()]


def recall(x, targets, weights, kth, found):
    near = 0
    for t, w, d, ids in zip(targets, weights, kth, found):
        ids = ids[ids >= 0]
        d2 = (w[:, None] * (x[:, ids].astype("f8") - t[:, None]) ** 2).sum(0)
        near += (d2 <= d * (1 + 1e-6) + 1e-12).sum()
    return near / (K * len(targets))


def measure(title, peer, ours, search, queries, judge, rounds=3):
    best = np.full(len(queries), np.inf)
    for _ in range(rounds):
        for i in range(len(queries)):
            one = queries[i:i + 1]
            begun = time.perf_counter()
            search(one)
            best[i] = min(best[i], (time.perf_counter() - begun) * 1e3)
    batch = np.inf
    for _ in range(rounds):
        begun = time.perf_counter()
        found = search(queries)
        batch = min(batch, (time.perf_counter() - begun) * 1e3 / len(queries))
    p50, p99 = np.percentile(best, 50), np.percentile(best, 99)
    print(f"{title:34} {peer:15} {p50:9.4f} {p99:9.4f}  {judge(found):.4f}   batch {batch:.4f} ms, "
          f"dylumo {p50 / ours[0]:.1f} times faster a call, {batch / ours[0]:.1f} a batch", flush=True)


def build_approximate(base):
    """IVF1024, HNSW32 and hnswlib over base, built on two threads, searched on one."""
    faiss.omp_set_num_threads(2)
    ivf = faiss.IndexIVFFlat(faiss.IndexFlatL2(base.shape[1]), base.shape[1], 1024)
    ivf.train(base[::4])
    ivf.add(base)
    ivf.nprobe = 16
    hnsw = faiss.IndexHNSWFlat(base.shape[1], 32)
    hnsw.add(base)
    lib = hnswlib.Index("l2", base.shape[1])
    lib.init_index(len(base), M=16, ef_construction=100, random_seed=1)
    lib.add_items(base, num_threads=2)
    lib.set_num_threads(1)
    faiss.omp_set_num_threads(1)
    return ivf, hnsw, lib


def fixed(names, vectors, axes, approximate=True):
    """Rows of one set of weights: the peers are built once for all of them."""
    built = None
    for name in names:
        x, targets, weights, kth, title, ours = load(name, vectors, axes)
        root = np.sqrt(weights[0])
        used = root > 0
        base = np.ascontiguousarray((x[used] * root[used, None]).T.astype("f4"))
        queries = np.ascontiguousarray((targets[:, used] * root[used]).astype("f4"))

        def judge(found):
            return recall(x, targets[:len(found)], weights, kth, found)

        def go(peer, search, some=len(queries)):
            measure(title, peer, ours, search, queries[:some], judge)

        flat = faiss.IndexFlatL2(base.shape[1])
        flat.add(base)
        go("FAISS Flat", lambda q: flat.search(q, K)[1], 100)
        if not approximate:
            continue
        ivf, hnsw, lib = built = built or build_approximate(base)
        go("IVF1024, 16", lambda q: ivf.search(q, K)[1])
        for ef in (16, 64, 128):
            hnsw.hnsw.efSearch = ef
            go(f"HNSW32, ef {ef}", lambda q: hnsw.search(q, K)[1])
        for ef in (10, 40, 100):
            lib.set_ef(ef)
            go(f"hnswlib, ef {ef}", lambda q: lib.knn_query(q, K, num_threads=1)[0].astype("i8"))


def changing(name, vectors, axes):
    x, targets, weights, kth, title, ours = load(name, vectors, axes)
    base = np.ascontiguousarray(np.vstack([x * x, x]).T)
    queries = np.hstack([-weights, 2 * weights * targets]).astype("f4")
    flat = faiss.IndexFlatIP(base.shape[1])
    flat.add(base)
    some = 100
    measure(title, "FAISS Flat IP", ours, lambda q: flat.search(q, K)[1], queries[:some],
            lambda found: recall(x, targets[:some], weights[:some], kth, found))


print(f"FAISS {faiss.__version__}, {faiss.get_compile_options().strip()}", flush=True)
fixed(["axes2"], "axes2", 2)
fixed(["axes3"], "axes3", 3)
fixed(["six"], "features", 13, approximate=False)
fixed(["equal", "mean"], "features", 13)
changing("any", "features", 13)
changing("anymean", "features", 13)
