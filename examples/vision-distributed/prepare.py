"""Splits the pictures by chance: 60 % train, 20 % val, 20 % test."""

import argparse
from pathlib import Path

import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("--images", required=True, help="an .npz with images (count x size x size), labels and names")
parser.add_argument("--seed", type=int, required=True)
parser.add_argument("--out", required=True, help="the split pictures, as .npz")
parser.add_argument("--count", required=True, help="the file that receives the number of pictures")
args = parser.parse_args()

with np.load(args.images) as data:
    images, labels, names = data["images"], data["labels"], data["names"]
if images.ndim != 3 or len(images) != len(labels) or labels.max() >= len(names):
    raise SystemExit(f"{args.images}: expected one square picture a label, and a name for each label")
order = np.random.default_rng(args.seed).permutation(len(images))
ends = [len(order) * 6 // 10, len(order) * 8 // 10]
split = {"kinds": names}
for name, rows in zip(("train", "val", "test"), np.split(order, ends), strict=True):
    split |= {f"{name}_images": images[rows], f"{name}_labels": labels[rows]}
with open(args.out, "wb") as file:
    np.savez_compressed(file, **split)
Path(args.count).write_text(str(len(images)))
print(f"{len(images)} pictures of {len(names)} kinds, {ends[0]} of them to learn from")
