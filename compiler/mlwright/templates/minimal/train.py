"""Fits a polynomial to twenty points on a parabola; `error=...` is the metric of that name in mlproject.yaml."""

import argparse
import math

parser = argparse.ArgumentParser()
parser.add_argument("--degree", type=int, required=True)
args = parser.parse_args()

points = [(x / 10, 1 + 2 * (x / 10) - 3 * (x / 10) ** 2) for x in range(20)]
size = args.degree + 1
# The normal equations, one row per coefficient, solved by elimination.
rows = [
    [math.fsum(x ** (i + j) for x, _ in points) for j in range(size)] + [math.fsum(y * x**i for x, y in points)]
    for i in range(size)
]
for i in range(size):
    for j in range(size):
        if i != j:
            factor = rows[j][i] / rows[i][i]
            rows[j] = [a - factor * b for a, b in zip(rows[j], rows[i])]
curve = [rows[i][size] / rows[i][i] for i in range(size)]
print(f"error={max(abs(y - sum(c * x**i for i, c in enumerate(curve))) for x, y in points):.6f}")
