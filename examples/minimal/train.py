"""Fits a polynomial to twenty points by least squares, with nothing but Python's own library."""

import argparse
import json

from points import POINTS

parser = argparse.ArgumentParser()
parser.add_argument("--degree", type=int, required=True)
parser.add_argument("--out", required=True, help="the file that receives the coefficients, lowest power first")
args = parser.parse_args()

size = args.degree + 1
# The normal equations, one row per coefficient, solved by elimination.
rows = [
    [sum(x ** (i + j) for x, _ in POINTS) for j in range(size)] + [sum(y * x**i for x, y in POINTS)]
    for i in range(size)
]
for i in range(size):
    for j in range(size):
        if i != j:
            factor = rows[j][i] / rows[i][i]
            rows[j] = [a - factor * b for a, b in zip(rows[j], rows[i], strict=True)]
coefficients = [rows[i][size] / rows[i][i] for i in range(size)]

with open(args.out, "w") as file:
    json.dump(coefficients, file)
print("coefficients, lowest power first:", coefficients)
