"""Trains a random forest on the wines that ship with scikit-learn; `accuracy=...` is the metric of that name."""

import argparse

import mlflow.sklearn
from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_score

parser = argparse.ArgumentParser()
parser.add_argument("--trees", type=int)
parser.add_argument("--out")
args = parser.parse_args()

data = load_wine()
model = RandomForestClassifier(n_estimators=args.trees, random_state=0)
print(f"accuracy={cross_val_score(model, data.data, data.target).mean():.4f}")

trusted = ["sklearn.tree._tree.Tree"]  # MLflow asks before it keeps trees
mlflow.sklearn.save_model(model.fit(data.data, data.target), args.out, skops_trusted_types=trusted)
