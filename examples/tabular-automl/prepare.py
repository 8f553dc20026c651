"""Writes scikit-learn's bundled diabetes table, split by chance: 60 % train, 20 % val, 20 % test."""

import argparse
from pathlib import Path

import numpy as np
from sklearn.datasets import load_diabetes

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, required=True)
parser.add_argument("--out", required=True, help="the table, as CSV")
parser.add_argument("--rows", required=True, help="the file that receives the number of rows")
args = parser.parse_args()

table = load_diabetes(as_frame=True, scaled=False).frame
parts = np.repeat(["train", "val", "test"], [len(table) * 6 // 10, len(table) * 2 // 10, len(table)])[: len(table)]
table["split"] = np.random.default_rng(args.seed).permutation(parts)
table.to_csv(args.out, index=False)
Path(args.rows).write_text(str(len(table)))
print(f"{len(table)} patients, {(table['split'] == 'train').sum()} of them to learn from")
