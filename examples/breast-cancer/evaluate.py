"""Loads the trained model as any consumer would and prints its AUC on rows that training never saw."""

import argparse
import csv

import mlflow.sklearn
import numpy as np
from sklearn.metrics import roc_auc_score

parser = argparse.ArgumentParser()
parser.add_argument("--model", required=True)
parser.add_argument("--data", required=True)
parser.add_argument("--rows", type=int, required=True, help="how many rows the whole table has")
args = parser.parse_args()

with open(args.data, newline="") as file:
    table = np.array([row[1:] for row in csv.reader(file) if row[0] == "test"], dtype=float)

model = mlflow.sklearn.load_model(args.model)
auc = roc_auc_score(table[:, 0], model.predict_proba(table[:, 1:])[:, 1])
print(f"{len(table)} of {args.rows} rows, test_auc={auc:.5f}")
