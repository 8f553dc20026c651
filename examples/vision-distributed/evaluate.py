"""Loads the trained model as any consumer would, and judges it on pictures that training never saw."""

import argparse

import mlflow.pytorch
import torch

import net

parser = argparse.ArgumentParser()
parser.add_argument("--model", required=True)
parser.add_argument("--data", required=True)
parser.add_argument("--count", type=int, required=True, help="how many pictures there are in all")
args = parser.parse_args()

images, labels, kinds = net.part(args.data, "test")
model = mlflow.pytorch.load_model(args.model)
with torch.no_grad():
    right = (model(images).argmax(1) == labels).double()
each = {kind: right[labels == number].mean().item() for number, kind in enumerate(kinds)}
print(", ".join(f"{kind} {share:.3f}" for kind, share in each.items()))
print(f"{len(labels)} of {args.count} pictures, test_accuracy={right.mean().item():.5f}")
print(f"worst_kind={min(each.values()):.5f}")
