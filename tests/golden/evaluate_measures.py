#!/usr/bin/env python3
"""The numbers that tests/unit/test_evaluate_measures.c expects, from scipy and scikit-learn.

The data is a formula of integers, so that C and Python build the same: draw(i, salt) is one step of
splitmix64. Tolerance 1e-12: both sides sum doubles, in another order."""
import numpy as np
from scipy.stats import spearmanr
from sklearn.metrics import (balanced_accuracy_score, confusion_matrix, mean_absolute_error, r2_score,
                             roc_auc_score)

M = (1 << 64) - 1


def draw(i, salt):
    z = (i * 0x9E3779B97F4A7C15 + salt * 0xD1342543DE82EF95 + 1) & M
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & M
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & M
    return z ^ (z >> 31)


def share(i, salt):
    return (draw(i, salt) >> 11) / 2.0**53


N, C = 500, 7
smooth = np.array([share(i, 1) for i in range(N)])
other = np.array([0.6 * share(i, 1) + 0.4 * share(i, 2) for i in range(N)])
tied = np.array([float(draw(i, 3) % 9) for i in range(N)]) + np.round(smooth * 4)
counts = np.array([int(draw(i, 4) % 4) for i in range(N)])
side = np.array([int(draw(i, 5) % 3) - 1 for i in range(N)])
score = tied + side
again = np.repeat(np.arange(N), counts)
balance = np.where(smooth > 0.5, 0.25, 3.0) * counts

p = np.array([[share(i, 10 + c) ** 3 + 0.01 for c in range(C)] for i in range(N)])
truth = np.array([int(draw(i, 30) % C) for i in range(N)])
p[np.arange(N), truth] += 0.5
p /= p.sum(1, keepdims=True)


def ece(confidence, right, weights):
    bins = np.clip(np.ceil(confidence * 15).astype(int) - 1, 0, 14)
    total = 0.0
    for b in range(15):
        m = (bins == b) & (weights > 0)
        if m.any():
            total += weights[m].sum() * abs(np.average(confidence[m], weights=weights[m])
                                            - np.average(right[m], weights=weights[m]))
    return total / weights.sum()


def show(name, value):
    print(f"{name:28s} {value:.15f}")


k = side != 0
show("spearman smooth other", spearmanr(smooth, other)[0])
show("spearman tied smooth", spearmanr(tied, smooth)[0])
show("spearman tied score", spearmanr(tied, score)[0])
show("spearman drawn again", spearmanr(tied[again], score[again])[0])
show("auc tied", roc_auc_score(side[k] > 0, score[k]))
ka = again[side[again] != 0]
show("auc drawn again", roc_auc_score(side[ka] > 0, score[ka]))
show("auc weighted", roc_auc_score(side[k] > 0, score[k], sample_weight=balance[k]))
show("r2", r2_score(smooth, other))
show("mae", mean_absolute_error(smooth, other))
w1, wc = np.ones(N), counts.astype(float)
top = p.argmax(1)
show("ece top", ece(p.max(1), (top == truth).astype(float), w1))
show("ece top drawn again", ece(p.max(1), (top == truth).astype(float), wc))
show("ece class 3", ece(p[:, 3], (truth == 3).astype(float), w1))
show("balanced accuracy", balanced_accuracy_score(truth, top))
show("balanced accuracy drawn", balanced_accuracy_score(truth, top, sample_weight=wc))
print("confusion row 2", confusion_matrix(truth, top)[2])
show("2.5 % of smooth", np.percentile(smooth, 2.5))
show("97.5 % of smooth", np.percentile(smooth, 97.5))
