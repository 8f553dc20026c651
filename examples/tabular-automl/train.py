"""Gradient boosting with XGBoost, in blocks of ten trees: prints the validation error after each, keeps the best model.

After each block its state goes to MLWRIGHT_CHECKPOINT_DIR, where that is set. A run that is started again goes on from
there, to the same model. A trial of population-based training finds the state of the trial that it descends from, and
adds its own blocks to it, with its own parameters.
"""

import argparse
import json
import os
from pathlib import Path

import pandas as pd
import xgboost

TREES = 10

parser = argparse.ArgumentParser()
parser.add_argument("--data", required=True)
parser.add_argument("--lr", type=float, required=True)
parser.add_argument("--depth", type=int, required=True)
parser.add_argument("--child", type=float, required=True, help="least weight of a leaf: here, patients")
parser.add_argument("--l2", type=float, required=True, help="penalty on large leaves")
parser.add_argument("--blocks", type=int, required=True, help="of ten trees each")
parser.add_argument("--save", choices=["true", "false"], required=True, help="false in trials: only the metric counts")
parser.add_argument("--out", required=True, help="the folder for the model, in MLflow's format")
args = parser.parse_args()

trial = os.environ.get("MLWRIGHT_TRIAL_NAME", "")
folder = os.environ.get("MLWRIGHT_CHECKPOINT_DIR", "")
kept = Path(folder, "model.ubj")


def keep(blocks, errors):
    """The model and what is known of it, in one file that is whole whenever this process is killed."""
    booster.set_attr(state=json.dumps([trial, blocks, errors]))
    booster.save_model(kept.with_stem("new"))
    kept.with_stem("new").replace(kept)


table = pd.read_csv(args.data)
features = [name for name in table.columns if name not in ("target", "split")]
parts = dict(list(table.groupby("split")))
train, val = (xgboost.DMatrix(parts[name][features], parts[name]["target"]) for name in ("train", "val"))
params = {
    "objective": "reg:squarederror",
    "eta": args.lr,
    "max_depth": args.depth,
    "min_child_weight": args.child,
    "lambda": args.l2,
    "nthread": 1,
}
booster, before, errors = xgboost.Booster(params, [train, val]), 0, []
if folder and kept.is_file():
    booster.load_model(kept)
    booster.set_param(params)
    other, before, errors = json.loads(booster.attr("state"))
    print(f"goes on after block {before} of {'this run' if other == trial else other}")
    if other == trial:
        for block, error in enumerate(errors):  # said again: a metric belongs to the attempt that says it
            print(f"block {block + 1} val_rmse={error:.5f}")
    else:
        args.blocks += before

for block in range(before, args.blocks):
    for tree in range(block * TREES, (block + 1) * TREES):
        booster.update(train, tree)
    errors.append(float(booster.eval(val).rpartition(":")[2]))
    print(f"block {block + 1} val_rmse={errors[-1]:.5f}", flush=True)
    if folder:
        keep(block + 1, errors)

best = errors.index(min(errors))
print(f"best after {best + 1} of {args.blocks} blocks")

if args.save == "true":
    # Imported late: it takes seconds, and trials do without it.
    import mlflow.xgboost

    mlflow.xgboost.save_model(
        booster[: (best + 1) * TREES],
        args.out,
        input_example=parts["val"][features].head(2),
        pip_requirements="requirements.txt",
    )
