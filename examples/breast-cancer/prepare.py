"""Writes scikit-learn's breast-cancer table as one CSV file, split once for everyone: train, val, test."""

import argparse
import csv

import numpy as np
from sklearn.datasets import load_breast_cancer

parser = argparse.ArgumentParser()
parser.add_argument("--out", required=True, help="the table to write")
parser.add_argument("--rows", required=True, help="the file that receives the number of rows")
args = parser.parse_args()

data = load_breast_cancer()
order = np.random.default_rng(6).permutation(len(data.target))
split = np.array(["train", "val", "test"]).repeat([341, 114, 114])

with open(args.out, "w", newline="") as file:
    writer = csv.writer(file)
    writer.writerow(["split", "benign", *(name.replace(" ", "_") for name in data.feature_names)])
    for part, row in zip(split, order, strict=True):
        writer.writerow([part, data.target[row], *data.data[row]])

with open(args.rows, "w") as file:
    file.write(str(len(order)))
print(f"wrote {len(order)} rows, {data.target.mean():.1%} benign")
